//! Every endpoint, as everybody of company A, with the ids of company B in path, query, body and
//! header: nothing of B is shown or moved, and B's ids are answered as ids that nobody has.

mod asks;
pub(super) mod neighbour;

use serde_json::{Value, json};
use souk::{
    controllers,
    endpoints::{self, Endpoint},
    models::identity,
    tenancy::{PLATFORM_COMPANY, Role, Tenant},
};

use self::{
    asks::{Body, CHOSEN, FORM, OWN, QUERIES},
    neighbour::{COMPANY, Neighbour},
};
use crate::support::{Answer, World, parts, png, say};

/// What a role of company A's own allows its holder at their shop, besides what all staff may.
const KEEPER: [&str; 2] = ["inventory:read", "inventory:write"];

/// Somebody of company A, or of the platform.
struct Person {
    role: Role,
    /// An access token, or on pages the cookie of a session.
    key: Option<String>,
    /// One of the platform's people who acts in the company.
    is_acting: bool,
}

impl Person {
    fn may(&self, permission: &str) -> bool {
        self.role.may(permission) || (self.role == Role::Member && KEEPER.contains(&permission))
    }

    fn name(&self) -> &'static str {
        if self.is_acting { "super_admin acting" } else { self.role.name() }
    }

    /// The platform's people look at any company, and at what it owes.
    fn sees_companies(&self, address: &str, theirs: &Neighbour) -> bool {
        self.role == Role::SuperAdmin && address.contains(theirs.id(COMPANY))
    }
}

/// One question, as it is asked of the program.
struct Case<'a> {
    world: &'a World,
    theirs: &'a Neighbour,
    method: &'a str,
    address: String,
    sent: Sent,
}

enum Sent {
    Api(Body),
    Page,
    Form(Vec<(String, String)>),
}

impl Case<'_> {
    async fn ask(&self, person: &Person) -> Answer {
        self.put(person, &self.address, |text| text.to_owned()).await
    }

    /// The same about rows that nobody has.
    async fn ask_of_nobody(&self, person: &Person) -> Answer {
        self.put(person, &self.theirs.of_nobody(&self.address), |text| self.theirs.of_nobody(text)).await
    }

    async fn put(&self, person: &Person, address: &str, worded: impl Fn(&str) -> String) -> Answer {
        let (client, company) = (&self.world.client, self.world.a.slug);
        let cart = ("x-cart-token", self.theirs.cart_token.as_str());
        let key = person.key.as_deref();
        match &self.sent {
            Sent::Api(Body::Nothing) => client.call(self.method, address, key, Some(company), None, &[cart]).await,
            Sent::Api(Body::Json(body)) => {
                let body: Value = serde_json::from_str(&worded(&body.to_string())).expect("the same body");
                client.call(self.method, address, key, Some(company), Some(&body), &[cart]).await
            }
            Sent::Api(Body::Picture) => {
                let (kind, body) = parts(&[("alt", "stolen")], &[("file", "a.png", png(4, 3))]);
                let headers = [("content-type", kind.as_str()), ("x-company", company), cart];
                client.send_bytes(self.method, address, key, Some(body), &headers).await.expect("an answer")
            }
            // Whose pages they are follows from the session alone.
            Sent::Page => {
                let headers = [("cookie", key.unwrap_or("souk_session=none")), ("x-company", self.world.b.slug)];
                client.send("GET", address, None, None, &headers).await
            }
            Sent::Form(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), worded(value))).collect();
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                client.form(key.unwrap_or("souk_session=none"), address, &fields).await
            }
        }
    }

    /// Asks it about the neighbour's rows and, where the person may ask, about nobody's, which must be
    /// answered alike: what is wrong with the answers.
    async fn fault(&self, person: &Person, may: bool) -> Option<String> {
        let answer = self.ask(person).await;
        let case = format!("{} {} as {}: {} {}", self.method, self.address, person.name(), answer.status, shortened(&answer.text));
        let is_page = !matches!(self.sent, Sent::Api(_));
        if answer.status >= 500 {
            return Some(format!("it failed: {case}"));
        }
        if answer.text.contains("MARKERB") {
            return Some(format!("the neighbour is shown: {case}"));
        }
        if answer.text.contains("unknown_field") {
            return Some(format!("the matrix sends what is not asked for: {case}"));
        }
        let refusal = match (person.key.is_some(), is_page) {
            (true, _) => 403,
            (false, true) => 303,
            (false, false) => 401,
        };
        if !may {
            return (answer.status != refusal).then(|| format!("{refusal} was to be expected: {case}"));
        }
        if person.key.is_some() && answer.status == 403 {
            return Some(format!("they may: {case}"));
        }
        let asked = format!("{} {}", self.address, self.said());
        if self.theirs.of_nobody(&asked) == asked || person.sees_companies(&asked, self.theirs) {
            return None;
        }
        let other = self.ask_of_nobody(person).await;
        let is_alike = (answer.status, &answer.body["code"]) == (other.status, &other.body["code"]);
        let is_read = self.method == "GET" && !is_page && answer.status == 200;
        if is_alike && !(is_read && answer.text != self.theirs.as_theirs(&other.text)) {
            return None;
        }
        Some(format!("nobody's id is answered otherwise, {} {}: {case}", other.status, shortened(&other.text)))
    }

    /// The texts of the body that may hold an id.
    fn said(&self) -> String {
        match &self.sent {
            Sent::Api(Body::Json(body)) => body.to_string(),
            Sent::Form(fields) => fields.iter().map(|(_, value)| format!("{value} ")).collect(),
            Sent::Api(_) | Sent::Page => String::new(),
        }
    }
}

