//! How input comes in: JSON, query and path, each refusing by the contract.

use axum::{
    body::{Bytes, to_bytes},
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Path, Request, multipart::MultipartError},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::objects::Objects;
use crate::{
    errors::{Error, Result},
    tenancy::{Souk, keys},
};

/// The largest body of a JSON request.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The largest form with files.
const UPLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// So many files are sent at once, as many as a product shows.
const FILES_MAX: usize = 20;

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
    std::str::from_utf8(body)
        .map_err(|error| Error::Malformed { code: "malformed_json", detail: format!("the body is not UTF-8: {error}") })?;
    refuse_nul(body)?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|error| {
        // Half of a surrogate pair is found when its text is read.
        if error.inner().is_syntax() {
            return malformed(error.inner());
        }
        let path = error.path().to_string();
        let inner = error.into_inner().to_string();
        let message = inner.split(" at line ").next().unwrap_or_default().to_owned();
        wrong_field(if path == "." { "" } else { &path }, &message)
    })
}

/// Refuses texts with NUL, which PostgreSQL does not keep. In JSON it is written out, so that a body
/// without those letters is not looked through.
fn refuse_nul(body: &[u8]) -> Result<()> {
    const NUL: &[u8] = b"\\u0000";
    if !body.windows(NUL.len()).any(|letters| letters == NUL) {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(body).map_err(Error::internal)?;
    match with_nul(&body, String::new()) {
        Some(field) => Err(Error::unkept_character(field)),
        None => Ok(()),
    }
}

/// Where in a body a text has NUL, if one has.
fn with_nul(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(all) => all.iter().enumerate().find_map(|(index, one)| with_nul(one, format!("{path}[{index}]"))),
        Value::Object(all) => all.iter().find_map(|(name, one)| {
            let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if name.contains('\0') { Some(path.clone()) } else { with_nul(one, at) }
        }),
        _ => None,
    }
}

/// Refuses a field of a form, or a parameter, with NUL.
pub(super) fn refuse_nul_among<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>) -> Result<()> {
    match pairs.into_iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        Some((name, _)) => Err(Error::unkept_character(name.replace('\0', ""))),
        None => Ok(()),
    }
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

/// A form with files: what stands in its fields, and the files, each with the name of its field.
#[derive(Default)]
pub struct Upload {
    pub texts: Vec<(String, String)>,
    pub files: Vec<(String, Vec<u8>)>,
}

impl FromRequest<Souk> for Upload {
    type Rejection = Error;

    async fn from_request(mut request: Request, souk: &Souk) -> Result<Self> {
        let kind = value(request.headers(), header::CONTENT_TYPE.as_str()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
            return Err(Error::NotAForm);
        }
        DefaultBodyLimit::max(UPLOAD_BYTES_MAX).apply(&mut request);
        let malformed = |error: &dyn std::fmt::Display| Error::Malformed { code: "malformed_form", detail: error.to_string() };
        let mut form = Multipart::from_request(request, souk).await.map_err(|error| malformed(&error))?;
        let refused = |error: MultipartError| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE { Error::TooLarge } else { malformed(&error.body_text()) }
        };
        let mut sent = Self::default();
        while let Some(part) = form.next_field().await.map_err(refused)? {
            let name = part.name().unwrap_or_default().to_owned();
            if part.file_name().is_some() {
                let bytes = part.bytes().await.map_err(refused)?;
                // A browser sends an empty part for a field in which nothing was chosen.
                if !bytes.is_empty() {
                    if sent.files.len() == FILES_MAX {
                        return Err(Error::invalid(name, "too_many", format!("at most {FILES_MAX} files at once")));
                    }
                    sent.files.push((name, bytes.to_vec()));
                }
            } else {
                sent.texts.push((name, part.text().await.map_err(refused)?));
            }
        }
        refuse_nul_among(&sent.texts)?;
        Ok(sent)
    }
}

/// A query, of known parameters only.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Souk> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Souk) -> Result<Self> {
        query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T> {
    if text.contains("%00") {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        refuse_nul_among(&pairs)?;
    }
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().to_string();
        wrong_field(if path == "." { "" } else { &path }, &error.into_inner().to_string())
    })
}

/// A query of known parameters, and those that name attributes of goods: `attr.colour=black`.
pub struct AttributedQuery<T>(pub T, pub Vec<(String, String)>);

impl<T: DeserializeOwned> FromRequestParts<Souk> for AttributedQuery<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Souk) -> Result<Self> {
        let pairs: Vec<(String, String)> = query(parts.uri.query().unwrap_or_default())?;
        let (named, known): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name.starts_with("attr."));
        let known = serde_urlencoded::to_string(known).map_err(Error::internal)?;
        let named = named.into_iter().map(|(name, value)| (name.trim_start_matches("attr.").to_owned(), value)).collect();
        Ok(Self(query(&known)?, named))
    }
}

/// The one id of a path; a malformed one is as unknown as an unknown one.
pub struct Id<T>(pub T);

impl<T: std::str::FromStr> FromRequestParts<Souk> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> Result<Self> {
        let Path(text) = Path::<String>::from_request_parts(parts, souk).await.map_err(|_| Error::NOT_FOUND)?;
        // Some ids are words, and no word has NUL.
        let text = Some(text).filter(|text| !text.contains('\0')).ok_or(Error::NOT_FOUND)?;
        text.parse().map(Self).map_err(|_| Error::NOT_FOUND)
    }
}

/// The two ids of a path.
pub struct Ids<A, B>(pub A, pub B);

impl<A: std::str::FromStr, B: std::str::FromStr> FromRequestParts<Souk> for Ids<A, B> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> Result<Self> {
        let Path((one, other)) = Path::<(String, String)>::from_request_parts(parts, souk).await.map_err(|_| Error::NOT_FOUND)?;
        match (one.parse(), other.parse()) {
            (Ok(first), Ok(second)) if !one.contains('\0') && !other.contains('\0') => Ok(Self(first, second)),
            _ => Err(Error::NOT_FOUND),
        }
    }
}

/// The version that `If-Match` names.
pub struct Version(pub Option<i64>);

impl FromRequestParts<Souk> for Version {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Souk) -> Result<Self> {
        let Some(value) = the_only(&parts.headers, header::IF_MATCH.as_str())? else { return Ok(Self(None)) };
        value.trim_matches('"').parse().map(|version| Self(Some(version))).map_err(|_| Error::Stale)
    }
}

/// A header's text.
#[must_use]
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The text of a header that decides what a request does: one that cannot be read is not the same as
/// none, and neither are two.
///
/// # Errors
/// 422 for both.
pub fn the_only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let mut sent = headers.get_all(name).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(Error::invalid(name, "repeated", "one header of this name at most"));
    }
    value.to_str().map(Some).map_err(|_| Error::invalid(name, "invalid", "letters, digits and signs of ASCII only"))
}
