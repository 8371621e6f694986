//! Stock as people change it, and the alerts that follow.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use souk::{models::inventory, tenancy::Tenant};

use crate::support::{Company, STOCK, World, order, text};

/// How often the log tells of `kind` in company A.
async fn told(world: &World, kind: &str) -> i64 {
    let db = world.raw().await;
    let ask =
        format!("SELECT COUNT(*) AS n FROM outbox WHERE kind = '{kind}' AND company_id = (SELECT id FROM companies WHERE slug = 'alpha')");
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), ask)).await.expect("a count").expect("a row");
    db.close().await.expect("closed");
    row.try_get("", "n").expect("a number")
}

/// A warehouse of a company.
async fn warehouse(world: &World, company: &Company) -> String {
    let scope = world.souk.write(Tenant::system(company.id)).await.expect("a scope");
    let place = inventory::open_location(&scope, "warehouse", "depot", "Depot", None).await.expect("a place");
    scope.commit().await.expect("kept");
    place.id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crossing_opens_one_alert_and_is_told_once() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let buyer = world.customer(&world.a, "crossing@alpha.test").await;
        let alerts = async |query: &str| client.get(&admin, &format!("/api/inventory/alerts?{query}")).await.expect(200)["data"].clone();
        // Twelve lie there, two are few.
        client.post(&buyer, "/api/orders", &order(&world.a, 2, 9, "test", Some("tok_ok"))).await.expect(201);
        assert_eq!(alerts("").await, json!([]));
        client.post(&buyer, "/api/orders", &order(&world.a, 2, 1, "test", Some("tok_ok"))).await.expect(201);
        client.post(&buyer, "/api/orders", &order(&world.a, 2, 1, "test", Some("tok_ok"))).await.expect(201);
        let low = alerts("").await;
        assert_eq!(
            (&low[0]["kind"], &low[0]["quantity"], &low[0]["threshold"], &low[1]),
            (&json!("low"), &json!(2), &json!(2), &json!(null))
        );
        assert_eq!((told(&world, "inventory.low_stock").await, told(&world, "inventory.out_of_stock").await), (1, 0));

        let staff = world.staff(&world.a, "staff").await;
        let seen = client.post(&staff, &format!("/api/inventory/alerts/{}/ack", text(&low[0]["id"])), &json!({})).await.expect(200);
        assert_eq!(seen["acknowledgedBy"], "MARKERA staff");
        assert_eq!((alerts("state=unseen").await, alerts("").await[0]["kind"].clone()), (json!([]), json!("low")));

        client.post(&buyer, "/api/orders", &order(&world.a, 2, 1, "test", Some("tok_ok"))).await.expect(201);
        let out = alerts("kind=out").await;
        assert_eq!((out[0]["kind"].as_str(), told(&world, "inventory.out_of_stock").await), (Some("out"), 1));
        assert_eq!(alerts("state=closed").await[0]["id"], low[0]["id"]);

        let path = format!("/api/inventory/{}", world.a.variants[2]);
        let more = json!({ "locationId": world.a.location, "quantity": 40, "operation": "add", "reason": "came in" });
        client.patch(&admin, &path, &more).await.expect(200);
        assert_eq!((alerts("").await, told(&world, "inventory.back_in_stock").await), (json!([]), 1));
        let late = client.post(&admin, &format!("/api/inventory/alerts/{}/ack", text(&out[0]["id"])), &json!({})).await;
        late.refused(409, "alert_closed");

        // From when on it is low is a matter of the shop.
        let few = json!({ "locationId": world.a.location, "reorderPoint": 50 });
        let put = async |body: &serde_json::Value, version: &str| {
            client.call("PUT", &format!("{path}/reorder-point"), Some(&admin), None, Some(body), &[("if-match", version)]).await
        };
        put(&few, "\"999\"").await.refused(412, "stale");
        let version = client.get(&admin, &path).await.expect(200)["locations"][0]["version"].to_string();
        assert_eq!(put(&few, &version).await.expect(200)["alert"], "low");
        assert_eq!(client.get(&admin, "/api/inventory?lowStock=true").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
        put(&json!({ "locationId": world.a.location, "reorderPoint": -1 }), "\"1\"").await.wrong("out_of_range");
        for query in ["state=gone", "kind=high"] {
            client.get(&admin, &format!("/api/inventory/alerts?{query}")).await.wrong("unknown");
        }
        let neighbour = world.staff(&world.b, "admin").await;
        assert_eq!(client.get(&neighbour, "/api/inventory/alerts?state=all").await.expect(200)["data"], json!([]));
        let theirs = client.post(&neighbour, &format!("/api/inventory/alerts/{}/ack", text(&low[0]["id"])), &json!({})).await;
        theirs.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn rivals_at_the_edge_leave_one_open_alert() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let path = format!("/api/inventory/{}", world.a.variants[2]);
        let mut rivals = tokio::task::JoinSet::new();
        for number in 0..24 {
            let (client, admin, path, location) = (world.client.clone(), admin.clone(), path.clone(), world.a.location);
            rivals.spawn(async move {
                let operation = if number % 2 == 0 { "subtract" } else { "add" };
                let change = json!({ "locationId": location, "quantity": 10, "operation": operation, "reason": "a rival" });
                client.patch(&admin, &path, &change).await.status
            });
        }
        let mut total = STOCK[2];
        let mut number = 0;
        let mut done = Vec::new();
        while let Some(status) = rivals.join_next().await {
            done.push(status.expect("a rival"));
            number += 1;
        }
        assert_eq!(number, 24);
        assert!(done.iter().all(|status| [200, 409].contains(status)), "{done:?}");
        let row = world.client.get(&admin, &path).await.expect(200)["locations"][0].clone();
        let movements = world.client.get(&admin, &format!("{path}/movements?limit=100")).await.expect(200);
        for one in movements["data"].as_array().expect("a list").iter().filter(|one| one["kind"] == "adjustment") {
            total += one["quantity"].as_i64().expect("a number");
        }
        assert_eq!(row["onHand"], total, "each change counted once");
        // Whether the alerts fit the row, and are open once, is an invariant.
        world.verify().await;
        world.close().await;
    }
}

