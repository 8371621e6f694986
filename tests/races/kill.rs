//! The process is killed in the middle of a sale: what was acknowledged is there, once, and the
//! books balance as soon as it is back.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::{Value, json};

const ROUNDS: u64 = 3;

/// The real program on a folder of its own; dropping it kills it.
struct Program(Child);

impl Program {
    async fn start(data: &Path, port: u16, http: &Client) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_souk"))
            .env_clear()
            .envs([("LOCO_ENV", "test"), ("SOUK_DEMO", "small"), ("HOST", "127.0.0.1")])
            .env("PORT", port.to_string())
            .env("SOUK_DATA_DIR", data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let program = Self(child);
        for _ in 0..600 {
            if http.get(format!("http://127.0.0.1:{port}/health")).send().await.is_ok_and(|answer| answer.status() == 200) {
                return program;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no answer from the program within a minute");
    }

    fn kill(&mut self) {
        self.0.kill().expect("it is killed");
        self.0.wait().expect("it is gone");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

async fn json_of(answer: reqwest::Response) -> Value {
    answer.json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_process_keeps_what_it_acknowledged() {
    let data = std::env::temp_dir().join(format!("souk-kill-{}", uuid::Uuid::now_v7()));
    let http = Client::new();
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let mut program = Program::start(&data, port, &http).await;
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        let found =
            http.get(format!("{base}/api/products?limit=100&q=charger")).header("x-company", "techhub").send().await.expect("products");
        let found = json_of(found).await;
        let (variant, shop) = found["data"]
            .as_array()
            .expect("products")
            .iter()
            .flat_map(|product| product["variants"].as_array().expect("variants"))
            .flat_map(|variant| variant["availability"].as_array().expect("shops").iter().map(move |place| (variant, place)))
            .filter(|(_, place)| place["available"].as_i64() > Some(3))
            .map(|(variant, place)| (variant["id"].clone(), place["shopId"].clone()))
            .next()
            .expect("something to buy");
        let who = json!({ "email": format!("buyer{round}@example.com"), "password": "a-test-of-words-42", "name": "Buyer" });
        let who =
            http.post(format!("{base}/api/auth/register")).header("x-company", "techhub").json(&who).send().await.expect("registered");
        let token = json_of(who).await["accessToken"].as_str().expect("a token").to_owned();
        let body = json!({
            "items": [{ "variantId": variant, "shopId": shop, "quantity": 1 }],
            "shippingAddress": { "name": "Buyer", "line1": "1 Road", "city": "Pune", "postalCode": "411001", "country": "IN" },
            "gateway": "test", "paymentMethod": "tok_ok",
        });
        let mut buying = tokio::task::JoinSet::new();
        for number in 0..3 {
            let request = http
                .post(format!("{base}/api/orders"))
                .bearer_auth(&token)
                .header("idempotency-key", format!("kill-{round}-{number}"))
                .json(&body);
            buying.spawn(async move {
                let answer = request.send().await.ok()?;
                let is_there = answer.status() == 201;
                let body: Value = answer.json().await.ok()?;
                is_there.then(|| body["orders"][0]["id"].as_str().map(str::to_owned)).flatten()
            });
        }
        // Each round dies at another moment of the sale.
        tokio::time::sleep(Duration::from_millis(120 + round * 200)).await;
        program.kill();
        while let Some(done) = buying.join_next().await {
            acknowledged.extend(done.expect("a buyer"));
        }
        let since = Instant::now();
        program = Program::start(&data, port, &http).await;
        eprintln!("killed in round {round}: back after {} ms, {} orders acknowledged", since.elapsed().as_millis(), acknowledged.len());
        let mine = http.get(format!("{base}/api/orders?limit=100")).bearer_auth(&token).send().await.expect("my orders");
        let mine = json_of(mine).await.to_string();
        let of_this_round = acknowledged.iter().filter(|id| mine.contains(id.as_str())).count();
        acknowledged.retain(|id| !mine.contains(id.as_str()));
        assert!(acknowledged.is_empty(), "{of_this_round} orders are there, but these were acknowledged and are not: {acknowledged:?}");
    }
    // The engine finds out what became of the attempts that died half way.
    let mut told = String::new();
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let verify =
            Command::new(env!("CARGO_BIN_EXE_souk")).args(["task", "verify"]).env("LOCO_ENV", "test").env("SOUK_DATA_DIR", &data).output();
        let verify = verify.expect("verify runs");
        told = String::from_utf8_lossy(&verify.stdout).into_owned();
        if verify.status.success() {
            break;
        }
    }
    program.kill();
    assert!(told.contains("everything holds"), "{told}");
    let _ = std::fs::remove_dir_all(&data);
}
