//! Which company a host names: by its slug under the base domain, or by a domain of its own.

use serde_json::{Value, json};

use crate::support::{Answer, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_reached_under_its_own_domain() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.login("alpha", "root@souk.test").await;
        let of = |company: &str| format!("/api/companies/{company}");
        let (alpha, beta) = (of(&world.a.id.to_string()), of(&world.b.id.to_string()));
        let at = async |host: &str| -> Answer { client.send("GET", "/api/products", None, None, &[("host", host)]).await };
        let set = async |path: &str, domain: Value| client.put(&root, path, &json!({ "domain": domain })).await;

        at("shop.alpha.example").await.refused(400, "company_required");
        let company = set(&alpha, json!(" Shop.Alpha.Example ")).await.expect(200);
        assert_eq!(company["domain"], "shop.alpha.example");
        let goods = |answer: Value| answer["data"].to_string();
        let own = goods(at("shop.alpha.example").await.expect(200));
        assert!(own.contains("MARKERA") && own == goods(at("SHOP.alpha.example:8080").await.expect(200)));
        assert_eq!(own, goods(at("alpha.localhost").await.expect(200)));
        // The header outweighs the host, as it does with a slug.
        let named = client.send("GET", "/api/products", None, None, &[("host", "shop.alpha.example"), ("x-company", "beta")]).await;
        assert!(goods(named.expect(200)).contains("MARKERB"));

        set(&beta, json!("shop.alpha.example")).await.refused(409, "domain_taken");
        for (domain, code) in [("nowhere", "invalid"), ("10.0.0.1", "invalid"), ("a_b.example", "invalid"), ("beta.localhost", "reserved")]
        {
            set(&beta, json!(domain)).await.wrong(code);
        }
        // Whoever names a host answers for its customers: a company cannot take one by itself.
        let admin = world.staff(&world.b, "admin").await;
        client.patch(&admin, &format!("{beta}/settings"), &json!({ "domain": "shop.beta.example" })).await.wrong("platform_only");

        let desk = client.sign_in("root@souk.test").await;
        let page = format!("/admin/companies/{}/edit", world.a.id);
        client.page(&desk, &page).await.shows(&["value=\"shop.alpha.example\""]);
        set(&alpha, json!(null)).await.expect(200);
        at("shop.alpha.example").await.refused(400, "company_required");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_company_is_not_reached_under_its_domain() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.login("alpha", "root@souk.test").await;
        let path = format!("/api/companies/{}", world.b.id);
        client.put(&root, &path, &json!({ "domain": "shop.beta.example" })).await.expect(200);
        let at = async || client.send("GET", "/api/products", None, None, &[("host", "shop.beta.example")]).await;
        at().await.expect(200);
        client.post(&root, &format!("{path}/suspend"), &json!({ "reason": "unpaid" })).await.expect(200);
        at().await.refused(400, "company_required");
        client.post(&root, &format!("{path}/resume"), &json!({})).await.expect(200);
        at().await.expect(200);
        // One that is closed for good gives its domain back, since nobody could change it there any more.
        client.delete(&root, &path).await.expect(204);
        at().await.refused(400, "company_required");
        let alpha = format!("/api/companies/{}", world.a.id);
        client.put(&root, &alpha, &json!({ "domain": "shop.beta.example" })).await.expect(200);
        at().await.expect(200);
        world.verify().await;
        world.close().await;
    }
}
