//! The shop terminal's board: orders come in, are taken step by step, and none stays unseen.

use serde_json::{Value, json};

use crate::support::{World, order, text};

async fn place(world: &World, quantity: i64, gateway: &str, method: Option<&str>) -> Value {
    let token = world.token_of(&world.a, world.a.customer.clone()).await;
    let placed = world.client.post(&token, "/api/orders", &order(&world.a, 0, quantity, gateway, method)).await.expect(201);
    placed["orders"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_taken_from_the_first_step_to_the_hand_over() {
    for world in World::all().await {
        let client = &world.client;
        let staff = client.sign_in("staff@alpha.test").await;
        let made = place(&world, 3, "cod", None).await;
        let (id, number) = (text(&made["id"]), text(&made["orderNumber"]));
        let paid = place(&world, 1, "test", Some("tok_ok")).await;
        let shop = world.a.shop.to_string();
        let act = |act: &str| format!("/shop/orders/{id}/{act}");
        let step =
            async |cookie: &str, status: &str| client.form(cookie, &act("status"), &[("status", status), ("shop", shop.as_str())]).await;

        let board = client.page(&staff, "/shop/orders").await;
        board.shows(&[&number, "Collect ₹300.00", "Start picking"]);
        assert_eq!(board.text.split("Collect ").count(), 2, "{} is paid already: {}", text(&paid["orderNumber"]), board.text);
        // One is called off: so much less is asked for at the door.
        let api = world.staff(&world.a, "manager").await;
        let one = json!({ "reason": "one less", "items": [{ "id": made["items"][0]["id"], "quantity": 1 }] });
        client.post(&api, &format!("/api/orders/{id}/cancel"), &one).await.expect(200);
        client.page(&staff, "/shop/orders").await.shows(&["<b>2 ×</b>", "Collect ₹200.00"]);
        client.form(&staff, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        client.page(&staff, "/shop/orders").await.shows(&["₹200.00 नकद लें"]);
        client.form(&staff, "/language", &[("lang", "en"), ("next", "/")]).await.leads_to();

        let neighbour = client.sign_in("staff@beta.test").await;
        assert_eq!(step(&neighbour, "processing").await.status, 404);
        assert_eq!(client.form(&neighbour, &act("fill"), &[]).await.status, 404);
        assert!(!client.page(&neighbour, "/shop/orders").await.text.contains("MARKERA"));
        assert_eq!(client.page(&neighbour, &format!("/shop/orders?shop={shop}")).await.status, 404);
        let rider = client.sign_in("rider@alpha.test").await;
        assert_eq!(step(&rider, "processing").await.status, 403);

        // Of two who press at once one is first, and the other is told.
        let (one, other) = tokio::join!(step(&staff, "processing"), step(&staff, "processing"));
        let (one, other) = (one.leads_to(), other.leads_to());
        let (first, second) = if one.contains("told=") { (other, one) } else { (one, other) };
        assert_eq!(first, format!("/shop/orders?shop={shop}"));
        client.page(&staff, &second).await.shows(&["This step is not possible any more"]);

        // What is missing is filled before the order is packed.
        let lines = |quantity: i64| json!({ "locationId": world.a.location, "lines": [{ "variantId": world.a.variants[0], "quantity": quantity }] });
        client.post(&api, "/api/stock-counts", &lines(2)).await.expect(201);
        let page = client.page(&staff, "/shop/orders").await;
        page.shows(&["missing 1", "Fill from the shelf"]);
        let short = page.text.split("/shop/orders/").skip(1).find(|rest| rest.split('"').next().is_some_and(|to| to.ends_with("/fill")));
        let short = short.and_then(|rest| rest.split('/').next()).expect("an order that is short").to_owned();
        let fill = async || client.form(&staff, &format!("/shop/orders/{short}/fill"), &[("shop", shop.as_str())]).await.leads_to();
        let refused = fill().await;
        client.page(&staff, &refused).await.shows(&["There is not enough in stock."]);
        client.post(&api, "/api/inventory/receipts", &lines(5)).await.expect(201);
        assert_eq!(fill().await, format!("/shop/orders?shop={shop}&said=flash.order_filled"));
        assert!(!client.page(&staff, "/shop/orders").await.text.contains("Fill from the shelf"));

        for status in ["packed", "shipped", "delivered"] {
            assert_eq!(step(&staff, status).await.leads_to(), format!("/shop/orders?shop={shop}"));
        }
        let board = client.page(&staff, "/shop/orders").await;
        assert!(!board.text.contains(&number) && !board.text.contains("Collect "), "{}", board.text);
        let order = client.get(&api, &format!("/api/orders/{id}")).await.expect(200);
        assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("delivered"), &json!("paid")));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_says_what_it_does_not_show() {
    for world in World::all().await {
        let client = &world.client;
        let staff = client.sign_in("staff@alpha.test").await;
        for _ in 0..50 {
            place(&world, 1, "cod", None).await;
        }
        let board = client.page(&staff, "/shop/orders").await;
        board.shows(&[">50</span>"]);
        assert!(!board.text.contains(" more, newest first"), "{}", board.text);
        place(&world, 1, "cod", None).await;
        let newest = place(&world, 1, "cod", None).await;
        let board = client.page(&staff, "/shop/orders").await;
        let list = format!("/company/orders?status=confirmed&amp;shop={}", world.a.shop);
        board.shows(&[">52</span>", "2 more, newest first", &list, &format!("data-name=\"{}\"", text(&newest["orderNumber"]))]);
        client.page(&staff, &list.replace("&amp;", "&")).await.shows(&[&text(&newest["orderNumber"])]);
        world.verify().await;
        world.close().await;
    }
}
