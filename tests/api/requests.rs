//! What every endpoint refuses alike.

use std::io::{Read, Write};

use serde_json::json;

use crate::support::{World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_is_refused() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "clumsy@alpha.test").await;
        let line = json!({ "variantId": world.a.variants[0], "shopId": world.a.shop, "quantity": 1, "colour": "red" });
        client.post(&token, "/api/cart/items", &line).await.wrong("unknown_field");
        client.get(&token, "/api/products?colour=red").await.wrong("unknown_field");
        client.get(&token, "/api/products?limit=0").await.wrong("out_of_range");

        let send = async |kind: &str, body: &str| {
            client.send("POST", "/api/cart/items", Some(&token), Some(body.to_owned()), &[("content-type", kind)]).await
        };
        send("application/json", "{\"quantity\": ").await.refused(400, "malformed_json");
        send("text/plain", "{}").await.refused(415, "unsupported_media_type");
        client.get(&token, "/api/orders/not-an-id").await.refused(404, "not_found");
        let answer = client.get(&token, "/api/nowhere").await;
        assert!(answer.headers.contains_key("x-request-id"));
        assert_eq!(answer.status, 404);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_two_megabytes_is_too_large() {
    for world in World::all().await {
        let token = world.customer(&world.a, "wordy@alpha.test").await;
        let address = world.client.address;
        // By hand: the server answers before it has read the body, which a client may take for an error.
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).expect("a connection");
            let head = format!(
                "POST /api/cart/items HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 2097152\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).expect("sent");
            let mut start = [0; 12];
            stream.read_exact(&mut start).expect("an answer");
            String::from_utf8_lossy(&start).into_owned()
        });
        assert_eq!(answer.await.expect("an answer"), "HTTP/1.1 413");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_fits_its_own_list_only() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "pager@alpha.test").await;
        let first = client.get(&token, "/api/products?limit=1").await.expect(200);
        let cursor = text(&first["page"]["next"]);
        let second = client.get(&token, &format!("/api/products?limit=1&cursor={cursor}")).await.expect(200);
        assert_ne!(first["data"][0]["id"], second["data"][0]["id"]);
        let flipped = if cursor.starts_with('A') { "B" } else { "A" };
        let tampered = format!("{flipped}{}", &cursor[1..]);
        client.get(&token, &format!("/api/products?limit=1&cursor={tampered}")).await.wrong("cursor_invalid");
        client.get(&token, &format!("/api/products?limit=1&sort=price&cursor={cursor}")).await.wrong("cursor_invalid");
        client.get(&token, &format!("/api/orders?cursor={cursor}")).await.wrong("cursor_invalid");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_names_the_parameter_that_it_does_not_understand() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        for (path, field, code) in [
            ("/api/orders?status=lost", "status", "unknown"),
            ("/api/orders?paymentStatus=perhaps", "paymentStatus", "unknown"),
            ("/api/orders?limit=many", "limit", "invalid"),
            ("/api/orders?total=perhaps", "total", "invalid"),
            ("/api/companies?status=lost", "status", "unknown"),
            ("/api/products?sort=luck", "sort", "unknown"),
            ("/api/products/suggest", "q", "required"),
            ("/api/inventory/alerts?state=lost", "state", "unknown"),
            ("/api/users?role=king", "role", "unknown"),
            ("/api/debts?status=lost", "status", "unknown"),
            ("/api/debts?type=lost", "type", "unknown"),
            ("/api/notifications/deliveries?channel=pigeon", "channel", "invalid"),
            ("/api/notifications/deliveries?state=lost", "state", "unknown"),
            ("/api/audit/export?format=pdf", "format", "unknown"),
        ] {
            let refusal = client.get(&admin, path).await.refused(422, "invalid_input");
            let first = &refusal["errors"][0];
            assert_eq!((first["field"].as_str(), first["code"].as_str()), (Some(field), Some(code)), "{path}: {refusal}");
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_orders_says_how_many_there_are() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "counted@alpha.test").await;
        for method in ["tok_ok", "tok_ok", "tok_declined"] {
            client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some(method))).await.expect(201);
        }
        let theirs = world.customer(&world.b, "counted@beta.test").await;
        client.post(&theirs, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);

        let page = async |path: &str| client.get(&token, path).await.expect(200)["page"].clone();
        let all = page("/api/orders?total=true&limit=1").await;
        assert_eq!((all["total"].as_u64(), all["totalIsLowerBound"].as_bool()), (Some(3), Some(false)), "{all}");
        assert!(all["next"].is_string(), "{all}");
        assert_eq!(page("/api/orders?total=true&paymentStatus=paid").await["total"], 2);
        assert_eq!(page("/api/orders").await.get("total"), None, "nobody asked");
        let admin = world.staff(&world.a, "admin").await;
        assert_eq!(client.get(&admin, "/api/orders?total=true").await.expect(200)["page"]["total"], 3);
        let root = client.login("alpha", "root@souk.test").await;
        client.get(&root, "/api/orders?total=true").await.wrong("needs_company");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_beyond_their_role_or_company() {
    for world in World::all().await {
        let client = &world.client;
        let staff = world.staff(&world.a, "staff").await;
        client.post(&staff, "/api/shops", &json!({ "slug": "mine", "name": "Mine" })).await.refused(403, "forbidden");
        let theirs = world.customer(&world.b, "buyer@beta.test").await;
        let placed = client.post(&theirs, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let path = format!("/api/orders/{}", text(&placed["orders"][0]["id"]));
        let mine = world.customer(&world.a, "buyer@alpha.test").await;
        client.get(&mine, &path).await.refused(404, "not_found");
        client.get(&staff, &path).await.refused(404, "not_found");
        let answer = client.call("GET", "/api/orders", Some(&mine), Some("beta"), None, &[]).await;
        answer.refused(403, "company_mismatch");
        world.verify().await;
        world.close().await;
    }
}
