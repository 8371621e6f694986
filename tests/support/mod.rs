//! A world to test in: a database of its own, two companies, a server and a client.

pub mod cable;
pub mod database;
pub mod description;
pub mod fleet;
pub mod postgres;
pub mod program;
pub mod providers;
pub mod rabbit;
pub mod statements;

use std::{io::Write, net::SocketAddr, path::PathBuf, sync::Once};

use reqwest::header::HeaderMap;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use serde_json::{Map, Value, json};
use souk::{
    app,
    ids::{CompanyId, LocationId, ProductId, ShopId, VariantId},
    models::{
        audit,
        catalog::{self, NewProduct, NewVariant, SoldBy},
        companies::{self, NewCompany},
        identity::{self, Customer, NewCustomer, Person},
        inventory, ledger,
        shops::{self, NewShop},
        verify,
    },
    money::Money,
    settings::{Demo, Messaging, Retention, Settings},
    tenancy::{Device, Role, Scope, Souk, Tenant},
    translated::Translations,
    workers,
};
use tokio::{net::TcpListener, sync::OnceCell, task::JoinHandle};

use self::database::Postgres;

/// Everybody's password.
pub const PASSWORD: &str = "a-test-of-words-42";
/// How much of each variant lies in each company's shop.
pub const STOCK: [i64; 3] = [100, 50, 12];
const PRICES: [i64; 3] = [10_000, 25_050, 99_999];

static HASH: OnceCell<String> = OnceCell::const_new();
/// On which databases tests ran is said once, not by each of them.
static BOTH: Once = Once::new();
static ALONE: Once = Once::new();

/// Tells whoever runs the tests: a test that passes keeps to itself what it prints, but not this.
pub fn say(line: std::fmt::Arguments<'_>) {
    // A run whose listener has left still has its result.
    let _ = writeln!(std::io::stderr(), "{line}");
}

pub struct Company {
    pub id: CompanyId,
    pub slug: &'static str,
    pub shop: ShopId,
    pub location: LocationId,
    pub product: ProductId,
    pub variants: Vec<VariantId>,
    pub customer: Customer,
}

pub struct World {
    pub souk: Souk,
    pub a: Company,
    pub b: Company,
    pub client: Client,
    server: JoinHandle<()>,
    data_dir: PathBuf,
    database: Option<Postgres>,
}

impl World {
    /// One world for each database there is.
    pub async fn all() -> Vec<Self> {
        Self::all_with(|_| {}).await
    }

    /// As [`World::all`], under settings that are changed first.
    pub async fn all_with(change: impl Fn(&mut Settings)) -> Vec<Self> {
        let mut worlds = vec![Self::on(None, &change).await];
        match Postgres::new().await {
            Some(database) => {
                BOTH.call_once(|| say(format_args!("databases: sqlite, postgresql")));
                worlds.push(Self::on(Some(database), &change).await);
            }
            None => ALONE.call_once(|| say(format_args!("databases: sqlite (postgresql: not there, skipped)"))),
        }
        worlds
    }

    /// One on a database that is there already.
    pub async fn on_postgres(database: Postgres) -> Self {
        Self::on(Some(database), |_| {}).await
    }

    async fn on(database: Option<Postgres>, change: impl Fn(&mut Settings)) -> Self {
        let data_dir = database::temporary();
        let mut settings = Settings {
            data_dir: data_dir.clone(),
            database_url: database.as_ref().map(Postgres::url),
            migration_database_url: None,
            secret: Some("a test secret of thirty-two characters!!".into()),
            demo: Demo::None,
            base_domain: "localhost".into(),
            base_url: None,
            own_url: "http://souk.test".into(),
            smtp_url: None,
            mail_from: "Souk <no-reply@souk.test>".into(),
            messaging: Messaging::default(),
            database_connections: 10,
            hold_seconds: 600,
            paying_seconds: 1_800,
            lease_seconds: 60,
            poll_milliseconds: 50,
            rate_limits: None,
            test_gateway: true,
            trusted_proxies: String::new(),
            keep_days: 30,
            retention: Retention::default(),
            redis_url: None,
            amqp_url: None,
            metrics_token: None,
            log_statements: false,
            is_production: false,
        };
        change(&mut settings);
        if database.is_none() {
            database::sqlite(&data_dir).await;
        }
        let souk = Souk::open(settings).await.expect("an open souk");
        let platform = souk.platform("set-up").await.expect("the platform");
        companies::ensure_platform(&platform).await.expect("the platform's row");
        platform.commit().await.expect("kept");
        let a = open(&souk, "alpha", "MARKERA").await;
        let b = open(&souk, "beta", "MARKERB").await;
        identity::add_staff(&souk, "root@souk.test", "Root", hash().await, None).await.expect("a super admin");

        let (address, server) = serve(&souk).await;
        let http = http();
        let client = Client { http, address };
        Self { souk, a, b, client, server, data_dir, database }
    }

