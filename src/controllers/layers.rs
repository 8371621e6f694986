//! What surrounds every request: its id, its address, the security headers, the guard against
//! requests forged by other sites, what pages of other origins may ask, and the last answer when a handler panics or nobody answers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
};
use uuid::Uuid;

use super::{
    extract::value,
    portal::{Onlooker, made_for},
};
use crate::{
    errors::{Error, Refusal},
    figures,
    tenancy::{
        self, Souk,
        limits::{Meter, Standing},
    },
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Wraps the whole router.
pub fn outer(router: Router, souk: &Souk) -> Router {
    router
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Error::internal("a handler panicked").into_response()))
        .layer(from_fn_with_state(souk.clone(), surround))
        .layer(from_fn(counted))
        .layer(cross_origin())
}

/// Lets pages of any origin ask the API. It knows no cookies, so that a page can do there only what the
/// token in its own hands allows; the portals, which do, stay closed.
fn cross_origin() -> CorsLayer {
    let named = HeaderName::from_static;
    let own = ["x-company", "x-cart-token", "idempotency-key", "api-version"].map(named);
    let told = ["x-request-id", "x-cart-token", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "api-version"].map(named);
    let standard = [header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::ACCEPT_LANGUAGE];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|_, asked| asked.uri.path().starts_with("/api/")))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(own.into_iter().chain(standard).collect::<Vec<_>>())
        .expose_headers(told.into_iter().chain([header::ETAG, header::LOCATION, header::RETRY_AFTER]).collect::<Vec<_>>())
        .max_age(Duration::from_secs(3_600))
}

/// Counts the answer under its route. What no row of the table knows shares one name.
async fn counted(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "unknown".into(), |path| path.as_str().to_owned());
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    let method = known.iter().zip(names).find(|(known, _)| *known == request.method()).map_or("OTHER", |(_, name)| name);
    let answer = next.run(request).await;
    figures::answered(method, route, answer.status().as_u16(), began.elapsed());
    answer
}

/// The client's address: the peer's, or what trusted proxies say of it.
fn client(souk: &Souk, request: &Request) -> String {
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else { return String::new() };
    let forwarded: Vec<_> = request.headers().get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or_default()).collect();
    souk.proxies().client(peer.ip(), forwarded.into_iter()).to_string()
}

/// What is left of the nearest limit.
fn tell_limits(answer: &mut Response, nearest: Standing) {
    let headers = answer.headers_mut();
    for (name, figure) in
        [("ratelimit-limit", nearest.limit), ("ratelimit-remaining", nearest.remaining), ("ratelimit-reset", nearest.reset_seconds)]
    {
        headers.insert(name, HeaderValue::from(figure));
    }
}

const API_VERSION: &str = "api-version";
/// The only one so far.
const VERSION: &str = "1";

async fn surround(State(souk): State<Souk>, mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let ip = client(&souk, &request);
    let meter = Meter::default();
    request.extensions_mut().insert(tenancy::Request { id: id.clone(), ip, meter: meter.clone() });
    let is_api = request.uri().path().starts_with("/api");
    let method = request.method().clone();
    let onlooker = Onlooker::of(&request);
    let mut answer = if is_api && !is_our_version(&request) {
        Error::invalid("Api-Version", "unknown", format!("there is only version {VERSION}")).into_response()
    } else if is_api || is_same_site(&request) {
        match made_for::hear(request).await {
            Ok(request) => next.run(request).await,
            Err(error) => error.into_response(),
        }
    } else {
        Error::NotAllowed { code: "cross_site" }.into_response()
    };
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED && method != Method::HEAD {
        answer = Error::NOT_FOUND.into_response();
    }
    if let Some(onlooker) = onlooker
        && let Some(Refusal(error)) = answer.extensions().get::<Refusal>().cloned()
    {
        let retry = answer.headers_mut().remove(header::RETRY_AFTER);
        answer = onlooker.refuse(&souk, &error).await;
        answer.headers_mut().extend(retry.map(|after| (header::RETRY_AFTER, after)));
    }
    if let Some(nearest) = meter.nearest() {
        tell_limits(&mut answer, nearest);
    }
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // A page may have a stricter policy of its own, for what strangers made.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if is_api {
        headers.insert(API_VERSION, HeaderValue::from_static(VERSION));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    let is_problem = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if is_problem { with_request_id(answer, &id).await } else { answer }
}

/// A request may say for which version it was written.
fn is_our_version(request: &Request) -> bool {
    request.headers().get_all(API_VERSION).iter().all(|version| version == VERSION)
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
