//! Tax follows the goods: each line has its category's rate, in the cart, on the order, in the
//! books and when it goes back.

use serde_json::{Value, json};

use crate::support::{World, order, text};

/// What the test's shop sells, and the categories that tax it.
struct Shelf {
    /// Has no rate of its own; above it lies food, at 5 %.
    fruit: String,
    mango: String,
    /// Books are taxed at nothing.
    atlas: String,
    /// In a category without a rate and nothing above it: the company's 18 %.
    lamp: String,
}

/// A category of company A.
async fn category(world: &World, admin: &str, body: Value) -> String {
    text(&world.client.post(admin, "/api/categories", &body).await.expect(201)["id"])
}

/// A product of one variant with stock in company A's shop; the variant.
async fn goods(world: &World, admin: &str, name: &str, category: &str, price: i64) -> String {
    let new = json!({ "name": name, "categoryId": category, "variants": [{ "sku": name.to_uppercase(), "name": "", "price": price }] });
    let variant = text(&world.client.post(admin, "/api/products", &new).await.expect(201)["variants"][0]["id"]);
    let receipt = json!({ "locationId": world.a.location, "lines": [{ "variantId": variant, "quantity": 50 }] });
    world.client.post(admin, "/api/inventory/receipts", &receipt).await.expect(201);
    variant
}

impl Shelf {
    async fn fill(world: &World, admin: &str) -> Self {
        let food = category(world, admin, json!({ "name": "Food", "taxRate": 500 })).await;
        let fruit = category(world, admin, json!({ "name": "Fruit", "parentId": food })).await;
        let books = category(world, admin, json!({ "name": "Books", "taxRate": 0 })).await;
        let home = category(world, admin, json!({ "name": "Home" })).await;
        Self {
            mango: goods(world, admin, "Mango", &fruit, 9_999).await,
            atlas: goods(world, admin, "Atlas", &books, 25_000).await,
            lamp: goods(world, admin, "Lamp", &home, 33_333).await,
            fruit,
        }
    }

    /// Three mangoes, an atlas and two lamps.
    fn basket(&self, world: &World) -> Vec<Value> {
        let line = |variant: &str, quantity: i64| json!({ "variantId": variant, "shopId": world.a.shop, "quantity": quantity });
        vec![line(&self.mango, 3), line(&self.atlas, 1), line(&self.lamp, 2)]
    }
}

/// What the books say company A owes the treasury.
async fn owed(world: &World) -> i64 {
    world.count("SELECT CAST(COALESCE(SUM(credit) - SUM(debit), 0) AS bigint) FROM ledger_entries WHERE account = 'tax_payable'").await
}

/// Rate and tax of each line.
fn taxes(lines: &Value) -> Vec<(i64, i64)> {
    let figure = |line: &Value, name: &str| line[name].as_i64().unwrap_or_else(|| panic!("no {name}: {line}"));
    lines.as_array().expect("lines").iter().map(|line| (figure(line, "taxRate"), figure(line, "tax"))).collect()
}

/// The figures of a journey.
struct Figures {
    included: bool,
    taxes: [(i64, i64); 3],
    tax: i64,
    total: i64,
    /// What comes back for a mango and then for a lamp, and the tax in it.
    back: [(i64, i64); 2],
}

