//! The audit's page says what was changed in words; its files keep the codes.

use serde_json::json;

use crate::support::{World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn values_are_in_the_words_of_their_reader_and_codes_in_the_file() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.staff(&world.a, "admin").await;
        let change = json!({ "taxIncluded": false, "taxRate": 1850, "codLimit": 250_000 });
        client.patch(&token, &format!("/api/companies/{}/settings", world.a.id), &change).await.expect(200);
        let buyer = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = client.post(&buyer, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let status = format!("/api/orders/{}/status", text(&placed["orders"][0]["id"]));
        client.patch(&token, &status, &json!({ "status": "processing" })).await.expect(200);
        let admin = client.sign_in("admin@alpha.test").await;
        let page = client.page(&admin, "/company/audit?resource=company&action=update").await;
        page.shows(&["₹2,500.00", "₹50,000.00", "18.5 %", "</span> No</li>"]);
        assert!(!page.text.contains("250000") && !page.text.contains("1850"), "{}", page.text);
        client.page(&admin, "/company/audit?resource=order&action=advance").await.shows(&["Confirmed", "Processing"]);
        for form in ["csv", "json"] {
            let file = client.page(&admin, &format!("/company/audit/export.{form}?resource=company&action=update")).await;
            file.shows(&["250000", "1850", "false"]);
            assert!(!file.text.contains('₹'), "{}", file.text);
        }
        client.form(&admin, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        client.page(&admin, "/company/audit?resource=company&action=update").await.shows(&["नहीं", "18.5 %"]);
        client.form(&admin, "/language", &[("lang", "en"), ("next", "/")]).await.leads_to();
        let root = client.sign_in("root@souk.test").await;
        client.page(&root, "/admin/audit?company=alpha&action=update").await.shows(&["₹2,500.00"]);
        client.page(&root, "/admin/audit?company=*&action=update").await.shows(&["₹2,500.00"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chosen_entries_are_a_file_and_that_is_written_down() {
    for world in World::all().await {
        let client = &world.client;
        let (token, neighbour) = (world.staff(&world.a, "admin").await, world.staff(&world.b, "admin").await);
        let newest = async |token: &str| text(&client.get(token, "/api/audit/logs?limit=1").await.expect(200)["data"][0]["id"]);
        let (own, theirs) = (newest(&token).await, newest(&neighbour).await);
        let admin = client.sign_in("admin@alpha.test").await;
        client.page(&admin, "/company/audit").await.shows(&["data-all", &own, "formaction=\"/company/audit/chosen.csv\""]);
        let file = client.form(&admin, "/company/audit/chosen.csv", &[("ids", &own), ("ids", &theirs)]).await;
        file.shows(&["resourceId", &own]);
        assert!(!file.text.contains(&theirs) && file.text.lines().count() == 2, "{}", file.text);
        let nothing = client.form(&admin, "/company/audit/chosen.csv", &[]).await;
        assert_eq!(nothing.text.lines().count(), 1, "{}", nothing.text);
        let told = client.get(&token, "/api/audit/logs?action=export&limit=100").await.expect(200);
        assert_eq!(told["data"].as_array().map(Vec::len), Some(2), "{told}");
        assert!(told.to_string().contains(&own), "{told}");
        let manager = client.sign_in("manager@alpha.test").await;
        assert_eq!(client.form(&manager, "/company/audit/chosen.csv", &[("ids", &own)]).await.status, 403);

        let root = client.sign_in("root@souk.test").await;
        let (one, other) = (format!("{}.{own}", world.a.id), format!("{}.{theirs}", world.b.id));
        client.page(&root, "/admin/audit?company=*").await.shows(&[&one, &other]);
        let both = client.form(&root, "/admin/audit/chosen.csv", &[("ids", &one), ("ids", &other)]).await;
        both.shows(&[&own, &theirs]);
        assert_eq!(both.text.lines().count(), 3, "{}", both.text);
        client.form(&root, "/admin/audit/chosen.csv", &[("ids", &one)]).await.shows(&[&own]);
        // What is taken from one company's audit is in that audit.
        let told = client.get(&token, "/api/audit/logs?action=export&limit=1").await.expect(200);
        assert_eq!(told["data"][0]["role"], "super_admin", "{told}");
        world.verify().await;
        world.close().await;
    }
}
