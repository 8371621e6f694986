//! Revenue is what was kept of what was sold, on both homes.

use serde_json::{Value, json};

use crate::support::{World, order, text};

async fn buy(world: &World, index: usize, quantity: i64, gateway: &str) -> Value {
    let token = world.token_of(&world.a, world.a.customer.clone()).await;
    let method = (gateway == "test").then_some("tok_ok");
    let body = order(&world.a, index, quantity, gateway, method);
    world.client.post(&token, "/api/orders", &body).await.expect(201)["orders"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_or_was_called_off_is_no_revenue() {
    for world in World::all().await {
        let client = &world.client;
        let manager = world.staff(&world.a, "manager").await;
        // Of three that were paid and of two that are to be paid at the door one is called off each.
        for (quantity, gateway) in [(3, "test"), (2, "cod")] {
            let made = buy(&world, 0, quantity, gateway).await;
            let one = json!({ "reason": "one less", "items": [{ "id": made["items"][0]["id"], "quantity": 1 }] });
            client.post(&manager, &format!("/api/orders/{}/cancel", text(&made["id"])), &one).await.expect(200);
        }
        // One parcel comes back whole, and one order is called off.
        let back = buy(&world, 1, 1, "test").await;
        for status in ["processing", "packed", "shipped", "returned"] {
            let step = json!({ "status": status, "note": "nobody was there" });
            client.patch(&manager, &format!("/api/orders/{}/status", text(&back["id"])), &step).await.expect(200);
        }
        let off = buy(&world, 2, 1, "test").await;
        client.post(&manager, &format!("/api/orders/{}/cancel", text(&off["id"])), &json!({ "reason": "twice" })).await.expect(200);

        let admin = client.sign_in("admin@alpha.test").await;
        let page = client.page(&admin, "/company").await;
        page.shows(&["₹300", "₹150", "MARKERA goods, Size 0"]);
        for gone in ["₹750", "MARKERA goods, Size 1", "MARKERA goods, Size 2"] {
            assert!(!page.text.contains(gone), "{gone}: {}", page.text);
        }
        client.page(&admin, &format!("/company/customers/{}", world.a.customer.id)).await.shows(&["₹150"]);
        let root = client.login("alpha", "root@souk.test").await;
        let stats = client.get(&root, &format!("/api/companies/{}/stats", world.a.id)).await.expect(200);
        assert_eq!((&stats["orders"], &stats["revenue"]), (&json!(2), &json!(30_000)), "{stats}");
        let root = client.sign_in("root@souk.test").await;
        for path in ["/admin", "/admin?span=month", "/admin/companies"] {
            client.page(&root, path).await.shows(&["₹300.00"]);
        }
        world.verify().await;
        world.close().await;
    }
}
