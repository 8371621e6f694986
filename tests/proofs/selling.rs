//! P1 and P4: never sells what is not there, and every captured payment ends as an order.

use std::time::{Duration, Instant};

use serde_json::json;
use souk::{clock, workers};

use crate::support::{STOCK, World, order, say};

const BUYERS: usize = 500;
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "minutes long"]
async fn five_hundred_buyers_for_fifty_units_twenty_times() {
    for round in 1..=ROUNDS {
        for world in World::all().await {
            let body = order(&world.a, 1, 1, "test", Some("tok_ok"));
            let crowd = world.crowd(&world.a, BUYERS).await;
            let began = Instant::now();
            let mut rivals = tokio::task::JoinSet::new();
            for token in crowd {
                let (client, body) = (world.client.clone(), body.clone());
                rivals.spawn(async move { client.post(&token, "/api/orders", &body).await });
            }
            let mut sold = 0;
            for answer in rivals.join_all().await {
                if answer.status == 201 {
                    sold += 1;
                } else {
                    answer.refused(409, "insufficient_stock");
                }
            }
            let engine = world.souk.engine();
            say(format_args!("P1 {engine}: round {round} of {ROUNDS}, {sold} of {BUYERS} served in {} ms", began.elapsed().as_millis()));
            assert_eq!(sold, STOCK[1], "{engine}");
            assert_eq!(world.stock(&world.a, 1).await, (0, 0));
            world.verify().await;
            world.close().await;
        }
    }
}

/// So many payments, of which the answer to each third or so is lost after the money was taken.
const CAPTURES: i64 = 2_000;
/// So many customers pay beside each other.
const HANDS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "minutes long"]
async fn two_thousand_captures_of_which_a_third_loses_its_answer() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let more = json!({ "locationId": world.a.location, "quantity": CAPTURES, "operation": "add", "reason": "for the proof" });
        world.client.patch(&admin, &format!("/api/inventory/{}", world.a.variants[0]), &more).await.expect(200);
        let mut hands = tokio::task::JoinSet::new();
        for (hand, token) in world.crowd(&world.a, HANDS).await.into_iter().enumerate() {
            let client = world.client.clone();
            let (paid, lost) = (order(&world.a, 0, 1, "test", Some("tok_ok")), order(&world.a, 0, 1, "test", Some("tok_timeout")));
            let souk = world.souk.clone();
            hands.spawn(async move {
                let mut unknown = 0;
                let mut number = hand;
                while number < usize::try_from(CAPTURES).expect("few") {
                    let is_lost = number % 10 < 3;
                    let answer = client.post(&token, "/api/orders", if is_lost { &lost } else { &paid }).await;
                    if answer.body["code"] == "checkout_in_progress" {
                        // The one before is still being asked about; its customer waits for the answer.
                        clock::shifted(60_000_000, workers::turn(&souk)).await.expect("a turn");
                        continue;
                    }
                    let made = answer.expect(201);
                    unknown += i64::from(made["payment"]["status"] == "processing");
                    number += HANDS;
                }
                unknown
            });
        }
        let unknown: i64 = hands.join_all().await.into_iter().sum();
        let began = Instant::now();
        let open = "SELECT COUNT(*) FROM payments WHERE status = 'processing'";
        while world.count(open).await > 0 {
            assert!(began.elapsed() < Duration::from_secs(300), "unresolved after five minutes");
            clock::shifted(60_000_000, workers::turn(&world.souk)).await.expect("a turn");
        }
        let captured = world.count("SELECT COUNT(*) FROM test_gateway_charges WHERE state = 'captured'").await;
        let bought = world.count("SELECT COUNT(*) FROM orders WHERE payment_status = 'paid' AND status = 'confirmed'").await;
        say(format_args!("P4 {}: {captured} captured, {unknown} of them without an answer, {bought} bought", world.souk.engine()));
        assert_eq!((captured, bought), (CAPTURES, CAPTURES));
        assert!(unknown > 0, "no answer was lost");
        world.verify().await;
        world.close().await;
    }
}
