//! What a page refuses before it is known who looks: people are told on a page, programs by a problem.

use serde_json::json;

use crate::support::{FORM, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_read_is_a_page_for_people_and_a_problem_for_programs() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let root = client.sign_in("root@souk.test").await;
        let pages = [
            (&admin, "/company/orders/nonsense"),
            (&admin, "/company/products/nonsense"),
            (&admin, "/company/customers/nonsense"),
            (&admin, "/company/debts/nonsense"),
            (&root, "/admin/companies/nonsense"),
        ];
        for (cookie, path) in pages {
            let told = client.page(cookie, path).await;
            assert_eq!(told.status, 404, "{path}");
            let kind = told.headers["content-type"].to_str().expect("a kind");
            assert!(kind.starts_with("text/html"), "{path}: {kind}");
            assert!(told.text.contains("<h1") && !told.text.contains("\"code\""), "{path}: {}", told.text);
        }
        client.form(&admin, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        let told = client.page(&admin, "/company/orders/nonsense").await;
        assert!(told.status == 404 && told.text.contains("lang=\"hi\""), "{}", told.text);

        // A form is refused on a page too, when it comes from elsewhere or to an id that cannot be.
        let refused = client.form(&admin, "/account/sessions/nonsense/end", &[]).await;
        assert!(refused.status == 404 && refused.text.contains("<html"), "{}", refused.text);
        let foreign = [FORM[0], ("sec-fetch-site", "cross-site"), ("cookie", admin.as_str())];
        let refused = client.send("POST", "/account", None, Some("name=x".into()), &foreign).await;
        assert!(refused.status == 403 && refused.text.contains("<html"), "{}", refused.text);

        // Whoever is nobody is led to the sign-in before anything is said of the address.
        assert!(client.page("", "/company/orders/nonsense").await.leads_to().starts_with("/sign-in"));
        // What asks for data is answered by data, as is the API.
        let asked = [("cookie", admin.as_str()), ("accept", "application/json")];
        client.send("GET", "/company/orders/nonsense", None, None, &asked).await.refused(404, "not_found");
        let token = world.staff(&world.a, "admin").await;
        client.get(&token, "/api/orders/nonsense").await.refused(404, "not_found");
        client.put(&token, "/api/products/nonsense", &json!({})).await.refused(404, "not_found");
        world.close().await;
    }
}
