//! The platform's home: its figures are those of the companies together, and each leads on.

use serde_json::json;
use souk::models::debts;

use crate::support::{World, order};

#[tokio::test(flavor = "multi_thread")]
async fn the_home_tells_what_is_sold_owed_and_wrong() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        assert_eq!(client.page(&root, "/").await.leads_to(), "/admin");
        client.page(&root, "/admin").await.shows(&[
            "Nothing was sold in this time",
            "Nothing is overdue.",
            "<h2 id=\"components-t\">Components</h2>",
            "RabbitMQ",
            "Not set up",
            "id=\"figures\" data-live",
            "data-portal=\"admin\"",
            "signed in",
        ]);

        for (company, quantity) in [(&world.a, 1), (&world.b, 2)] {
            let buyer = world.token_of(company, company.customer.clone()).await;
            client.post(&buyer, "/api/orders", &order(company, 0, quantity, "test", Some("tok_ok"))).await.expect(201);
        }
        let api = client.login("alpha", "root@souk.test").await;
        let owed = json!({ "companyId": world.b.id, "type": "loan", "amount": 118_000, "dueDate": "2020-01-31" });
        client.call("POST", "/api/debts", Some(&api), None, Some(&owed), &[]).await.expect(201);
        debts::day(&world.souk, world.b.id).await.expect("a day");
        for path in ["/admin", "/admin?span=month"] {
            let page = client.page(&root, path).await;
            page.shows(&["₹300.00", "Company alpha", "Company beta", "₹200.00", "₹1,180.00", "Companies: 1", "role=\"img\""]);
            assert!(!page.text.contains("MARKER"), "{}", page.text);
        }
        client.page(&root, "/admin?span=century").await.shows(&["Last 24 hours"]);
        client.form(&root, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        client.page(&root, "/admin?span=month").await.shows(&["हर दिन की आय", "प्लेटफ़ॉर्म की सुरक्षा"]);
        world.verify().await;
        world.close().await;
    }
}
