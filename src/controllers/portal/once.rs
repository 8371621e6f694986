//! One form, one effect: a form that is sent twice, by a nervous Enter or a lost answer, acts once.
//!
//! Every page has a fresh id, which its forms carry in the hidden field [`FIELD`] where they move
//! stock or money or make something; the id becomes the request's idempotency key.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fields::Fields;
use crate::{
    errors::{Error, Result},
    ids::RowId,
    models::idempotency::{self, Claim},
    tenancy::{Access, Permission, Scope, keys},
};

/// The field's name; every page has a fresh id under this name.
pub const FIELD: &str = "once";

/// What a form that makes something turned out to be.
pub(super) enum Form {
    Fresh(Sent),
    /// It was done before, and made this.
    Done(Uuid),
}

/// A form that is being done.
pub(super) struct Sent(RowId);

/// Takes the id of a form that makes something, in the unit of its act, which is somebody else's.
///
/// # Errors
/// 422 without an id; 409 `form_sent` when it was done with other values.
pub(super) async fn first<P: Permission>(access: &Access<P>, scope: &Scope, form: &str, fields: &mut Fields) -> Result<Form> {
    let id = fields.text(FIELD);
    fields.end()?;
    let fingerprint = keys::hash(format!("{form} {}", fields.kept()).as_bytes());
    match idempotency::claim(scope, &access.caller()?, &id, &fingerprint).await {
        Ok(Claim::Fresh(id)) => Ok(Form::Fresh(Sent(id))),
        Ok(Claim::Past(made)) => Ok(Form::Done(made)),
        Ok(Claim::Replay(_, body)) => {
            let body: Value = serde_json::from_str(&body).map_err(Error::internal)?;
            let made = body["made"].as_str().and_then(|id| id.parse().ok());
            made.map(Form::Done).ok_or_else(|| Error::internal("a form's answer names nothing"))
        }
        // The act and its answer are one unit, so nothing is ever left begun.
        Ok(Claim::Resume(..)) => Err(Error::internal("a form's act has one unit")),
        Err(Error::KeyReused) => Err(Error::conflict("form_sent", "this form was sent before, with other values", json!({}))),
        Err(error) => Err(error),
    }
}

impl Sent {
    /// Writes down that it was done, in the same unit, and what it made.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) async fn done(self, scope: &Scope, made: Uuid) -> Result<()> {
        idempotency::link(scope, self.0, made).await?;
        answered(scope, self.0, &json!({ "made": made })).await
    }
}

/// A unit for one sending of a form that changes what is there. The same id with the same words is
/// the same wish; with other words it is another one.
pub struct Wish {
    pub scope: Scope,
    key: Option<RowId>,
}

impl Wish {
    /// Begins the unit; nothing when this form has had its effect.
    ///
    /// # Errors
    /// 409 `idempotency_in_progress` while the first sending is at work.
    pub async fn begin<P: Permission>(access: &Access<P>, path: &str, fields: &Fields) -> Result<Option<Self>> {
        let id = fields.raw(FIELD);
        if id.is_empty() {
            return Ok(Some(Self { scope: access.write().await?, key: None }));
        }
        let caller = access.caller()?;
        let key = format!("form:{}", keys::hash(format!("{path}\n{}", fields.kept()).as_bytes()));
        let scope = access.write().await?;
        match idempotency::claim(&scope, &caller, &key, &key).await? {
            Claim::Fresh(key) => Ok(Some(Self { scope, key: Some(key) })),
            // A form's whole effect is in the unit that claims its key, so there is nothing to go on with.
            Claim::Resume(..) | Claim::Replay(..) | Claim::Past(_) => Ok(None),
        }
    }

    /// Keeps what was done.
    ///
    /// # Errors
    /// When the database cannot keep it.
    pub async fn keep(self) -> Result<()> {
        if let Some(key) = self.key {
            answered(&self.scope, key, &json!({})).await?;
        }
        self.scope.commit().await
    }
}

async fn answered(scope: &Scope, key: RowId, body: &Value) -> Result<()> {
    idempotency::answer(scope, key, StatusCode::SEE_OTHER.as_u16(), &body.to_string()).await.map(|_| ())
}
