//! Company B, and what it has: to be named by people who must not see it.

use std::collections::BTreeMap;

use sea_orm::Value as Bound;
use serde_json::{Value, json};
use souk::endpoints::Endpoint;
use uuid::Uuid;

use crate::support::{World, address, order, png, text};

/// Where the ids of a path are from: the address up to the id, and the neighbour's row that it names.
/// An address that is not here is a case that nobody has thought of.
const IDS: &[(&str, &str)] = &[
    ("/account/sessions/{id}", SESSION),
    ("/admin/companies/{id}", COMPANY),
    ("/admin/debts/{id}", "id FROM debts"),
    ("/admin/jobs/{companyId}", COMPANY),
    ("/admin/jobs/{companyId}/{id}", "id FROM jobs"),
    ("/admin/plans/{id}", COMPANY),
    ("/admin/users/{id}", "staff_id FROM members"),
    ("/api/attributes/{id}", "id FROM attributes"),
    ("/api/audit/logs/{id}", "id FROM audit_entries"),
    ("/api/audit/resource/{type}/{id}", ORDER),
    ("/api/audit/user/{id}", CUSTOMER),
    ("/api/auth/addresses/{id}", "id FROM addresses"),
    ("/api/auth/sessions/{id}", "id FROM customer_sessions"),
    ("/api/brands/{id}", BRAND),
    ("/api/cart/items/{id}", "id FROM cart_items"),
    ("/api/categories/{id}", CATEGORY),
    ("/api/companies/plans/{id}", COMPANY),
    ("/api/companies/{id}", COMPANY),
    ("/api/debts/company/{companyId}", COMPANY),
    ("/api/debts/{id}", "id FROM debts"),
    ("/api/inventory/alerts/{id}", "id FROM stock_alerts"),
    ("/api/inventory/{id}", VARIANT),
    ("/api/notifications/devices/{id}", "id FROM push_devices"),
    ("/api/notifications/templates/{id}", "id FROM notification_templates"),
    ("/api/notifications/{id}", MESSAGE),
    ("/api/orders/{id}", ORDER),
    ("/api/payments/{id}", "id FROM payments"),
    ("/api/products/{id}", PRODUCT),
    ("/api/products/{id}/media/{mediaId}", PICTURE),
    ("/api/products/{id}/variants/{variantId}", VARIANT),
    ("/api/roles/{id}", "id FROM roles"),
    ("/api/shops/{id}", SHOP),
    ("/api/shops/{id}/staff/{userId}", MEMBER),
    ("/api/stock-counts/{id}", "id FROM stock_counts"),
    ("/api/users/{id}", MEMBER),
    ("/api/wishlist/items/{id}", PRODUCT),
    ("/company/attributes/{id}", "id FROM attributes"),
    ("/company/brands/{id}", BRAND),
    ("/company/categories/{id}", CATEGORY),
    ("/company/customers/{id}", CUSTOMER),
    ("/company/debts/{id}", "id FROM debts"),
    ("/company/inventory/alerts/{id}", "id FROM stock_alerts"),
    ("/company/inventory/{id}", STOCK),
    ("/company/notifications/{id}", MESSAGE),
    ("/company/orders/{id}", ORDER),
    ("/company/products/{id}", PRODUCT),
    ("/company/products/{id}/media/{mediaId}", PICTURE),
    ("/company/roles/{id}", "id FROM roles"),
    ("/company/shops/{id}", SHOP),
    ("/company/shops/{id}/staff/{userId}", MEMBER),
    ("/company/staff/{id}", MEMBER),
    ("/messages/{id}", MESSAGE),
    ("/shop/alerts/{id}", "id FROM stock_alerts"),
    ("/shop/orders/{id}", ORDER),
    ("/shop/stock/{id}", STOCK),
    ("/switch-company/{id}", COMPANY),
    ("/views/{id}", "id FROM saved_views"),
];

/// What stands in a path and is no row of anybody's.
const WORDS: &[(&str, &str)] = &[
    ("/api/audit/resource/{type}", "order"),
    ("/api/docs/{area}", "orders"),
    ("/api/notifications/callbacks/{provider}", "twilio"),
    // A text's key is the same word in every company.
    ("/admin/settings/texts/{id}", "welcome.en"),
    ("/company/notifications/templates/{id}", "welcome.en"),
    ("/media/{*path}", "nobody's.png"),
    ("/static/{*path}", "nothing.css"),
];

