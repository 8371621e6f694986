//! What people find on the shelf: goods that came in, counts, losses. A physical fact is never
//! refused: promises that the shelf no longer covers come short, the youngest first.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{HoldState, Location, Stock, adjust::empty, announce, hold, location, record, stock, stock_count, stock_count_line};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CheckoutId, LocationId, RowId, ShopId, StockCountId, StockId, VariantId},
    models::catalog,
    tenancy::Scope,
};

/// At most so many pieces, or grams, on one line of a receipt or a count.
const QUANTITY_MAX: i64 = 1_000_000_000;
const LINES_MAX: usize = 500;

/// So much of a variant: pieces, or grams.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "VariantQuantity")]
pub struct Quantity {
    pub variant_id: VariantId,
    pub quantity: i64,
}

/// Goods that came in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "StockReceipt")]
pub struct Receipt {
    pub location_id: LocationId,
    /// The number on the delivery note.
    #[serde(default)]
    pub reference: String,
    pub lines: Vec<Quantity>,
}

/// Checks the lines of a receipt or a count: each variant once, in range.
///
/// # Errors
/// 422 with the line that is wrong.
pub fn check_lines(lines: &[Quantity], least: i64) -> Result<()> {
    if lines.is_empty() || lines.len() > LINES_MAX {
        return Err(Error::invalid("lines", "out_of_range", format!("from 1 to {LINES_MAX} lines")));
    }
    for (index, line) in lines.iter().enumerate() {
        if !(least..=QUANTITY_MAX).contains(&line.quantity) {
            return Err(Error::invalid(format!("lines[{index}].quantity"), "out_of_range", format!("from {least} to {QUANTITY_MAX}")));
        }
        if lines.iter().take(index).any(|other| other.variant_id == line.variant_id) {
            return Err(Error::invalid(format!("lines[{index}].variantId"), "repeated", "name each variant once"));
        }
    }
    Ok(())
}

/// A place that the caller may act at.
///
/// # Errors
/// 404 when it is not there or not theirs.
pub async fn place(scope: &Scope, id: LocationId) -> Result<Location> {
    scope.get(scope.find::<location::Entity>().filter(location::Column::Id.eq(id))).await
}

/// Books in goods, each with a `receipt` movement.
///
/// # Errors
/// 404 for a place that is not the caller's; 422 for a line that cannot be.
pub async fn receive(scope: &Scope, receipt: &Receipt) -> Result<Vec<Stock>> {
    check_lines(&receipt.lines, 1)?;
    if receipt.reference.chars().count() > 100 {
        return Err(Error::invalid("reference", "too_long", "at most 100 characters"));
    }
    let place = place(scope, receipt.location_id).await?;
    let mut came = Vec::with_capacity(receipt.lines.len());
    for row in rows(scope, &place, &receipt.lines).await? {
        let quantity = receipt.lines.iter().find(|line| line.variant_id == row.variant_id).map_or(0, |line| line.quantity);
        let more = scope
            .update::<stock::Entity>()
            .col_expr(stock::Column::OnHand, Expr::col(stock::Column::OnHand).add(quantity))
            .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
            .col_expr(stock::Column::Version, Expr::col(stock::Column::Version).add(1))
            .filter(stock::Column::Id.eq(row.id));
        let Some(after) = scope.run_returning(more).await?.pop() else { return Err(Error::NOT_FOUND) };
        record(scope, &after, "receipt", &receipt.reference, quantity, None).await?;
        let changes =
            vec![("onHand", json!(after.on_hand - quantity), json!(after.on_hand)), ("reference", json!(null), json!(receipt.reference))];
        scope.audit("receive", "inventory", after.variant_id, after.shop_id, changes).await?;
        announce(scope, &after).await?;
        came.push(after);
    }
    Ok(came)
}

