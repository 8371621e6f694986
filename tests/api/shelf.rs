//! What people find on the shelf: a physical fact is never refused, and what it takes from whom.

use serde_json::{Value, json};

use crate::support::{STOCK, World, order, text};

fn lines(world: &World, index: usize, quantity: i64) -> Value {
    json!({ "locationId": world.a.location, "lines": [{ "variantId": world.a.variants[index], "quantity": quantity }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_come_in_and_are_counted() {
    for world in World::all().await {
        let client = &world.client;
        let staff = world.staff(&world.a, "staff").await;
        let mut receipt = lines(&world, 0, 7);
        receipt["reference"] = json!("DN-17");
        let key = [("idempotency-key", "receipt-1")];
        for _ in 0..2 {
            client.call("POST", "/api/inventory/receipts", Some(&staff), None, Some(&receipt), &key).await.expect(201);
        }
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] + 7, 0));

        // Three are sold and wait to be picked: whoever counts the shelf counts them too.
        let token = world.customer(&world.a, "counted@alpha.test").await;
        client.post(&token, "/api/orders", &order(&world.a, 0, 3, "test", Some("tok_ok"))).await.expect(201);
        let counted = client.post(&staff, "/api/stock-counts", &lines(&world, 0, STOCK[0] + 7 - 2)).await.expect(201);
        assert_eq!((counted["lines"][0]["expected"].as_i64(), counted["lines"][0]["difference"].as_i64()), (Some(STOCK[0] + 7), Some(-2)));
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] + 7 - 3 - 2, 0));
        let path = format!("/api/stock-counts/{}", text(&counted["id"]));
        client.get(&staff, &path).await.expect(200);
        let neighbour = world.staff(&world.b, "staff").await;
        client.get(&neighbour, &path).await.refused(404, "not_found");
        client.post(&neighbour, "/api/stock-counts", &lines(&world, 0, 1)).await.refused(404, "not_found");

        client.post(&staff, "/api/stock-counts", &lines(&world, 0, -1)).await.wrong("out_of_range");
        let loss = json!({ "locationId": world.a.location, "quantity": 1, "reason": "broken" });
        let waste = format!("/api/inventory/{}/waste", world.a.variants[0]);
        client.post(&staff, &waste, &loss).await.refused(403, "forbidden");
        let manager = world.staff(&world.a, "manager").await;
        client.post(&manager, &waste, &loss).await.expect(200);
        let loss = json!({ "locationId": world.a.location, "quantity": 100_000, "reason": "a typing error" });
        client.post(&manager, &waste, &loss).await.refused(409, "insufficient_stock");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_comes_short_and_the_youngest_first() {
    for world in World::all().await {
        let client = &world.client;
        let staff = world.staff(&world.a, "staff").await;
        let (first, second) = (world.customer(&world.a, "first@alpha.test").await, world.customer(&world.a, "second@alpha.test").await);
        let old = client.post(&first, "/api/orders", &order(&world.a, 2, 5, "test", None)).await.expect(201);
        let young = client.post(&second, "/api/orders", &order(&world.a, 2, 5, "test", None)).await.expect(201);
        assert_eq!(world.stock(&world.a, 2).await, (STOCK[2], 10));

        client.post(&staff, "/api/stock-counts", &lines(&world, 2, 7)).await.expect(201);
        assert_eq!(world.stock(&world.a, 2).await, (7, 7));
        let pay = |placed: &Value| format!("/api/orders/{}/process-payment", text(&placed["orders"][0]["id"]));
        let paid = client.post(&second, &pay(&young), &json!({ "paymentMethod": "tok_ok" })).await.expect(200);
        assert_eq!((paid["orders"][0]["status"].as_str(), paid["orders"][0]["isShort"].as_bool()), (Some("confirmed"), Some(true)));
        assert_eq!(paid["orders"][0]["items"][0]["quantityShort"], 3);
        let paid = client.post(&first, &pay(&old), &json!({ "paymentMethod": "tok_ok" })).await.expect(200);
        assert_eq!(paid["orders"][0]["isShort"], false);
        assert_eq!(world.stock(&world.a, 2).await, (0, 0));

        let id = text(&young["orders"][0]["id"]);
        client.patch(&staff, &format!("/api/orders/{id}/status"), &json!({ "status": "processing" })).await.expect(200);
        let packed = json!({ "status": "packed" });
        client.patch(&staff, &format!("/api/orders/{id}/status"), &packed).await.refused(409, "order_short");
        client.post(&staff, &format!("/api/orders/{id}/fill"), &json!({})).await.refused(409, "insufficient_stock");
        client.post(&staff, "/api/inventory/receipts", &lines(&world, 2, 4)).await.expect(201);
        let filled = client.post(&staff, &format!("/api/orders/{id}/fill"), &json!({})).await.expect(200);
        assert_eq!(filled["isShort"], false);
        assert_eq!(world.stock(&world.a, 2).await, (1, 0));
        client.patch(&staff, &format!("/api/orders/{id}/status"), &packed).await.expect(200);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sold_goods_that_are_not_there_do_not_come_back_when_cancelled() {
    for world in World::all().await {
        let client = &world.client;
        let staff = world.staff(&world.a, "staff").await;
        let token = world.customer(&world.a, "unlucky@alpha.test").await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 2, STOCK[2], "test", Some("tok_ok"))).await.expect(201);
        assert_eq!(world.stock(&world.a, 2).await, (0, 0));
        client.post(&staff, "/api/stock-counts", &lines(&world, 2, STOCK[2] - 5)).await.expect(201);
        let path = format!("/api/orders/{}", text(&placed["orders"][0]["id"]));
        let short = client.get(&token, &path).await.expect(200);
        assert_eq!(short["items"][0]["quantityShort"], 5);
        let line = json!({ "reason": "not there", "items": [{ "id": short["items"][0]["id"], "quantity": 6 }] });
        let left = client.post(&token, &format!("{path}/cancel"), &line).await.expect(200);
        assert_eq!((left["isShort"].as_bool(), left["items"][0]["quantityShort"].as_i64()), (Some(false), Some(0)));
        // Five never existed; the sixth lies on the shelf.
        assert_eq!(world.stock(&world.a, 2).await, (1, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn counts_sales_and_cancellations_at_once_end_in_true_books() {
    for world in World::all().await {
        let mut at_work = tokio::task::JoinSet::new();
        let staff = world.staff(&world.a, "staff").await;
        for number in 0..16 {
            let token = world.customer(&world.a, &format!("busy{number}@alpha.test")).await;
            let (client, body) = (world.client.clone(), order(&world.a, 2, 1, "test", Some("tok_ok")));
            at_work.spawn(async move {
                let placed = client.post(&token, "/api/orders", &body).await;
                if placed.status == 201 && number % 2 == 0 {
                    let path = format!("/api/orders/{}/cancel", text(&placed.body["orders"][0]["id"]));
                    let answer = client.post(&token, &path, &json!({ "reason": "changed my mind" })).await;
                    assert!([200, 409].contains(&answer.status), "{}", answer.text);
                }
                assert!([201, 409].contains(&placed.status), "{}", placed.text);
            });
        }
        for counted in 0..8 {
            let (client, staff, body) = (world.client.clone(), staff.clone(), lines(&world, 2, 12 - counted));
            at_work.spawn(async move {
                let answer = client.post(&staff, "/api/stock-counts", &body).await;
                assert!([201, 503].contains(&answer.status), "{}", answer.text);
            });
        }
        while let Some(done) = at_work.join_next().await {
            done.expect("nobody met an error of ours");
        }
        world.verify().await;
        world.close().await;
    }
}
