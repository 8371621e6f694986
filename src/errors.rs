//! What can go wrong, and the only place that chooses status codes.
//!
//! Every refusal leaves the building as `application/problem+json` (RFC 9457).

use std::sync::Arc;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sea_orm::{DbErr, RuntimeErr, SqlxError};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One field of an input that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub code: String,
    pub message: String,
}

/// A refusal with a stable `code`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{detail}")]
    Malformed { code: &'static str, detail: String },
    #[error("{code}")]
    NotSignedIn { code: &'static str },
    #[error("{code}")]
    NotAllowed { code: &'static str },
    #[error("not found")]
    NotFound { code: &'static str },
    /// The request collides with the present state; `facts` say what that is.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String, facts: Map<String, Value> },
    #[error("the payment was declined")]
    Declined { decline_code: String },
    #[error("the row has changed since it was read")]
    Stale,
    #[error("the body is too large")]
    TooLarge,
    #[error("the body must be application/json")]
    NotJson,
    #[error("the body must be multipart/form-data, with the file as a part of it")]
    NotAForm,
    #[error("the input is not valid")]
    Invalid(Vec<FieldError>),
    #[error("the same key came with another request")]
    KeyReused,
    #[error("too many requests")]
    TooMany { retry_after_seconds: u64 },
    #[error("temporarily unavailable")]
    Unavailable(String),
    #[error("database: {0}")]
    Db(DbErr),
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    pub const NOT_FOUND: Self = Self::NotFound { code: "not_found" };

    /// One field that is wrong.
    pub fn invalid(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), code: code.into(), message: message.into() }])
    }

    /// A text with a character that no database keeps: NUL.
    pub fn unkept_character(field: impl Into<String>) -> Self {
        Self::invalid(field, "invalid_character", "a text holds no NUL character")
    }

    /// A conflict with the facts a client needs to go on.
    pub fn conflict(code: &'static str, detail: impl Into<String>, facts: Value) -> Self {
        let facts = match facts {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        Self::Conflict { code, detail: detail.into(), facts }
    }

    /// What a rule of uniqueness refused, as a conflict with `code` that names the field; every other
    /// error stays what it is.
    #[must_use]
    pub fn or_taken(self, code: &'static str, field: &str, detail: &str) -> Self {
        match &self {
            Self::Db(database) if matches!(database.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) => {
                Self::conflict(code, detail, json!({ "field": field }))
            }
            _ => self,
        }
    }

    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }

    /// A conflict about one field, as the refusal of that field of a form, where fields begin with
    /// `at`; anything else stays as it is.
    #[must_use]
    pub fn at_field(self, at: &str) -> Self {
        match self {
            Self::Conflict { code, detail, facts } => match facts.get("field").and_then(Value::as_str) {
                Some(field) => Self::invalid(format!("{at}{field}"), code, detail),
                None => Self::Conflict { code, detail, facts },
            },
            other => other,
        }
    }

    /// The same refusal, said of another field.
    #[must_use]
    pub fn of_field(self, field: &str) -> Self {
        match self {
            Self::Invalid(wrong) => Self::Invalid(wrong.into_iter().map(|one| FieldError { field: field.into(), ..one }).collect()),
            other => other,
        }
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::NotSignedIn { .. } => StatusCode::UNAUTHORIZED,
            Self::Declined { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::NotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson | Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::Db(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Db(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word a program decides by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { code, .. }
            | Self::NotSignedIn { code }
            | Self::NotAllowed { code }
            | Self::NotFound { code }
            | Self::Conflict { code, .. } => code,
            Self::Declined { .. } => "payment_declined",
            Self::Stale => "stale",
            Self::TooLarge => "body_too_large",
            Self::NotJson | Self::NotAForm => "unsupported_media_type",
            Self::Invalid(_) => "invalid_input",
            Self::KeyReused => "idempotency_key_reused",
            Self::TooMany { .. } => "too_many_requests",
            Self::Unavailable(_) | Self::Db(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => "unavailable",
            Self::Db(_) | Self::Internal(_) => "internal",
        }
    }

    /// Whether an idempotency key keeps this answer: only those of the business do.
    #[must_use]
    pub const fn is_an_effect(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Declined { .. })
    }

    /// The body of the problem, without the request's id.
    #[must_use]
    pub fn problem(&self) -> Map<String, Value> {
        let status = self.status();
        let detail = match self {
            Self::Db(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => "the database cannot be reached this moment; try again".into(),
            Self::Db(_) | Self::Internal(_) => "something went wrong on our side; it has been logged".into(),
            Self::NotSignedIn { code: "signature_invalid" } => "the signature is missing, or it is not the sender's".into(),
            Self::NotSignedIn { code: "code_invalid" } => "this code is wrong, used or over: ask for a new one".into(),
            Self::NotSignedIn { .. } => "sign in to do this".into(),
            Self::NotAllowed { code: "subscription_lapsed" } => {
                "a debt of this company to the platform is long overdue: nothing can be changed until it is paid".into()
            }
            Self::NotAllowed { .. } => "your role does not allow this here".into(),
            Self::NotFound { .. } => "there is nothing here, or it is not yours".into(),
            other => other.to_string(),
        };
        let mut body = Map::new();
        body.insert("type".into(), json!(format!("https://souk.dev/problems/{}", self.code())));
        body.insert("title".into(), json!(status.canonical_reason().unwrap_or("Error")));
        body.insert("status".into(), json!(status.as_u16()));
        body.insert("detail".into(), json!(detail));
        body.insert("code".into(), json!(self.code()));
        match self {
            Self::Conflict { facts, .. } => {
                // A fact never takes the place of what every problem has.
                for (name, fact) in facts {
                    body.entry(name).or_insert_with(|| fact.clone());
                }
            }
            Self::Declined { decline_code } => {
                body.insert("declineCode".into(), json!(decline_code));
            }
            Self::Invalid(fields) => {
                body.insert("errors".into(), json!(fields));
            }
            _ => {}
        }
        body
    }
}

impl From<DbErr> for Error {
    /// A unit that the database ended in favour of a rival kept nothing and may be tried again; a text
    /// that it cannot keep is the caller's.
    fn from(error: DbErr) -> Self {
        match code_of(&error).as_deref() {
            Some(code) if LOST_TO_A_RIVAL.contains(&code) => Self::Unavailable("somebody else changed the same things; try again".into()),
            Some(code) if UNKEPT_CHARACTER.contains(&code) => Self::unkept_character(""),
            code => Self::Db(if is_cut(&error, code) { as_connection(error) } else { error }),
        }
    }
}

/// PostgreSQL's `serialization_failure`, `deadlock_detected` and `lock_not_available`; SQLite's
/// `SQLITE_BUSY` and its kinds.
const LOST_TO_A_RIVAL: [&str; 6] = ["40001", "40P01", "55P03", "5", "261", "517"];
/// PostgreSQL's `character_not_in_repertoire`, which NUL is in a text, and `untranslatable_character`,
/// the same in JSON.
const UNKEPT_CHARACTER: [&str; 2] = ["22021", "22P05"];

/// PostgreSQL's `admin_shutdown`, `crash_shutdown`, `cannot_connect_now` and `too_many_connections`.
const GOING_AWAY: [&str; 4] = ["57P01", "57P02", "57P03", "53300"];

/// Whether the connection, and not the statement, is what failed.
fn is_cut(error: &DbErr, code: Option<&str>) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else { return false };
    let is_gone = matches!(&**error, SqlxError::Io(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed | SqlxError::WorkerCrashed);
    is_gone || code.is_some_and(|code| GOING_AWAY.contains(&code))
}

/// The same error as one of the connection, which is answered and logged as such.
fn as_connection(error: DbErr) -> DbErr {
    match error {
        DbErr::Exec(cause) | DbErr::Query(cause) => DbErr::Conn(cause),
        other => other,
    }
}

/// What the database calls the error.
fn code_of(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else { return None };
    error.as_database_error().and_then(|error| error.code()).map(Into::into)
}

/// The refusal that an answer was made of: where a page was asked for, it is said on one.
#[derive(Clone)]
pub struct Refusal(pub Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Db(_) | Self::Internal(_) = &self {
            tracing::error!(error = %self, "request failed");
        }
        let retry = match &self {
            Self::TooMany { retry_after_seconds } => Some(*retry_after_seconds),
            Self::Unavailable(_) | Self::Db(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => Some(2),
            Self::Conflict { code: "idempotency_in_progress", .. } => Some(1),
            _ => None,
        };
        let mut answer = (self.status(), axum::Json(Value::Object(self.problem()))).into_response();
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer.extensions_mut().insert(Refusal(Arc::new(self)));
        answer
    }
}

impl From<Error> for loco_rs::Error {
    fn from(error: Error) -> Self {
        match error {
            // What is read back from it becomes internal again, and says so once.
            Error::Internal(text) => Self::string(&text),
            other => Self::string(&other.to_string()),
        }
    }
}