/// The beginning of an answer: a page is long.
fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

/// Everybody who may use the API, with their tokens.
async fn callers(world: &World, keeper: &str) -> Vec<Person> {
    let mut callers = Vec::new();
    for role in Role::ALL {
        let key = match role {
            Role::Public => None,
            Role::Customer => Some(world.token_of(&world.a, world.a.customer.clone()).await),
            Role::Rider => Some(world.staff(&world.a, "rider").await),
            Role::Member => Some(keeper.to_owned()),
            Role::ShopStaff => Some(world.staff(&world.a, "staff").await),
            Role::ShopManager => Some(world.staff(&world.a, "manager").await),
            Role::CompanyAdmin => Some(world.staff(&world.a, "admin").await),
            Role::SuperAdmin => Some(world.client.login("alpha", "root@souk.test").await),
        };
        callers.push(Person { role, key, is_acting: false });
    }
    callers
}

/// Everybody who may open pages, with their cookies.
async fn visitors(world: &World) -> Vec<Person> {
    let mut visitors = vec![Person { role: Role::Public, key: None, is_acting: false }];
    for (role, local) in [
        (Role::Rider, "rider"),
        (Role::Member, "keeper"),
        (Role::ShopStaff, "staff"),
        (Role::ShopManager, "manager"),
        (Role::CompanyAdmin, "admin"),
    ] {
        let cookie = world.client.sign_in(&format!("{local}@alpha.test")).await;
        visitors.push(Person { role, key: Some(cookie), is_acting: false });
    }
    let root = world.client.sign_in("root@souk.test").await;
    visitors.push(Person { role: Role::SuperAdmin, key: Some(root), is_acting: false });
    let acting = world.client.sign_in("root@souk.test").await;
    let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
    let admin = identity::admins(&scope).await.expect("admins")[0].id.to_string();
    drop(scope);
    let path = format!("/admin/companies/{}/act-as", world.a.id);
    let begun = world.client.form(&acting, &path, &[("admin", &admin), ("reason", "a ticket")]).await;
    let cookie = begun.headers.get("set-cookie").and_then(|value| value.to_str().ok()).expect("a cookie");
    let cookie = cookie.split(';').next().expect("its value").to_owned();
    visitors.push(Person { role: Role::CompanyAdmin, key: Some(cookie), is_acting: true });
    visitors
}

/// A keeper of company A's own making, who has come: their token.
async fn keeper(world: &World) -> String {
    let admin = world.staff(&world.a, "admin").await;
    let role = json!({ "name": "Stock keeper", "permissions": KEEPER });
    let role = world.client.post(&admin, "/api/roles", &role).await.expect(201);
    world.join(&world.a, "keeper", json!([{ "role": role["id"], "shopId": world.a.shop }])).await.1
}

/// The queries that a door takes, as addresses.
fn queries(door: &Endpoint, theirs: &Neighbour) -> Vec<String> {
    let of_door = QUERIES.iter().filter(|(uri, _, _)| door.method == "GET" && *uri == door.uri);
    of_door.map(|(uri, name, from)| format!("{uri}?{name}={}", theirs.id(from))).collect()
}

/// What is asked of a door of the API.
fn api_cases<'a>(world: &'a World, theirs: &'a Neighbour, door: &'a Endpoint, person: &Person) -> Vec<Case<'a>> {
    let path = theirs.path(door);
    // The platform's people act on any company, so the one that nobody may touch is named: their own.
    let is_any = person.role == Role::SuperAdmin && door.permission == "companies:write";
    let path = if is_any { path.replace(theirs.id(COMPANY), &PLATFORM_COMPANY.to_string()) } else { path };
    let case = |address, body| Case { world, theirs, method: door.method, address, sent: Sent::Api(body) };
    let queries = queries(door, theirs).into_iter().map(|address| case(address, Body::Nothing));
    std::iter::once(case(path, asks::body(door, world, theirs))).chain(queries).collect()
}

