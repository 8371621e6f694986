//! Every way a payment can go.

use std::time::Duration;

use serde_json::{Value, json};
use souk::workers;

use crate::support::{Answer, STOCK, World, order, text};

/// Pays an order with one of the test gateway's tokens.
async fn pay(world: &World, token: &str, order: &str, method: &str) -> Answer {
    let path = format!("/api/orders/{order}/process-payment");
    world.client.post(token, &path, &json!({ "paymentMethod": method })).await
}

/// Places an order of one piece; its id and the answer.
async fn place(world: &World, token: &str, method: Option<&str>) -> (String, Value) {
    let placed = world.client.post(token, "/api/orders", &order(&world.a, 0, 1, "test", method)).await.expect(201);
    (text(&placed["orders"][0]["id"]), placed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_leaves_an_order_that_can_be_paid() {
    for world in World::all().await {
        let token = world.customer(&world.a, "declined@alpha.test").await;
        let (id, placed) = place(&world, &token, Some("tok_declined")).await;
        assert_eq!(placed["payment"]["status"], "failed");
        assert_eq!(placed["payment"]["declineCode"], "card_declined");
        assert_eq!(placed["orders"][0]["status"], "pending");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 1));

        let problem = pay(&world, &token, &id, "tok_declined").await.refused(402, "payment_declined");
        assert_eq!(problem["declineCode"], "card_declined");
        let paid = pay(&world, &token, &id, "tok_ok").await.expect(200);
        assert_eq!(paid["orders"][0]["paymentStatus"], "paid");
        assert_eq!(paid["payment"]["status"], "completed");
        pay(&world, &token, &id, "tok_ok").await.refused(409, "already_paid");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] - 1, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_again() {
    for world in World::all().await {
        let token = world.customer(&world.a, "lost@alpha.test").await;
        let (id, placed) = place(&world, &token, None).await;
        let waiting = pay(&world, &token, &id, "tok_timeout").await.expect(202);
        assert_eq!(waiting["payment"]["status"], "processing");
        pay(&world, &token, &id, "tok_ok").await.refused(409, "payment_in_progress");
        let path = format!("/api/payments/{}", text(&placed["payment"]["id"]));
        let mut status = String::new();
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            workers::turn(&world.souk).await.expect("a turn");
            status = text(&world.client.get(&token, &path).await.expect(200)["status"]);
            if status == "completed" {
                break;
            }
        }
        assert_eq!(status, "completed");
        let order = world.client.get(&token, &format!("/api/orders/{id}")).await.expect(200);
        assert_eq!((order["status"].as_str(), order["paymentStatus"].as_str()), (Some("confirmed"), Some("paid")));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_waits_for_the_customer_at_the_gateway() {
    for world in World::all().await {
        let token = world.customer(&world.a, "secure@alpha.test").await;
        let (id, placed) = place(&world, &token, None).await;
        let waiting = pay(&world, &token, &id, "tok_3ds").await.expect(202);
        assert!(text(&waiting["payment"]["redirectUrl"]).starts_with("https://gateway.test/"));
        let neighbour = world.customer(&world.a, "nosy@alpha.test").await;
        let finish = json!({ "paymentId": placed["payment"]["id"] });
        world.client.post(&neighbour, "/api/payments/verify", &finish).await.refused(404, "not_found");
        let paid = world.client.post(&token, "/api/payments/verify", &finish).await.expect(200);
        assert_eq!(paid["payment"]["status"], "completed");
        assert_eq!(paid["orders"][0]["paymentStatus"], "paid");
        world.verify().await;
        world.close().await;
    }
}
