//! What lies where, what moved, and what it is worth: lists and figures for people.

use sea_orm::{
    ColumnTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Alias, Expr, ExprTrait, JoinType, Order, SelectStatement, SimpleExpr},
};
use uuid::Uuid;

use super::{Level, movement, stock};
use crate::{
    clock::Instant,
    errors::Result,
    ids::{LocationId, MovementId, ShopId, StockId, VariantId},
    keyset::{self, At, Place, Sort},
    models::catalog,
    money::Money,
    tenancy::{Owned, Platform, Scope},
};

/// Why stock moves, as a movement's `kind` says it.
pub const KINDS: [&str; 7] = ["receipt", "sale", "adjustment", "count", "waste", "cancel", "return"];

/// Which stock rows a list is about.
#[derive(Clone, Debug, Default)]
pub struct StockFilter {
    pub shop: Option<ShopId>,
    pub location: Option<LocationId>,
    /// Only what is low or out.
    pub short: bool,
    pub level: Option<Level>,
    pub variants: Option<Vec<VariantId>>,
    /// A question of the catalogue which variants it is about; see [`catalog::called`].
    pub goods: Option<SelectStatement>,
}

fn narrowed(mut rows: Select<stock::Entity>, filter: &StockFilter) -> Select<stock::Entity> {
    if let Some(shop) = filter.shop {
        rows = rows.filter(stock::Column::ShopId.eq(shop));
    }
    if let Some(location) = filter.location {
        rows = rows.filter(stock::Column::LocationId.eq(location));
    }
    if filter.short {
        rows = rows.filter(stock::Column::Alert.is_in([Level::Low.name(), Level::Out.name()]));
    }
    if let Some(level) = filter.level {
        rows = rows.filter(stock::Column::Alert.eq(level.name()));
    }
    if let Some(variants) = &filter.variants {
        rows = rows.filter(stock::Column::VariantId.is_in(variants.iter().copied()));
    }
    if let Some(goods) = &filter.goods {
        rows = rows.filter(stock::Column::VariantId.in_subquery(goods.clone()));
    }
    rows
}

/// A page of stock rows behind `after`.
pub async fn list(scope: &Scope, filter: &StockFilter, after: Option<StockId>, limit: u64) -> Result<Vec<stock::Model>> {
    scope.all(behind(narrowed(scope.find::<stock::Entity>(), filter), after, limit)).await
}

/// What people sort stock by: since when a row is there, which its id says, what its goods are called,
/// or how much of it can be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Since,
    Name,
    Available,
}

impl By {
    /// Where a list that is sorted so goes on behind a row of these goods.
    #[must_use]
    pub fn place(self, row: &stock::Model, goods: Option<&catalog::Product>) -> Place {
        let at = match self {
            Self::Since => None,
            Self::Name => Some(At::Text(goods.map(|product| product.sort_name.clone()).unwrap_or_default())),
            Self::Available => Some(At::Number(row.on_hand - row.reserved)),
        };
        Place { at, id: row.id.0 }
    }
}

/// Stock rows in the order that a person chose.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted(scope: &Scope, filter: &StockFilter, sort: Sort<By>, after: Option<Place>, limit: u64) -> Result<Vec<stock::Model>> {
    let mut rows = narrowed(scope.find::<stock::Entity>(), filter);
    let by = match sort.by {
        By::Since => None,
        By::Name => {
            let goods = Alias::new("goods");
            let same = Expr::col((stock::Entity, stock::Column::VariantId)).equals((goods.clone(), Alias::new("id")));
            QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, catalog::names(scope), goods.clone(), same);
            Some(Expr::col((goods, Alias::new("sort_name"))))
        }
        By::Available => Some(stock::Column::OnHand.into_expr().sub(stock::Column::Reserved.into_expr())),
    };
    scope.all(keyset::sorted(rows, by, stock::Column::Id, sort.falls, after).limit(limit)).await
}

/// Everybody's stock rows behind `after`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_of_all(platform: &Platform, filter: &StockFilter, after: Option<StockId>, limit: u64) -> Result<Vec<stock::Model>> {
    platform.all(behind(narrowed(platform.find::<stock::Entity>(), filter), after, limit)).await
}

fn behind(mut rows: Select<stock::Entity>, after: Option<StockId>, limit: u64) -> Select<stock::Entity> {
    if let Some(after) = after {
        rows = rows.filter(stock::Column::Id.gt(after));
    }
    rows.order_by_asc(stock::Column::Id).limit(limit)
}

/// How many stock rows there are, counted to `most` and one more.
pub async fn count_rows(scope: &Scope, filter: &StockFilter, most: u64) -> Result<u64> {
    scope.count_to(narrowed(scope.find::<stock::Entity>(), filter), most + 1).await
}

/// One stock row.
///
/// # Errors
/// 404 when it is not there or of a shop that is not the caller's.
pub async fn row(scope: &Scope, id: StockId) -> Result<stock::Model> {
    scope.get(scope.find::<stock::Entity>().filter(stock::Column::Id.eq(id))).await
}

