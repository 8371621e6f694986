//! A world to test in: a database of its own, two companies, a server and a client.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use reqwest::header::HeaderMap;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use souk::{
    app,
    ids::{CompanyId, LocationId, ProductId, ShopId, VariantId},
    models::{
        catalog::{self, NewProduct, NewVariant},
        companies::{self, NewCompany},
        identity::{self, Customer, NewCustomer, Person},
        inventory,
        shops::{self, NewShop},
        verify,
    },
    money::Money,
    settings::{Demo, Settings},
    tenancy::{Role, Souk, Tenant, database},
    workers,
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, OnceCell, Semaphore, SemaphorePermit},
    task::JoinHandle,
};
use uuid::Uuid;

/// Everybody's password.
pub const PASSWORD: &str = "a-test-of-words-42";
/// How much of each variant lies in each company's shop.
pub const STOCK: [i64; 3] = [100, 50, 12];
const PRICES: [i64; 3] = [10_000, 25_050, 99_999];

static HASH: OnceCell<String> = OnceCell::const_new();
/// A server of PostgreSQL has a hundred connections; so many worlds share them.
static PLACES: Semaphore = Semaphore::const_new(5);
/// One database is made at a time: they are copies of one template.
static MAKING: Mutex<()> = Mutex::const_new(());

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
    /// On PostgreSQL: where databases are made and dropped, and the name of ours.
    database: Option<(String, String)>,
    _place: Option<SemaphorePermit<'static>>,
}

impl World {
    /// One world for each database there is.
    pub async fn all() -> Vec<Self> {
        let mut worlds = vec![Self::on(None, None).await];
        let asked = std::env::var("TEST_DATABASE_URL").ok();
        let url = asked.clone().unwrap_or_else(|| "postgres://root@127.0.0.1:5432/test".into());
        let place = PLACES.acquire().await.expect("a place");
        match connect(&url).await {
            Some(admin) => {
                eprintln!("databases: sqlite, postgresql");
                let name = format!("souk_test_{}", Uuid::now_v7().simple());
                {
                    let _turn = MAKING.lock().await;
                    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database");
                }
                admin.close().await.expect("closed");
                worlds.push(Self::on(Some((url, name)), Some(place)).await);
            }
            None => {
                assert!(asked.is_none(), "TEST_DATABASE_URL is set, and nobody answers there");
                eprintln!("databases: sqlite (postgresql: not there, skipped)");
            }
        }
        worlds
    }

    async fn on(database: Option<(String, String)>, place: Option<SemaphorePermit<'static>>) -> Self {
        let data_dir = std::env::temp_dir().join(format!("souk-test-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&data_dir).expect("a folder");
        let settings = Settings {
            data_dir: data_dir.clone(),
            database_url: database.as_ref().map(|(admin, name)| sibling(admin, name)),
            migration_database_url: None,
            secret: Some("a test secret of thirty-two characters!!".into()),
            demo: Demo::None,
            base_domain: "localhost".into(),
            base_url: None,
            smtp_url: None,
            mail_from: "Souk <no-reply@souk.test>".into(),
            database_connections: 10,
            hold_seconds: 600,
            paying_seconds: 1_800,
            poll_milliseconds: 50,
            is_production: false,
        };
        {
            // The roles belong to the whole server: two first migrations at once would meet there.
            let _turn = MAKING.lock().await;
            database::migrate(&settings).await.expect("migrated");
        }
        let souk = Souk::open(settings).await.expect("an open souk");
        let platform = souk.platform("set-up").await.expect("the platform");
        companies::ensure_platform(&platform).await.expect("the platform's row");
        platform.commit().await.expect("kept");
        let a = open(&souk, "alpha", "MARKERA").await;
        let b = open(&souk, "beta", "MARKERB").await;
        identity::add_staff(&souk, "root@souk.test", "Root", hash().await, None).await.expect("a super admin");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = app::router(&souk).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let client = Client { http, address };
        Self { souk, a, b, client, server, data_dir, database, _place: place }
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

    /// Turns the workers by hand, then asks every invariant.
    pub async fn verify(&self) {
        for _ in 0..4 {
            workers::turn(&self.souk).await.expect("a turn");
        }
        let faults = verify::all(&self.souk, None).await.expect("the invariants were asked");
        assert!(faults.is_empty(), "{}: {faults:#?}", self.souk.engine());
    }

    /// Leaves nothing behind.
    pub async fn close(self) {
        self.server.abort();
        if let Some((admin, name)) = &self.database {
            let admin = connect(admin).await.expect("the server of databases");
            admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.expect("dropped");
            admin.close().await.expect("closed");
        }
        drop(self.souk);
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }

    /// A new customer of a company with an access token, without the cost of a password.
    pub async fn customer(&self, company: &Company, email: &str) -> String {
        let customer = add_customer(&self.souk, company.id, email, "Somebody").await;
        self.token_of(company, customer).await
    }

    pub async fn token_of(&self, company: &Company, customer: Customer) -> String {
        let person = Person::Customer(customer);
        identity::issue(&self.souk, Some(company.id), &person, "", "", false).await.expect("tokens").access_token
    }

    /// Somebody of the company's staff: `admin`, `manager`, `staff`, `rider`.
    pub async fn staff(&self, company: &Company, role: &str) -> String {
        self.client.login(company.slug, &format!("{role}@{}.test", company.slug)).await
    }

    /// What a variant's stock row says: on hand and reserved.
    pub async fn stock(&self, company: &Company, index: usize) -> (i64, i64) {
        let scope = self.souk.read(Tenant::system(company.id)).await.expect("a scope");
        let rows = inventory::of_variant(&scope, company.variants[index]).await.expect("stock");
        (rows[0].on_hand, rows[0].reserved)
    }
}

async fn connect(url: &str) -> Option<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    let second = Duration::from_secs(1);
    options.max_connections(1).connect_timeout(second).acquire_timeout(second).sqlx_logging(false);
    tokio::time::timeout(Duration::from_secs(2), Database::connect(options)).await.ok()?.ok()
}

/// The URL of another database on the same server.
fn sibling(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

async fn hash() -> String {
    HASH.get_or_init(|| async { identity::hash_password(PASSWORD).await.expect("a hash") }).await.clone()
}

async fn add_customer(souk: &Souk, company: CompanyId, email: &str, name: &str) -> Customer {
    let scope = souk.write(Tenant::system(company)).await.expect("a scope");
    let new = NewCustomer { email: email.into(), password: String::new(), name: name.into(), phone: Some("+919800000001".into()) };
    let customer = identity::register(&scope, new, hash().await).await.expect("a customer");
    scope.commit().await.expect("kept");
    customer
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
        attributes: json!({}),
        price: Money(*price),
        compare_at_price: None,
        cost: Money(price / 2),
        by_weight: false,
    });
    NewProduct {
        slug: slug.into(),
        name: name.into(),
        description: String::new(),
        translations: json!({}),
        tags: vec![],
        brand: None,
        brand_name: String::new(),
        category: None,
        shop: None,
        is_featured: false,
        origin: None,
        is_organic: false,
        variants: variants.collect(),
    }
}

/// Speaks to a world's server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub address: SocketAddr,
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Null when it is no JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// Asserts the status, and hands on the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
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
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let text = answer.text().await.expect("a text");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, body, text }
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", path, Some(token), None, None, &[]).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(token), None, Some(body), &[]).await
    }

    pub async fn patch(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(token), None, Some(body), &[]).await
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

/// The text of a field that must be one.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
