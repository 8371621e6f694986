//! Several processes of each role over PostgreSQL and Redis, while some are killed and Redis is
//! emptied and cut off: nothing is lost, nothing is doubled.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    World,
    cable::Cable,
    fleet::{Process, answers, drained, each_once, free_port, insist, shoppers},
    http, order, say,
};

/// Orders of each of the two companies.
const ORDERS: usize = 30;

/// A Redis database that no other test run on this machine uses at the moment.
fn own_number() -> u32 {
    std::process::id() % 14 + 1
}

async fn redis(words: &[&str]) -> Option<String> {
    let number = own_number().to_string();
    let output = tokio::process::Command::new("redis-cli").args(["-n", &number]).args(words).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

async fn health(port: u16) -> Value {
    let asked = http().get(format!("http://127.0.0.1:{port}/api/health/all")).send().await;
    match asked {
        Ok(answer) => answer.json().await.unwrap_or_default(),
        Err(_) => Value::Null,
    }
}

async fn until_queue_is(port: u16, status: &str) {
    for _ in 0..300 {
        if health(port).await["components"]["queue"] == json!({ "kind": "redis", "status": status }) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the queue is not `{status}` within half a minute: {}", health(port).await);
}

fn slow_down(folder: &Path) {
    // Looking seldom, so that it is the wake-ups that are seen at work.
    std::fs::create_dir_all(folder.join("config")).expect("a folder");
    std::fs::write(folder.join("config/test.yaml"), "settings: { poll_milliseconds: 1500, lease_seconds: 4 }").expect("a file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_processes_and_a_lost_redis_lose_nothing_and_double_nothing() {
    let mut worlds = World::all().await;
    let mut world = worlds.remove(0);
    if worlds.is_empty() || redis(&["FLUSHDB"]).await.as_deref() != Some("OK") {
        say(format_args!("split roles: skipped, this needs PostgreSQL and a Redis at 127.0.0.1:6379 with redis-cli"));
        for world in worlds.into_iter().chain([world]) {
            world.close().await;
        }
        return;
    }
    world.close().await;
    world = worlds.remove(0);
    slow_down(&world.souk.settings().data_dir);
    let cable = Cable::lay("127.0.0.1:6379").await;
    let ports = [free_port(), free_port()];
    let redis_url = format!("redis://{}/{}", cable.address, own_number());
    let start = |role, port| Process::start(&world, Some(&redis_url), role, port);
    let mut webs = [start("--server", ports[0]), start("--server", ports[1])];
    until_queue_is(ports[0], "ok").await;
    until_queue_is(ports[1], "ok").await;

    // A web process alone does no work.
    let token = world.token_of(&world.a, world.a.customer.clone()).await;
    insist(ports, &token, "/api/orders", "first", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM notifications").await, 0);
    assert_eq!(redis(&["LLEN", "queue:log"]).await.as_deref(), Some("1"), "however often it rang, one wake-up waits");
    let watched = free_port();
    let mut workers = [start("--worker", watched), start("--worker", 0)];
    drained(&world).await;
    // A worker that was told a port says how it fares, and nothing else.
    answers(watched).await;
    let ask = async |path: &str| http().get(format!("http://127.0.0.1:{watched}{path}")).send().await.expect("an answer");
    assert_eq!(ask("/api/products").await.status(), 404);
    let since = Instant::now();
    insist(ports, &token, "/api/orders", "second", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await;
    drained(&world).await;
    say(format_args!("split roles: from order to sent notice {} ms, looking each 1500 ms", since.elapsed().as_millis()));

    let shoppers = shoppers(&world, ports, ORDERS, Duration::from_millis(300)).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let figures = ask("/metrics").await.text().await.expect("figures");
    assert!(figures.contains("souk_jobs_total{"), "{figures}");
    workers[0].kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    webs[0].kill();
    redis(&["FLUSHDB"]).await.expect("emptied");
    tokio::time::sleep(Duration::from_secs(1)).await;
    cable.cut();
    until_queue_is(ports[1], "down").await;
    webs[0] = start("--server", ports[0]);
    workers[0] = start("--worker", 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    workers[1].kill();
    cable.mend();
    until_queue_is(ports[1], "ok").await;
    workers[1] = start("--worker", 0);

    let placed = shoppers.join_all().await;
    drained(&world).await;
    // The two that were placed before the crowd came.
    let (orders, cancelled) = each_once(&world, &placed, 2).await;
    say(format_args!("split roles: {orders} orders, {cancelled} refunds, two workers and a web killed, Redis emptied and cut: each once"));

    for program in workers.iter_mut().chain(&mut webs) {
        assert!(program.stop() < Duration::from_secs(20));
    }
    redis(&["FLUSHDB"]).await;
    world.verify().await;
    world.close().await;
}
