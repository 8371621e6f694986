//! Letting go of entries past their time: the only way out of the audit, and it is written down.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::json;

use super::{
    checkpoint, entry, link,
    seal::head,
    values,
    witness::{self, Kind},
};
use crate::{clock::Instant, errors::Result, ids::AuditId, tenancy::Scope};

/// Entries let go in one unit.
const BATCH: i64 = 2_000;

/// The last link before the first whose entry was born since `before`; never the newest of all,
/// since the chain goes on from it.
async fn last_before(scope: &Scope, before: Instant) -> Result<Option<link::Model>> {
    let Some(head) = head(scope).await? else { return Ok(None) };
    let young = scope.find::<link::Entity>().filter(link::Column::Id.gte(AuditId::first_at(before)));
    let young = scope.one(young.order_by_asc(link::Column::Number)).await?.map_or(head.number, |young| young.number);
    let old = scope.find::<link::Entity>().filter(link::Column::Number.lt(std::cmp::min(young, head.number)));
    scope.one(old.order_by_desc(link::Column::Number)).await
}

async fn first(scope: &Scope) -> Result<i64> {
    let first = scope.one(scope.find::<link::Entity>().order_by_asc(link::Column::Number)).await?;
    Ok(first.map_or(1, |first| first.number))
}

/// How many entries from before `before` may go.
pub async fn past(scope: &Scope, before: Instant) -> Result<u64> {
    let Some(last) = last_before(scope, before).await? else { return Ok(0) };
    Ok(u64::try_from(last.number - first(scope).await? + 1).unwrap_or_default())
}

/// Lets go of a company's oldest entries from before `before`, up to two thousand; how many there
/// were. The chain then begins behind them, which the witness is told first.
pub async fn let_go(scope: &Scope, before: Instant) -> Result<u64> {
    let Some(last) = last_before(scope, before).await? else { return Ok(0) };
    let first = first(scope).await?;
    let to = std::cmp::min(last.number, first + BATCH - 1);
    let to = scope.get(scope.find::<link::Entity>().filter(link::Column::Number.eq(to))).await?;
    witness::testify(scope, Kind::Start, to.number, &to.hash).await?;
    let ids = || {
        let old = scope.find::<link::Entity>().select_only().column(link::Column::Id);
        old.filter(link::Column::Number.lte(to.number)).into_query()
    };
    scope.remove(scope.delete::<values::Entity>().filter(values::Column::EntryId.in_subquery(ids()))).await?;
    let gone = scope.retire(scope.delete::<entry::Entity>().filter(entry::Column::Id.in_subquery(ids()))).await?;
    scope.retire(scope.delete::<link::Entity>().filter(link::Column::Number.lte(to.number))).await?;
    let heads = scope.delete::<checkpoint::Entity>().filter(checkpoint::Column::Kind.eq("head"));
    scope.remove(heads.filter(checkpoint::Column::Number.lte(to.number))).await?;
    let changes = vec![
        ("entries", json!(gone), json!(0)),
        ("from", json!(null), json!(first)),
        ("to", json!(null), json!(to.number)),
        ("before", json!(null), json!(before)),
    ];
    scope.audit("let_go", "audit", to.number, None, changes).await?;
    Ok(gone)
}