/// Rows of the neighbour that are named more than once.
pub const BRAND: &str = "id FROM brands";
pub const CATEGORY: &str = "id FROM categories";
pub const COMPANY: &str = "company_id FROM members";
pub const CUSTOMER: &str = "id FROM customers";
pub const LOCATION: &str = "id FROM locations";
pub const MEMBER: &str = "id FROM members";
pub const MESSAGE: &str = "id FROM notifications";
pub const ORDER: &str = "id FROM orders";
pub const PAYMENT: &str = "id FROM payments";
pub const PICTURE: &str = "id FROM media";
pub const PRODUCT: &str = "product_id FROM media";
pub const SESSION: &str = "id FROM staff_sessions WHERE staff_id IN (SELECT staff_id FROM members WHERE company_id = $1)";
pub const SHOP: &str = "id FROM shops";
pub const STOCK: &str = "id FROM stock_levels";
pub const VARIANT: &str = "variant_id FROM order_items";

const ALSO: &[&str] = &[LOCATION, "id FROM stock_movements", PAYMENT];

pub struct Neighbour {
    pub customer: String,
    pub admin: String,
    /// The cart of somebody who is not signed in there.
    pub cart_token: String,
    /// Each row's id, and one that nobody has.
    ids: BTreeMap<&'static str, (String, String)>,
}

