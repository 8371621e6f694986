//! Baskets that span shops, carts and checkouts of one customer at the same moment.

use serde_json::{Value, json};
use souk::{
    ids::{ShopId, VariantId},
    models::{
        idempotency::{self, Claim},
        inventory,
        shops::{self, NewShop},
    },
    tenancy::Tenant,
};

use super::rush;
use crate::support::{STOCK, World, order, text};

/// What lies in the second shop, of each of two variants.
const BESIDE: i64 = 60;

/// A second shop of company A, which has the first variant; and then, younger, the main shop's row
/// of goods that nobody had before: so the rows of the two shops are not in the order of the shops.
struct Beside {
    shop: ShopId,
    late: VariantId,
}

impl Beside {
    async fn open(world: &World) -> Self {
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        let new = NewShop {
            slug: "beside".into(),
            name: "The shop beside".into(),
            kind: "store".into(),
            line1: "2 Main Road".into(),
            city: "Bengaluru".into(),
            postal_code: "560001".into(),
            ..NewShop::default()
        };
        let shop = shops::open(&scope, new).await.expect("a shop");
        let place = inventory::open_location(&scope, "shop", &shop.slug, &shop.name, Some(shop.id)).await.expect("a place");
        inventory::put_away(&scope, world.a.variants[0], &place, BESIDE, 0).await.expect("stock");
        let more = world.client.call("GET", "/api/products/alpha-more", None, Some("alpha"), None, &[]).await.expect(200);
        let late = text(&more["variants"][0]["id"]).parse().expect("an id");
        let main = inventory::place(&scope, world.a.location).await.expect("the main shop's place");
        inventory::put_away(&scope, late, &main, BESIDE, 0).await.expect("stock");
        scope.commit().await.expect("kept");
        Self { shop: shop.id, late }
    }

    /// A piece from each shop.
    fn basket(&self, world: &World, gateway: &str, method: Option<&str>) -> Value {
        let mut body = order(&world.a, 0, 1, gateway, method);
        body["items"] = json!([
            { "variantId": self.late, "shopId": world.a.shop, "quantity": 1 },
            { "variantId": world.a.variants[0], "shopId": self.shop, "quantity": 1 },
        ]);
        body
    }
}

