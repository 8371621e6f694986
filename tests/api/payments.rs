//! Every way a payment can go.

use std::time::Duration;

use serde_json::{Value, json};
use souk::{
    clock,
    gateways::payments::{Gateway, Outcome, named},
    models::{
        orders,
        payments::{self, Attempt},
    },
    tenancy::Tenant,
    workers,
};

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
async fn an_order_that_is_tried_again_is_no_longer_failed() {
    for world in World::all().await {
        let token = world.customer(&world.a, "second@alpha.test").await;
        let (id, placed) = place(&world, &token, Some("tok_declined")).await;
        assert_eq!(placed["orders"][0]["paymentStatus"], "failed");
        let waiting = pay(&world, &token, &id, "tok_3ds").await.expect(202);
        let (order, payment) = (&waiting["orders"][0]["paymentStatus"], &waiting["payment"]["status"]);
        assert_eq!((order, payment), (&json!("unpaid"), &json!("processing")), "{waiting}");
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

/// Longer than anybody may take to confirm, in microseconds.
const TOO_LONG: i64 = 31 * 60 * 1_000_000;

/// An order whose customer is at the gateway's page: its id, its payment's, and the attempt.
async fn at_the_gateway(world: &World, token: &str) -> (String, String, Attempt) {
    let (id, placed) = place(world, token, Some("tok_3ds")).await;
    let payment = text(&placed["payment"]["id"]);
    let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
    let attempt = payments::open_attempt(&scope, payment.parse().expect("an id")).await.expect("asked").expect("an attempt");
    (id, payment, attempt)
}

fn gateway(world: &World) -> Box<dyn Gateway> {
    named(&world.souk, "test").expect("a gateway")
}

/// What the worker does about an attempt once its time is over.
async fn settle_late(world: &World, attempt: &Attempt) -> Outcome {
    let system = Tenant::system(world.a.id);
    clock::shifted(TOO_LONG, orders::settle(&world.souk, &system, attempt)).await.expect("settled")
}

fn expired() -> Outcome {
    Outcome::Declined { code: "expired".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_confirms_too_late_is_not_charged() {
    for world in World::all().await {
        let token = world.customer(&world.a, "slow@alpha.test").await;
        let (id, payment, attempt) = at_the_gateway(&world, &token).await;
        clock::shifted(60_000_000, workers::turn(&world.souk)).await.expect("a turn");
        let waiting = world.client.get(&token, &format!("/api/payments/{payment}")).await.expect(200);
        assert_eq!(waiting["status"], "processing", "a minute is not too long");
        clock::shifted(TOO_LONG, workers::turn(&world.souk)).await.expect("a turn");
        assert_eq!(gateway(&world).look_up(attempt.id).await.expect("asked"), Some(expired()), "the gateway's own books");

        gateway(&world).confirm(attempt.id).await.expect("a page that is still open");
        let finish = json!({ "paymentId": payment });
        let late = world.client.post(&token, "/api/payments/verify", &finish).await.expect(200);
        assert_eq!((late["payment"]["status"].as_str(), late["payment"]["declineCode"].as_str()), (Some("failed"), Some("expired")));
        assert_eq!(late["orders"][0]["status"], "pending");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0), "the goods are free again");

        let paid = pay(&world, &token, &id, "tok_ok").await.expect(200);
        assert_eq!(paid["orders"][0]["paymentStatus"], "paid", "another way to pay is open");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_confirms_just_before_the_end_has_bought() {
    for world in World::all().await {
        let token = world.customer(&world.a, "close@alpha.test").await;
        let (id, _, attempt) = at_the_gateway(&world, &token).await;
        gateway(&world).confirm(attempt.id).await.expect("confirmed");
        assert_eq!(gateway(&world).cancel(attempt.id).await.expect("asked"), Outcome::Captured, "the customer was faster");
        assert_eq!(settle_late(&world, &attempt).await, Outcome::Captured);
        let order = world.client.get(&token, &format!("/api/orders/{id}")).await.expect(200);
        assert_eq!((order["status"].as_str(), order["paymentStatus"].as_str()), (Some("confirmed"), Some("paid")));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_and_not_written_down_is_ended_once_more() {
    for world in World::all().await {
        let token = world.customer(&world.a, "twice@alpha.test").await;
        let (id, payment, attempt) = at_the_gateway(&world, &token).await;
        // The process died here: the gateway knows, and nobody else.
        assert_eq!(gateway(&world).cancel(attempt.id).await.expect("ended"), expired());
        let waiting = world.client.get(&token, &format!("/api/payments/{payment}")).await.expect(200);
        assert_eq!(waiting["status"], "processing");
        assert_eq!(gateway(&world).cancel(attempt.id).await.expect("ended"), expired(), "asked twice, answered the same");
        assert_eq!(settle_late(&world, &attempt).await, expired());
        assert_eq!(settle_late(&world, &attempt).await, expired(), "and a rival of the same worker changes nothing");
        let order = world.client.get(&token, &format!("/api/orders/{id}")).await.expect(200);
        assert_eq!((order["status"].as_str(), order["paymentStatus"].as_str()), (Some("pending"), Some("failed")));
        let history: Vec<_> = order["statusHistory"].as_array().expect("a history").iter().map(|entry| &entry["status"]).collect();
        assert_eq!(history, ["pending"]);
        world.verify().await;
        world.close().await;
    }
}

/// What the log tells of money given back.
async fn told_of_refunds(world: &World) -> Vec<Value> {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let rows = platform.ask("SELECT data FROM outbox WHERE kind = 'payment.refunded' ORDER BY seq", vec![]).await.expect("events");
    rows.iter().map(|row| row.try_get("", "data").expect("its data")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn money_given_back_is_told_when_it_is_there() {
    for world in World::all().await {
        let token = world.customer(&world.a, "back@alpha.test").await;
        let (id, placed) = place(&world, &token, Some("tok_ok")).await;
        world.client.post(&token, &format!("/api/orders/{id}/cancel"), &json!({ "reason": "no more" })).await.expect(200);
        let refunds = format!("/api/payments/{}/refunds", text(&placed["payment"]["id"]));
        let asked = world.client.get(&token, &refunds).await.expect(200);
        assert_eq!((&asked["data"][0]["status"], told_of_refunds(&world).await), (&json!("requested"), vec![]), "{asked}");
        for _ in 0..2 {
            workers::turn(&world.souk).await.expect("a turn");
            let given = world.client.get(&token, &refunds).await.expect(200)["data"][0].clone();
            assert_eq!(given["status"], "completed", "{given}");
            let told = json!({ "amount": given["amount"], "gateway": "test", "refundId": given["id"], "orderId": id });
            assert_eq!(told_of_refunds(&world).await, [told], "once, and without anybody's words");
        }
        world.verify().await;
        world.close().await;
    }
}
