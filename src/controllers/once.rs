//! One key, one effect: a unit of work whose answer is kept under the request's `Idempotency-Key`.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::extract::the_only;
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::RowId,
    models::idempotency::{self, Claim},
    tenancy::{Access, Permission, Scope, Souk, Tenant, keys},
};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The request's key, if it has one, and what else must be the same for it to be the same request.
pub struct Once {
    key: Option<String>,
    method_and_path: String,
}

impl FromRequestParts<Souk> for Once {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Souk) -> Result<Self> {
        let key = the_only(&parts.headers, "idempotency-key")?.map(str::to_owned);
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 255) {
            return Err(Error::invalid("Idempotency-Key", "invalid", "1 to 255 characters"));
        }
        Ok(Self { key, method_and_path: format!("{} {}", parts.method, parts.uri.path()) })
    }
}

/// What a key turned out to be.
pub enum Begun {
    Fresh(Box<Unit>),
    /// Begun by a request that died: its effect is there, the rest is to be done.
    Resume(Promise, Option<Uuid>),
    /// Answered more than a day ago: the answer is how what it made stands now.
    Past(Uuid),
    Replay(Response),
}

/// A unit of work under a key.
pub struct Unit {
    scope: Scope,
    promise: Promise,
}

/// A key whose answer is still owed.
pub struct Promise {
    souk: Souk,
    tenant: Tenant,
    key: Option<RowId>,
    begun_at: Instant,
}

impl Once {
    /// Begins the unit, unless the key has been answered.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`, 409 `idempotency_in_progress`.
    pub async fn begin<P: Permission>(&self, access: &Access<P>, body_hash: &str) -> Result<Begun> {
        let promise = |key, begun_at| Promise { souk: access.souk().clone(), tenant: access.tenant().clone(), key, begun_at };
        let Some(key) = &self.key else {
            let scope = access.write().await?;
            return Ok(Begun::Fresh(Box::new(Unit { scope, promise: promise(None, clock::now()) })));
        };
        let caller = access.caller()?;
        let scope = access.write().await?;
        let fingerprint = keys::hash(format!("{} {body_hash}", self.method_and_path).as_bytes());
        match idempotency::claim(&scope, &caller, key, &fingerprint).await? {
            Claim::Fresh(id) => {
                scope.savepoint().await?;
                Ok(Begun::Fresh(Box::new(Unit { scope, promise: promise(Some(id), clock::now()) })))
            }
            Claim::Resume(id, resource, begun_at) => {
                scope.commit().await?;
                Ok(Begun::Resume(promise(Some(id), begun_at), resource))
            }
            Claim::Past(resource) => Ok(Begun::Past(resource)),
            Claim::Replay(status, body) => Ok(Begun::Replay(replay(status, &body)?)),
        }
    }
}

impl Unit {
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Ends the unit with its answer. A refusal of the business is kept under the key too; any
    /// other refusal leaves nothing, not even the key.
    ///
    /// # Errors
    /// The act's own.
    pub async fn end<T: Serialize + Send>(self: Box<Self>, status: StatusCode, result: Result<T>) -> Result<Response> {
        match result {
            Ok(answer) => {
                let body = serde_json::to_value(answer).map_err(Error::internal)?;
                if let Some(key) = self.promise.key {
                    idempotency::answer(&self.scope, key, status.as_u16(), &body.to_string()).await?;
                }
                self.scope.commit().await?;
                Ok((status, Json(body)).into_response())
            }
            Err(error) => {
                if let Some(key) = self.promise.key.filter(|_| error.is_an_effect()) {
                    self.scope.rollback_to_savepoint().await?;
                    let body = Value::Object(error.problem()).to_string();
                    idempotency::answer(&self.scope, key, error.status().as_u16(), &body).await?;
                    self.scope.commit().await?;
                }
                Err(error)
            }
        }
    }

    /// As [`Unit::end`], for an act on money: its key stays linked to `resource` for good.
    ///
    /// # Errors
    /// The act's own.
    pub async fn end_with<T: Serialize + Send>(self: Box<Self>, status: StatusCode, resource: Uuid, result: Result<T>) -> Result<Response> {
        if let Some(key) = self.promise.key.filter(|_| result.is_ok()) {
            idempotency::link(&self.scope, key, resource).await?;
        }
        self.end(status, result).await
    }

    /// Keeps the effect, with the key still owing its answer: for flows that call a gateway next.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn keep(self: Box<Self>, resource: Uuid) -> Result<Promise> {
        if let Some(key) = self.promise.key {
            idempotency::link(&self.scope, key, resource).await?;
        }
        self.scope.commit().await?;
        Ok(self.promise)
    }
}

impl Promise {
    /// When the first request with this key came: what it began is no older.
    #[must_use]
    pub const fn begun_at(&self) -> Instant {
        self.begun_at
    }

    /// Stores the answer in a unit of its own, and gives it.
    ///
    /// # Errors
    /// The flow's own.
    pub async fn answer<T: Serialize + Send>(self, status: StatusCode, result: Result<T>) -> Result<Response> {
        let (code, body) = match &result {
            Ok(answer) => (status.as_u16(), serde_json::to_value(answer).map_err(Error::internal)?),
            Err(error) if error.is_an_effect() => (error.status().as_u16(), Value::Object(error.problem())),
            // Nothing to keep: whoever tries again goes on at once.
            Err(_) => {
                if let Some(key) = self.key {
                    let scope = self.souk.write(self.tenant).await?;
                    idempotency::let_on(&scope, key).await?;
                    scope.commit().await?;
                }
                return result.map(|_| StatusCode::OK.into_response());
            }
        };
        if let Some(key) = self.key {
            let scope = self.souk.write(self.tenant).await?;
            if !idempotency::answer(&scope, key, code, &body.to_string()).await? {
                let (status, body) = idempotency::answered(&scope, key).await?;
                return replay(status, &body);
            }
            scope.commit().await?;
        }
        result.map(|_| (status, Json(body)).into_response())
    }
}

fn replay(status: u16, body: &str) -> Result<Response> {
    let body: Value = serde_json::from_str(body).map_err(Error::internal)?;
    let status = StatusCode::from_u16(status).map_err(Error::internal)?;
    let mut answer = again(status, body);
    if status.is_client_error() {
        answer.headers_mut().insert("content-type", HeaderValue::from_static("application/problem+json"));
    }
    Ok(answer)
}

/// An answer to a request whose effect is there already.
pub fn again(status: StatusCode, body: impl Serialize) -> Response {
    let mut answer = (status, Json(body)).into_response();
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}
