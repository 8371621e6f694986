//! Is it alive, and what can it do.

use std::sync::LazyLock;

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap,
        header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    bell::Reach,
    endpoints::{self, Endpoint, api, get},
    errors::{Error, Result},
    gateways::messaging::Channel,
    models::outbox,
    tenancy::{Souk, keys, roles::Anyone},
};

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn health_all(State(souk): State<Souk>) -> Json<Value> {
    Json(components(&souk).await)
}

/// Each component's state.
pub(in crate::controllers) async fn components(souk: &Souk) -> Value {
    let database = if souk.is_alive().await { "ok" } else { "down" };
    let queue = match souk.bell().reach() {
        Reach::Embedded => json!({ "status": "ok", "kind": "embedded" }),
        Reach::Connected => json!({ "status": "ok", "kind": "redis" }),
        // Nothing waits for it: due work is found by looking.
        Reach::Away => json!({ "status": "down", "kind": "redis" }),
    };
    let broker = match souk.settings().amqp_url.is_some() {
        false => "not_configured",
        true if publishes(souk).await.unwrap_or(false) => "ok",
        // Nobody waits for it: events lie in the log until it is back.
        true => "down",
    };
    let state = |channel| if souk.carriers().of(channel).is_some() { "configured" } else { "not_configured" };
    json!({
        "status": database,
        "components": {
            "database": { "status": database, "engine": souk.engine() },
            "queue": queue, "broker": { "status": broker }, "mail": { "status": state(Channel::Email) },
            "sms": { "status": state(Channel::Sms) }, "push": { "status": state(Channel::Push) },
            "whatsapp": { "status": state(Channel::WhatsApp) },
        },
    })
}

/// Whether the log is being told to RabbitMQ, by whichever process does that.
async fn publishes(souk: &Souk) -> Result<bool> {
    let platform = souk.platform("operations").await?;
    Ok(outbox::stand(&platform, outbox::BROKER).await?.is_some_and(|stand| stand.is_well()))
}

/// Figures say how much a shop sells: they are for whoever knows the token. Without one they are
/// open while developing, and in production there are none.
async fn figures(State(souk): State<Souk>, headers: HeaderMap) -> Result<Response> {
    let settings = souk.settings();
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    match &settings.metrics_token {
        Some(token) if given.is_none_or(|given| keys::hash(given.as_bytes()) != keys::hash(token.as_bytes())) => {
            return Err(Error::NotSignedIn { code: "token_invalid" });
        }
        None if settings.is_production => return Err(Error::NOT_FOUND),
        _ => {}
    }
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    Ok((kind, crate::figures::text(&souk).await?).into_response())
}

async fn openapi() -> Result<Json<&'static Value>> {
    description().map(Json)
}

/// The description of the whole API, which is the same for every request.
///
/// # Errors
/// When two shapes have one name; the tests hold that none have.
pub(in crate::controllers) fn description() -> Result<&'static Value> {
    static DESCRIPTION: LazyLock<Result<Value>> = LazyLock::new(|| endpoints::description(&crate::controllers::endpoints()));
    DESCRIPTION.as_ref().map_err(Error::internal)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        api::get::<Anyone, _>("/health", "Whether the process is alive", health).answers(200, "Health"),
        api::get::<Anyone, _>("/api/health/all", "Each component's state", health_all).answers(200, "Components"),
        get::<Anyone, _>("/metrics", "Figures for Prometheus, under a token of their own", figures),
        api::get::<Anyone, _>("/api/openapi.json", "This description", openapi).answers(200, "Description"),
    ]
}
