//! Rivals at the same moment, and a process killed in the middle.

mod kill;

use serde_json::json;

use crate::support::{STOCK, World, order};

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_last_units_are_sold_once() {
    for world in World::all().await {
        let mut tokens = Vec::new();
        for number in 0..60 {
            tokens.push(world.customer(&world.a, &format!("rival{number}@alpha.test")).await);
        }
        let body = order(&world.a, 2, 1, "test", Some("tok_ok"));
        let mut rivals = tokio::task::JoinSet::new();
        for token in tokens {
            let (client, body) = (world.client.clone(), body.clone());
            rivals.spawn(async move { client.post(&token, "/api/orders", &body).await });
        }
        let mut sold = 0;
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 201 {
                assert_eq!(answer.body["orders"][0]["paymentStatus"], "paid", "{}", answer.text);
                sold += 1;
            } else {
                answer.refused(409, "insufficient_stock");
            }
        }
        assert_eq!(sold, STOCK[2], "{}", world.souk.engine());
        assert_eq!(world.stock(&world.a, 2).await, (0, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn one_key_is_one_order_however_many_ask() {
    for world in World::all().await {
        let token = world.customer(&world.a, "eager@alpha.test").await;
        let body = order(&world.a, 0, 1, "test", Some("tok_ok"));
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (client, token, body) = (world.client.clone(), token.clone(), body.clone());
            let key = [("idempotency-key", "the-one-key")];
            rivals.spawn(async move { client.call("POST", "/api/orders", Some(&token), None, Some(&body), &key).await });
        }
        let mut answers = Vec::new();
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 201 {
                answers.push(answer.body);
            } else {
                answer.refused(409, "idempotency_in_progress");
            }
        }
        assert!(!answers.is_empty());
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        let orders = world.client.get(&token, "/api/orders").await.expect(200);
        assert_eq!(orders["data"].as_array().map(Vec::len), Some(1));
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] - 1, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_order_is_cancelled_once() {
    for world in World::all().await {
        let token = world.customer(&world.a, "hasty@alpha.test").await;
        let placed = world.client.post(&token, "/api/orders", &order(&world.a, 0, 3, "test", Some("tok_ok"))).await.expect(201);
        let path = format!("/api/orders/{}/cancel", placed["orders"][0]["id"].as_str().expect("an id"));
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (client, token, path) = (world.client.clone(), token.clone(), path.clone());
            rivals.spawn(async move { client.post(&token, &path, &json!({ "reason": "changed my mind" })).await });
        }
        let mut won = 0;
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 200 {
                won += 1;
            } else {
                answer.refused(409, "invalid_transition");
            }
        }
        assert_eq!(won, 1);
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));
        world.verify().await;
        world.close().await;
    }
}
