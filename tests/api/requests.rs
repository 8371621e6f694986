//! What every endpoint refuses alike.

use std::{
    io::{Read, Write},
    net::SocketAddr,
};

use serde_json::json;

use crate::support::{Answer, PASSWORD, STOCK, World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_is_refused() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "clumsy@alpha.test").await;
        let line = json!({ "variantId": world.a.variants[0], "shopId": world.a.shop, "quantity": 1, "colour": "red" });
        client.post(&token, "/api/cart/items", &line).await.wrong("unknown_field");
        client.get(&token, "/api/products?colour=red").await.wrong("unknown_field");
        client.get(&token, "/api/products?limit=0").await.wrong("out_of_range");
        // Those that ask for nothing say so too, whether they read or write.
        for path in ["/api/cart?limit=1", "/api/products/featured?limit=1", "/api/warehouses?page=2", "/api/auth/profile?fields=name"] {
            client.get(&token, path).await.wrong("unknown_field");
        }
        let problem = client.post(&token, "/api/orders?dryRun=1", &order(&world.a, 0, 1, "test", None)).await.refused(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], "dryRun", "{problem}");

        let send = async |kind: &str, body: &str| {
            client.send("POST", "/api/cart/items", Some(&token), Some(body.to_owned()), &[("content-type", kind)]).await
        };
        send("application/json", "{\"quantity\": ").await.refused(400, "malformed_json");
        send("text/plain", "{}").await.refused(415, "unsupported_media_type");
        send("application/json", "{\"variantId\": \"\\ud800\"}").await.refused(400, "malformed_json");
        let bytes = Some(b"{\"variantId\": \"\xff\"}".to_vec());
        let kind = [("content-type", "application/json")];
        let answer = client.send_bytes("POST", "/api/cart/items", Some(&token), bytes, &kind).await.expect("an answer");
        answer.refused(400, "malformed_json");
        client.get(&token, "/api/orders/not-an-id").await.refused(404, "not_found");
        let answer = client.get(&token, "/api/nowhere").await;
        assert!(answer.headers.contains_key("x-request-id"));
        assert_eq!(answer.status, 404);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_in_place_of_an_object_is_a_wrong_type() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "ordinal@alpha.test").await;
        let line = json!([world.a.variants[0], world.a.shop, 1]);
        client.post(&token, "/api/cart/items", &line).await.wrong("invalid");
        let mut body = order(&world.a, 0, 1, "test", None);
        body["items"] = json!([line]);
        let problem = client.post(&token, "/api/orders", &body).await.refused(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], "items[0]", "{problem}");
        let person = json!(["ordinal@alpha.test", PASSWORD]);
        client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&person), &[]).await.refused(422, "invalid_input");
        world.verify().await;
        world.close().await;
    }
}

/// What the server says first to a request with this header, whose bytes need not be text.
async fn status_of(address: SocketAddr, request: String, header: &'static [u8], body: String) -> String {
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        stream.write_all(header).expect("sent");
        stream.write_all(format!("\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).expect("sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer");
        String::from_utf8_lossy(&start).into_owned()
    });
    answer.await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_decides_and_cannot_be_read_is_refused_and_nothing_happens() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "accented@alpha.test").await;
        let body = order(&world.a, 0, 1, "test", Some("tok_ok")).to_string();
        let head = |line: &str, token: &str| {
            format!("{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n")
        };
        for header in [&b"idempotency-key: \xe9-key"[..], b"idempotency-key: one\r\nidempotency-key: two"] {
            let request = head("POST /api/orders", &token);
            assert_eq!(status_of(client.address, request, header, body.clone()).await, "HTTP/1.1 422");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM orders").await, 0, "it was refused, and bought all the same");
        let admin = world.staff(&world.a, "admin").await;
        let line = format!("PATCH /api/inventory/{}", world.a.variants[0]);
        let change = json!({ "locationId": world.a.location, "quantity": 1, "operation": "add", "reason": "a delivery" }).to_string();
        assert_eq!(status_of(client.address, head(&line, &admin), b"if-match: \xff", change).await, "HTTP/1.1 422");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));

        // A scheme is read in any case; a version that there is not is refused.
        let scheme = format!("bearer {token}");
        let answer = client.send("GET", "/api/cart", None, None, &[("authorization", &scheme)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(client.send("GET", "/api/cart", Some(&token), None, &[("api-version", "1")]).await.status, 200);
        client.send("GET", "/api/cart", Some(&token), None, &[("api-version", "99")]).await.wrong("unknown");
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
        let theirs = world.customer(&world.b, "pager@beta.test").await;
        client.get(&theirs, &format!("/api/products?limit=1&cursor={cursor}")).await.wrong("cursor_invalid");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_names_the_parameter_that_it_does_not_understand() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        client
            .post(&world.customer(&world.a, "found@alpha.test").await, "/api/orders", &order(&world.a, 0, 1, "test", None))
            .await
            .expect(201);
        for path in ["/api/products?q=%21%2A", "/api/orders?q=%F0%9F%A6%84", "/api/orders?q=_"] {
            assert_eq!(client.get(&admin, path).await.expect(200)["data"], json!([]), "{path} finds what nobody asked for");
        }
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

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_may_ask_the_api_and_nothing_else() {
    for world in World::all().await {
        let client = &world.client;
        let origin = ("origin", "https://shop.example");
        let asked =
            [origin, ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization,idempotency-key")];
        let before = client.send("OPTIONS", "/api/orders", None, None, &asked).await;
        let says =
            |answer: &Answer, name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!((before.status, says(&before, "access-control-allow-origin")), (200, "https://shop.example".to_owned()));
        assert!(says(&before, "access-control-allow-headers").contains("idempotency-key"));
        let list = client.send("GET", "/api/products", None, None, &[origin, ("x-company", "alpha")]).await;
        assert_eq!(says(&list, "access-control-allow-origin"), "https://shop.example");
        assert!(says(&list, "access-control-expose-headers").contains("x-request-id"));
        let refused = client.send("GET", "/api/orders", None, None, &[origin, ("x-company", "alpha")]).await;
        assert_eq!((refused.status, says(&refused, "access-control-allow-origin")), (401, "https://shop.example".to_owned()));
        assert!(says(&list, "access-control-allow-credentials").is_empty(), "a page may send no cookies along");
        let page = client.send("GET", "/sign-in", None, None, &[origin]).await;
        assert!(says(&page, "access-control-allow-origin").is_empty(), "a portal is read from elsewhere");
        // The API hears no cookie, so that nobody is somebody by it.
        let cookie = client.sign_in("admin@alpha.test").await;
        client.send("GET", "/api/orders", None, None, &[("cookie", &cookie), ("x-company", "alpha")]).await.refused(401, "not_signed_in");
        world.close().await;
    }
}