    pub fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    /// A connection around the wall, as an intruder in the database would have one.
    pub async fn raw(&self) -> DatabaseConnection {
        let mut options = ConnectOptions::new(self.souk.settings().database());
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.expect("a raw connection")
    }

    /// A client of another server over the same database, with other settings.
    pub async fn beside(&self, change: impl FnOnce(&mut Settings)) -> Client {
        let mut settings = self.souk.settings().clone();
        change(&mut settings);
        let souk = Souk::open(settings).await.expect("a second souk");
        let (address, _) = serve(&souk).await;
        Client { http: self.client.http.clone(), address }
    }

    /// Turns the workers by hand, then asks every invariant.
    pub async fn verify(&self) {
        for _ in 0..4 {
            workers::turn(&self.souk).await.expect("a turn");
        }
        let faults = verify::all(&self.souk, None).await.expect("the invariants were asked");
        assert!(faults.is_empty(), "{}: {faults:#?}", self.souk.engine());
        self.audited_by_known_words().await;
    }

    /// Whoever asks for a list of the audit may name what was written into it. `MADE_UP` is what tests write.
    async fn audited_by_known_words(&self) {
        const MADE_UP: [&str; 5] = ["act", "late", "wait", "daily", "=cmd"];
        let platform = self.souk.platform("verify").await.expect("the platform");
        let rows = platform.ask("SELECT DISTINCT resource, action FROM audit_entries", vec![]).await.expect("the words");
        for row in rows {
            let word = |name: &str| row.try_get::<String>("", name).expect("a word");
            let (resource, action) = (word("resource"), word("action"));
            let is_made_up = MADE_UP.iter().any(|made_up| action.starts_with(made_up)) && !action.starts_with("act_as");
            assert!(
                is_made_up || audit::is_known(&resource, &action),
                "say in src/models/audit/words.rs that `{action}` is done to `{resource}`"
            );
        }
    }

    /// One number out of the database, asked over all companies.
    pub async fn count(&self, question: &str) -> i64 {
        let platform = self.souk.platform("verify").await.expect("the platform");
        let rows = platform.ask(question, vec![]).await.unwrap_or_else(|error| panic!("{question}: {error}"));
        rows.first().expect("a row").try_get_by_index(0).expect("a number")
    }

    /// Leaves nothing behind.
    pub async fn close(self) {
        self.server.abort();
        if let Some(database) = self.database {
            database.drop().await;
        }
        drop(self.souk);
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }

    /// A new customer of a company with an access token, without the cost of a password.
    pub async fn customer(&self, company: &Company, email: &str) -> String {
        let customer = add_customer(&self.souk, company.id, email, "Somebody").await;
        self.token_of(company, customer).await
    }

    /// A crowd of new customers with their tokens, registered in one unit.
    pub async fn crowd(&self, company: &Company, size: usize) -> Vec<String> {
        let scope = self.souk.write(Tenant::system(company.id)).await.expect("a scope");
        let mut people = Vec::with_capacity(size);
        for number in 0..size {
            people.push(register(&scope, &format!("crowd{number}@{}.test", company.slug), "Somebody").await);
        }
        scope.commit().await.expect("kept");
        let mut tokens = Vec::with_capacity(size);
        for customer in people {
            tokens.push(self.token_of(company, customer).await);
        }
        tokens
    }

    pub async fn token_of(&self, company: &Company, customer: Customer) -> String {
        let person = Person::Customer(customer);
        identity::issue(&self.souk, Some(company.id), &person, &Device::default(), false).await.expect("tokens").access_token
    }

    /// Somebody of the company's staff: `admin`, `manager`, `staff`, `rider`.
    pub async fn staff(&self, company: &Company, role: &str) -> String {
        self.client.login(company.slug, &format!("{role}@{}.test", company.slug)).await
    }

