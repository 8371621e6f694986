//! The log: every event, in the transaction of its change.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CompanyId, EventId, RowId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    pub kind: String,
    pub aggregate_type: String,
    pub actor_role: String,
    pub via: String,
    pub shop_id: Option<ShopId>,
    pub actor_id: Option<Uuid>,
    pub aggregate_id: Uuid,
    pub data: Value,
    pub position: Option<i64>,
    /// Rises with each event that is written; the order of an aggregate's events.
    pub seq: Option<i64>,
    pub created_at: Instant,
}

owned!();

mod cursor;
mod envelope;
mod publish;

use sea_orm::{DbBackend, FromQueryResult, QueryOrder, QuerySelect, QueryTrait, sea_query::Expr};

pub use Model as Logged;

pub use self::publish::{BROKER, Stand, behind, failed, hold, is_full, leave, published, retire, stand};

use crate::{
    bell::Lanes,
    clock,
    errors::{Error, Result},
    models::jobs,
    tenancy::{Platform, Scope, Souk},
};

/// So many events get their positions, or are heard, in one transaction.
const BATCH: u64 = 200;

/// Gives positions to committed events. PostgreSQL only, one relay at a time: an event never
/// appears behind one that was read already, and each aggregate's are in the order in which they
/// were written. A relay that finds another at work leaves it to it.
/// SQLite's one writer numbers its events itself. True when there may be more.
pub async fn relay(souk: &Souk) -> Result<bool> {
    if souk.settings().is_sqlite() {
        return Ok(false);
    }
    let platform = souk.platform("relay").await?;
    debug_assert_eq!(platform.backend(), DbBackend::Postgres);
    if !is_ours(&platform, "relay").await? {
        return Ok(false);
    }
    let numbered = platform
        .act(
            "UPDATE outbox SET position = fresh.position FROM (\
               SELECT company_id, id, (SELECT COALESCE(MAX(position), 0) FROM outbox) \
                 + ROW_NUMBER() OVER (ORDER BY seq) AS position \
               FROM (SELECT company_id, id, seq FROM outbox WHERE position IS NULL ORDER BY seq LIMIT 1000) AS waiting\
             ) AS fresh WHERE outbox.company_id = fresh.company_id AND outbox.id = fresh.id",
            vec![],
        )
        .await?;
    platform.commit().await?;
    if numbered > 0 {
        souk.bell().ring_inside(Lanes::LOG);
    }
    Ok(numbered == 1_000)
}

/// Whether this transaction is the only one at `work`, on any machine, until it ends.
async fn is_ours(platform: &Platform, work: &str) -> Result<bool> {
    if platform.backend() != DbBackend::Postgres {
        return Ok(true);
    }
    let asked = platform.ask("SELECT pg_try_advisory_xact_lock(7685108, hashtext($1)) AS ours", vec![work.into()]).await?;
    Ok(asked.first().map(|row| row.try_get("", "ours")).transpose()?.unwrap_or(false))
}

/// Makes sure a listener has its cursor; a new one begins with the oldest event that is kept.
pub async fn know_listener(platform: &Platform, listener: &str) -> Result<()> {
    let (id, name, updated_at) = (RowId::new(), listener.into(), clock::now());
    let fresh = cursor::Model { id, name, position: 0, failures: 0, updated_at, holder: None, held_until: None };
    platform.insert_unless_there(fresh, &[cursor::Column::Name]).await.map(|_| ())
}

/// Whether there is an event behind a listener's cursor; a look that takes no lock.
pub async fn has_news(platform: &Platform, listener: &str) -> Result<bool> {
    let question = "SELECT 1 AS news WHERE EXISTS (SELECT 1 FROM outbox \
                    WHERE position > COALESCE((SELECT position FROM consumer_cursors WHERE name = $1), 0))";
    Ok(!platform.ask(question, vec![listener.into()]).await?.is_empty())
}

/// The next events behind a listener's cursor, with where it stands; nothing while another
/// process listens under this name.
pub async fn next(platform: &Platform, listener: &str) -> Result<Option<(i64, Vec<Logged>)>> {
    if !is_ours(platform, listener).await? {
        return Ok(None);
    }
    let found = platform.one(platform.find::<cursor::Entity>().filter(cursor::Column::Name.eq(listener))).await?;
    let Some(cursor) = found else { return Ok(None) };
    let events = platform.find::<Entity>().filter(Column::Position.gt(cursor.position)).order_by_asc(Column::Position);
    Ok(Some((cursor.position, platform.all(events.limit(BATCH)).await?)))
}

