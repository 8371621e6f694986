//! A virtual host of the test's own on the real RabbitMQ, and a reader who knows nothing of Souk.

use std::{collections::BTreeSet, net::SocketAddr, process::Command};

use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::Value;
use uuid::Uuid;

use super::say;

/// Where RabbitMQ is expected, with the account that a fresh one has for callers of this machine.
pub const SERVER: &str = "127.0.0.1:5672";

/// The queues of the specification.
pub const QUEUES: [&str; 12] = [
    "product.events",
    "inventory.events",
    "order.events",
    "payment.events",
    "user.events",
    "company.events",
    "shop.events",
    "notification.events",
    "audit.events",
    "analytics.events",
    "debt.events",
    "auth.events",
];

/// One message, as it lay in a queue.
#[derive(Debug)]
pub struct Message {
    pub queue: &'static str,
    pub exchange: String,
    pub routing_key: String,
    pub properties: lapin::BasicProperties,
    pub text: String,
    pub body: Value,
}

impl Message {
    pub fn id(&self) -> Uuid {
        self.body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }

    pub fn aggregate(&self) -> (String, i64) {
        let aggregate = &self.body["aggregate"];
        (aggregate["id"].to_string(), aggregate["seq"].as_i64().expect("a number"))
    }
}

/// A virtual host; dropped, it is gone with everything in it.
pub struct Rabbit(String);

impl Rabbit {
    /// A new one, or nothing and a word about it where there can be none.
    pub async fn new() -> Option<Self> {
        let name = format!("souk_test_{}", Uuid::now_v7().simple());
        let is_there = tokio::net::TcpStream::connect(SERVER).await.is_ok();
        if is_there && control(&["add_vhost", &name]) {
            let rabbit = Self(name);
            if control(&["set_permissions", "-p", &rabbit.0, "guest", ".*", ".*", ".*"]) {
                return Some(rabbit);
            }
        }
        say(format_args!("rabbitmq: skipped, this needs a RabbitMQ at {SERVER} with rabbitmqctl"));
        None
    }

    /// Its address, by way of a cable or at the server itself.
    pub fn url(&self, by: Option<SocketAddr>) -> String {
        let server = by.map_or_else(|| SERVER.to_owned(), |by| by.to_string());
        format!("amqp://guest:guest@{server}/{}", self.0)
    }

    async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.url(None), ConnectionProperties::default()).await.expect("a connection");
        let channel = connection.create_channel().await.expect("a channel");
        (connection, channel)
    }

    /// Takes everything out of every queue, oldest first.
    pub async fn taken(&self) -> Vec<Message> {
        let (connection, channel) = self.channel().await;
        let mut messages = Vec::new();
        for queue in QUEUES {
            while let Some(got) = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.expect("a look") {
                let got = got.delivery;
                let text = String::from_utf8(got.data).expect("a text");
                messages.push(Message {
                    queue,
                    exchange: got.exchange.to_string(),
                    routing_key: got.routing_key.to_string(),
                    properties: got.properties,
                    body: serde_json::from_str(&text).expect("JSON"),
                    text,
                });
            }
        }
        connection.close(200, "OK".into()).await.expect("closed");
        messages
    }

    /// A queue with room for that many messages, which takes everything and refuses what is too much.
    pub async fn narrow(&self, room: i64) {
        let (connection, channel) = self.channel().await;
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(room));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        channel.queue_declare("narrow".into(), QueueDeclareOptions::durable(), arguments).await.expect("a queue");
        let bound = channel.queue_bind(
            "narrow".into(),
            "ecommerce_exchange".into(),
            "#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.expect("bound");
        connection.close(200, "OK".into()).await.expect("closed");
    }

    /// Takes the narrow queue away again.
    pub async fn widen(&self) {
        let (connection, channel) = self.channel().await;
        channel.queue_delete("narrow".into(), QueueDeleteOptions::default()).await.expect("deleted");
        connection.close(200, "OK".into()).await.expect("closed");
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        control(&["delete_vhost", &self.0]);
    }
}

/// Each message's first arrival in its queue, in order; and asserts that each aggregate's are in theirs.
pub fn firsts(messages: &[Message]) -> Vec<&Message> {
    let mut seen = BTreeSet::new();
    let firsts: Vec<_> = messages.iter().filter(|message| seen.insert((message.queue, message.id()))).collect();
    let mut last = std::collections::BTreeMap::new();
    for message in &firsts {
        let (aggregate, seq) = message.aggregate();
        if let Some(before) = last.insert((message.queue, aggregate), seq) {
            assert!(before < seq, "{} came after number {before} of its aggregate: {}", message.queue, message.text);
        }
    }
    firsts
}

fn control(words: &[&str]) -> bool {
    Command::new("rabbitmqctl").arg("--quiet").args(words).output().is_ok_and(|done| done.status.success())
}