/// What the log tells of `kind` in company A: the stock row, its shop, and the rest.
async fn told_of(world: &World, kind: &str) -> Vec<(String, String, serde_json::Value)> {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let ask = "SELECT aggregate_id, shop_id, data FROM outbox WHERE kind = $1 AND company_id = $2 ORDER BY seq";
    let rows = platform.ask(ask, vec![kind.into(), world.a.id.0.into()]).await.expect("events");
    let id = |row: &sea_orm::QueryResult, name: &str| row.try_get::<uuid::Uuid>("", name).expect("an id").to_string();
    rows.iter().map(|row| (id(row, "aggregate_id"), id(row, "shop_id"), row.try_get("", "data").expect("its data"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_promised_is_told_as_what_is_let_go() {
    for world in World::all().await {
        let client = &world.client;
        let buyer = world.customer(&world.a, "promise@alpha.test").await;
        // Two lines of the same goods are one promise; the second variant is another.
        let mut body = order(&world.a, 0, 2, "test", None);
        let line =
            |index: usize, quantity: i64| json!({ "variantId": world.a.variants[index], "shopId": world.a.shop, "quantity": quantity });
        body["items"] = json!([line(0, 2), line(1, 3), line(0, 1)]);
        let placed = client.post(&buyer, "/api/orders", &body).await.expect(201);
        let said = |index: usize, quantity: i64| json!({ "variantId": world.a.variants[index], "locationId": world.a.location, "quantity": quantity });
        let mut reserved = told_of(&world, "inventory.reserved").await;
        let data: Vec<_> = reserved.iter().map(|(.., data)| data.clone()).collect();
        assert!(data.len() == 2 && data.contains(&said(0, 3)) && data.contains(&said(1, 3)), "{data:?}");
        assert!(reserved.iter().all(|(_, shop, _)| *shop == world.a.shop.to_string()), "{reserved:?}");
        assert_eq!(told(&world, "inventory.released").await, 0);

        // What is refused was not promised.
        client.post(&buyer, "/api/orders", &order(&world.a, 2, STOCK[2] + 1, "test", None)).await.refused(409, "insufficient_stock");
        assert_eq!(told(&world, "inventory.reserved").await, 2);

        let path = format!("/api/orders/{}/cancel", text(&placed["orders"][0]["id"]));
        client.post(&buyer, &path, &json!({ "reason": "changed my mind" })).await.expect(200);
        let mut released = told_of(&world, "inventory.released").await;
        reserved.sort_by_key(|(row, ..)| row.clone());
        released.sort_by_key(|(row, ..)| row.clone());
        assert_eq!(released, reserved, "let go as it was promised");

        // Paid after its time was over, the goods are taken again.
        let late = client.post(&buyer, "/api/orders", &order(&world.a, 1, 4, "test", None)).await.expect(201);
        let hour = 3_600_000_000;
        souk::clock::shifted(hour, souk::models::orders::release_due(&world.souk, world.a.id)).await.expect("released");
        assert_eq!(told_of(&world, "inventory.released").await.last().map(|(.., data)| data.clone()), Some(said(1, 4)));
        let pay = format!("/api/orders/{}/process-payment", text(&late["orders"][0]["id"]));
        client.post(&buyer, &pay, &json!({ "paymentMethod": "tok_ok" })).await.expect(200);
        let reserved = told_of(&world, "inventory.reserved").await;
        assert_eq!(reserved[2..].iter().map(|(.., data)| data.clone()).collect::<Vec<_>>(), [said(1, 4), said(1, 4)]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_read_and_changed_in_bulk() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let depot = warehouse(&world, &world.a).await;
        let (first, second) = (world.a.variants[0], world.a.variants[1]);
        // Goods that never lay at a place are received there by the first change.
        let change = |quantity: i64, operation: &str| json!({ "locationId": depot, "quantity": quantity, "operation": operation, "reason": "first load" });
        client.patch(&admin, &format!("/api/inventory/{first}"), &change(5, "subtract")).await.refused(409, "insufficient_stock");
        let row = client.patch(&admin, &format!("/api/inventory/{first}"), &change(5, "add")).await.expect(200);
        assert_eq!((&row["onHand"], &row["warehouseId"], &row["shopId"]), (&json!(5), &json!(depot), &json!(null)));
        client.patch(&admin, &format!("/api/inventory/{}", world.b.variants[0]), &change(5, "add")).await.refused(404, "not_found");
        let warehouses = client.get(&admin, "/api/warehouses").await.expect(200);
        assert_eq!((&warehouses["data"][0]["id"], &warehouses["data"][1]), (&json!(depot), &json!(null)));
        let at_depot = client.get(&admin, &format!("/api/inventory?warehouseId={depot}&total=true")).await.expect(200);
        assert_eq!((&at_depot["data"][0]["onHand"], &at_depot["page"]["total"]), (&json!(5), &json!(1)));

        let asked = json!({ "variantIds": [first, second, world.b.variants[0]] });
        let many = client.post(&admin, "/api/inventory/bulk", &asked).await.expect(200);
        assert_eq!(many["data"][0]["locations"].as_array().map(Vec::len), Some(2));
        assert_eq!(many["data"][2]["locations"], json!([]), "the neighbour's stock is not there");
        client.post(&admin, "/api/inventory/bulk", &json!({ "variantIds": [] })).await.wrong("out_of_range");

        let one = |variant, quantity: i64, operation: &str, reason: &str| json!({ "variantId": variant, "locationId": world.a.location, "quantity": quantity, "operation": operation, "reason": reason });
        let update = async |updates| client.post(&admin, "/api/inventory/bulk-update", &json!({ "updates": updates })).await;
        update(vec![one(first, 1, "set", "counted"), one(second, 1_000, "subtract", "lost")]).await.refused(409, "insufficient_stock");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0), "one refused, none done");
        let problem = update(vec![one(first, 1, "set", "counted"), one(second, 1, "set", "")]).await.refused(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], "updates[1].reason");
        let problem =
            update(vec![one(first, 1, "set", "counted"), one(world.b.variants[0], 1, "set", "x")]).await.refused(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], "updates[1].variantId");
        update(vec![one(first, 1, "set", "x"), one(first, 2, "set", "x")]).await.wrong("repeated");
        update(vec![]).await.wrong("out_of_range");
        let done = update(vec![one(first, 90, "set", "counted"), one(second, 10, "add", "found")]).await.expect(200);
        assert_eq!(done["data"].as_array().map(Vec::len), Some(2));
        assert_eq!((world.stock(&world.a, 1).await, world.stock(&world.a, 0).await), ((STOCK[1] + 10, 0), (90, 0)));

        // What is promised to customers stays.
        let buyer = world.customer(&world.a, "holder@alpha.test").await;
        client.post(&buyer, "/api/orders", &order(&world.a, 0, 3, "test", None)).await.expect(201);
        update(vec![one(first, 2, "set", "counted")]).await.refused(409, "insufficient_stock");
        let staff = world.staff(&world.a, "staff").await;
        client
            .post(&staff, "/api/inventory/bulk-update", &json!({ "updates": [one(first, 5, "set", "x")] }))
            .await
            .refused(403, "forbidden");
        client.post(&staff, "/api/inventory/bulk", &asked).await.expect(200);
        let manager = world.staff(&world.a, "manager").await;
        client.patch(&manager, &format!("/api/inventory/{first}"), &change(5, "add")).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}
