//! The platform's people: companies opened, changed, stopped and closed by the API.

use serde_json::json;

use crate::support::{PASSWORD, World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_company_is_unknown_until_it_goes_on() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.login("alpha", "root@souk.test").await;
        let path = format!("/api/companies/{}", world.a.id);
        let customer = world.token_of(&world.a, world.a.customer.clone()).await;
        let admin = world.staff(&world.a, "admin").await;
        client.post(&admin, &format!("{path}/suspend"), &json!({ "reason": "mine" })).await.refused(403, "forbidden");
        client.post(&root, &format!("{path}/suspend"), &json!({})).await.wrong("required");

        let stopped = client.post(&root, &format!("{path}/suspend"), &json!({ "reason": "three bills unpaid" })).await.expect(200);
        assert_eq!((&stopped["status"], &stopped["isActive"]), (&json!("suspended"), &json!(false)));
        let facts = client.post(&root, &format!("{path}/suspend"), &json!({ "reason": "again" })).await.refused(409, "company_state");
        assert_eq!(facts["state"], "suspended");
        client.call("GET", "/api/products", None, Some("alpha"), None, &[]).await.refused(404, "company_unknown");
        client.get(&customer, "/api/cart").await.refused(401, "session_ended");
        client.get(&admin, "/api/orders").await.refused(401, "session_ended");
        client.call("GET", "/api/products", None, Some("beta"), None, &[]).await.expect(200);
        // Nor do its people come back in by the door that asks for no company.
        let again = json!({ "email": "admin@alpha.test", "password": PASSWORD });
        client.call("POST", "/api/auth/login", None, None, Some(&again), &[]).await.refused(401, "session_ended");

        client.post(&root, &format!("{path}/resume"), &json!({})).await.expect(200);
        client.call("GET", "/api/products", None, Some("alpha"), None, &[]).await.expect(200);
        let admin = world.staff(&world.a, "admin").await;
        let entries = client.get(&admin, "/api/audit/logs?resource=company").await.expect(200);
        let acts: Vec<_> = entries["data"].as_array().expect("entries").iter().map(|one| text(&one["action"])).collect();
        assert!(acts.contains(&"suspend".to_owned()) && acts.contains(&"resume".to_owned()), "{acts:?}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_company_keeps_its_books_and_does_not_open_again() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.login("beta", "root@souk.test").await;
        let customer = world.token_of(&world.b, world.b.customer.clone()).await;
        client.post(&customer, "/api/orders", &order(&world.b, 0, 2, "test", Some("tok_ok"))).await.expect(201);
        let path = format!("/api/companies/{}", world.b.id);
        let stats = client.get(&root, &format!("{path}/stats")).await.expect(200);
        assert_eq!((&stats["orders"], &stats["shops"], &stats["staff"], &stats["products"]), (&json!(1), &json!(1), &json!(4), &json!(2)));
        assert_eq!(stats["revenue"], 20_000);

        let theirs = world.staff(&world.a, "admin").await;
        client.get(&theirs, &format!("{path}/stats")).await.refused(404, "not_found");
        let changed =
            client.call("PUT", &path, Some(&root), None, Some(&json!({ "name": "Company beta, renamed" })), &[]).await.expect(200);
        assert_eq!(changed["name"], "Company beta, renamed");
        let stale = client.call("PUT", &path, Some(&root), None, Some(&json!({ "name": "late" })), &[("if-match", "\"1\"")]).await;
        stale.refused(412, "stale");

        assert_eq!(client.call("DELETE", &path, Some(&root), None, None, &[]).await.status, 204);
        client.call("DELETE", &path, Some(&root), None, None, &[]).await.refused(409, "company_state");
        client.post(&root, &format!("{path}/resume"), &json!({})).await.refused(409, "company_state");
        client.call("PUT", &path, Some(&root), None, Some(&json!({ "name": "late" })), &[]).await.refused(404, "not_found");
        assert_eq!(client.get(&root, &path).await.expect(200)["status"], "closed");
        let found = client.get(&root, "/api/companies?status=closed&q=RENAMED").await.expect(200);
        assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "{found}");
        let nothing = client.get(&root, "/api/companies?q=100%25").await.expect(200);
        assert_eq!(nothing["data"], json!([]));
        client.get(&root, "/api/companies?status=odd").await.wrong("unknown");
        world.verify().await;
        world.close().await;
    }
}