/// The stock rows of some variants at a place, in the order of their ids; opened empty where the
/// place never had the goods.
///
/// # Errors
/// 422 for a variant that the company has not.
pub async fn rows(scope: &Scope, place: &Location, lines: &[Quantity]) -> Result<Vec<Stock>> {
    let mut ids: Vec<_> = lines.iter().map(|line| line.variant_id).collect();
    let known = catalog::with_products(scope, &ids).await?;
    for (index, id) in ids.iter().enumerate() {
        let is_theirs = known.get(id).is_some_and(|(_, product)| product.shop_id.is_none_or(|only| Some(only) == place.shop_id));
        if !is_theirs {
            return Err(Error::invalid(format!("lines[{index}].variantId"), "unknown", "this place has no such goods"));
        }
    }
    // Two deliveries of the same new goods open their rows in the same order.
    ids.sort_unstable();
    for id in &ids {
        let key = [stock::Column::CompanyId, stock::Column::VariantId, stock::Column::LocationId];
        scope.insert_unless_there(empty(scope, *id, place), &key).await?;
    }
    let rows = scope.find::<stock::Entity>().filter(stock::Column::LocationId.eq(place.id)).filter(stock::Column::VariantId.is_in(ids));
    scope.all(rows.order_by_asc(stock::Column::Id)).await
}

/// The checkouts that goods of a stock row are promised to; whoever makes their promises short
/// takes these first.
pub async fn checkouts_of(scope: &Scope, stock: StockId) -> Result<Vec<CheckoutId>> {
    let live = scope.find_company_wide::<hold::Entity>().filter(hold::Column::StockId.eq(stock));
    let live = live.filter(hold::Column::State.is_in([HoldState::Held.name(), HoldState::Paying.name()]));
    let mut ids: Vec<_> = scope.all(live).await?.into_iter().map(|hold| hold.checkout_id).collect();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// Takes a stock row: until the unit ends, nobody else changes it.
///
/// # Errors
/// 404 when it is not there.
pub async fn lock(scope: &Scope, id: StockId) -> Result<Stock> {
    let take = scope
        .update::<stock::Entity>()
        .col_expr(stock::Column::Version, Expr::col(stock::Column::Version).add(1))
        .filter(stock::Column::Id.eq(id));
    scope.run_returning(take).await?.pop().ok_or(Error::NOT_FOUND)
}

/// Takes the stock rows of variants at a shop, in the order of their ids.
pub async fn lock_of_shop(scope: &Scope, shop: ShopId, variants: &[VariantId]) -> Result<()> {
    let rows = scope
        .find_company_wide::<stock::Entity>()
        .filter(stock::Column::ShopId.eq(shop))
        .filter(stock::Column::VariantId.is_in(variants.iter().copied()));
    for row in scope.all(rows.order_by_asc(stock::Column::Id)).await? {
        lock(scope, row.id).await?;
    }
    Ok(())
}

/// Writes down that so much of a locked stock row is there, whatever was promised of it; the
/// checkouts whose promises came short by it.
///
/// # Errors
/// 503 when a promise was made that the caller has not taken the checkout of: to be tried again.
pub async fn settle(
    scope: &Scope,
    before: &Stock,
    on_hand: i64,
    taken: &[CheckoutId],
    kind: &str,
    reason: &str,
) -> Result<(Stock, Vec<CheckoutId>)> {
    let missing = before.reserved - std::cmp::min(before.reserved, on_hand);
    let short = shorten(scope, before.id, missing, taken).await?;
    let set = scope
        .update::<stock::Entity>()
        .col_expr(stock::Column::OnHand, Expr::value(on_hand))
        .col_expr(stock::Column::Reserved, Expr::value(before.reserved - missing))
        .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(stock::Column::Id.eq(before.id))
        .filter(stock::Column::Version.eq(before.version));
    let Some(after) = scope.run_returning(set).await?.pop() else {
        return Err(Error::internal(format!("stock row {} was not held", before.id)));
    };
    if on_hand != before.on_hand {
        record(scope, &after, kind, reason, on_hand - before.on_hand, None).await?;
        announce(scope, &after).await?;
    }
    Ok((after, short))
}

/// Takes `missing` out of the youngest promises of a stock row.
async fn shorten(scope: &Scope, stock: StockId, missing: i64, taken: &[CheckoutId]) -> Result<Vec<CheckoutId>> {
    if missing == 0 {
        return Ok(vec![]);
    }
    let live = scope.find_company_wide::<hold::Entity>().filter(hold::Column::StockId.eq(stock));
    let live = live.filter(hold::Column::State.is_in([HoldState::Held.name(), HoldState::Paying.name()]));
    let mut left = missing;
    let mut short = Vec::new();
    for hold in scope.all(live.order_by_desc(hold::Column::CreatedAt).order_by_desc(hold::Column::Id)).await? {
        let part = std::cmp::min(left, hold.quantity);
        if part == 0 {
            continue;
        }
        if !taken.contains(&hold.checkout_id) {
            return Err(Error::Unavailable("a sale came in between".into()));
        }
        let less = scope
            .update::<hold::Entity>()
            .col_expr(hold::Column::Quantity, Expr::col(hold::Column::Quantity).sub(part))
            .col_expr(hold::Column::Short, Expr::col(hold::Column::Short).add(part))
            .filter(hold::Column::Id.eq(hold.id));
        scope.run(less).await?;
        short.push(hold.checkout_id);
        left -= part;
    }
    if left > 0 {
        return Err(Error::internal(format!("stock row {stock} has more reserved than promised")));
    }
    Ok(short)
}

/// Takes goods from the free part of a shop's shelf for an order that had come short of them;
/// false when they are not there.
pub async fn take_free(scope: &Scope, variant: VariantId, shop: ShopId, quantity: i64, order: crate::ids::OrderId) -> Result<bool> {
    let take = scope
        .update::<stock::Entity>()
        .col_expr(stock::Column::OnHand, Expr::col(stock::Column::OnHand).sub(quantity))
        .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(stock::Column::Version, Expr::col(stock::Column::Version).add(1))
        .filter(stock::Column::VariantId.eq(variant))
        .filter(stock::Column::ShopId.eq(shop))
        .filter(Expr::col(stock::Column::OnHand).sub(Expr::col(stock::Column::Reserved)).gte(quantity));
    let Some(row) = scope.run_returning(take).await?.pop() else { return Ok(false) };
    record(scope, &row, "sale", "", -quantity, Some(order)).await?;
    announce(scope, &row).await?;
    Ok(true)
}

/// One line of a count.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub variant: VariantId,
    pub expected: i64,
    pub counted: i64,
}

