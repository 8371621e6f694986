//! How input comes in: JSON, query and path, each refusing by the contract.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::{
    errors::{Error, Result},
    tenancy::{Souk, keys},
};

/// The largest body of a JSON request.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A body, and the hash of its bytes for the idempotency key.
pub struct Json<T>(pub T, pub String);

impl<T: DeserializeOwned> FromRequest<Souk> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Souk) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > BODY_BYTES_MAX) {
            return Err(Error::TooLarge);
        }
        let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|_| Error::TooLarge)?;
        if !is_json && !body.is_empty() {
            return Err(Error::NotJson);
        }
        Ok(Self(parse(&body)?, keys::hash(&body)))
    }
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    let malformed =
        |error: &serde_json::Error| Error::Malformed { code: "malformed_json", detail: format!("the body is not JSON: {error}") };
    // Parsed once without a type, so that text which is no JSON is 400 wherever it breaks.
    serde_json::from_slice::<serde::de::IgnoredAny>(body).map_err(|error| malformed(&error))?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner().to_string();
        let message = inner.split(" at line ").next().unwrap_or_default().to_owned();
        wrong_field(if path == "." { "" } else { &path }, &message)
    })
}

/// One of serde's refusals, as a field of ours.
fn wrong_field(path: &str, message: &str) -> Error {
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let joined = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if message.starts_with("unknown field") {
        let field = if path.ends_with(quoted) { path.to_owned() } else { joined(quoted) };
        Error::invalid(field, "unknown_field", "there is no such field here")
    } else if message.starts_with("missing field") {
        Error::invalid(joined(quoted), "required", "this is needed")
    } else {
        Error::invalid(path, "invalid", message)
    }
}

/// A query, of known parameters only.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Souk> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Souk) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(query).map(Self).map_err(|error| {
            let message = error.to_string();
            match message.split('`').nth(1) {
                Some(field) if message.starts_with("unknown field") => {
                    Error::invalid(field, "unknown_field", "there is no such parameter here")
                }
                _ => Error::invalid("query", "invalid", message),
            }
        })
    }
}

/// The one id of a path; a malformed one is as unknown as an unknown one.
pub struct Id<T>(pub T);

impl<T: std::str::FromStr> FromRequestParts<Souk> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> Result<Self> {
        let Path(text) = Path::<String>::from_request_parts(parts, souk).await.map_err(|_| Error::NOT_FOUND)?;
        text.parse().map(Self).map_err(|_| Error::NOT_FOUND)
    }
}

/// The version that `If-Match` names.
pub struct Version(pub Option<i64>);

impl FromRequestParts<Souk> for Version {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Souk) -> Result<Self> {
        let Some(value) = value(&parts.headers, header::IF_MATCH.as_str()) else { return Ok(Self(None)) };
        value.trim_matches('"').parse().map(|version| Self(Some(version))).map_err(|_| Error::Stale)
    }
}

/// A header's text.
#[must_use]
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
