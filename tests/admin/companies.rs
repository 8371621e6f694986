//! The platform's companies: the list.

use serde_json::json;
use souk::models::debts;

use crate::support::{World, order};

#[tokio::test(flavor = "multi_thread")]
async fn companies_are_listed_with_what_they_sell_and_owe() {
    for world in World::all().await {
        let client = &world.client;
        let customer = world.token_of(&world.b, world.b.customer.clone()).await;
        client.post(&customer, "/api/orders", &order(&world.b, 0, 2, "test", Some("tok_ok"))).await.expect(201);
        let api = client.login("alpha", "root@souk.test").await;
        let plan = json!({ "code": "growth", "name": "Growth plan", "price": 349_900, "currency": "INR", "period": "month" });
        client.post(&api, "/api/companies/plans", &plan).await.expect(201);
        let path = format!("/api/companies/{}/subscription", world.a.id);
        let trial = json!({ "plan": "growth", "trialDays": 14 });
        client.call("PUT", &path, Some(&api), None, Some(&trial), &[]).await.expect(200);
        let owed = json!({ "companyId": world.b.id, "type": "loan", "amount": 118_000, "dueDate": "2020-01-31" });
        client.call("POST", "/api/debts", Some(&api), None, Some(&owed), &[]).await.expect(201);
        debts::day(&world.souk, world.b.id).await.expect("a day");

        let root = client.sign_in("root@souk.test").await;
        let all = client.page(&root, "/admin/companies").await;
        all.shows(&["Company alpha", "Company beta", "Growth plan", "Trial", "₹200.00", "₹1,180.00", "overdue"]);
        let trial = client.page(&root, "/admin/companies?state=trial&plan=growth").await;
        trial.shows(&["Company alpha", "sk-chip"]);
        assert!(!trial.text.contains("Company beta"), "{}", trial.text);
        let held_up = client.page(&root, "/admin/companies?state=held_up").await;
        held_up.shows(&["Company beta"]);
        assert!(!held_up.text.contains("Company alpha"), "{}", held_up.text);
        client.page(&root, "/admin/companies?q=nobody").await.shows(&["Nothing matches “nobody”"]);
        let csv = client.page(&root, "/admin/companies/export.csv?q=BETA").await;
        csv.shows(&["slug,name,state", "beta,Company beta,lapsed,,1,4,1,INR,200.00,INR 1180.00,"]);
        assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
        world.close().await;
    }
}
