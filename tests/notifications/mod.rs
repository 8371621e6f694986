//! What people are told, by which ways, and what became of it.

mod carriers;
mod people;
mod reports;
mod texts;

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use souk::{clock, settings::Settings, workers};

use crate::support::{
    Company, World, order,
    providers::{META_NUMBER, META_SECRET, META_TOKEN, Providers, Smtp, TWILIO_SID, TWILIO_TOKEN, tempfile_path::Kept},
    text,
};

/// Every channel, with a provider behind it.
pub struct Outside {
    pub smtp: Smtp,
    pub providers: Providers,
    account: Kept,
}

impl Outside {
    pub async fn open() -> Self {
        let providers = Providers::open().await;
        let account = providers.service_account();
        Self { smtp: Smtp::open().await, providers, account }
    }

    /// The settings that lead there.
    pub fn settings(&self, settings: &mut Settings) {
        settings.base_url = Some("https://shop.example.com".into());
        settings.smtp_url = Some(self.smtp.url());
        let messaging = &mut settings.messaging;
        messaging.timeout_seconds = 2;
        messaging.twilio.url = self.providers.url();
        messaging.twilio.account_sid = Some(TWILIO_SID.into());
        messaging.twilio.auth_token = Some(TWILIO_TOKEN.into());
        messaging.twilio.from = Some("+15005550006".into());
        messaging.fcm.url = self.providers.url();
        messaging.fcm.service_account = Some(self.account.0.clone());
        messaging.whatsapp.url = format!("{}/v23.0", self.providers.url());
        messaging.whatsapp.phone_number_id = Some(META_NUMBER.into());
        messaging.whatsapp.access_token = Some(META_TOKEN.into());
        messaging.whatsapp.app_secret = Some(META_SECRET.into());
        messaging.whatsapp.verify_token = Some("the-verify-token".into());
    }

    pub async fn worlds(&self) -> Vec<World> {
        World::all_with(|settings| self.settings(settings)).await
    }

    pub fn clear(&self) {
        self.smtp.clear();
        self.providers.clear();
    }
}

/// Turns the workers as if it were `seconds` later.
pub async fn turn_at(world: &World, seconds: i64) {
    clock::shifted(seconds * 1_000_000, async {
        for _ in 0..3 {
            workers::turn(&world.souk).await.expect("a turn");
        }
    })
    .await;
}

/// A customer with a token, who hears of nothing but what the test sends.
pub async fn reader(world: &World, company: &Company) -> (String, String) {
    static NUMBER: AtomicI64 = AtomicI64::new(0);
    let email = format!("reader{}@{}.test", NUMBER.fetch_add(1, Ordering::Relaxed), company.slug);
    let token = world.customer(company, &email).await;
    turn_at(world, 0).await;
    (token, email)
}

/// The id of the customer behind a token.
pub async fn id_of(world: &World, token: &str) -> String {
    text(&world.client.get(token, "/api/auth/profile").await.expect(200)["id"])
}

/// Sends a message of a class to a customer, and gives its id.
pub async fn write_to(world: &World, company: &Company, token: &str, class: &str) -> String {
    let admin = world.staff(company, "admin").await;
    let body = json!({ "customerIds": [id_of(world, token).await], "class": class, "title": "Shelves are full", "text": "Come and look.\n\nAll week." });
    let sent = world.client.post(&admin, "/api/notifications/send", &body).await.expect(201);
    text(&sent["notificationIds"][0])
}

/// The ways of a message by channel, as its reader sees them.
pub async fn ways(world: &World, token: &str, id: &str) -> Vec<Value> {
    let shown = world.client.get(token, &format!("/api/notifications/{id}")).await.expect(200);
    shown["deliveries"].as_array().expect("ways").clone()
}

/// The one way of a message by a channel.
pub async fn way(world: &World, token: &str, id: &str, channel: &str) -> Value {
    let ways = ways(world, token, id).await;
    ways.into_iter().find(|way| way["channel"] == channel).unwrap_or_else(|| panic!("it does not go by {channel}"))
}

/// Places an order that is confirmed at once.
pub async fn buy(world: &World, company: &Company, token: &str) -> Value {
    world.client.post(token, "/api/orders", &order(company, 0, 1, "test", Some("tok_ok"))).await.expect(201)["orders"][0].clone()
}