/// Lets listeners begin behind all that happened until now: for a demo's past.
pub async fn forget_the_past(souk: &Souk, listeners: &[&str]) -> Result<()> {
    while relay(souk).await? {}
    let platform = souk.platform("relay").await?;
    let last = platform.one(platform.find::<Entity>().filter(Column::Position.is_not_null()).order_by_desc(Column::Position)).await?;
    let Some(position) = last.and_then(|last| last.position) else { return Ok(()) };
    for listener in listeners {
        know_listener(&platform, listener).await?;
        if let Some((stands, _)) = next(&platform, listener).await? {
            advance(&platform, listener, stands, position).await?;
        }
    }
    platform.commit().await
}

/// Moves a listener's cursor from where it stood.
///
/// # Errors
/// When a rival moved it meanwhile: then nothing of this unit may be kept.
pub async fn advance(platform: &Platform, listener: &str, from: i64, to: i64) -> Result<()> {
    let update = platform
        .update::<cursor::Entity>()
        .col_expr(cursor::Column::Position, Expr::value(to))
        .col_expr(cursor::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(cursor::Column::Name.eq(listener))
        .filter(cursor::Column::Position.eq(from));
    if platform.run(update).await? == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// One event of the company.
///
/// # Errors
/// 404 when it is no longer kept.
pub async fn event(scope: &Scope, id: EventId) -> Result<Logged> {
    scope.get(scope.find::<Entity>().filter(Column::Id.eq(id))).await
}

/// How far a listener is behind the log.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Lag {
    pub listener: String,
    /// Not heard yet.
    pub events: i64,
    /// The age of the oldest of them.
    pub oldest_seconds: i64,
}

/// How far each listener is behind, by name.
pub async fn lags(platform: &Platform) -> Result<Vec<Lag>> {
    let question = "SELECT name AS listener, COALESCE((SELECT MAX(position) FROM outbox), 0) - consumer_cursors.position AS events, \
                    COALESCE(($1 - (SELECT created_at FROM outbox WHERE outbox.position > consumer_cursors.position \
                    ORDER BY outbox.position LIMIT 1)) / 1000000, 0) AS oldest_seconds FROM consumer_cursors ORDER BY name";
    let rows = platform.ask(question, vec![clock::now().micros().into()]).await?;
    rows.iter().map(|row| Ok(Lag::from_query_result(row, "")?)).collect()
}

/// The position of the newest event; zero when there is none.
pub async fn head(platform: &Platform) -> Result<i64> {
    let asked = platform.ask("SELECT COALESCE(MAX(position), 0) AS head FROM outbox", vec![]).await?;
    Ok(asked.first().map(|row| row.try_get("", "head")).transpose()?.unwrap_or(0))
}

/// How many committed events have no position yet.
pub async fn unnumbered(platform: &Platform) -> Result<i64> {
    let asked = platform.ask("SELECT COUNT(*) AS events FROM outbox WHERE position IS NULL", vec![]).await?;
    Ok(asked.first().map(|row| row.try_get("", "events")).transpose()?.unwrap_or(0))
}

/// Up to which position all of these listeners have heard, without the newest event: positions go
/// on from it.
pub async fn heard_by_all(platform: &Platform, listeners: &[&str]) -> Result<i64> {
    let mut heard = i64::MAX;
    for listener in listeners {
        let found = platform.one(platform.find::<cursor::Entity>().filter(cursor::Column::Name.eq(*listener))).await?;
        heard = heard.min(found.map_or(0, |cursor| cursor.position));
    }
    let newest = platform.one(platform.find::<Entity>().filter(Column::Position.is_not_null()).order_by_desc(Column::Position)).await?;
    Ok(heard.min(newest.and_then(|event| event.position).unwrap_or(0) - 1))
}

/// Forgets a company's events that everybody heard (up to position `heard`) and that are older
/// than `before`, but for those that a dead letter is still about; up to a thousand, and how many
/// there were.
pub async fn forget(scope: &Scope, before: Instant, heard: i64) -> Result<u64> {
    let old = scope
        .find::<Entity>()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.lt(EventId::first_at(before)))
        .filter(Column::Position.lte(heard))
        .filter(Column::Id.not_in_subquery(jobs::unsettled_subjects(scope)))
        .order_by_asc(Column::Id)
        .limit(1_000);
    scope.remove(scope.delete::<Entity>().filter(Column::Id.in_subquery(old.into_query()))).await
}
