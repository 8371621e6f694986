//! The real program, as a process of its own that can die.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use souk::failpoint::Moment;

use super::{Answer, Client, PASSWORD, database, database::Postgres, text};

/// The program with the demo on a database of its own; dropping it kills it.
pub struct Program {
    child: Option<Child>,
    pub client: Client,
    data_dir: PathBuf,
    database: Option<Postgres>,
}

/// Something that a shop of the demo sells.
pub struct Goods {
    pub variant: Value,
    pub shop: Value,
}

impl Goods {
    /// An order of one piece, paid by a method or later.
    pub fn order(&self, method: Option<&str>) -> Value {
        json!({
            "items": [{ "variantId": self.variant, "shopId": self.shop, "quantity": 1 }],
            "shippingAddress": { "name": "Buyer", "line1": "1 Road", "city": "Pune", "postalCode": "411001", "country": "IN" },
            "gateway": "test", "paymentMethod": method,
        })
    }
}

impl Program {
    /// One for each database there is, not started yet.
    pub async fn all() -> Vec<Self> {
        let mut programs = vec![Self::on(None)];
        programs.extend(Postgres::new().await.map(|database| Self::on(Some(database))));
        programs
    }

    fn on(database: Option<Postgres>) -> Self {
        let address: SocketAddr = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
        Self { child: None, client: Client::of_program(address), data_dir: database::temporary(), database }
    }

    pub fn engine(&self) -> &'static str {
        if self.database.is_some() { "postgresql" } else { "sqlite" }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        command.env_clear().envs([("LOCO_ENV", "test"), ("SOUK_DEMO", "small"), ("HOST", "127.0.0.1")]);
        command.env("PORT", self.client.address.port().to_string()).env("SOUK_DATA_DIR", &self.data_dir);
        if let Some(database) = &self.database {
            command.env("DATABASE_URL", database.url());
        }
        command
    }

    /// Starts it, perhaps to die at a moment; how long it took until it answered.
    pub async fn start(&mut self, moment: Option<Moment>) -> Duration {
        let since = Instant::now();
        let mut command = self.command();
        if let Some(moment) = moment {
            command.env("SOUK_FAILPOINT", moment.name());
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        self.child = Some(child);
        while since.elapsed() < Duration::from_secs(120) {
            if self.client.try_send("GET", "/health", None, None, &[]).await.is_some_and(|answer| answer.status == 200) {
                return since.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no answer from the program within two minutes");
    }

    /// Kills it, as nothing else could.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("it is gone");
        }
    }

    /// Sends it the signal that cannot be refused, while others still speak to it.
    pub fn kill_now(&self) {
        if let Some(child) = &self.child {
            let killed = Command::new("kill").args(["-9", &child.id().to_string()]).status().expect("a signal");
            assert!(killed.success(), "the signal was not sent");
        }
    }

    /// Waits until it has died by itself, at its moment.
    pub async fn dies(&mut self) {
        let mut child = self.child.take().expect("it runs");
        for _ in 0..600 {
            if let Some(status) = child.try_wait().expect("its state") {
                assert_eq!(status.signal(), Some(6), "it ended, but not at the moment it was told: {status}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let _ = child.kill();
        panic!("it did not die at its moment");
    }

    /// Asks `souk task verify` beside the running program, until everything holds.
    pub async fn holds(&self) {
        let mut said = String::new();
        for _ in 0..60 {
            let done = self.command().args(["task", "verify"]).output().expect("verify runs");
            said = String::from_utf8_lossy(&done.stdout).into_owned();
            if done.status.success() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("{}: {said}", self.engine());
    }

    /// Runs one of its tasks beside whatever runs; what it printed, and whether it ended well.
    pub fn task(&self, words: &[&str]) -> (bool, String) {
        let done = self.command().args(words).output().expect("the task runs");
        (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    }

    /// Leaves nothing behind.
    pub async fn close(mut self) {
        self.kill();
        if let Some(database) = self.database.take() {
            database.drop().await;
        }
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }

    /// Registers a customer; their token.
    pub async fn customer(&self, name: &str) -> String {
        let new = json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "name": name });
        let answer = self.client.call("POST", "/api/auth/register", None, Some("techhub"), Some(&new), &[]).await.expect(201);
        text(&answer["accessToken"])
    }

    /// Something of which a shop has plenty.
    pub async fn goods(&self) -> Goods {
        let found = self.client.call("GET", "/api/products?limit=100", None, Some("techhub"), None, &[]).await.expect(200);
        let products = found["data"].as_array().expect("products").iter();
        let variants = products.flat_map(|product| product["variants"].as_array().expect("variants"));
        let mut places =
            variants.flat_map(|variant| variant["availability"].as_array().expect("shops").iter().map(move |place| (variant, place)));
        let (variant, place) = places.find(|(_, place)| place["available"].as_i64() > Some(30)).expect("something to buy");
        Goods { variant: variant["id"].clone(), shop: place["shopId"].clone() }
    }

    /// How many pieces the shop can still sell.
    pub async fn available(&self, goods: &Goods) -> i64 {
        let found = self.client.call("GET", "/api/products?limit=100", None, Some("techhub"), None, &[]).await.expect(200);
        let products = found["data"].as_array().expect("products").iter();
        let mut variants = products.flat_map(|product| product["variants"].as_array().expect("variants"));
        let variant = variants.find(|variant| variant["id"] == goods.variant).expect("the goods");
        let mut places = variant["availability"].as_array().expect("shops").iter();
        places.find(|place| place["shopId"] == goods.shop).expect("the shop")["available"].as_i64().expect("a figure")
    }

    /// Posts under a key; nothing when the program died before it answered.
    pub async fn post(&self, token: &str, path: &str, body: &Value, key: &str) -> Option<Answer> {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.client.try_send("POST", path, Some(token), Some(body.to_string()), &headers).await
    }

    /// As [`Program::post`], again and again until the first request's lease is over.
    pub async fn post_again(&self, token: &str, path: &str, body: &Value, key: &str) -> Answer {
        for _ in 0..240 {
            let answer = self.post(token, path, body, key).await.expect("an answer");
            if answer.body["code"] != "idempotency_in_progress" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("the key is at work for ever");
    }

    /// The ids of a customer's orders.
    pub async fn orders(&self, token: &str) -> Vec<String> {
        let orders = self.client.get(token, "/api/orders?limit=100").await.expect(200);
        orders["data"].as_array().expect("orders").iter().map(|order| text(&order["id"])).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
