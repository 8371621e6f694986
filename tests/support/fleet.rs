//! Several processes of the real program over one world's database, each in one role, and what
//! must hold of orders that were placed while some of them, or what they need, went away.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Company, World, http, order, text};

/// The program, with the settings of a world.
fn command(world: &World, words: &[&str]) -> Command {
    let settings = world.souk.settings();
    let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
    command
        .args(words)
        .env_clear()
        .current_dir(&settings.data_dir)
        .envs([("LOCO_ENV", "test"), ("HOST", "127.0.0.1")])
        .env("DATABASE_URL", settings.database())
        .env("SOUK_SECRET", settings.secret.as_deref().unwrap_or_default())
        .env("SOUK_DATA_DIR", &settings.data_dir);
    command
}

/// Asks `souk task verify`, as somebody would after an accident.
pub fn holds(world: &World) {
    let done = command(world, &["task", "verify"]).output().expect("verify runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
}

/// One process of the real program; dropping it kills it.
pub struct Process(Child);

impl Process {
    /// Starts one as `--server` or `--worker`, with the address of a Redis or without.
    pub fn start(world: &World, redis: Option<&str>, role: &str, port: u16) -> Self {
        Self::start_with(world, redis.map(|redis| ("REDIS_URL", redis)).as_slice(), role, port)
    }

    /// As [`Process::start`], with settings of its own in the environment.
    pub fn start_with(world: &World, settings: &[(&str, &str)], role: &str, port: u16) -> Self {
        let mut command = command(world, &["start", role]);
        command.env("PORT", port.to_string()).envs(settings.iter().copied());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(child.expect("the program starts"))
    }

    pub fn kill(&mut self) {
        self.0.kill().expect("it is killed");
        self.0.wait().expect("it is gone");
    }

    /// Asks it to end, and waits for that.
    pub fn stop(&mut self) -> Duration {
        let since = Instant::now();
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("kill runs");
        assert!(asked.success());
        let ended = self.0.wait().expect("it is gone");
        assert!(ended.success(), "{ended}");
        since.elapsed()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

/// Asks one web process after the other until one gives an answer; the key makes that one effect.
pub async fn insist(ports: [u16; 2], token: &str, path: &str, key: &str, body: &Value) -> Value {
    let http = http();
    let since = Instant::now();
    for port in ports.iter().cycle() {
        assert!(since.elapsed() < Duration::from_secs(120), "nobody answered {key} within two minutes");
        let request = http.post(format!("http://127.0.0.1:{port}{path}")).bearer_auth(token).header("idempotency-key", key);
        if let Ok(answer) = request.timeout(Duration::from_secs(10)).json(body).send().await {
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap_or_default();
            if status < 300 {
                return body;
            }
            assert!(status == 503 || body["code"] == "idempotency_in_progress", "{status} {body}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    unreachable!()
}

/// Waits until a web process that was just started answers.
pub async fn answers(port: u16) {
    let since = Instant::now();
    while http().get(format!("http://127.0.0.1:{port}/health")).send().await.is_err() {
        assert!(since.elapsed() < Duration::from_secs(120), "no answer from port {port} within two minutes");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn cancel(ports: [u16; 2], token: &str, id: &str, why: &Value) {
    let http = http();
    for port in ports.iter().cycle().take(200) {
        let request = http.post(format!("http://127.0.0.1:{port}/api/orders/{id}/cancel")).bearer_auth(token).json(why);
        if let Ok(answer) = request.timeout(Duration::from_secs(10)).send().await {
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap_or_default();
            // Asked again after an answer that was lost on its way, it is cancelled already.
            if status == 200 || body["code"] == "invalid_transition" {
                return;
            }
            // The gateway's answer was lost with the database: what became of the payment is found out first.
            assert!(status == 503 || body["code"] == "payment_in_progress", "{status} {body}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("order {id} could not be cancelled");
}

/// Waits until everything that is due is done.
pub async fn drained(world: &World) {
    let open = "SELECT (SELECT COUNT(*) FROM jobs WHERE state <> 'done') + (SELECT COUNT(*) FROM outbox WHERE position IS NULL) \
                + (SELECT COALESCE(MAX(position), 0) FROM outbox) - (SELECT COALESCE(MIN(position), 0) FROM consumer_cursors)";
    for _ in 0..600 {
        if world.count(open).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let jobs = world.count("SELECT COUNT(*) FROM jobs WHERE state <> 'done'").await;
    panic!("not drained within a minute: {} left, {jobs} of them jobs", world.count(open).await);
}

/// An order as it was placed by one of the crowd.
pub struct Placed {
    pub id: String,
    pub is_cancelled: bool,
    token: String,
    body: Value,
}

/// A crowd of both companies' customers, one after the other with a pause between: each insists on an
/// order of their own, and every third on cancelling it.
pub async fn shoppers(world: &World, ports: [u16; 2], each: usize, pause: Duration) -> JoinSet<Placed> {
    let mut shoppers = JoinSet::new();
    for company in [&world.a, &world.b] {
        for number in 0..each {
            let (token, body) = shopper(world, company, number).await;
            shoppers.spawn(async move {
                tokio::time::sleep(pause * u32::try_from(number).expect("few")).await;
                let placed = insist(ports, &token, "/api/orders", "order", &body).await;
                let id = text(&placed["orders"][0]["id"]);
                let is_cancelled = number % 3 == 1;
                if is_cancelled {
                    cancel(ports, &token, &id, &json!({ "reason": "changed my mind" })).await;
                }
                Placed { id, is_cancelled, token, body }
            });
        }
    }
    shoppers
}

async fn shopper(world: &World, company: &Company, number: usize) -> (String, Value) {
    let token = world.customer(company, &format!("split{number}@example.test")).await;
    (token, order(company, usize::from(number.is_multiple_of(3)), 1, "test", Some("tok_ok")))
}

/// What was acknowledged is there: the same request under the same key is answered by the same order.
pub async fn still_there(ports: [u16; 2], placed: &[Placed]) {
    for one in placed {
        let again = insist(ports, &one.token, "/api/orders", "order", &one.body).await;
        assert_eq!(again["orders"][0]["id"], one.id.as_str(), "acknowledged as {}, and now {again}", one.id);
    }
}

/// Asserts that each order was placed, paid, told, and if it was cancelled given back, exactly once;
/// how many orders there are, and how many of them were cancelled. `more` were placed by others.
pub async fn each_once(world: &World, placed: &[Placed], more: i64) -> (i64, i64) {
    for Placed { id, is_cancelled, .. } in placed {
        let told = |kind: &str| format!("SELECT COUNT(*) FROM notifications WHERE template = '{kind}' AND data->>'orderId' = '{id}'");
        assert_eq!(world.count(&told("order_confirmed")).await, 1, "order {id}");
        assert_eq!(world.count(&told("order_cancelled")).await, i64::from(*is_cancelled), "order {id}");
        let refunded = format!("SELECT COUNT(*) FROM refunds WHERE order_id = '{id}' AND state = 'completed'");
        assert_eq!(world.count(&refunded).await, i64::from(*is_cancelled), "order {id}");
    }
    let orders = i64::try_from(placed.len()).expect("a number") + more;
    let cancelled = i64::try_from(placed.iter().filter(|one| one.is_cancelled).count()).expect("a number");
    assert_eq!(world.count("SELECT COUNT(*) FROM orders").await, orders);
    assert_eq!(world.count("SELECT COUNT(*) FROM test_gateway_charges WHERE state = 'captured'").await, orders);
    assert_eq!(world.count("SELECT COUNT(*) FROM test_gateway_refunds").await, cancelled);
    let told = "SELECT COUNT(*) FROM notifications WHERE template IN ('order_confirmed', 'order_cancelled')";
    assert_eq!(world.count(told).await, orders + cancelled);
    assert_eq!(world.count("SELECT COUNT(*) FROM notification_deliveries WHERE state NOT IN ('sent', 'skipped', 'delivered')").await, 0);
    let twice =
        "SELECT COUNT(*) FROM (SELECT 1 FROM notification_deliveries GROUP BY notification_id, channel HAVING COUNT(*) > 1) AS twice";
    assert_eq!(world.count(twice).await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM dead_letters").await, 0);
    (orders, cancelled)
}