/// Whoever names the neighbour in the header, and has a token of their own company, is refused.
async fn mismatch(world: &World, theirs: &Neighbour, door: &Endpoint, person: &Person) -> Option<String> {
    if matches!(person.role, Role::Public | Role::SuperAdmin) || door.permission == "anyone" {
        return None;
    }
    let path = theirs.path(door);
    let answer = world.client.call(door.method, &path, person.key.as_deref(), Some(world.b.slug), None, &[]).await;
    let is_refused = (answer.status, answer.body["code"].as_str()) == (403, Some("company_mismatch"));
    (!is_refused).then(|| format!("{} {path} as {} of the neighbour: {} {}", door.method, person.name(), answer.status, answer.text))
}

/// What is asked of a page or its form; nothing for forms that name nobody's row.
fn page_cases<'a>(world: &'a World, theirs: &'a Neighbour, door: &'a Endpoint) -> Vec<Case<'a>> {
    let case = |address, sent| Case { world, theirs, method: door.method, address, sent };
    let form = |ids: Option<&str>| {
        let ids = ids.into_iter().flat_map(|id| [("ids".to_owned(), id.to_owned()), ("company".to_owned(), id.to_owned())]);
        FORM.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain(ids).collect()
    };
    if door.method == "GET" {
        let queries = queries(door, theirs).into_iter().map(|address| case(address, Sent::Page));
        return std::iter::once(case(theirs.path(door), Sent::Page)).chain(queries).collect();
    }
    if door.uri.ends_with("/media") {
        return vec![]; // A form with files, whose act the API's is.
    }
    if let Some((_, from)) = CHOSEN.iter().find(|(uri, _)| *uri == door.uri) {
        return vec![case(door.uri.to_owned(), Sent::Form(form(Some(theirs.id(from)))))];
    }
    if OWN.contains(&door.uri) {
        return vec![];
    }
    assert!(door.uri.contains('{'), "{} {}: say in tests/walls/matrix/asks.rs which rows its form names", door.method, door.uri);
    vec![case(theirs.path(door), Sent::Form(form(None)))]
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_or_moves_anything_of_another_company() {
    // Each database for itself: it is the longest of the walls' tests.
    let mut databases = tokio::task::JoinSet::new();
    for world in World::all().await {
        databases.spawn(everybody_asks(world));
    }
    databases.join_all().await;
}

#[test]
fn every_id_that_a_question_takes_is_asked_with_the_neighbours() {
    let described = endpoints::description(&controllers::endpoints()).expect("a description");
    let mut missing = Vec::new();
    let mut seen = 0;
    for (uri, operations) in described["paths"].as_object().expect("paths") {
        for parameter in operations["get"]["parameters"].as_array().into_iter().flatten() {
            let is_id = parameter["in"] == "query" && parameter["schema"].to_string().contains("uuid");
            let name = parameter["name"].as_str().unwrap_or_default();
            if is_id {
                seen += 1;
                missing.extend((!QUERIES.iter().any(|(at, of, _)| at == uri && *of == name)).then(|| format!("{uri}?{name}")));
            }
        }
    }
    assert!(seen >= 9, "only {seen} ids are described: is their form still `uuid`?");
    assert!(missing.is_empty(), "put whose row they name into QUERIES: {missing:?}");
}

async fn everybody_asks(world: World) {
    let theirs = Neighbour::moves_in(&world).await;
    let (mut doors, pages): (Vec<_>, Vec<_>) = controllers::endpoints().into_iter().partition(|door| door.uri.starts_with("/api"));
    // Leaving comes last: it ends the session.
    doors.sort_by_key(|door| door.uri == "/api/auth/logout");
    for (uri, _, _) in QUERIES {
        assert!(doors.iter().chain(&pages).any(|door| door.uri == *uri), "QUERIES names {uri}, which is not there");
    }
    let keeper = keeper(&world).await;
    let (mut asked, mut shown, mut wrong) = (0, 0, Vec::new());
    // A company need not subscribe to anything, and this one does not.
    let rows = doors.iter().filter(|door| door.method == "GET" && door.uri.contains("{id}") && !door.uri.ends_with("/subscription"));
    for door in rows {
        wrong.extend(theirs.cannot_look(&world, door).await);
    }
    for person in callers(&world, &keeper).await {
        for door in &doors {
            wrong.extend(mismatch(&world, &theirs, door, &person).await);
            for case in api_cases(&world, &theirs, door, &person) {
                wrong.extend(case.fault(&person, person.may(door.permission)).await);
                asked += 1;
            }
        }
    }
    for person in visitors(&world).await {
        // What stands on the platform's own pages is everybody's, for its people to see.
        let is_platforms = person.is_acting || person.role == Role::SuperAdmin;
        for door in pages.iter().filter(|door| !(is_platforms && door.uri.starts_with("/admin"))) {
            for case in page_cases(&world, &theirs, door) {
                wrong.extend(case.fault(&person, person.may(door.permission)).await);
                shown += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}: {} answers are wrong:\n{}", world.souk.engine(), wrong.len(), wrong.join("\n"));
    say(format_args!("walls, {}: {asked} questions to the API, {shown} pages and forms", world.souk.engine()));
    theirs.is_untouched(&world).await;
    world.close().await;
}
