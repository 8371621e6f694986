//! One key, one effect.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub caller: String,
    pub key: String,
    pub fingerprint: String,
    pub state: String,
    pub answer_status: Option<i64>,
    pub answer_body: Option<String>,
    pub resource_id: Option<Uuid>,
    pub lease_until: Instant,
    pub created_at: Instant,
}

owned!();

use std::time::Duration;

use sea_orm::{QueryOrder, QuerySelect, QueryTrait, sea_query::Expr};

use crate::{
    clock,
    errors::{Error, Result},
    tenancy::Scope,
};

/// What a key turned out to be.
#[derive(Debug)]
pub enum Claim {
    /// Ours: do the work.
    Fresh(RowId),
    /// Done before: the stored answer.
    Replay(u16, String),
    /// Done so long ago that its answer is no longer true: what it made stands in for it.
    Past(Uuid),
    /// Begun then by a request that has gone silent; go on with its resource.
    Resume(RowId, Option<Uuid>, Instant),
}

/// So long the answer of a request stands for what it made; then what it made does.
const ANSWERS_FOR: Duration = Duration::from_secs(24 * 3_600);
/// So long a rival waits for the request that was faster.
const RIVAL_WAITS: Duration = Duration::from_secs(5);

/// Takes a key, or says what became of it. A rival in another transaction waits for ours, for five
/// seconds.
///
/// # Errors
/// 422 `idempotency_key_reused` for another request; 409 `idempotency_in_progress`.
pub async fn claim(scope: &Scope, caller: &str, key: &str, fingerprint: &str) -> Result<Claim> {
    let now = clock::now();
    let lease_until = now.plus(Duration::from_secs(scope.souk().settings().lease_seconds));
    let id = RowId::new();
    let fresh = Model {
        company_id: scope.company(),
        id,
        caller: caller.into(),
        key: key.into(),
        fingerprint: fingerprint.into(),
        state: "running".into(),
        answer_status: None,
        answer_body: None,
        resource_id: None,
        lease_until,
        created_at: now,
    };
    scope.wait_at_most(Some(RIVAL_WAITS)).await?;
    let is_ours = scope.insert_unless_there(fresh, &[Column::CompanyId, Column::Caller, Column::Key]).await;
    let is_ours = is_ours.map_err(|error| if matches!(error, Error::Unavailable(_)) { in_progress() } else { error })?;
    scope.wait_at_most(None).await?;
    if is_ours {
        return Ok(Claim::Fresh(id));
    }
    let known = scope.get(scope.find::<Entity>().filter(Column::Caller.eq(caller)).filter(Column::Key.eq(key))).await?;
    let is_old = known.created_at <= now.minus(ANSWERS_FOR);
    if is_old && known.resource_id.is_none() && known.answer_status.is_some() {
        return begin_anew(scope, known, fingerprint, now, lease_until).await;
    }
    if known.fingerprint != fingerprint {
        return Err(Error::KeyReused);
    }
    // A declined payment may have been paid since.
    if let (Some(resource), Some(200..=299 | 402)) = (known.resource_id, known.answer_status)
        && is_old
    {
        return Ok(Claim::Past(resource));
    }
    if let (Some(status), Some(body)) = (known.answer_status, known.answer_body) {
        return Ok(Claim::Replay(u16::try_from(status).unwrap_or(500), body));
    }
    let take_over = scope
        .update::<Entity>()
        .col_expr(Column::LeaseUntil, Expr::value(lease_until))
        .filter(Column::Id.eq(known.id))
        .filter(Column::State.eq("running"))
        .filter(Column::LeaseUntil.lte(now));
    if scope.run(take_over).await? == 1 {
        return Ok(Claim::Resume(known.id, known.resource_id, known.created_at));
    }
    Err(in_progress())
}

