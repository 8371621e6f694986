//! What companies owe the platform, and what follows.

mod collecting;
mod demo;
mod letters;
mod pages;
mod paying;
mod subscribing;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use souk::{clock, models::debts};

use crate::support::{Answer, Company, World, text};

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// The day that it is for the test's companies.
fn today() -> NaiveDate {
    clock::now().date_in("Asia/Kolkata")
}

fn day(offset: i64) -> String {
    let days = Days::new(offset.unsigned_abs());
    let day = if offset < 0 { today() - days } else { today() + days };
    day.to_string()
}

/// The platform's own person.
struct Root<'a> {
    world: &'a World,
    token: String,
}

impl<'a> Root<'a> {
    async fn of(world: &'a World) -> Self {
        Self { world, token: world.client.login("alpha", "root@souk.test").await }
    }

    /// Asks without naming a company.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = (method != "GET").then_some(body);
        self.world.client.call(method, path, Some(&self.token), None, body, &[]).await
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, &json!({})).await.expect(200)
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, body).await
    }

    /// Raises a debt of a company; its id.
    async fn raise(&self, company: &Company, amount: i64, due: &str) -> String {
        let body = json!({ "companyId": company.id, "type": "purchase", "amount": amount, "dueDate": due });
        text(&self.post("/api/debts", &body).await.expect(201)["id"])
    }

    async fn debt(&self, id: &str) -> Value {
        self.get(&format!("/api/debts/{id}")).await
    }

    async fn standing(&self, company: &Company) -> String {
        text(&self.get(&format!("/api/companies/{}", company.id)).await["standing"])
    }
}

/// What the calendar does to a company, so many days from now.
async fn day_of(world: &World, company: &Company, offset: i64) {
    clock::shifted(offset * DAY, debts::day(&world.souk, company.id)).await.expect("a day");
}