/// The order of a checkout that is this shop's.
fn of_shop(placed: &Value, shop: ShopId) -> Value {
    let orders = placed["orders"].as_array().expect("orders");
    orders.iter().find(|order| order["shopId"] == json!(shop)).expect("an order of the shop").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_basket_of_two_shops_is_two_orders_under_one_payment() {
    for world in World::all().await {
        let (beside, client) = (Beside::open(&world).await, &world.client);
        let token = world.customer(&world.a, "roamer@alpha.test").await;
        let placed = client.post(&token, "/api/orders", &beside.basket(&world, "test", Some("tok_ok"))).await.expect(201);
        assert_eq!(placed["orders"].as_array().map(Vec::len), Some(2), "{placed}");
        let (here, there) = (of_shop(&placed, world.a.shop), of_shop(&placed, beside.shop));
        let payment = text(&placed["payment"]["id"]);
        for order in [&here, &there] {
            assert_eq!((&order["paymentStatus"], &order["paymentId"]), (&json!("paid"), &json!(payment)), "{placed}");
        }
        let seen = client.get(&token, &format!("/api/payments/{payment}")).await.expect(200);
        assert_eq!(seen["amount"], 10_500, "{seen}");
        let mut shares: Vec<_> = seen["allocations"].as_array().expect("shares").iter().map(|share| share["amount"].clone()).collect();
        shares.sort_by_key(Value::as_i64);
        assert_eq!(shares, [json!(500), json!(10_000)]);

        // The main shop's manager sees their order, and of the payment their share.
        let manager = world.staff(&world.a, "manager").await;
        let orders = client.get(&manager, "/api/orders").await.expect(200);
        assert_eq!(orders["data"].as_array().map(Vec::len), Some(1), "{orders}");
        client.get(&manager, &format!("/api/orders/{}", text(&there["id"]))).await.refused(404, "not_found");
        let share = client.get(&manager, &format!("/api/payments/{payment}")).await.expect(200);
        assert_eq!((&share["amount"], share["allocations"].as_array().map(Vec::len)), (&json!(500), Some(1)), "{share}");

        let why = json!({ "reason": "ordered twice" });
        let gone = client.post(&token, &format!("/api/orders/{}/cancel", text(&there["id"])), &why).await.expect(200);
        assert_eq!((&gone["status"], &gone["paymentStatus"]), (&json!("cancelled"), &json!("refunded")));
        let left = client.get(&token, &format!("/api/orders/{}", text(&here["id"]))).await.expect(200);
        assert_eq!((&left["status"], &left["paymentStatus"]), (&json!("confirmed"), &json!("paid")));
        let seen = client.get(&token, &format!("/api/payments/{payment}")).await.expect(200);
        assert_eq!((&seen["status"], &seen["refunded"]), (&json!("partially_refunded"), &json!(10_000)), "{seen}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn cash_comes_in_shop_by_shop_and_what_is_called_off_is_not_asked_for() {
    for world in World::all().await {
        let (beside, client) = (Beside::open(&world).await, &world.client);
        let token = world.customer(&world.a, "cash@alpha.test").await;
        let placed = client.post(&token, "/api/orders", &beside.basket(&world, "cod", None)).await.expect(201);
        let (here, there) = (of_shop(&placed, world.a.shop), of_shop(&placed, beside.shop));
        let payment = format!("/api/payments/{}", text(&placed["payment"]["id"]));
        let admin = world.staff(&world.a, "admin").await;
        for status in ["processing", "packed", "shipped", "delivered"] {
            let path = format!("/api/orders/{}/status", text(&here["id"]));
            client.patch(&admin, &path, &json!({ "status": status })).await.expect(200);
        }
        assert_eq!(client.get(&token, &payment).await.expect(200)["status"], "pending", "the other shop's cash is still out");
        world.verify().await;
        let why = json!({ "reason": "no longer wanted" });
        let gone = client.post(&token, &format!("/api/orders/{}/cancel", text(&there["id"])), &why).await.expect(200);
        assert_eq!(gone["status"], "cancelled");
        let seen = client.get(&token, &payment).await.expect(200);
        assert_eq!((&seen["status"], &seen["amount"]), (&json!("completed"), &json!(500)), "{seen}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn baskets_of_two_shops_are_paid_beside_each_other() {
    for world in World::all().await {
        let beside = Beside::open(&world).await;
        let crowd = world.crowd(&world.a, 60).await;
        let body = beside.basket(&world, "test", Some("tok_ok"));
        for answer in rush(&world, crowd.into_iter().map(|token| (token, body.clone())).collect()).await {
            let placed = answer.expect(201);
            assert!(placed["orders"].as_array().expect("orders").iter().all(|order| order["paymentStatus"] == "paid"), "{placed}");
        }
        let sold = "SELECT COUNT(*) FROM stock_levels WHERE on_hand = 0 AND reserved = 0";
        assert_eq!(world.count(sold).await, 2, "all that was there went");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_customer_has_one_open_checkout_however_many_they_begin() {
    for world in World::all().await {
        let (beside, token) = (Beside::open(&world).await, world.customer(&world.a, "hasty@alpha.test").await);
        let (one, other) = (order(&world.a, 0, 1, "test", None), beside.basket(&world, "test", None));
        let bodies = (0..16).map(|number| (token.clone(), if number % 2 == 0 { one.clone() } else { other.clone() }));
        for answer in rush(&world, bodies.collect()).await {
            answer.expect(201);
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM checkouts WHERE state = 'open'").await, 1);
        let held = world.count("SELECT COUNT(DISTINCT checkout_id) FROM holds WHERE state = 'held'").await;
        assert_eq!(held, 1, "what earlier ones were promised is free again");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_cart_is_ordered_once_and_filled_by_every_hand() {
    for world in World::all().await {
        let token = world.customer(&world.a, "family@alpha.test").await;
        let line = json!({ "variantId": world.a.variants[0], "shopId": world.a.shop, "quantity": 1 });
        let mut hands = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (client, token, line) = (world.client.clone(), token.clone(), line.clone());
            hands.spawn(async move { client.post(&token, "/api/cart/items", &line).await });
        }
        for answer in hands.join_all().await {
            answer.expect(200);
        }
        let cart = world.client.get(&token, "/api/cart").await.expect(200);
        assert_eq!((cart["items"].as_array().map(Vec::len), &cart["items"][0]["quantity"]), (Some(1), &json!(12)), "{cart}");

        let mut body = order(&world.a, 0, 1, "test", Some("tok_ok"));
        body.as_object_mut().expect("an object").remove("items");
        let answers = rush(&world, (0..8).map(|_| (token.clone(), body.clone())).collect()).await;
        let (placed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(placed.len(), 1, "one order, and refusals");
        for answer in refused {
            answer.refused(409, "cart_empty");
        }
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] - 12, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_knows_for_good_what_it_bought() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "patient@alpha.test").await;
        let body = order(&world.a, 0, 1, "test", None);
        let key = [("idempotency-key", "for good")];
        let send = async || client.call("POST", "/api/orders", Some(&token), None, Some(&body), &key).await;
        let placed = send().await.expect(201);
        let id = text(&placed["orders"][0]["id"]);
        let pay = format!("/api/orders/{id}/process-payment");
        let declined = json!({ "paymentMethod": "tok_declined" });
        let key = [("idempotency-key", "declined")];
        let try_declined = async || client.call("POST", &pay, Some(&token), None, Some(&declined), &key).await;
        try_declined().await.refused(402, "payment_declined");
        client.post(&token, &pay, &json!({ "paymentMethod": "tok_ok" })).await.expect(200);
        try_declined().await.refused(402, "payment_declined");

        // Within a day the answer is the one that was given, later it is how the order stands.
        assert_eq!(send().await.expect(201), placed);
        let db = world.raw().await;
        let past = "UPDATE idempotency_keys SET created_at = created_at - 259200000000, lease_until = lease_until - 259200000000";
        sea_orm::ConnectionTrait::execute_unprepared(&db, past).await.expect("moved");
        db.close().await.expect("closed");
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        idempotency::let_go(&scope, souk::clock::now()).await.expect("let go");
        scope.commit().await.expect("kept");
        let again = send().await;
        assert_eq!(again.headers.get("idempotency-replayed").and_then(|value| value.to_str().ok()), Some("true"));
        let again = again.expect(201);
        assert_eq!((&again["orders"][0]["id"], &again["orders"][0]["paymentStatus"]), (&json!(id), &json!("paid")), "{again}");
        let since = try_declined().await.expect(200);
        assert_eq!(since["orders"][0]["paymentStatus"], "paid", "it was declined, and paid since: {since}");
        assert_eq!(world.count("SELECT COUNT(*) FROM orders").await, 1);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rival_for_a_key_is_not_kept_waiting() {
    for world in World::all().await.into_iter().filter(World::is_postgres) {
        let scope = async || world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        let (first, second) = (scope().await, scope().await);
        assert!(matches!(idempotency::claim(&first, "someone", "a key", "a body").await, Ok(Claim::Fresh(_))));
        let refused = idempotency::claim(&second, "someone", "a key", "a body").await.expect_err("the first is at work");
        assert_eq!(refused.code(), "idempotency_in_progress");
        drop((first, second));
        world.close().await;
    }
}