    /// Somebody new on a company's staff, invited with `places` and come: their id and access token.
    pub async fn join(&self, company: &Company, local: &str, places: Value) -> (String, String) {
        let email = format!("{local}@{}.test", company.slug);
        let admin = self.staff(company, "admin").await;
        let body = json!({ "email": email, "name": format!("New {local}"), "assignments": places });
        let invited = self.client.post(&admin, "/api/users", &body).await.expect(201);
        let id = text(&invited["id"]);
        let link = self.invitation(company, &id).await;
        let device = Device::default();
        identity::accept(&self.souk, &link, &format!("New {local}"), PASSWORD, &device).await.expect("an arrival");
        (id, self.client.login(company.slug, &email).await)
    }

    /// The text of an invited member's link, as their letter has it.
    pub async fn invitation(&self, company: &Company, member: &str) -> String {
        let path = identity::invitation_path(&self.souk, company.id, member.parse().expect("an id")).await.expect("a link");
        path.strip_prefix("/invitation?link=").expect("a link").to_owned()
    }

    /// What a variant's stock row says: on hand and reserved.
    pub async fn stock(&self, company: &Company, index: usize) -> (i64, i64) {
        let scope = self.souk.read(Tenant::system(company.id)).await.expect("a scope");
        let rows = inventory::of_variant(&scope, company.variants[index]).await.expect("stock");
        (rows[0].on_hand, rows[0].reserved)
    }
}

async fn serve(souk: &Souk) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = app::router(souk).into_make_service_with_connect_info::<SocketAddr>();
    (address, tokio::spawn(async move { axum::serve(listener, router).await.expect("served") }))
}

async fn hash() -> String {
    HASH.get_or_init(|| async { identity::hash_password(PASSWORD).await.expect("a hash") }).await.clone()
}

async fn add_customer(souk: &Souk, company: CompanyId, email: &str, name: &str) -> Customer {
    let scope = souk.write(Tenant::system(company)).await.expect("a scope");
    let customer = register(&scope, email, name).await;
    scope.commit().await.expect("kept");
    customer
}

async fn register(scope: &Scope, email: &str, name: &str) -> Customer {
    let new = NewCustomer { email: email.into(), password: String::new(), name: name.into(), phone: Some("+919800000001".into()) };
    identity::register(scope, new, hash().await).await.expect("a customer")
}

/// A company with one shop, two products, stock and people; `marker` is in every name of it.
async fn open(souk: &Souk, slug: &'static str, marker: &str) -> Company {
    let platform = souk.platform("set-up").await.expect("the platform");
    let new = NewCompany {
        slug: slug.into(),
        name: format!("Company {slug}"),
        description: String::new(),
        currency: "INR".into(),
        zone: "Asia/Kolkata".into(),
        tax_rate: 1_800,
        tax_included: true,
        email: format!("hello@{slug}.test"),
        phone: String::new(),
        brand: None,
    };
    let id = companies::open(&platform, new).await.expect("a company").id;
    platform.commit().await.expect("kept");

    let scope = souk.write(Tenant::system(id)).await.expect("a scope");
    ledger::open_books(&scope).await.expect("books");
    let new = NewShop {
        slug: "main".into(),
        name: format!("{marker} shop"),
        kind: "store".into(),
        line1: "1 Main Road".into(),
        city: "Bengaluru".into(),
        state: "Karnataka".into(),
        postal_code: "560001".into(),
        phone: String::new(),
        lat: None,
        lng: None,
        hours: vec![],
        ..NewShop::default()
    };
    let shop = shops::open(&scope, new).await.expect("a shop");
    let place = inventory::open_location(&scope, "shop", &shop.slug, &shop.name, Some(shop.id)).await.expect("a location");
    let (product, variants) =
        catalog::add_product(&scope, new_product(slug, &format!("{marker} goods"), &PRICES)).await.expect("a product");
    for (variant, quantity) in variants.iter().zip(STOCK) {
        inventory::put_away(&scope, *variant, &place, quantity, 2).await.expect("stock");
    }
    catalog::add_product(&scope, new_product(&format!("{slug}-more"), &format!("{marker} more"), &[500])).await.expect("a product");
    scope.commit().await.expect("kept");

    for (local, role) in [("admin", Role::CompanyAdmin), ("manager", Role::ShopManager), ("staff", Role::ShopStaff), ("rider", Role::Rider)]
    {
        let place = Some((id, role, vec![shop.id]));
        identity::add_staff(souk, &format!("{local}@{slug}.test"), &format!("{marker} {local}"), hash().await, place)
            .await
            .expect("a member");
    }
    let customer = add_customer(souk, id, &format!("customer@{slug}.test"), &format!("{marker} customer")).await;
    Company { id, slug, shop: shop.id, location: place.id, product, variants, customer }
}

