//! `/media`: stored pictures. Whoever has an address may see the picture: those of a catalogue are
//! public, and an address cannot be guessed.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::{
    endpoints::{Endpoint, get},
    errors::{Error, Result},
    gateways::storage::{self, Key},
    tenancy::{Souk, roles::Anyone},
};

/// A file under a key never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A rendition that is not made yet is the original for a moment.
const FOR_NOW: HeaderValue = HeaderValue::from_static("public, max-age=10");

async fn picture(State(souk): State<Souk>, Path(path): Path<String>) -> Response {
    match stored(&souk, &path).await {
        Ok(answer) => answer,
        Err(error) => error.into_response(),
    }
}

async fn stored(souk: &Souk, path: &str) -> Result<Response> {
    let key = Key::parse(path).ok_or(Error::NOT_FOUND)?;
    let storage = storage::of(souk.settings());
    let (bytes, caching) = match storage.get(&key).await? {
        Some(bytes) => (bytes, FOR_EVER),
        None => (storage.get(&key.original()).await?.ok_or(Error::NOT_FOUND)?, FOR_NOW),
    };
    let mut answer = Response::new(Body::from(bytes));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(key.media_type()));
    headers.insert(header::CACHE_CONTROL, caching);
    Ok(answer)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![get::<Anyone, _>("/media/{*path}", "A stored picture", picture)]
}
