//! Rivals at the same moment, a process killed in the middle, and what it needs taken away.

mod away;
mod baskets;
mod keys;
mod kill;
mod restart;

use serde_json::{Value, json};
use souk::{
    clock,
    models::{orders, payments},
    tenancy::Tenant,
};

use crate::support::{Answer, STOCK, World, order, say, text};

/// Sends every body at once, each as its own customer; the answers as they come.
async fn rush(world: &World, bodies: Vec<(String, Value)>) -> Vec<Answer> {
    let mut rivals = tokio::task::JoinSet::new();
    for (token, body) in bodies {
        let client = world.client.clone();
        rivals.spawn(async move { client.post(&token, "/api/orders", &body).await });
    }
    rivals.join_all().await
}

/// How many of the answers are paid orders; the others must say that the stock is short.
fn sold(answers: Vec<Answer>) -> i64 {
    let mut sold = 0;
    for answer in answers {
        if answer.status == 201 {
            assert_eq!(answer.body["orders"][0]["paymentStatus"], "paid", "{}", answer.text);
            sold += 1;
        } else {
            answer.refused(409, "insufficient_stock");
        }
    }
    sold
}

/// An order of these variants of company A, a piece on each line.
fn basket(world: &World, variants: &[usize]) -> Value {
    let mut body = order(&world.a, 0, 1, "test", Some("tok_ok"));
    let line = |index: &usize| json!({ "variantId": world.a.variants[*index], "shopId": world.a.shop, "quantity": 1 });
    body["items"] = variants.iter().map(line).collect();
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_last_units_are_sold_once() {
    for world in World::all().await {
        let body = order(&world.a, 2, 1, "test", Some("tok_ok"));
        let crowd = world.crowd(&world.a, 200).await;
        let answers = rush(&world, crowd.into_iter().map(|token| (token, body.clone())).collect()).await;
        assert_eq!(sold(answers), STOCK[2], "{}", world.souk.engine());
        assert_eq!(world.stock(&world.a, 2).await, (0, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn two_lines_of_one_thing_are_counted_together() {
    for world in World::all().await {
        let body = basket(&world, &[2, 2]);
        let crowd = world.crowd(&world.a, 20).await;
        let answers = rush(&world, crowd.into_iter().map(|token| (token, body.clone())).collect()).await;
        assert_eq!(sold(answers), STOCK[2] / 2, "{}", world.souk.engine());
        assert_eq!(world.stock(&world.a, 2).await, (0, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn baskets_in_opposite_orders_do_not_wait_for_each_other() {
    for world in World::all().await {
        let crowd = world.crowd(&world.a, 40).await;
        let (there, back) = (basket(&world, &[0, 1, 0]), basket(&world, &[1, 0, 0]));
        let bodies = crowd.iter().enumerate().map(|(number, token)| {
            let body = if number % 2 == 0 { &there } else { &back };
            (token.clone(), body.clone())
        });
        let answers = rush(&world, bodies.collect()).await;
        let placed: Vec<_> = answers.into_iter().map(|answer| text(&answer.expect(201)["orders"][0]["id"])).collect();
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] - 80, 0));
        assert_eq!(world.stock(&world.a, 1).await, (STOCK[1] - 40, 0));

        let admin = world.staff(&world.a, "admin").await;
        let mut rivals = tokio::task::JoinSet::new();
        for id in placed {
            let (client, admin) = (world.client.clone(), admin.clone());
            rivals.spawn(async move { client.post(&admin, &format!("/api/orders/{id}/cancel"), &json!({ "reason": "a recall" })).await });
        }
        for answer in rivals.join_all().await {
            answer.expect(200);
        }
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));
        assert_eq!(world.stock(&world.a, 1).await, (STOCK[1], 0));
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
        for _ in 0..100 {
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

/// So many customers confirm at the moment in which their time is over.
const SLOW: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_confirmation_and_the_end_of_its_time_have_one_winner() {
    for world in World::all().await {
        let body = order(&world.a, 0, 1, "test", Some("tok_3ds"));
        let system = Tenant::system(world.a.id);
        let mut rivals = tokio::task::JoinSet::new();
        let mut bought = Vec::new();
        for (number, token) in world.crowd(&world.a, SLOW).await.into_iter().enumerate() {
            let placed = world.client.post(&token, "/api/orders", &body).await.expect(201);
            let payment = text(&placed["payment"]["id"]);
            let scope = world.souk.read(system.clone()).await.expect("a scope");
            let attempt = payments::open_attempt(&scope, payment.parse().expect("an id")).await.expect("asked").expect("an attempt");
            drop(scope);
            bought.push((token.clone(), text(&placed["orders"][0]["id"])));
            let (client, path) = (world.client.clone(), "/api/payments/verify");
            // Each pair meets at another moment, so that now the one is first and now the other.
            let head_start = std::time::Duration::from_micros(u64::try_from(number).expect("few") * 150);
            rivals.spawn(async move {
                tokio::time::sleep(head_start).await;
                client.post(&token, path, &json!({ "paymentId": payment })).await.expect(200);
            });
            let (souk, system) = (world.souk.clone(), system.clone());
            rivals.spawn(async move {
                let too_late = 31 * 60 * 1_000_000;
                clock::shifted(too_late, orders::settle(&souk, &system, &attempt)).await.expect("settled");
            });
        }
        rivals.join_all().await;
        let mut paid = 0;
        for (token, id) in bought {
            let order = world.client.get(&token, &format!("/api/orders/{id}")).await.expect(200);
            match (order["status"].as_str(), order["paymentStatus"].as_str()) {
                (Some("confirmed"), Some("paid")) => paid += 1,
                (Some("pending"), Some("failed")) => {}
                other => panic!("neither bought nor not: {other:?}"),
            }
        }
        say(format_args!("{}: {paid} of {SLOW} confirmed in time", world.souk.engine()));
        let captured = world.count("SELECT COUNT(*) FROM test_gateway_charges WHERE state = 'captured'").await;
        assert_eq!(captured, paid, "who is charged has bought, and nobody else is");
        assert_eq!(world.count("SELECT COUNT(*) FROM test_gateway_charges WHERE state = 'action'").await, 0);
        world.verify().await;
        world.close().await;
    }
}