fn new_product(slug: &str, name: &str, prices: &[i64]) -> NewProduct {
    let variants = prices.iter().enumerate().map(|(number, price)| NewVariant {
        sku: format!("{slug}-{number}").to_uppercase(),
        barcode: None,
        name: format!("Size {number}"),
        translations: Translations::new(),
        attributes: Map::new(),
        price: Money(*price),
        compare_at_price: None,
        cost: Money(price / 2),
        sold_by: SoldBy::Unit,
    });
    NewProduct { slug: Some(slug.into()), name: name.into(), variants: variants.collect(), ..NewProduct::default() }
}

/// An HTTP client. It is built without a choice of cryptography, so that is chosen here, once a process.
pub fn http() -> reqwest::Client {
    souk::gateways::choose_cryptography();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Speaks to a server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub address: SocketAddr,
}

impl Client {
    /// A client that opens a connection for each request, since the server may be another process each time.
    pub fn of_program(address: SocketAddr) -> Self {
        souk::gateways::choose_cryptography();
        Self { http: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client"), address }
    }
}

/// What a browser says with a form of our own page.
pub const FORM: [(&str, &str); 2] = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];

/// A text inside a form's body.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A form with files as a browser sends it: its content type and its body.
pub fn parts(texts: &[(&str, &str)], files: &[(&str, &str, Vec<u8>)]) -> (String, Vec<u8>) {
    let edge = "----------a-test's-edge";
    let mut body = Vec::new();
    for (name, value) in texts {
        body.extend(format!("--{edge}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    for (field, name, bytes) in files {
        let head = format!("content-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\ncontent-type: image/png");
        body.extend(format!("--{edge}\r\n{head}\r\n\r\n").bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{edge}--\r\n").bytes());
    (format!("multipart/form-data; boundary={edge}"), body)
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Null when it is no JSON.
    pub body: Value,
    pub text: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Asserts the status, and hands on the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Where a redirect leads.
    #[track_caller]
    pub fn leads_to(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.text);
        self.headers.get("location").and_then(|value| value.to_str().ok()).expect("a place").to_owned()
    }

    /// Asserts that a page is there, and holds these texts.
    #[track_caller]
    pub fn shows(&self, texts: &[&str]) {
        assert_eq!(self.status, 200, "{}", self.text);
        for text in texts {
            assert!(self.text.contains(text), "`{text}` is not on the page:\n{}", self.text);
        }
    }

    /// The form by which a page takes back what was just done: where it goes, and what it holds.
    #[track_caller]
    pub fn undo(&self) -> (String, Vec<(String, String)>) {
        let value = |tag: &str, name: &str| {
            let value = tag.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x2F;", "/"), ("&amp;", "&")]
                .iter()
                .fold(value.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        let flash = self.text.split("data-flash").nth(1).unwrap_or_default().split("</div>").nth(1).unwrap_or_default();
        let form = flash.split_once("<form").expect("nothing is offered to take it back").1.split("</form>").next().unwrap_or_default();
        let fields = form.split("<input").skip(1).map(|tag| (value(tag, "name"), value(tag, "value")));
        (value(form, "action"), fields.collect())
    }

    /// Asserts a page that shows a refused form again, with these texts.
    #[track_caller]
    pub fn shows_refused(&self, texts: &[&str]) {
        assert_eq!(self.status, 422, "{}", self.text);
        for text in texts {
            assert!(self.text.contains(text), "`{text}` is not on the page:\n{}", self.text);
        }
    }

    /// Asserts a refusal by its status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        self.body
    }

    /// Asserts a 422 that names this code for a field.
    #[track_caller]
    pub fn wrong(self, code: &str) {
        let body = self.refused(422, "invalid_input");
        assert_eq!(body["errors"][0]["code"], code, "{body}");
    }
}

impl Client {
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        company: Option<&str>,
        body: Option<&Value>,
        extra: &[(&str, &str)],
    ) -> Answer {
        let mut headers = extra.to_vec();
        headers.extend(company.map(|slug| ("x-company", slug)));
        let text = body.map(|body| {
            headers.push(("content-type", "application/json"));
            body.to_string()
        });
        self.send(method, path, token, text, &headers).await
    }

    /// As [`Client::call`], with a body that need not be JSON.
    pub async fn send(&self, method: &str, path: &str, token: Option<&str>, body: Option<String>, headers: &[(&str, &str)]) -> Answer {
        self.try_send(method, path, token, body, headers).await.expect("an answer")
    }

    /// As [`Client::send`], to a server that may die before it has answered.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        self.send_bytes(method, path, token, body.map(String::into_bytes), headers).await
    }

    /// As [`Client::try_send`], with a body that need not be a text.
    pub async fn send_bytes(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Vec<u8>>,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        let name = method;
        let method = reqwest::Method::from_bytes(name.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body.clone() {
            request = request.body(body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let bytes = answer.bytes().await.ok()?.to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let said = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Answer { status, headers, body: said, text, bytes };
        description::hold(name, path, body.as_deref(), &answer);
        Some(answer)
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", path, Some(token), None, None, &[]).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(token), None, Some(body), &[]).await
    }

    pub async fn put(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(token), None, Some(body), &[]).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Answer {
        self.call("DELETE", path, Some(token), None, None, &[]).await
    }

    /// Sends a form with files: each with its field, its name and its bytes.
    pub async fn upload(&self, token: &str, path: &str, texts: &[(&str, &str)], files: &[(&str, &str, Vec<u8>)]) -> Answer {
        let (kind, body) = parts(texts, files);
        self.send_bytes("POST", path, Some(token), Some(body), &[("content-type", &kind)]).await.expect("an answer")
    }

    /// As [`Client::upload`], from a page of whoever has this cookie.
    pub async fn upload_form(&self, cookie: &str, path: &str, texts: &[(&str, &str)], files: &[(&str, &str, Vec<u8>)]) -> Answer {
        let (kind, body) = parts(texts, files);
        let headers = [("content-type", kind.as_str()), FORM[1], ("cookie", cookie)];
        self.send_bytes("POST", path, None, Some(body), &headers).await.expect("an answer")
    }

    pub async fn patch(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(token), None, Some(body), &[]).await
    }

    /// Signs somebody in at the door for staff: the cookie of their session.
    pub async fn sign_in(&self, email: &str) -> String {
        let form = format!("email={email}&password={PASSWORD}");
        let answer = self.send("POST", "/sign-in", None, Some(form), &FORM).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.headers.get("set-cookie").and_then(|value| value.to_str().ok()).expect("a cookie");
        cookie.split(';').next().expect("its value").to_owned()
    }

    /// A page, for whoever has this cookie.
    pub async fn page(&self, cookie: &str, path: &str) -> Answer {
        self.send("GET", path, None, None, &[("cookie", cookie)]).await
    }

    /// Sends a form of a page.
    pub async fn form(&self, cookie: &str, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let headers = [FORM[0], FORM[1], ("cookie", cookie)];
        self.send("POST", path, None, Some(pairs.join("&")), &headers).await
    }

    /// An access token for an e-mail of the company.
    pub async fn login(&self, company: &str, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.call("POST", "/api/auth/login", None, Some(company), Some(&body), &[]).await.expect(200);
        answer["accessToken"].as_str().expect("a token").to_owned()
    }
}

/// An order of one line of a company's goods.
pub fn order(company: &Company, index: usize, quantity: i64, gateway: &str, method: Option<&str>) -> Value {
    let mut body = json!({
        "shippingAddress": {
            "name": company.customer.name, "line1": "12 Lake View Road", "city": "Bengaluru", "postalCode": "560038",
            "country": "IN", "phone": "+919800000001",
        },
        "gateway": gateway,
        "items": [{ "variantId": company.variants[index], "shopId": company.shop, "quantity": quantity }],
    });
    if let Some(method) = method {
        body["paymentMethod"] = json!(method);
    }
    body
}

/// An address for the address book.
pub fn address(name: &str, is_default: bool) -> Value {
    json!({ "name": name, "line1": "12 Lake View Road", "city": "Bengaluru", "postalCode": "560038", "country": "IN", "isDefault": is_default })
}

/// A picture that is not of one colour.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 251) as u8, (y % 241) as u8, 90]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

/// The text of a field that must be one.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
