//! One order on its page: what is called off of it, what is missing of it, and why it goes back.

use serde_json::json;

use crate::support::{STOCK, World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_filled_or_called_off_before_the_order_is_packed() {
    for world in World::all().await {
        let client = &world.client;
        let (manager, staff) = (client.sign_in("manager@alpha.test").await, client.sign_in("staff@alpha.test").await);
        let api = world.staff(&world.a, "manager").await;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 3, "test", Some("tok_ok"))).await.expect(201);
        let made = &placed["orders"][0];
        let path = format!("/company/orders/{}", text(&made["id"]));
        let field = format!("quantity-{}", text(&made["items"][0]["id"]));
        let version = async || client.get(&api, &format!("/api/orders/{}", text(&made["id"]))).await.expect(200)["version"].to_string();
        let call_off = async |cookie: &str, quantity: &str, version: &str| {
            let form = [(field.as_str(), quantity), ("itemsReason", "one fell down"), ("version", version)];
            client.form(cookie, &format!("{path}/cancel-items"), &form).await
        };

        assert!(!client.page(&staff, &path).await.text.contains("/cancel-items"), "who may not call off is not asked");
        let first = version().await;
        assert_eq!(call_off(&staff, "1", &first).await.status, 403);
        call_off(&manager, "", &first).await.shows_refused(&["aria-invalid", "Fill this in."]);
        call_off(&manager, "9", &first).await.shows_refused(&["aria-invalid", "value=\"9\""]);
        call_off(&manager, "1", &first).await.leads_to();
        assert_eq!(call_off(&manager, "1", &first).await.status, 412, "a form that is sent twice calls off once");
        let page = client.page(&manager, &path).await;
        page.shows(&["1 cancelled", "Refunded"]);
        assert!(!page.text.contains("<s>"), "two of three are left: {}", page.text);

        // One of the two is found missing: the order cannot be packed, and says what can be done.
        let counted = json!({ "locationId": world.a.location, "lines": [{ "variantId": world.a.variants[0], "quantity": 1 }] });
        client.post(&api, "/api/stock-counts", &counted).await.expect(201);
        client.form(&staff, &format!("{path}/status"), &[("status", "processing")]).await.leads_to();
        let page = client.page(&manager, &path).await;
        page.shows(&["Some goods are missing.", "missing 1", "/fill", "/cancel-items"]);
        assert!(!page.text.contains("Mark as packed"), "{}", page.text);
        assert_eq!(client.form(&staff, &format!("{path}/fill"), &[]).await.status, 409);
        call_off(&manager, "1", &version().await).await.leads_to();
        let page = client.page(&manager, &path).await;
        page.shows(&["2 cancelled", "Mark as packed"]);
        assert!(!page.text.contains("/fill\""), "{}", page.text);
        assert_eq!(world.stock(&world.a, 0).await, (0, 0));

        // The rest goes as a whole, and then the line is struck through.
        client.form(&manager, &format!("{path}/cancel"), &[("reason", "closed")]).await.leads_to();
        client.page(&manager, &path).await.shows(&["<s>MARKERA goods"]);
        let neighbour = client.sign_in("manager@beta.test").await;
        assert_eq!(call_off(&neighbour, "1", "1").await.status, 404);
        assert_eq!(client.form(&neighbour, &format!("{path}/fill"), &[]).await.status, 404);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_order_is_filled_on_its_page() {
    for world in World::all().await {
        let client = &world.client;
        let staff = client.sign_in("staff@alpha.test").await;
        let api = world.staff(&world.a, "staff").await;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 2, 2, "test", Some("tok_ok"))).await.expect(201);
        let path = format!("/company/orders/{}", text(&placed["orders"][0]["id"]));
        let lines = |quantity: i64| json!({ "locationId": world.a.location, "lines": [{ "variantId": world.a.variants[2], "quantity": quantity }] });
        client.post(&api, "/api/stock-counts", &lines(1)).await.expect(201);
        client.page(&staff, &path).await.shows(&["missing 1"]);
        client.post(&api, "/api/inventory/receipts", &lines(STOCK[2])).await.expect(201);
        let filled = client.form(&staff, &format!("{path}/fill"), &[]).await.leads_to();
        let page = client.page(&staff, &filled).await;
        page.shows(&["Nothing is missing any more."]);
        assert!(!page.text.contains("missing 1"), "{}", page.text);
        assert_eq!(world.stock(&world.a, 2).await, (STOCK[2] - 1, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_leads_back_says_why() {
    for world in World::all().await {
        let client = &world.client;
        let manager = client.sign_in("manager@alpha.test").await;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        for (status, steps) in [("returned", ["processing", "packed", "shipped"].as_slice()), ("cancelled", &["processing"])] {
            let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
            let path = format!("/company/orders/{}", text(&placed["orders"][0]["id"]));
            for step in steps {
                client.form(&manager, &format!("{path}/status"), &[("status", step)]).await.leads_to();
            }
            let silent = client.form(&manager, &format!("{path}/status"), &[("status", status), ("note", " ")]).await;
            silent.shows_refused(&["aria-invalid", "Fill this in."]);
            client.form(&manager, &format!("{path}/status"), &[("status", status), ("note", "a broken seal")]).await.leads_to();
            client.page(&manager, &path).await.shows(&["a broken seal"]);
        }
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));
        world.verify().await;
        world.close().await;
    }
}