/// Which movements a list is about.
#[derive(Clone, Debug, Default)]
pub struct MovementFilter {
    pub stock: Option<StockId>,
    pub variants: Option<Vec<VariantId>>,
    pub location: Option<LocationId>,
    pub kind: Option<&'static str>,
    /// Who moved it; an empty list is nobody.
    pub actors: Option<Vec<Uuid>>,
    /// The beginning of the reason.
    pub reason: Option<String>,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
}

/// Those of some movements that the caller sees, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn some_moves(scope: &Scope, ids: &[MovementId]) -> Result<Vec<movement::Model>> {
    let rows = scope.find::<movement::Entity>().filter(movement::Column::Id.is_in(ids.iter().copied()));
    scope.all(rows.order_by_desc(movement::Column::Id)).await
}

/// A page of movements, newest first, from before `before`.
pub async fn moves(scope: &Scope, filter: &MovementFilter, before: Option<MovementId>, limit: u64) -> Result<Vec<movement::Model>> {
    let mut rows = scope.find::<movement::Entity>();
    if let Some(stock) = filter.stock {
        rows = rows.filter(movement::Column::StockId.eq(stock));
    }
    if let Some(variants) = &filter.variants {
        rows = rows.filter(movement::Column::VariantId.is_in(variants.iter().copied()));
    }
    if let Some(location) = filter.location {
        rows = rows.filter(movement::Column::LocationId.eq(location));
    }
    if let Some(kind) = filter.kind {
        rows = rows.filter(movement::Column::Kind.eq(kind));
    }
    if let Some(actors) = &filter.actors {
        rows = rows.filter(movement::Column::ActorId.is_in(actors.iter().copied()));
    }
    if let Some(reason) = &filter.reason {
        rows = rows.filter(movement::Column::Reason.gte(reason.as_str()));
        rows = rows.filter(movement::Column::Reason.lt(format!("{reason}\u{10ffff}")));
    }
    // Ids are born by the clock, so a period is a range of them.
    if let Some(from) = filter.from {
        rows = rows.filter(movement::Column::Id.gte(MovementId::first_at(from)));
    }
    if let Some(until) = filter.until {
        rows = rows.filter(movement::Column::Id.lt(MovementId::first_at(until)));
    }
    if let Some(before) = before {
        rows = rows.filter(movement::Column::Id.lt(before));
    }
    scope.all(rows.order_by(movement::Column::Id, Order::Desc).limit(limit)).await
}

#[derive(FromQueryResult)]
struct Sum {
    amount: i64,
}

/// What all that lies where the caller sees it has cost.
///
/// # Errors
/// When the database cannot be reached.
pub async fn worth(scope: &Scope, location: Option<LocationId>) -> Result<Money> {
    let filter = StockFilter { location, ..StockFilter::default() };
    at_cost(
        scope,
        narrowed(scope.find::<stock::Entity>(), &filter),
        Expr::col((stock::Entity, stock::Column::VariantId)),
        "stock_levels.on_hand",
    )
    .await
}

/// What has been written off since a moment has cost.
///
/// # Errors
/// When the database cannot be reached.
pub async fn wasted(scope: &Scope, location: Option<LocationId>, since: Instant) -> Result<Money> {
    let mut rows = scope
        .find::<movement::Entity>()
        .filter(movement::Column::Kind.eq("waste"))
        .filter(movement::Column::Id.gte(MovementId::first_at(since)));
    if let Some(location) = location {
        rows = rows.filter(movement::Column::LocationId.eq(location));
    }
    at_cost(scope, rows, Expr::col((movement::Entity, movement::Column::VariantId)), "-stock_movements.quantity").await
}

/// Sums quantities at what they cost; no sum is too large to be shown.
async fn at_cost<E: Owned>(scope: &Scope, mut rows: Select<E>, variant: SimpleExpr, quantity: &str) -> Result<Money> {
    let goods = Alias::new("goods");
    let same = variant.equals((goods.clone(), Alias::new("id")));
    QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, catalog::costs(scope), goods, same);
    // As NUMERIC a product does not overflow; what is more than an amount can hold is shown as the most.
    let sum = format!(
        "COALESCE(SUM(CASE WHEN goods.sold_by = 'weight' THEN CAST({quantity} AS NUMERIC) * goods.cost / 1000 \
         ELSE CAST({quantity} AS NUMERIC) * goods.cost END), 0)"
    );
    let most = i64::MAX / 1_024;
    let capped = Expr::cust(format!("CAST(CASE WHEN {sum} > {most} THEN {most} ELSE {sum} END AS BIGINT)"));
    let found = scope.all_as::<Sum, _>(rows.select_only().expr_as(capped, "amount")).await?;
    Ok(Money(found.first().map_or(0, |sum| sum.amount)))
}