/// A count with its lines.
pub type StockCount = (stock_count::Model, Vec<stock_count_line::Model>);

/// Keeps a count as it was made.
pub async fn keep_count(scope: &Scope, place: &Location, note: &str, lines: &[Counted]) -> Result<StockCount> {
    let count = stock_count::Model {
        company_id: scope.company(),
        id: StockCountId::new(),
        location_id: place.id,
        shop_id: place.shop_id,
        note: note.into(),
        by_name: scope.tenant().name.clone(),
        actor_id: scope.tenant().actor.id(),
        created_at: clock::now(),
    };
    scope.insert(count.clone()).await?;
    let lines = lines.iter().map(|line| stock_count_line::Model {
        company_id: scope.company(),
        id: RowId::new(),
        count_id: count.id,
        variant_id: line.variant,
        shop_id: place.shop_id,
        expected: line.expected,
        counted: line.counted,
    });
    let lines: Vec<_> = lines.collect();
    scope.insert_all(lines.clone()).await?;
    Ok((count, lines))
}

/// Counts, newest first, from before `before`.
pub async fn counts(scope: &Scope, before: Option<StockCountId>, limit: u64) -> Result<Vec<stock_count::Model>> {
    let mut rows = scope.find::<stock_count::Entity>();
    if let Some(before) = before {
        rows = rows.filter(stock_count::Column::Id.lt(before));
    }
    scope.all(rows.order_by_desc(stock_count::Column::Id).limit(limit)).await
}

/// # Errors
/// 404 when it is not there or not of the caller's shops.
pub async fn count(scope: &Scope, id: StockCountId) -> Result<StockCount> {
    let count = scope.get(scope.find::<stock_count::Entity>().filter(stock_count::Column::Id.eq(id))).await?;
    let lines = scope.find::<stock_count_line::Entity>().filter(stock_count_line::Column::CountId.eq(id));
    Ok((count, scope.all(lines.order_by_asc(stock_count_line::Column::Id)).await?))
}
