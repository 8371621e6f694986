//! Inventory: what lies where, what of it is promised, and why it changed.
//!
//! Every change is one conditional update; how many rows it found decides. Stock is taken in
//! the order of its ids, so that two baskets with the same goods never wait for each other.

mod adjust;
mod alert;
mod alerts;
mod browse;
mod hold;
mod holds;
mod location;
mod movement;
mod shelf;
mod stock;
mod stock_count;
mod stock_count_line;

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, SelectStatement},
};

use serde_json::{Value, json};

pub use self::{
    adjust::{Adjustment, OneOfMany, Operation, ReorderPoint, adjust, adjust_many, put_away, set_reorder_point, warehouses},
    alert::Model as Alert,
    alerts::{AlertFilter, Level, Open, acknowledge, alerts, alerts_of_all, some_alerts},
    browse::{By, KINDS, MovementFilter, StockFilter, count_rows, list, list_of_all, moves, row, some_moves, sorted, wasted, worth},
    holds::{
        Demand, HoldState, Shortage, Used, companies_with_due_holds, due_checkouts, lock_for, move_holds, release, release_due_of, reserve,
        restock, use_holds,
    },
    location::Model as Location,
    movement::Model as Movement,
    shelf::{
        Counted, Quantity, Receipt, StockCount, check_lines, checkouts_of, count, counts, keep_count, lock, lock_of_shop, place, receive,
        rows, settle, take_free,
    },
    stock::Model as Stock,
    stock_count::Model as CountHead,
    stock_count_line::Model as CountLine,
};
use crate::{
    clock,
    errors::Result,
    events::Event,
    ids::{LocationId, MovementId, OrderId, ShopId, VariantId},
    models::shops,
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

/// The place where a shop's goods lie.
///
/// # Errors
/// 404 for a shop that is not the caller's.
pub async fn location_of_shop(scope: &Scope, shop: ShopId) -> Result<Location> {
    scope.get(scope.find::<location::Entity>().filter(location::Column::ShopId.eq(shop))).await
}

/// Whether anything that lies at a shop is promised to somebody.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_promised_at(scope: &Scope, shop: ShopId) -> Result<bool> {
    let rows = scope.find_company_wide::<stock::Entity>().filter(stock::Column::ShopId.eq(shop)).filter(stock::Column::Reserved.gt(0));
    Ok(scope.one(rows.limit(1)).await?.is_some())
}

/// Stock of one variant, by location.
pub async fn of_variant(scope: &Scope, variant: VariantId) -> Result<Vec<Stock>> {
    scope.all(scope.find::<stock::Entity>().filter(stock::Column::VariantId.eq(variant)).order_by_asc(stock::Column::Id)).await
}

/// How much of each variant each shop can still sell, in pieces or grams; a shop that is closed sells
/// nothing. Nobody's secret: availability is public, so it is read company-wide.
pub async fn available(scope: &Scope, variants: &[VariantId]) -> Result<BTreeMap<VariantId, Vec<(ShopId, i64)>>> {
    let mut by_variant: BTreeMap<_, Vec<_>> = BTreeMap::new();
    if variants.is_empty() {
        return Ok(by_variant);
    }
    let rows = scope
        .find_company_wide::<stock::Entity>()
        .filter(stock::Column::VariantId.is_in(variants.iter().copied()))
        .filter(stock::Column::ShopId.in_subquery(shops::selling(scope)));
    for row in scope.all(rows).await? {
        if let Some(shop) = row.shop_id {
            by_variant.entry(row.variant_id).or_default().push((shop, row.on_hand - row.reserved));
        }
    }
    Ok(by_variant)
}

/// The question whether the variant in `variant` has something left to sell at a shop that is open,
/// or at the one that is named: what the catalogue asks for each product it lists.
#[must_use]
pub fn in_stock(scope: &Scope, shop: Option<ShopId>, variant: Expr) -> SelectStatement {
    let mut rows = scope
        .find_company_wide::<stock::Entity>()
        .select_only()
        .column(stock::Column::Id)
        .filter(Expr::col((stock::Entity, stock::Column::VariantId)).eq(variant))
        .filter(Expr::col((stock::Entity, stock::Column::OnHand)).gt(Expr::col((stock::Entity, stock::Column::Reserved))))
        .filter(stock::Column::ShopId.in_subquery(shops::selling(scope)));
    if let Some(shop) = shop {
        rows = rows.filter(stock::Column::ShopId.eq(shop));
    }
    rows.into_query()
}

/// As [`in_stock`], where the caller sees stock.
#[must_use]
pub fn left(scope: &Scope, shop: Option<ShopId>, variant: Expr) -> SelectStatement {
    let rows = of_shops(scope, shop, variant);
    rows.filter(Expr::col((stock::Entity, stock::Column::OnHand)).gt(Expr::col((stock::Entity, stock::Column::Reserved)))).into_query()
}

/// The question whether the variant in `variant` is low or out at a shop that the caller sees.
#[must_use]
pub fn running_short(scope: &Scope, shop: Option<ShopId>, variant: Expr) -> SelectStatement {
    let rows = of_shops(scope, shop, variant);
    rows.filter(stock::Column::Alert.is_in([Level::Low.name(), Level::Out.name()])).into_query()
}

fn of_shops(scope: &Scope, shop: Option<ShopId>, variant: Expr) -> Select<stock::Entity> {
    let rows = scope
        .find::<stock::Entity>()
        .select_only()
        .column(stock::Column::Id)
        .filter(Expr::col((stock::Entity, stock::Column::VariantId)).eq(variant));
    match shop {
        Some(shop) => rows.filter(stock::Column::ShopId.eq(shop)),
        None => rows.filter(stock::Column::ShopId.is_not_null()),
    }
}

/// Stock of some variants, wherever the caller sees it.
pub async fn of_variants(scope: &Scope, variants: &[VariantId]) -> Result<BTreeMap<VariantId, Vec<Stock>>> {
    let rows = scope.find::<stock::Entity>().filter(stock::Column::VariantId.is_in(variants.iter().copied()));
    let mut by_variant: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in scope.all(rows.order_by_asc(stock::Column::Id)).await? {
        by_variant.entry(row.variant_id).or_default().push(row);
    }
    Ok(by_variant)
}

/// Tells of a stock row that this unit has just written, and of a crossing of its level.
async fn announce(scope: &Scope, row: &Stock) -> Result<()> {
    scope.emit(Event::new("inventory.updated", ("stock", row.id.0), row.shop_id, facts(row))).await?;
    alerts::watch(scope, row).await
}

/// What events say of a stock row.
fn facts(row: &Stock) -> Value {
    json!({
        "variantId": row.variant_id, "locationId": row.location_id, "onHand": row.on_hand, "quantity": row.on_hand - row.reserved,
        "threshold": row.reorder_point,
    })
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
    scope.insert(moved(scope, stock, kind, reason, quantity, order)).await
}

/// Why a stock row changed by `quantity`.
fn moved(scope: &Scope, stock: &Stock, kind: &str, reason: &str, quantity: i64, order: Option<OrderId>) -> Movement {
    movement::Model {
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
    }
}
