//! Is it alive, and what can it do.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    endpoints::{self, Endpoint, get},
    tenancy::{Souk, roles::Anyone},
};

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn health_all(State(souk): State<Souk>) -> Json<Value> {
    let database = if souk.is_alive().await { "ok" } else { "down" };
    let mail = if souk.settings().smtp_url.is_some() { "configured" } else { "not_configured" };
    Json(json!({
        "status": database,
        "components": { "database": { "status": database, "engine": souk.engine() }, "mail": { "status": mail } },
    }))
}

async fn openapi() -> Json<Value> {
    Json(endpoints::description(&crate::controllers::endpoints()))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<Anyone, _>("/health", "Whether the process is alive", health),
        get::<Anyone, _>("/api/health/all", "Each component's state", health_all),
        get::<Anyone, _>("/api/openapi.json", "This description", openapi),
    ]
}
