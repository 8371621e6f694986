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
    pub created_at: Instant,
}

owned!();

mod cursor;

use sea_orm::{DbBackend, QueryOrder, QuerySelect, sea_query::Expr};

pub use Model as Logged;

use crate::{
    clock,
    errors::Result,
    tenancy::{Platform, Souk},
};

/// Gives positions to committed events. PostgreSQL only, one relay at a time: an event never
/// appears behind one that was read already. SQLite's one writer numbers its events itself.
pub async fn relay(souk: &Souk) -> Result<u64> {
    if souk.settings().is_sqlite() {
        return Ok(0);
    }
    let platform = souk.platform("relay").await?;
    debug_assert_eq!(platform.backend(), DbBackend::Postgres);
    platform.ask("SELECT pg_advisory_xact_lock(7685108)", vec![]).await?;
    let numbered = platform
        .act(
            "UPDATE outbox SET position = fresh.position FROM (\
               SELECT company_id, id, (SELECT COALESCE(MAX(position), 0) FROM outbox) \
                 + ROW_NUMBER() OVER (ORDER BY id) AS position \
               FROM (SELECT company_id, id FROM outbox WHERE position IS NULL ORDER BY id LIMIT 500) AS waiting\
             ) AS fresh WHERE outbox.company_id = fresh.company_id AND outbox.id = fresh.id",
            vec![],
        )
        .await?;
    platform.commit().await?;
    Ok(numbered)
}

/// The next events behind a consumer's cursor.
pub async fn next(platform: &Platform, consumer: &str, limit: u64) -> Result<Vec<Logged>> {
    let cursor = platform.one(platform.find::<cursor::Entity>().filter(cursor::Column::Name.eq(consumer))).await?;
    let position = match cursor {
        Some(cursor) => cursor.position,
        None => {
            let fresh = cursor::Model { id: RowId::new(), name: consumer.into(), position: 0, failures: 0, updated_at: clock::now() };
            platform.insert(fresh).await?;
            0
        }
    };
    platform.all(platform.find::<Entity>().filter(Column::Position.gt(position)).order_by_asc(Column::Position).limit(limit)).await
}

/// Moves a consumer's cursor forward, never back.
pub async fn advance(platform: &Platform, consumer: &str, position: i64) -> Result<()> {
    let update = platform
        .update::<cursor::Entity>()
        .col_expr(cursor::Column::Position, Expr::value(position))
        .col_expr(cursor::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(cursor::Column::Name.eq(consumer))
        .filter(cursor::Column::Position.lt(position));
    platform.run(update).await.map(|_| ())
}
