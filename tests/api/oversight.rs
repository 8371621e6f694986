//! The platform's people without `X-Company`: what they read across companies, and what they do not.

use serde_json::{Value, json};

use crate::support::{World, order, text};

/// The lists that are read across companies.
const LISTS: [&str; 5] = ["/api/orders", "/api/payments/history", "/api/audit/logs", "/api/inventory", "/api/users"];

/// Which companies the rows of a list are of, its pages read one by one.
async fn companies(world: &World, token: &str, path: &str, header: Option<&str>, limit: usize) -> (Vec<String>, Vec<String>) {
    let (mut ids, mut companies, mut cursor) = (vec![], vec![], String::new());
    for _ in 0..200 {
        let path = format!("{path}?limit={limit}{cursor}");
        let page = world.client.call("GET", &path, Some(token), header, None, &[]).await.expect(200);
        let rows = page["data"].as_array().expect("rows");
        assert!(rows.len() <= limit, "{path} gives more than was asked for");
        for row in rows {
            ids.push(row.get("id").map_or_else(|| format!("{} {}", row["variantId"], row["locationId"]), text));
            companies.push(row["companyId"].as_str().unwrap_or_default().to_owned());
        }
        let Some(next) = page["page"]["next"].as_str() else { return (ids, companies) };
        cursor = format!("&cursor={next}");
    }
    panic!("{path} does not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_people_read_across_companies_page_by_page() {
    for world in World::all().await {
        let client = &world.client;
        for company in [&world.a, &world.b, &world.a] {
            let token = world.token_of(company, company.customer.clone()).await;
            client.post(&token, "/api/orders", &order(company, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        }
        let root = client.login("alpha", "root@souk.test").await;
        let (a, b) = (world.a.id.to_string(), world.b.id.to_string());
        for path in LISTS {
            let (ids, all) = companies(&world, &root, path, None, 100).await;
            let (paged, _) = companies(&world, &root, path, None, 2).await;
            assert_eq!(ids, paged, "{path} by small pages is not the same list");
            let mut once = ids.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), ids.len(), "{path} repeats a row");
            let here = companies(&world, &root, path, Some("alpha"), 100).await.0;
            assert!(!here.is_empty() && here.len() < ids.len(), "{path}: the header does not narrow");
            assert!(here.iter().all(|id| ids.contains(id)), "{path}: a row of the company is not among all");
            // Payments say by their shares whose they are.
            if path != "/api/payments/history" {
                assert!(all.contains(&a) && all.contains(&b), "{path} leaves a company out: {all:?}");
            }
            // A cursor fits its own list alone.
            let first = client.call("GET", &format!("{path}?limit=1"), Some(&root), None, None, &[]).await.expect(200);
            let cursor = text(&first["page"]["next"]);
            let other = if path == "/api/orders" { "/api/users" } else { "/api/orders" };
            client.call("GET", &format!("{other}?cursor={cursor}"), Some(&root), None, None, &[]).await.wrong("cursor_invalid");
        }

        // One thing, whoever's it is; with the header only that company's.
        let orders = client.call("GET", "/api/orders?limit=100", Some(&root), None, None, &[]).await.expect(200);
        let theirs = orders["data"].as_array().expect("orders").iter().find(|one| one["companyId"] == b).expect("an order of beta");
        assert!(!theirs["items"].as_array().expect("lines").is_empty() && !theirs["statusHistory"].as_array().expect("steps").is_empty());
        let path = format!("/api/orders/{}", text(&theirs["id"]));
        assert_eq!(client.call("GET", &path, Some(&root), None, None, &[]).await.expect(200)["companyId"], b);
        client.call("GET", &path, Some(&root), Some("alpha"), None, &[]).await.refused(404, "not_found");
        let payment = format!("/api/payments/{}", text(&theirs["paymentId"]));
        client.call("GET", &payment, Some(&root), None, None, &[]).await.expect(200);
        client.call("GET", &payment, Some(&root), Some("alpha"), None, &[]).await.refused(404, "not_found");
        let logs = format!("/api/audit/resource/order/{}", text(&theirs["id"]));
        let found = client.call("GET", &logs, Some(&root), None, None, &[]).await.expect(200);
        assert!(!found["data"].as_array().expect("entries").is_empty());
        let entry = format!("/api/audit/logs/{}", text(&found["data"][0]["id"]));
        client.call("GET", &entry, Some(&root), None, None, &[]).await.expect(200);
        client.call("GET", &entry, Some(&root), Some("alpha"), None, &[]).await.refused(404, "not_found");

        // Filters hold across companies too; what is looked for by words is looked for in one.
        let paid = client.call("GET", "/api/orders?status=cancelled", Some(&root), None, None, &[]).await.expect(200);
        assert_eq!(paid["data"], Value::Array(vec![]));
        let staff = client.call("GET", "/api/users?role=shop_staff&limit=100", Some(&root), None, None, &[]).await.expect(200);
        assert_eq!(staff["data"].as_array().map(Vec::len), Some(2), "{staff}");
        client.call("GET", "/api/users?q=mark", Some(&root), None, None, &[]).await.wrong("needs_company");
        client.call("GET", "/api/inventory?total=true", Some(&root), None, None, &[]).await.wrong("needs_company");
        let who = client.call("GET", "/api/audit/logs?user=root@souk.test&action=sign_in", Some(&root), None, None, &[]).await.expect(200);
        assert!(!who["data"].as_array().expect("entries").is_empty(), "{who}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_and_why_is_read_across_companies() {
    for world in World::all().await {
        let client = &world.client;
        for company in [&world.a, &world.b] {
            let admin = world.staff(company, "admin").await;
            for index in [0, 1] {
                let taken = json!({ "locationId": company.location, "quantity": 0, "operation": "set", "reason": "gone" });
                client.patch(&admin, &format!("/api/inventory/{}", company.variants[index]), &taken).await.expect(200);
            }
        }
        let root = client.login("alpha", "root@souk.test").await;
        let (ids, whose) = companies(&world, &root, "/api/inventory/alerts", None, 100).await;
        assert_eq!(ids, companies(&world, &root, "/api/inventory/alerts", None, 1).await.0, "by small pages it is not the same list");
        for company in [&world.a, &world.b] {
            let own = whose.iter().filter(|id| **id == company.id.to_string()).count();
            let here = companies(&world, &root, "/api/inventory/alerts", Some(company.slug), 100).await.0;
            assert!(own == here.len() && own >= 2, "{own} of {whose:?}, not {here:?}");
        }
        let found = client.call("GET", "/api/inventory/alerts?kind=out&limit=100", Some(&root), None, None, &[]).await.expect(200);
        let names: Vec<_> = found["data"].as_array().expect("alerts").iter().map(|one| text(&one["name"])).collect();
        assert!(["MARKERA goods, Size 0", "MARKERB goods, Size 1"].iter().all(|name| names.iter().any(|one| one == name)), "{names:?}");

        // One variant, whoever's it is; with the header only that company's.
        let theirs = format!("/api/inventory/{}", world.b.variants[0]);
        let shown = client.call("GET", &theirs, Some(&root), None, None, &[]).await.expect(200);
        assert_eq!((&shown["variantId"], &shown["locations"][0]["onHand"]), (&json!(world.b.variants[0]), &json!(0)), "{shown}");
        let moved = client.call("GET", &format!("{theirs}/movements"), Some(&root), None, None, &[]).await.expect(200);
        assert_eq!((&moved["data"][0]["kind"], &moved["data"][0]["reason"]), (&json!("adjustment"), &json!("gone")), "{moved}");
        client.call("GET", &theirs, Some(&root), Some("alpha"), None, &[]).await.refused(404, "not_found");
        let narrowed = client.call("GET", &format!("{theirs}/movements"), Some(&root), Some("alpha"), None, &[]).await.expect(200);
        assert_eq!(narrowed["data"], json!([]));
        let nobodys = format!("/api/inventory/{}", souk::ids::VariantId::new());
        for path in [nobodys.clone(), format!("{nobodys}/movements")] {
            client.call("GET", &path, Some(&root), None, None, &[]).await.refused(404, "not_found");
        }
        // Nobody else reads so, and taking care of it is for the company's own people.
        let admin = world.staff(&world.a, "admin").await;
        client.get(&admin, &theirs).await.refused(404, "not_found");
        assert!(companies(&world, &admin, "/api/inventory/alerts", None, 100).await.0.len() < ids.len());
        let ack = format!("/api/inventory/alerts/{}/ack", ids[0]);
        client.call("POST", &ack, Some(&root), None, None, &[]).await.refused(403, "forbidden");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_company_by_company_asks_which() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.login("alpha", "root@souk.test").await;
        let product = format!("/api/products/{}", world.a.product);
        let related = format!("{product}/related");
        for path in [
            "/api/products",
            "/api/products/featured",
            "/api/products/suggest?q=goods",
            &product,
            &related,
            "/api/shops",
            &format!("/api/shops/{}", world.a.shop),
            "/api/shops/nearby?lat=12&lng=77",
            "/api/categories",
            "/api/brands",
            "/api/attributes",
            "/api/warehouses",
            "/api/stock-counts",
            "/api/roles",
            "/api/notifications/deliveries",
        ] {
            client.call("GET", path, Some(&root), None, None, &[]).await.refused(400, "company_required");
            let named = client.call("GET", path, Some(&root), Some("alpha"), None, &[]).await;
            assert_eq!(named.status, 200, "{path}: {}", named.text);
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_reads_across_companies_and_nothing_is_written_there() {
    for world in World::all().await {
        let client = &world.client;
        let theirs = world.token_of(&world.b, world.b.customer.clone()).await;
        let placed = client.post(&theirs, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let (order_id, payment) = (text(&placed["orders"][0]["id"]), text(&placed["payment"]["id"]));
        let mut tokens = vec![world.token_of(&world.a, world.a.customer.clone()).await];
        for role in ["admin", "manager", "staff", "rider"] {
            tokens.push(world.staff(&world.a, role).await);
        }
        for token in &tokens {
            for path in LISTS {
                let answer = client.call("GET", &format!("{path}?limit=100"), Some(token), None, None, &[]).await;
                assert!([200, 403].contains(&answer.status), "{path}: {}", answer.text);
                assert!(!answer.text.contains("MARKERB") && !answer.text.contains(&world.b.id.to_string()), "{path}: {}", answer.text);
            }
            for path in
                [format!("/api/orders/{order_id}"), format!("/api/payments/{payment}"), format!("/api/audit/resource/order/{order_id}")]
            {
                let answer = client.call("GET", &path, Some(token), None, None, &[]).await;
                let is_empty = answer.status == 200 && answer.body["data"] == Value::Array(vec![]);
                assert!([403, 404].contains(&answer.status) || is_empty, "{path}: {}", answer.text);
            }
        }
        for path in LISTS {
            assert_eq!(client.call("GET", path, None, None, None, &[]).await.status, 400, "{path} without anybody");
        }
        let root = client.login("alpha", "root@souk.test").await;
        let export = client.call("GET", "/api/audit/export", Some(&root), None, None, &[]).await;
        assert_eq!(export.status, 400, "what is taken out is written down in a company: {}", export.text);
        world.verify().await;
        world.close().await;
    }
}
