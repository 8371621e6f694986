//! The process dies in the middle of a sale: what was acknowledged is there, once, what was not is
//! finished by the same request sent again, and the books balance as soon as it is back.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use souk::failpoint::Moment;

use crate::support::{
    program::{Goods, Program},
    say, text,
};

const ROUNDS: usize = 4;
const BUYERS: usize = 3;

/// Moments of a sale, in their order; the refund's is another test.
const OF_A_SALE: [Moment; 4] = [Moment::CheckoutKept, Moment::AttemptKept, Moment::MoneyTaken, Moment::SaleKept];

/// The request that dies: a sale in one request, or the payment of an order that waited for it.
async fn ask_for(program: &Program, buyer: &str, goods: &Goods, moment: Moment) -> (String, Value) {
    if moment != Moment::CheckoutKept {
        return ("/api/orders".into(), goods.order(Some("tok_ok")));
    }
    let placed = program.post(buyer, "/api/orders", &goods.order(None), "placed").await.expect("an answer").expect(201);
    (format!("/api/orders/{}/process-payment", text(&placed["orders"][0]["id"])), json!({ "paymentMethod": "tok_ok" }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sale_survives_death_at_every_moment() {
    for mut program in Program::all().await {
        program.start(None).await;
        let buyer = program.customer("survivor").await;
        let goods = program.goods().await;
        let before = program.available(&goods).await;
        let mut sold = Vec::new();
        for moment in OF_A_SALE {
            program.kill();
            program.start(Some(moment)).await;
            let (path, body) = ask_for(&program, &buyer, &goods, moment).await;
            let answer = program.post(&buyer, &path, &body, moment.name()).await;
            assert!(answer.is_none(), "{moment:?}: it was to die before it answered");
            program.dies().await;

            let back = program.start(None).await;
            say(format_args!("{}: dead at {}, back after {} ms", program.engine(), moment.name(), back.as_millis()));
            let answer = program.post_again(&buyer, &path, &body, moment.name()).await;
            let replayed = program.post_again(&buyer, &path, &body, moment.name()).await;
            assert_eq!(replayed.headers.get("idempotency-replayed").and_then(|value| value.to_str().ok()), Some("true"));
            assert!([200, 201].contains(&answer.status), "{}", answer.text);
            assert_eq!((replayed.status, &replayed.body), (answer.status, &answer.body));
            let made = answer.body;
            assert_eq!(made["payment"]["status"], "completed", "{moment:?}: {made}");
            assert_eq!(made["orders"][0]["paymentStatus"], "paid", "{moment:?}: {made}");
            sold.push(text(&made["orders"][0]["id"]));
            program.holds().await;
        }
        let mut mine = program.orders(&buyer).await;
        mine.sort();
        sold.sort();
        assert_eq!(mine, sold, "each key made one order");
        assert_eq!(program.available(&goods).await, before - 4, "each order took one piece");
        program.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_survives_death_at_its_moment() {
    for mut program in Program::all().await {
        program.start(None).await;
        let buyer = program.customer("returner").await;
        let goods = program.goods().await;
        let before = program.available(&goods).await;
        let made = program.post(&buyer, "/api/orders", &goods.order(Some("tok_ok")), "returned").await.expect("an answer").expect(201);
        // The demo has refunds of its own, which end in the meantime.
        program.holds().await;
        program.kill();
        program.start(Some(Moment::MoneyReturned)).await;
        let order = text(&made["orders"][0]["id"]);
        let reason = json!({ "reason": "changed my mind" });
        // The job may be faster than the answer to the request that wanted it.
        let headers = [("content-type", "application/json"), ("idempotency-key", "called-off")];
        let path = format!("/api/orders/{order}/cancel");
        let _ = program.client.try_send("POST", &path, Some(&buyer), Some(reason.to_string()), &headers).await;
        program.dies().await;

        program.start(None).await;
        let again = program.client.send("POST", &path, Some(&buyer), Some(reason.to_string()), &headers).await;
        assert_eq!(again.expect(200)["status"], "cancelled");
        let path = format!("/api/payments/{}/refunds", text(&made["payment"]["id"]));
        let mut refunds = json!(null);
        for _ in 0..240 {
            refunds = program.client.get(&buyer, &path).await.expect(200)["data"].clone();
            if refunds[0]["status"] == "completed" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert_eq!(refunds.as_array().map(Vec::len), Some(1), "{refunds}");
        assert_eq!(refunds[0]["status"], "completed", "{refunds}");
        assert_eq!(program.available(&goods).await, before);
        program.holds().await;
        program.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_process_keeps_what_it_acknowledged() {
    let seed: u64 = rand::random();
    let mut moments = StdRng::seed_from_u64(seed);
    for mut program in Program::all().await {
        program.start(None).await;
        let goods = program.goods().await;
        let before = program.available(&goods).await;
        let mut buyers = Vec::new();
        for number in 0..BUYERS {
            buyers.push(program.customer(&format!("buyer{number}")).await);
        }
        let mut sold = vec![Vec::new(); BUYERS];
        for round in 0..ROUNDS {
            let (key, body) = (format!("round-{round}"), goods.order(Some("tok_ok")));
            // Each round dies at another moment of the sales.
            let pause = Duration::from_millis(moments.random_range(5..300));
            let (first, second, third, ()) = tokio::join!(
                program.post(&buyers[0], "/api/orders", &body, &key),
                program.post(&buyers[1], "/api/orders", &body, &key),
                program.post(&buyers[2], "/api/orders", &body, &key),
                async {
                    tokio::time::sleep(pause).await;
                    program.kill_now();
                },
            );
            program.kill();
            let acknowledged = [first, second, third];
            let back = program.start(None).await;
            say(format_args!(
                "{}: seed {seed}, killed after {} ms with {} of {BUYERS} acknowledged, back after {} ms",
                program.engine(),
                pause.as_millis(),
                acknowledged.iter().flatten().count(),
                back.as_millis(),
            ));
            for (number, answer) in acknowledged.into_iter().enumerate() {
                let told = answer.map(|answer| answer.expect(201));
                if let Some(told) = &told {
                    let mine = program.orders(&buyers[number]).await;
                    assert!(mine.contains(&text(&told["orders"][0]["id"])), "acknowledged, and not there: {told}");
                }
                let again = program.post_again(&buyers[number], "/api/orders", &body, &key).await.expect(201);
                assert_eq!(again["payment"]["status"], "completed", "{again}");
                assert!(told.is_none_or(|told| told == again), "another answer than the first");
                sold[number].push(text(&again["orders"][0]["id"]));
            }
        }
        for (buyer, sold) in buyers.iter().zip(&mut sold) {
            let mut mine = program.orders(buyer).await;
            mine.sort();
            sold.sort();
            assert_eq!(mine, *sold, "each key made one order");
        }
        assert_eq!(program.available(&goods).await, before - i64::try_from(ROUNDS * BUYERS).expect("few"));
        program.holds().await;
        program.close().await;
    }
}
