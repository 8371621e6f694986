//! PostgreSQL goes away and comes back while two web processes sell and two workers work: what was
//! acknowledged is there, once, and everybody goes on by themselves.

use std::time::{Duration, Instant};

use crate::support::{
    World,
    database::Postgres,
    fleet::{Process, answers, drained, each_once, free_port, holds, shoppers, still_there},
    http,
    postgres::Server,
    say,
};

/// Orders of each of the two companies, one every so often: a quarter of a minute's trade.
const ORDERS: usize = 36;
const PAUSE: Duration = Duration::from_millis(400);
/// Within which a web process sells again. It is there after a second or so, on a machine that has time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks both web processes until each shows the shop's goods again; how long that took.
async fn back(ports: [u16; 2]) -> Duration {
    let since = Instant::now();
    for port in ports {
        loop {
            let asked = http().get(format!("http://127.0.0.1:{port}/api/products")).header("x-company", "alpha");
            let answer = asked.timeout(Duration::from_secs(2)).send().await;
            if answer.is_ok_and(|answer| answer.status().as_u16() == 200) {
                break;
            }
            assert!(since.elapsed() < PATIENCE, "port {port} does not sell {} s after its database came back", PATIENCE.as_secs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    since.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_restarts_under_load_loses_nothing_and_doubles_nothing() {
    let server = match Server::open() {
        Ok(server) => server,
        Err(why) => return say(format_args!("restart: skipped, there is no PostgreSQL of its own: {why}")),
    };
    let world = World::on_postgres(Postgres::on(&server).await).await;
    let ports = [free_port(), free_port()];
    let mut fleet = [("--server", ports[0]), ("--server", ports[1]), ("--worker", 0), ("--worker", 0)]
        .map(|(role, port)| Process::start(&world, None, role, port));
    // Starting takes its time; going on after a restart must not.
    for port in ports {
        answers(port).await;
    }
    let mut crowd = shoppers(&world, ports, ORDERS, PAUSE).await;
    for (mode, away) in [("immediate", 0), ("fast", 0), ("immediate", 3)] {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let since = Instant::now();
        server.stop(mode);
        tokio::time::sleep(Duration::from_secs(away)).await;
        server.start();
        let gone = since.elapsed();
        let took = back(ports).await;
        say(format_args!("restart: {mode}, away for {} ms, selling again {} ms later", gone.as_millis(), took.as_millis()));
    }
    let mut placed = Vec::new();
    while let Some(one) = crowd.join_next().await {
        placed.push(one.expect("a shopper"));
    }
    drained(&world).await;
    still_there(ports, &placed).await;
    let (orders, cancelled) = each_once(&world, &placed, 0).await;
    say(format_args!("restart: {orders} orders, {cancelled} refunds, PostgreSQL three times gone: each once"));
    for process in &mut fleet {
        assert!(process.stop() < Duration::from_secs(20));
    }
    world.verify().await;
    holds(&world);
    world.close().await;
}