impl Neighbour {
    /// Gives company B one of everything, each with its marker where something has a name.
    pub async fn moves_in(world: &World) -> Self {
        let (b, client) = (&world.b, &world.client);
        let customer = world.token_of(b, b.customer.clone()).await;
        let admin = world.staff(b, "admin").await;
        client.post(&customer, "/api/orders", &order(b, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let line = json!({ "variantId": b.variants[1], "shopId": b.shop, "quantity": 1 });
        client.post(&customer, "/api/cart/items", &line).await.expect(200);
        let cart = client.call("POST", "/api/cart/items", None, Some(b.slug), Some(&line), &[]).await.expect(200);
        client.post(&customer, "/api/auth/addresses", &address("MARKERB home", true)).await.expect(201);
        client.post(&customer, "/api/wishlist/items", &json!({ "productId": b.product })).await.expect(201);
        let device = json!({ "token": "MARKERB-token", "platform": "web" });
        client.post(&customer, "/api/notifications/devices", &device).await.expect(201);

        let root = client.login("beta", "root@souk.test").await;
        let owed = json!({ "type": "loan", "amount": 5_000, "dueDate": "2090-01-31", "note": "MARKERB debt" });
        client.call("POST", "/api/debts", Some(&root), Some(b.slug), Some(&owed), &[]).await.expect(201);
        for path in ["/api/categories", "/api/brands", "/api/attributes"] {
            client.post(&admin, path, &json!({ "name": "MARKERB" })).await.expect(201);
        }
        let role = json!({ "name": "MARKERB keeper", "permissions": ["inventory:read"] });
        client.post(&admin, "/api/roles", &role).await.expect(201);
        let own = json!({ "name": "welcome", "language": "en", "subject": "MARKERB", "body": "MARKERB" });
        client.post(&admin, "/api/notifications/templates", &own).await.expect(201);
        let path = format!("/api/products/{}/media", b.product);
        client.upload(&admin, &path, &[("alt", "MARKERB")], &[("file", "a.png", png(40, 30))]).await.expect(201);
        let low = json!({ "locationId": b.location, "reorderPoint": 1_000 });
        client.put(&admin, &format!("/api/inventory/{}/reorder-point", b.variants[2]), &low).await.expect(200);
        let counted = json!({ "locationId": b.location, "lines": [{ "variantId": b.variants[1], "quantity": STOCKED }] });
        client.post(&admin, "/api/stock-counts", &counted).await.expect(201);
        let cookie = client.sign_in("admin@beta.test").await;
        client.form(&cookie, "/views", &[("address", "/company/orders?q=MARKERB"), ("name", "MARKERB")]).await.leads_to();
        world.verify().await;

        let mut ids = BTreeMap::new();
        let platform = world.souk.platform("verify").await.expect("the platform");
        for from in IDS.iter().map(|(_, from)| *from).chain(ALSO.iter().copied()) {
            let narrowed = if from.contains('$') { from.to_owned() } else { format!("{from} WHERE company_id = $1") };
            let rows = platform.ask(&format!("SELECT {narrowed} ORDER BY 1 LIMIT 1"), vec![Bound::from(b.id.0)]).await;
            let row = rows.unwrap_or_else(|error| panic!("{from}: {error}")).pop().unwrap_or_else(|| panic!("the neighbour has no {from}"));
            let id: Uuid = row.try_get_by_index(0).expect("an id");
            ids.entry(from).or_insert_with(|| (id.to_string(), Uuid::now_v7().to_string()));
        }
        drop(platform);
        Self { customer, admin, cart_token: text(&cart["token"]), ids }
    }

    /// The id of a row of theirs.
    pub fn id(&self, from: &str) -> &str {
        &self.ids[from].0
    }

    /// An endpoint's path with their ids.
    pub fn path(&self, door: &Endpoint) -> String {
        let mut path = String::new();
        let mut known = String::new();
        for part in door.uri.split('/').skip(1) {
            known = format!("{known}/{part}");
            let named = |(place, _): &&(&str, &str)| *place == known;
            let text = match (IDS.iter().find(named), WORDS.iter().find(named)) {
                (Some((_, from)), _) => self.id(from),
                (_, Some((_, word))) => word,
                _ if part.contains('{') => {
                    panic!("`{known}` names a row: say whose in IDS of tests/walls/matrix/neighbour.rs, and that the neighbour has one")
                }
                _ => part,
            };
            path = format!("{path}/{text}");
        }
        path
    }

    /// The same text with ids that nobody has.
    pub fn of_nobody(&self, text: &str) -> String {
        self.ids.values().fold(text.to_owned(), |text, (theirs, nobodys)| text.replace(theirs.as_str(), nobodys))
    }

    /// What was answered about ids that nobody has, as if it had been about theirs.
    pub fn as_theirs(&self, text: &str) -> String {
        self.ids.values().fold(text.to_owned(), |text, (theirs, nobodys)| text.replace(nobodys.as_str(), theirs))
    }

    /// Their own people do see what is behind a door that shuts others out: else the matrix would ask
    /// for nothing.
    pub async fn cannot_look(&self, world: &World, door: &Endpoint) -> Option<String> {
        let path = self.path(door);
        let (admin, customer) = (world.client.get(&self.admin, &path).await, world.client.get(&self.customer, &path).await);
        let is_shown = admin.status == 200 || customer.status == 200;
        (!is_shown).then(|| format!("the neighbour's own people find nothing at {path}: {} {}", admin.text, customer.text))
    }

    /// Nothing of theirs was moved by anybody.
    pub async fn is_untouched(&self, world: &World) {
        let (b, client) = (&world.b, &world.client);
        let order = client.get(&self.customer, &format!("/api/orders/{}", self.id(ORDER))).await.expect(200);
        assert_eq!(order["status"], "confirmed");
        let shop = client.get(&self.admin, &format!("/api/shops/{}", b.shop)).await.expect(200);
        assert_eq!(shop["name"], "MARKERB shop");
        let company = client.get(&self.admin, &format!("/api/companies/{}", b.id)).await.expect(200);
        assert_eq!(company["name"], "Company beta");
        let alerts = client.get(&self.admin, "/api/inventory/alerts?state=unseen").await.expect(200);
        assert_eq!(alerts["data"][0]["name"].as_str(), Some("MARKERB goods, Size 2"));
        let product = client.get(&self.admin, &format!("/api/products/{}", b.product)).await.expect(200);
        assert_eq!((&product["name"], &product["version"]), (&json!("MARKERB goods"), &json!(2)));
        assert_eq!(product["media"][0]["alt"], "MARKERB");
        let texts = client.get(&self.admin, "/api/notifications/templates").await.expect(200);
        assert_eq!(texts["data"].as_array().into_iter().flatten().filter(|text| text["isOwn"] == true).count(), 1);
        let cart = client.get(&self.customer, "/api/cart").await.expect(200);
        assert_eq!(cart["items"][0]["quantity"], 1);
        let token = [("x-cart-token", self.cart_token.as_str())];
        let cart = client.call("GET", "/api/cart", None, Some(b.slug), None, &token).await.expect(200);
        assert_eq!((&cart["items"][0]["quantity"], &cart["items"][1]), (&json!(1), &Value::Null), "the cart of a guest");
        let kept = client.get(&self.customer, "/api/auth/addresses").await.expect(200);
        assert_eq!((&kept["data"][0]["name"], &kept["data"][1]), (&json!("MARKERB home"), &Value::Null));
        let debt = client.get(&self.admin, &format!("/api/debts/{}", self.id("id FROM debts"))).await.expect(200);
        assert_eq!((debt["status"].as_str(), debt["amountPaid"].as_i64(), debt["version"].as_i64()), (Some("pending"), Some(0), Some(1)));
        assert_eq!(world.stock(b, 0).await, (crate::support::STOCK[0] - 1, 0));
        world.verify().await;
    }
}

/// How much of the second variant lies there, and was counted.
const STOCKED: i64 = crate::support::STOCK[1];