/// Sells a mixed basket and takes it back piece by piece.
async fn sell_and_take_back(world: &World, admin: &str, buyer: &str, shelf: &Shelf, figures: &Figures) {
    let client = &world.client;
    let settings = json!({ "taxIncluded": figures.included });
    client.patch(admin, &format!("/api/companies/{}/settings", world.a.id), &settings).await.expect(200);
    let owed_before = owed(world).await;

    for line in shelf.basket(world) {
        client.post(buyer, "/api/cart/items", &line).await.expect(200);
    }
    let cart = client.get(buyer, "/api/cart").await.expect(200);
    assert_eq!(taxes(&cart["items"]), figures.taxes);
    let summary = client.get(buyer, "/api/cart/summary").await.expect(200);
    for shown in [&cart, &summary] {
        assert_eq!((&shown["tax"], &shown["total"]), (&json!(figures.tax), &json!(figures.total)), "{shown}");
    }

    let mut body = order(&world.a, 0, 1, "test", Some("tok_ok"));
    body.as_object_mut().expect("an object").remove("items");
    body["expectedTotal"] = cart["total"].clone();
    let placed = client.post(buyer, "/api/orders", &body).await.expect(201);
    let made = &placed["orders"][0];
    assert_eq!(taxes(&made["items"]), figures.taxes);
    let pricing = &made["pricing"];
    assert_eq!(
        (&pricing["tax"], &pricing["total"], &pricing["taxIncluded"]),
        (&json!(figures.tax), &json!(figures.total), &json!(figures.included))
    );
    assert_eq!(placed["payment"]["amount"], figures.total);
    assert_eq!(owed(world).await - owed_before, figures.tax);

    // Another rate tomorrow changes nothing that was sold today.
    let rate = async |rate: Value| {
        client.put(admin, &format!("/api/categories/{}", shelf.fruit), &json!({ "taxRate": rate })).await.expect(200);
    };
    rate(json!(1_200)).await;
    let id = text(&made["id"]);
    let refunds = format!("/api/payments/{}/refunds", text(&placed["payment"]["id"]));
    let mut left = (figures.total, figures.tax);
    for (index, (amount, tax)) in [0, 2].into_iter().zip(figures.back) {
        let body = json!({ "reason": "one less", "items": [{ "id": made["items"][index]["id"], "quantity": 1 }] });
        client.post(buyer, &format!("/api/orders/{id}/cancel"), &body).await.expect(200);
        let refunds = client.get(buyer, &refunds).await.expect(200);
        assert_eq!(refunds["data"].as_array().and_then(|all| all.last()).expect("a refund")["amount"], amount);
        left = (left.0 - amount, left.1 - tax);
        assert_eq!(owed(world).await - owed_before, left.1);
        world.verify().await;
    }
    client.post(buyer, &format!("/api/orders/{id}/cancel"), &json!({ "reason": "nothing at all" })).await.expect(200);
    let last = client.get(buyer, &refunds).await.expect(200);
    assert_eq!(last["data"].as_array().and_then(|all| all.last()).expect("a refund")["amount"], left.0);
    assert_eq!(owed(world).await, owed_before, "what was not sold is not taxed");
    rate(json!(null)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_has_the_rate_of_its_category() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let buyer = world.customer(&world.a, "mixed@alpha.test").await;
        let shelf = Shelf::fill(&world, &admin).await;
        let included = Figures {
            included: true,
            taxes: [(500, 1_428), (0, 0), (1_800, 10_169)],
            tax: 11_597,
            total: 121_663,
            back: [(9_999, 476), (33_333, 5_085)],
        };
        sell_and_take_back(&world, &admin, &buyer, &shelf, &included).await;
        let on_top = Figures {
            included: false,
            taxes: [(500, 1_500), (0, 0), (1_800, 12_000)],
            tax: 13_500,
            total: 135_163,
            back: [(10_499, 500), (39_333, 6_000)],
        };
        sell_and_take_back(&world, &admin, &buyer, &shelf, &on_top).await;
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_rate_counts_and_a_new_one_is_a_new_total() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let buyer = world.customer(&world.a, "nearest@alpha.test").await;
        let shelf = Shelf::fill(&world, &admin).await;
        let settings = json!({ "taxIncluded": false });
        client.patch(&admin, &format!("/api/companies/{}/settings", world.a.id), &settings).await.expect(200);
        client.post(&buyer, "/api/cart/items", &shelf.basket(&world)[0]).await.expect(200);
        let seen = client.get(&buyer, "/api/cart").await.expect(200);
        assert_eq!(taxes(&seen["items"]), [(500, 1_500)], "food's, through fruit");

        let path = format!("/api/categories/{}", shelf.fruit);
        client.put(&admin, &path, &json!({ "taxRate": 300 })).await.expect(200);
        let now = client.get(&buyer, "/api/cart").await.expect(200);
        assert_eq!(taxes(&now["items"]), [(300, 900)], "its own, which is nearer");
        let mut body = order(&world.a, 0, 1, "cod", None);
        body.as_object_mut().expect("an object").remove("items");
        body["expectedTotal"] = seen["total"].clone();
        let problem = client.post(&buyer, "/api/orders", &body).await.refused(409, "total_changed");
        assert_eq!(problem["total"], now["total"]);

        // Cash on delivery that is called off was never owed to anybody.
        body["expectedTotal"] = now["total"].clone();
        let placed = client.post(&buyer, "/api/orders", &body).await.expect(201);
        assert_eq!(owed(&world).await, 900);
        let made = &placed["orders"][0];
        let less = json!({ "reason": "one less", "items": [{ "id": made["items"][0]["id"], "quantity": 1 }] });
        let path = format!("/api/orders/{}/cancel", text(&made["id"]));
        client.post(&buyer, &path, &less).await.expect(200);
        assert_eq!(owed(&world).await, 600);
        world.verify().await;
        client.post(&buyer, &path, &json!({ "reason": "nothing" })).await.expect(200);
        assert_eq!(owed(&world).await, 0);
        world.verify().await;
        world.close().await;
    }
}