/// Takes a key whose answer has had its day and that made nothing that lasts.
async fn begin_anew(scope: &Scope, known: Model, fingerprint: &str, now: Instant, lease_until: Instant) -> Result<Claim> {
    let taken = scope
        .update::<Entity>()
        .col_expr(Column::Fingerprint, Expr::value(fingerprint))
        .col_expr(Column::State, Expr::value("running"))
        .col_expr(Column::AnswerStatus, Expr::value(None::<i64>))
        .col_expr(Column::AnswerBody, Expr::value(None::<String>))
        .col_expr(Column::LeaseUntil, Expr::value(lease_until))
        .col_expr(Column::CreatedAt, Expr::value(now))
        .filter(Column::Id.eq(known.id))
        .filter(Column::CreatedAt.eq(known.created_at));
    if scope.run(taken).await? == 1 { Ok(Claim::Fresh(known.id)) } else { Err(in_progress()) }
}

fn in_progress() -> Error {
    Error::conflict("idempotency_in_progress", "the first request with this key is still at work", serde_json::json!({}))
}

/// Links the key to what it made, for good.
pub async fn link(scope: &Scope, id: RowId, resource: Uuid) -> Result<()> {
    let update = scope.update::<Entity>().col_expr(Column::ResourceId, Expr::value(Some(resource))).filter(Column::Id.eq(id));
    scope.run(update).await.map(|_| ())
}

/// Lets the next request with this key go on where this one ended without an answer to keep.
///
/// # Errors
/// When the database cannot be reached.
pub async fn let_on(scope: &Scope, id: RowId) -> Result<()> {
    let update = scope.update::<Entity>().col_expr(Column::LeaseUntil, Expr::value(clock::now())).filter(Column::Id.eq(id));
    scope.run(update.filter(Column::State.eq("running"))).await.map(|_| ())
}

/// Stores the answer; whoever comes again is given it. False when another request that went on
/// with this key was faster: then its answer is the one.
pub async fn answer(scope: &Scope, id: RowId, status: u16, body: &str) -> Result<bool> {
    let update = scope
        .update::<Entity>()
        .col_expr(Column::State, Expr::value("answered"))
        .col_expr(Column::AnswerStatus, Expr::value(Some(i64::from(status))))
        .col_expr(Column::AnswerBody, Expr::value(Some(body.to_owned())))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq("running"));
    Ok(scope.run(update).await? == 1)
}

/// The answer that is stored under a key.
///
/// # Errors
/// 404 when there is none.
pub async fn answered(scope: &Scope, id: RowId) -> Result<(u16, String)> {
    let known = scope.get(scope.find::<Entity>().filter(Column::Id.eq(id))).await?;
    match (known.answer_status, known.answer_body) {
        (Some(status), Some(body)) => Ok((u16::try_from(status).unwrap_or(500), body)),
        _ => Err(Error::NOT_FOUND),
    }
}

/// Keys from before `before` that made nothing; a key that made something answers for good.
fn over(scope: &Scope, before: Instant) -> Select<Entity> {
    scope.find::<Entity>().filter(Column::CreatedAt.lt(before)).filter(Column::ResourceId.is_null()).filter(Column::LeaseUntil.lt(before))
}

/// How many keys from before `before` may go.
pub async fn past(scope: &Scope, before: Instant) -> Result<u64> {
    scope.count(over(scope, before)).await
}

/// Lets go of such keys, up to two thousand; how many there were.
pub async fn let_go(scope: &Scope, before: Instant) -> Result<u64> {
    let ids = over(scope, before).select_only().column(Column::Id).order_by_asc(Column::Id).limit(2_000);
    scope.remove(scope.delete::<Entity>().filter(Column::Id.in_subquery(ids.into_query()))).await
}

/// Forgets what somebody was answered, names and addresses among it.
///
/// # Errors
/// When the database cannot be reached.
pub async fn forget(scope: &Scope, caller: &str) -> Result<()> {
    scope.remove(scope.delete::<Entity>().filter(Column::Caller.eq(caller))).await.map(|_| ())
}
