//! From a cart to a delivered order, and what is refused on the way.

use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, STOCK, World, order, text};

/// Takes an order one step on.
async fn step(client: &Client, token: &str, id: &str, status: &str) -> Value {
    client.patch(token, &format!("/api/orders/{id}/status"), &json!({ "status": status })).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_buys_and_staff_deliver() {
    for world in World::all().await {
        let client = &world.client;
        let new = json!({ "email": "Priya@alpha.test", "password": PASSWORD, "name": "Priya", "phone": "+919800000002" });
        let welcome = client.call("POST", "/api/auth/register", None, Some("alpha"), Some(&new), &[]).await.expect(201);
        let token = text(&welcome["accessToken"]);

        let products = client.get(&token, "/api/products?q=goods").await.expect(200);
        let variant = &products["data"][0]["variants"][0];
        assert_eq!(variant["available"], STOCK[0], "{products}");
        let line = json!({ "variantId": variant["id"], "shopId": world.a.shop, "quantity": 2 });
        let cart = client.post(&token, "/api/cart/items", &line).await.expect(200);
        assert_eq!(cart["total"], 20_000);
        let line = format!("/api/cart/items/{}", text(&cart["items"][0]["id"]));
        let set = async |quantity: i64, version: &Value| {
            let version = [("if-match", format!("\"{version}\""))];
            let version = version.each_ref().map(|(name, text)| (*name, text.as_str()));
            client.call("PUT", &line, Some(&token), None, Some(&json!({ "quantity": quantity })), &version).await
        };
        let three = set(3, &cart["version"]).await.expect(200);
        assert_eq!((&three["total"], three["version"].as_i64()), (&json!(30_000), cart["version"].as_i64().map(|version| version + 1)));
        set(9, &cart["version"]).await.refused(412, "stale");
        set(2, &three["version"]).await.expect(200);
        let found = client.post(&token, "/api/cart/validate", &json!({})).await.expect(200);
        assert_eq!(found["isValid"], true, "{found}");

        let mut new = order(&world.a, 0, 1, "test", Some("tok_ok"));
        new.as_object_mut().expect("an object").remove("items");
        new["expectedTotal"] = cart["total"].clone();
        let placed = client.post(&token, "/api/orders", &new).await.expect(201);
        let made = &placed["orders"][0];
        assert_eq!((made["status"].as_str(), made["paymentStatus"].as_str()), (Some("confirmed"), Some("paid")), "{placed}");
        assert_eq!(placed["payment"]["status"], "completed");
        assert_eq!(made["pricing"]["tax"], 3_051, "18 % within 20000");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] - 2, 0));
        let cart = client.get(&token, "/api/cart").await.expect(200);
        assert_eq!(cart["items"], json!([]));

        let id = text(&made["id"]);
        let staff = world.staff(&world.a, "staff").await;
        for status in ["processing", "packed", "shipped", "delivered"] {
            assert_eq!(step(client, &staff, &id, status).await["status"], status);
        }
        let admin = world.staff(&world.a, "admin").await;
        let seen = client.get(&admin, &format!("/api/audit/resource/order/{id}")).await.expect(200);
        let mut actions: Vec<_> = seen["data"].as_array().expect("a list").iter().map(|entry| text(&entry["action"])).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["advance", "advance", "advance", "advance", "confirm", "create"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_comes_in_with_the_delivery() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "cash@alpha.test").await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 1, "cod", None)).await.expect(201);
        let made = &placed["orders"][0];
        assert_eq!((made["status"].as_str(), made["paymentStatus"].as_str()), (Some("confirmed"), Some("pending")));
        let id = text(&made["id"]);
        let staff = world.staff(&world.a, "staff").await;
        for status in ["processing", "packed", "shipped"] {
            assert_eq!(step(client, &staff, &id, status).await["paymentStatus"], "pending");
        }
        assert_eq!(step(client, &staff, &id, "delivered").await["paymentStatus"], "paid");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_comes_back() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "fickle@alpha.test").await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 1, 2, "test", Some("tok_ok"))).await.expect(201);
        assert_eq!(world.stock(&world.a, 1).await, (STOCK[1] - 2, 0));
        let id = text(&placed["orders"][0]["id"]);
        let reason = json!({ "reason": "ordered twice" });
        let order = client.post(&token, &format!("/api/orders/{id}/cancel"), &reason).await.expect(200);
        assert_eq!((order["status"].as_str(), order["paymentStatus"].as_str()), (Some("cancelled"), Some("refunded")));
        assert_eq!(world.stock(&world.a, 1).await, (STOCK[1], 0));
        world.verify().await;
        let payment = text(&placed["payment"]["id"]);
        let refunds = client.get(&token, &format!("/api/payments/{payment}/refunds")).await.expect(200);
        assert_eq!((&refunds["data"][0]["amount"], &refunds["data"][0]["status"]), (&json!(50_100), &json!("completed")));
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_be_handed_comes_back_to_the_shelf() {
    for world in World::all().await {
        let client = &world.client;
        let (staff, manager) = (world.staff(&world.a, "staff").await, world.staff(&world.a, "manager").await);
        let way_back = json!({ "status": "returned", "note": "nobody was there" });
        for (gateway, method, after) in [("test", Some("tok_ok"), "refunded"), ("cod", None, "pending")] {
            let token = world.customer(&world.a, &format!("away-{gateway}@alpha.test")).await;
            let placed = client.post(&token, "/api/orders", &order(&world.a, 1, 3, gateway, method)).await.expect(201);
            let made = &placed["orders"][0];
            let path = format!("/api/orders/{}/status", text(&made["id"]));
            // One of the three is called off first: it comes back once, and its money too.
            let one = json!({ "reason": "one less", "items": [{ "id": made["items"][0]["id"], "quantity": 1 }] });
            client.post(&token, &format!("/api/orders/{}/cancel", text(&made["id"])), &one).await.expect(200);
            for status in ["processing", "packed"] {
                let problem = client.patch(&manager, &path, &way_back).await.refused(409, "invalid_transition");
                assert!(!problem["allowed"].as_array().expect("a list").contains(&json!("returned")), "{problem}");
                step(client, &staff, &text(&made["id"]), status).await;
            }
            let shipped = step(client, &staff, &text(&made["id"]), "shipped").await;
            assert_eq!(world.stock(&world.a, 1).await, (STOCK[1] - 2, 0));

            // Money goes back with the goods: whoever may not call an order off may not take it back.
            client.patch(&staff, &path, &way_back).await.refused(403, "forbidden");
            for silent in [json!({ "status": "returned" }), json!({ "status": "returned", "note": "  " })] {
                let problem = client.patch(&manager, &path, &silent).await.refused(422, "invalid_input");
                assert_eq!(
                    (&problem["errors"][0]["field"], &problem["errors"][0]["code"]),
                    (&json!("note"), &json!("required")),
                    "{problem}"
                );
            }
            let stale = [("if-match", "\"1\"")];
            client.call("PATCH", &path, Some(&manager), None, Some(&way_back), &stale).await.refused(412, "stale");
            let tries = async || client.patch(&manager, &path, &way_back).await;
            let answers = tokio::join!(tries(), tries(), tries(), tries());
            let answers = [answers.0, answers.1, answers.2, answers.3];
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "one of four takes it back");
            let order = client.get(&manager, &format!("/api/orders/{}", text(&made["id"]))).await.expect(200);
            assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("returned"), &json!(after)), "from {shipped}");
            assert_eq!((&order["items"][0]["quantityReturned"], &order["items"][0]["quantityCancelled"]), (&json!(2), &json!(1)));
            assert_eq!(world.stock(&world.a, 1).await, (STOCK[1], 0));
            let problem = client.patch(&manager, &path, &json!({ "status": "delivered" })).await.refused(409, "invalid_transition");
            assert_eq!(problem["allowed"], json!([]));
            world.verify().await;
            let payment = client.get(&token, &format!("/api/payments/{}", text(&placed["payment"]["id"]))).await.expect(200);
            let kept = payment["amount"].as_i64().expect("money") - payment["refunded"].as_i64().expect("money");
            assert_eq!(kept, 0, "{payment}");
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_refused_with_the_facts() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "greedy@alpha.test").await;
        let problem = client.post(&token, "/api/orders", &order(&world.a, 2, STOCK[2] + 1, "test", None)).await;
        let problem = problem.refused(409, "insufficient_stock");
        assert_eq!(problem["lines"][0]["requested"], STOCK[2] + 1, "{problem}");
        assert_eq!(problem["lines"][0]["available"], STOCK[2], "{problem}");
        assert_eq!(world.stock(&world.a, 2).await, (STOCK[2], 0));

        let mut dear = order(&world.a, 0, 1, "test", None);
        dear["expectedTotal"] = json!(1);
        let problem = client.post(&token, "/api/orders", &dear).await.refused(409, "total_changed");
        assert_eq!(problem["total"], 10_000);

        client.post(&token, "/api/orders", &order(&world.b, 0, 1, "test", None)).await.wrong("unknown");
        for (field, value) in [("deliverySlotId", json!(world.a.shop)), ("loyaltyPoints", json!(5))] {
            let mut wish = order(&world.a, 0, 1, "test", None);
            wish[field] = value;
            client.post(&token, "/api/orders", &wish).await.wrong("not_offered");
        }

        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let path = format!("/api/orders/{}/status", text(&placed["orders"][0]["id"]));
        let staff = world.staff(&world.a, "staff").await;
        let problem = client.patch(&staff, &path, &json!({ "status": "delivered" })).await.refused(409, "invalid_transition");
        assert_eq!((&problem["state"], &problem["allowed"]), (&json!("confirmed"), &json!(["processing", "cancelled"])));
        // Every move that a refusal allows can be made, by whoever may call orders off.
        let way_back = json!({ "status": "cancelled", "note": "the shelf fell down" });
        client.patch(&staff, &path, &way_back).await.refused(403, "forbidden");
        let manager = world.staff(&world.a, "manager").await;
        let silent = client.patch(&manager, &path, &json!({ "status": "cancelled" })).await.refused(422, "invalid_input");
        assert_eq!(silent["errors"][0]["field"], "note", "{silent}");
        let stale = [("if-match", "\"1\"")];
        client.call("PATCH", &path, Some(&manager), None, Some(&way_back), &stale).await.refused(412, "stale");
        let order = client.patch(&manager, &path, &way_back).await.expect(200);
        assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("cancelled"), &json!("refunded")), "{order}");
        let told = order["statusHistory"].as_array().expect("a history").last().expect("its end").clone();
        assert_eq!((&told["status"], &told["note"]), (&json!("cancelled"), &json!("the shelf fell down")));
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));
        client.patch(&manager, &path, &way_back).await.refused(409, "invalid_transition");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_one_order() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "twice@alpha.test").await;
        let key = [("idempotency-key", "7c0f")];
        let body = order(&world.a, 0, 1, "test", Some("tok_ok"));
        let first = client.call("POST", "/api/orders", Some(&token), None, Some(&body), &key).await;
        assert!(first.headers.get("idempotency-replayed").is_none());
        let again = client.call("POST", "/api/orders", Some(&token), None, Some(&body), &key).await;
        assert_eq!(again.headers.get("idempotency-replayed").and_then(|value| value.to_str().ok()), Some("true"));
        assert_eq!(first.expect(201), again.expect(201));
        let other = order(&world.a, 0, 2, "test", Some("tok_ok"));
        let other = client.call("POST", "/api/orders", Some(&token), None, Some(&other), &key).await;
        other.refused(422, "idempotency_key_reused");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] - 1, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_called_off_while_it_is_here_and_told_of() {
    for world in World::all().await {
        let client = &world.client;
        let manager = world.staff(&world.a, "manager").await;
        let token = world.customer(&world.a, "less@alpha.test").await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 3, "cod", None)).await.expect(201);
        let made = &placed["orders"][0];
        let path = format!("/api/orders/{}", text(&made["id"]));
        let some = |quantity: i64| json!({ "reason": "one less", "items": [{ "id": made["items"][0]["id"], "quantity": quantity }] });
        client.post(&manager, &format!("{path}/cancel"), &some(4)).await.wrong("out_of_range");
        client.post(&manager, &format!("{path}/cancel"), &some(1)).await.expect(200);
        let told = "SELECT COUNT(*) FROM outbox WHERE kind = 'order.items_cancelled'";
        assert_eq!(world.count(told).await, 1, "cash that is not asked for is told of too");
        let payment = client.get(&token, &format!("/api/payments/{}", text(&placed["payment"]["id"]))).await.expect(200);
        assert_eq!(payment["amount"], 20_000, "{payment}");

        // The parcel's number: kept when a step brings none, and within bounds.
        let step = async |status: &str, number: &str| {
            client.patch(&manager, &format!("{path}/status"), &json!({ "status": status, "trackingNumber": number })).await
        };
        step("processing", &"9".repeat(101)).await.wrong("too_long");
        step("processing", "AWB\n7").await.wrong("invalid_character");
        assert_eq!(step("processing", " AWB 7 ").await.expect(200)["trackingNumber"], "AWB 7");
        assert_eq!(step("packed", "").await.expect(200)["trackingNumber"], "AWB 7");
        step("shipped", "").await.expect(200);

        // What has left the shop, or is gone already, is refused as such, whatever is asked of its lines.
        client.post(&manager, &format!("{path}/cancel"), &some(1)).await.refused(409, "invalid_transition");
        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let made = &placed["orders"][0];
        let path = format!("/api/orders/{}/cancel", text(&made["id"]));
        client.post(&token, &path, &json!({ "reason": "not now" })).await.expect(200);
        let again = json!({ "reason": "not now", "items": [{ "id": made["items"][0]["id"], "quantity": 1 }] });
        client.post(&token, &path, &again).await.refused(409, "invalid_transition");
        world.verify().await;
        world.close().await;
    }
}
