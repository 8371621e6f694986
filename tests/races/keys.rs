//! A key belongs to whoever sent it: the same words of somebody else are another key.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Company, World, order, text};

const KEY: [(&str, &str); 1] = [("idempotency-key", "the-same-words")];
/// So often each of them asks, all at once.
const TIMES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_equal_key_of_another_tenant_is_another_effect() {
    for world in World::all().await {
        let (a, b) = (&world.a, &world.b);
        let mut people = Vec::new();
        for (company, email) in [(a, "twin@example.test"), (a, "other@example.test"), (b, "twin@example.test")] {
            people.push((world.customer(company, email).await, order(company, 0, 1, "test", Some("tok_ok"))));
        }
        let mut rivals = tokio::task::JoinSet::new();
        for (whose, (token, body)) in people.iter().enumerate() {
            for _ in 0..TIMES {
                let (client, token, body) = (world.client.clone(), token.clone(), body.clone());
                rivals.spawn(async move { (whose, client.call("POST", "/api/orders", Some(&token), None, Some(&body), &KEY).await) });
            }
        }
        let mut told: Vec<Vec<Value>> = vec![vec![]; people.len()];
        for (whose, answer) in rivals.join_all().await {
            if answer.status == 201 {
                told[whose].push(answer.body);
            } else {
                answer.refused(409, "idempotency_in_progress");
            }
        }

        let mut orders = BTreeSet::new();
        for ((token, body), told) in people.iter().zip(told) {
            // Whoever asks again is told what the first of theirs was told.
            let again = world.client.call("POST", "/api/orders", Some(token), None, Some(body), &KEY).await;
            assert_eq!(again.headers.get("idempotency-replayed").and_then(|value| value.to_str().ok()), Some("true"), "{}", again.text);
            let again = again.expect(201);
            assert!(!told.is_empty() && told.iter().all(|answer| *answer == again), "{told:#?}");
            let theirs = world.client.get(token, "/api/orders").await.expect(200);
            assert_eq!(theirs["data"].as_array().map(Vec::len), Some(1), "{theirs}");
            assert_eq!(theirs["data"][0]["id"], again["orders"][0]["id"]);
            orders.insert(text(&again["orders"][0]["id"]));
            let mut another = body.clone();
            another["items"][0]["quantity"] = 2.into();
            let answer = world.client.call("POST", "/api/orders", Some(token), None, Some(&another), &KEY).await;
            answer.refused(422, "idempotency_key_reused");
        }
        assert_eq!(orders.len(), people.len(), "each of them has an order of their own");
        let left = async |company: &Company| world.stock(company, 0).await;
        assert_eq!((left(a).await, left(b).await), ((98, 0), (99, 0)), "{}", world.souk.engine());
        world.verify().await;
        world.close().await;
    }
}
