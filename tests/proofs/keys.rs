//! P3: one key, one effect, also when the process dies in the middle.

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::support::{program::Program, say, text};

const RIVALS: usize = 100;
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "minutes long"]
async fn a_hundred_rivals_for_one_key_and_a_death_among_them() {
    let seed: u64 = rand::random();
    let mut dice = StdRng::seed_from_u64(seed);
    for mut program in Program::all().await {
        program.start(None).await;
        let goods = program.goods().await;
        let before = program.available(&goods).await;
        let buyer = program.customer("rival").await;
        let body = goods.order(Some("tok_ok"));
        let mut made = Vec::new();
        for round in 0..ROUNDS {
            let key = format!("round-{round}");
            let pause = std::time::Duration::from_millis(dice.random_range(1..500));
            let mut rivals = tokio::task::JoinSet::new();
            for _ in 0..RIVALS {
                let (client, buyer, body, key) = (program.client.clone(), buyer.clone(), body.to_string(), key.clone());
                rivals.spawn(async move {
                    let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
                    client.try_send("POST", "/api/orders", Some(&buyer), Some(body), &headers).await
                });
            }
            tokio::time::sleep(pause).await;
            program.kill_now();
            let told: Vec<_> = rivals.join_all().await.into_iter().flatten().collect();
            program.kill();
            program.start(None).await;
            let stored: Value = program.post_again(&buyer, "/api/orders", &body, &key).await.expect(201);
            for answer in &told {
                assert!(
                    answer.body == stored || answer.body["code"] == "idempotency_in_progress",
                    "seed {seed}: neither the stored answer nor that it is at work: {}",
                    answer.text
                );
            }
            say(format_args!("P3 {}: round {round}, {} of {RIVALS} were answered before the end", program.engine(), told.len()));
            made.push(text(&stored["orders"][0]["id"]));
        }
        let mut mine = program.orders(&buyer).await;
        mine.sort();
        made.sort();
        assert_eq!(mine, made, "seed {seed}: each key made one order");
        assert_eq!(program.available(&goods).await, before - i64::try_from(ROUNDS).expect("few"));
        program.holds().await;
        program.close().await;
    }
}
