//! The catalogue as companies write it and as customers find it.

mod finding;
mod looks;
mod media;
mod organise;
mod products;

use serde_json::{Value, json};

use crate::support::{Client, text};

/// A product that can be made, under a name of its own.
fn new_product(name: &str, sku: &str, price: i64) -> Value {
    json!({ "name": name, "variants": [{ "sku": sku, "price": price }] })
}

/// Makes a product; its id.
async fn make(client: &Client, token: &str, body: &Value) -> String {
    text(&client.post(token, "/api/products", body).await.expect(201)["id"])
}

/// The names that a list shows, in its order.
fn names(list: &Value) -> Vec<String> {
    list["data"].as_array().expect("a list").iter().map(|one| text(&one["name"])).collect()
}
