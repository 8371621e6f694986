//! What surrounds every request: its id, its address, the security headers, the guard against
//! requests forged by other sites, and the last answer when a handler panics or nobody answers.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use super::extract::value;
use crate::{errors::Error, tenancy};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Wraps the whole router.
pub fn outer(router: Router) -> Router {
    router
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Error::internal("a handler panicked").into_response()))
        .layer(from_fn(surround))
}

async fn surround(mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let ip = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or_else(String::new, |info| info.0.ip().to_string());
    request.extensions_mut().insert(tenancy::Request { id: id.clone(), ip });
    let is_api = request.uri().path().starts_with("/api");
    let method = request.method().clone();
    let mut answer =
        if is_api || is_same_site(&request) { next.run(request).await } else { Error::NotAllowed { code: "cross_site" }.into_response() };
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED && method != Method::HEAD {
        answer = Error::NOT_FOUND.into_response();
    }
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if is_api {
        headers.insert("api-version", HeaderValue::from_static("1"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    let is_problem = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if is_problem { with_request_id(answer, &id).await } else { answer }
}

/// A form of another site cannot act in a signed-in person's name: browsers say where a request
/// comes from, and a write that does not come from us is refused.
fn is_same_site(request: &Request) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
        return true;
    }
    if let Some(site) = value(request.headers(), "sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match (value(request.headers(), header::ORIGIN.as_str()), value(request.headers(), header::HOST.as_str())) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, origin)| origin == host),
        _ => false,
    }
}

/// A problem carries the request's id, so that a customer can name it.
async fn with_request_id(answer: Response, id: &str) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = to_bytes(body, 1024 * 1024).await.unwrap_or_default();
    let mut body: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}));
    body["requestId"] = json!(id);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body.to_string()))
}
