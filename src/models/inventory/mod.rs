//! Inventory: what lies where, what of it is promised, and why it changed.
//!
//! Every change is one conditional update; how many rows it found decides. Stock is taken in
//! the order of its ids, so that two baskets with the same goods never wait for each other.

mod adjust;
mod hold;
mod holds;
mod location;
mod movement;
mod stock;

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

pub use self::{
    adjust::{Adjustment, Operation, adjust, put_away},
    holds::{Demand, HoldState, Shortage, due_checkouts, move_holds, release, release_due_of, reserve, restock, use_holds},
    location::Model as Location,
    movement::Model as Movement,
    stock::Model as Stock,
};
use crate::{
    clock,
    errors::Result,
    ids::{LocationId, MovementId, OrderId, ShopId, VariantId},
    tenancy::Scope,
};

/// Opens a place where stock can lie: a shop's floor, or a warehouse.
pub async fn open_location(scope: &Scope, kind: &str, slug: &str, name: &str, shop: Option<ShopId>) -> Result<Location> {
    let location = Location {
        company_id: scope.company(),
        id: LocationId::new(),
        kind: kind.into(),
        slug: slug.into(),
        name: name.into(),
        shop_id: shop,
        created_at: clock::now(),
    };
    scope.insert(location.clone()).await?;
    Ok(location)
}

/// The locations of the company that the caller sees.
pub async fn locations(scope: &Scope) -> Result<Vec<Location>> {
    scope.all(scope.find::<location::Entity>().order_by_asc(location::Column::Slug).limit(1_000)).await
}

/// Stock of one variant, by location.
pub async fn of_variant(scope: &Scope, variant: VariantId) -> Result<Vec<Stock>> {
    scope.all(scope.find::<stock::Entity>().filter(stock::Column::VariantId.eq(variant)).order_by_asc(stock::Column::Id)).await
}

/// How much of each variant each shop can still sell, in pieces or grams. Nobody's secret:
/// availability is public, so it is read company-wide.
pub async fn available(scope: &Scope, variants: &[VariantId]) -> Result<BTreeMap<VariantId, Vec<(ShopId, i64)>>> {
    let mut by_variant: BTreeMap<_, Vec<_>> = BTreeMap::new();
    if variants.is_empty() {
        return Ok(by_variant);
    }
    let rows =
        scope.all(scope.find_company_wide::<stock::Entity>().filter(stock::Column::VariantId.is_in(variants.iter().copied()))).await?;
    for row in rows {
        if let Some(shop) = row.shop_id {
            by_variant.entry(row.variant_id).or_default().push((shop, row.on_hand - row.reserved));
        }
    }
    Ok(by_variant)
}

/// A page of stock rows behind `after`, of a shop if named, low ones only if asked.
pub async fn list(scope: &Scope, shop: Option<ShopId>, low: bool, after: Option<crate::ids::StockId>, limit: u64) -> Result<Vec<Stock>> {
    use sea_orm::sea_query::{Expr, ExprTrait};
    let mut rows = scope.find::<stock::Entity>();
    if let Some(shop) = shop {
        rows = rows.filter(stock::Column::ShopId.eq(shop));
    }
    if low {
        let left = Expr::col(stock::Column::OnHand).sub(Expr::col(stock::Column::Reserved));
        rows = rows.filter(left.lte(Expr::col(stock::Column::ReorderPoint)));
    }
    if let Some(after) = after {
        rows = rows.filter(stock::Column::Id.gt(after));
    }
    scope.all(rows.order_by_asc(stock::Column::Id).limit(limit)).await
}

/// A variant's movements, newest first, from before `before`.
pub async fn movements(scope: &Scope, variant: VariantId, before: Option<MovementId>, limit: u64) -> Result<Vec<Movement>> {
    let mut rows = scope.find::<movement::Entity>().filter(movement::Column::VariantId.eq(variant));
    if let Some(before) = before {
        rows = rows.filter(movement::Column::Id.lt(before));
    }
    scope.all(rows.order_by_desc(movement::Column::Id).limit(limit)).await
}

/// Writes down why a stock row changed by `quantity`.
async fn record(scope: &Scope, stock: &Stock, kind: &str, reason: &str, quantity: i64, order: Option<OrderId>) -> Result<()> {
    scope
        .insert(movement::Model {
            company_id: scope.company(),
            id: MovementId::new(),
            stock_id: stock.id,
            variant_id: stock.variant_id,
            location_id: stock.location_id,
            shop_id: stock.shop_id,
            batch_id: None,
            kind: kind.into(),
            reason: reason.into(),
            quantity,
            on_hand_after: stock.on_hand,
            order_id: order,
            actor_id: scope.tenant().actor.id(),
            created_at: clock::now(),
        })
        .await
}
