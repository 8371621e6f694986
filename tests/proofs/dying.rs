//! P2: what was acknowledged is there, however often the process is killed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{
    Client, PASSWORD,
    program::{Goods, Program},
    say, text,
};

const KILLS: usize = 200;
const CHECKOUTS: usize = 5_000;
const HANDS: usize = 10;
/// A list of orders holds as many.
const SHIFT: usize = 50;
/// It is to answer again within as much.
const BACK: Duration = Duration::from_secs(10);

/// What the hands and the killer tell each other.
#[derive(Default)]
struct Course {
    kills: AtomicUsize,
    checkouts: AtomicUsize,
}

impl Course {
    fn is_over(&self) -> bool {
        self.kills.load(Relaxed) >= KILLS && self.checkouts.load(Relaxed) >= CHECKOUTS
    }
}

/// Asks until somebody answers what is meant.
async fn insist(client: &Client, token: Option<&str>, path: &str, body: Option<&Value>, key: Option<&str>) -> Value {
    loop {
        let mut headers = vec![("content-type", "application/json"), ("x-company", "techhub")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let method = if body.is_some() { "POST" } else { "GET" };
        let Some(answer) = client.try_send(method, path, token, body.map(Value::to_string), &headers).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        match answer.status {
            200 | 201 => return answer.body,
            503 => tokio::time::sleep(Duration::from_millis(50)).await,
            409 if answer.body["code"] == "idempotency_in_progress" => tokio::time::sleep(Duration::from_millis(100)).await,
            // A registration whose answer was lost.
            409 | 422 if path == "/api/auth/register" => return Value::Null,
            _ => panic!("{path}: {} {}", answer.status, answer.text),
        }
    }
}

/// A customer after another buys, each key until it is answered; then each has what they were told.
async fn buy(client: Client, course: Arc<Course>, hand: usize, body: Value) {
    let mut shift = 0;
    while !course.is_over() {
        shift += 1;
        let new = json!({ "email": format!("hand{hand}-{shift}@example.com"), "password": PASSWORD, "name": "Hand" });
        let welcome = insist(&client, None, "/api/auth/register", Some(&new), None).await;
        let Some(token) = welcome["accessToken"].as_str() else { continue };
        let mut told = Vec::with_capacity(SHIFT);
        for number in 0..SHIFT {
            let made = insist(&client, Some(token), "/api/orders", Some(&body), Some(&format!("order-{number}"))).await;
            assert_eq!(made["payment"]["status"], "completed", "{made}");
            told.push(text(&made["orders"][0]["id"]));
            course.checkouts.fetch_add(1, Relaxed);
        }
        let mine = insist(&client, Some(token), "/api/orders?limit=100", None, None).await;
        let mut mine: Vec<_> = mine["data"].as_array().expect("orders").iter().map(|order| text(&order["id"])).collect();
        mine.sort();
        told.sort();
        assert_eq!(mine, told, "each key made one order, and each is there");
    }
}

/// Where the shop keeps the goods.
async fn place_of(client: &Client, token: &str, goods: &Goods) -> Value {
    let found = client.get(token, &format!("/api/inventory/{}", text(&goods.variant))).await.expect(200);
    let mut places = found["locations"].as_array().expect("places").iter();
    places.find(|place| place["shopId"] == goods.shop).expect("the shop's place")["locationId"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "minutes long"]
async fn two_hundred_deaths_in_five_thousand_checkouts() {
    let seed: u64 = rand::random();
    let mut dice = StdRng::seed_from_u64(seed);
    for mut program in Program::all().await {
        program.start(None).await;
        let goods = program.goods().await;
        let person = json!({ "email": "admin@techhub.test", "password": souk::tasks::demo::PASSWORD });
        let admin = text(&insist(&program.client, None, "/api/auth/login", Some(&person), None).await["accessToken"]);
        let place = place_of(&program.client, &admin, &goods).await;
        let more = json!({ "locationId": place, "quantity": 1_000_000, "operation": "add", "reason": "for the proof" });
        program.client.patch(&admin, &format!("/api/inventory/{}", text(&goods.variant)), &more).await.expect(200);
        let before = program.available(&goods).await;
        let course = Arc::new(Course::default());
        let mut hands = tokio::task::JoinSet::new();
        for hand in 0..HANDS {
            hands.spawn(buy(program.client.clone(), course.clone(), hand, goods.order(Some("tok_ok"))));
        }
        let mut slowest = Duration::ZERO;
        while !course.is_over() {
            tokio::time::sleep(Duration::from_millis(dice.random_range(50..1_500))).await;
            program.kill();
            let back = program.start(None).await;
            assert!(back <= BACK, "seed {seed}: {} ms until it answered again", back.as_millis());
            slowest = slowest.max(back);
            if course.kills.fetch_add(1, Relaxed) % 20 == 19 {
                program.holds().await;
            }
        }
        hands.join_all().await;
        let (kills, checkouts) = (course.kills.load(Relaxed), course.checkouts.load(Relaxed));
        assert_eq!(program.available(&goods).await, before - i64::try_from(checkouts).expect("few"));
        say(format_args!(
            "P2 {}: seed {seed}, {kills} deaths in {checkouts} checkouts, back after at most {} ms",
            program.engine(),
            slowest.as_millis()
        ));
        program.holds().await;
        program.close().await;
    }
}
