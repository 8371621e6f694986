//! What people find on the shelf, and the orders that come short by it.
//!
//! Goods sold and not yet picked are still on the shelf, though no longer in the books: a count
//! subtracts them. What is missing beyond that is missing from promises, and then from the
//! youngest orders that nobody has picked.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{act::note, checkout, item, list, order, status::Status};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{CheckoutId, LocationId, OrderId, ShopId, VariantId},
    models::inventory::{self, Counted, Quantity, Stock, StockCount},
    tenancy::Scope,
};

/// Orders whose goods still lie on the shelf.
const UNPICKED: [Status; 2] = [Status::Confirmed, Status::Processing];

/// What somebody counted at a place.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewStockCount")]
pub struct Count {
    pub location_id: LocationId,
    /// All that lies there, also what is sold and waits to be picked.
    pub lines: Vec<Quantity>,
    #[serde(default)]
    pub note: String,
}

/// Goods that can no longer be sold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "StockLoss")]
pub struct WriteOff {
    pub location_id: LocationId,
    /// Pieces, or grams.
    pub quantity: i64,
    pub reason: String,
}

/// Writes down a count. It is a fact, and never refused: what was promised or sold beyond it comes
/// short.
///
/// # Errors
/// 404 for a place that is not the caller's; 422 for a line that cannot be; 503 when sales came in
/// between, to be tried again.
pub async fn count(scope: &Scope, count: &Count) -> Result<StockCount> {
    inventory::check_lines(&count.lines, 0)?;
    if count.note.chars().count() > 500 {
        return Err(Error::invalid("note", "too_long", "at most 500 characters"));
    }
    let place = inventory::place(scope, count.location_id).await?;
    let mut lines = Vec::with_capacity(count.lines.len());
    let rows = inventory::rows(scope, &place, &count.lines).await?;
    let taken = take_checkouts(scope, &rows).await?;
    for row in rows {
        let counted = count.lines.iter().find(|line| line.variant_id == row.variant_id).map_or(0, |line| line.quantity);
        let row = inventory::lock(scope, row.id).await?;
        let waiting = unpicked(scope, &row).await?;
        lines.push(Counted { variant: row.variant_id, expected: row.on_hand + waiting, counted });
        settle(scope, &row, counted - waiting, &taken, "count", &count.note).await?;
    }
    inventory::keep_count(scope, &place, &count.note, &lines).await
}

/// Takes spoiled or broken goods out of the books.
///
/// # Errors
/// As [`count`]; 422 without a reason; 409 `insufficient_stock` for more than lies there.
pub async fn write_off(scope: &Scope, variant: VariantId, loss: &WriteOff) -> Result<Stock> {
    if loss.reason.trim().is_empty() || loss.reason.chars().count() > 500 {
        return Err(Error::invalid("reason", "required", "say why, in 1 to 500 characters"));
    }
    let line = Quantity { variant_id: variant, quantity: loss.quantity };
    if loss.quantity < 1 {
        return Err(Error::invalid("quantity", "too_small", "at least 1"));
    }
    let place = inventory::place(scope, loss.location_id).await?;
    let rows = inventory::rows(scope, &place, &[line]).await?;
    let taken = take_checkouts(scope, &rows).await?;
    let Some(row) = rows.first() else { return Err(Error::NOT_FOUND) };
    let row = inventory::lock(scope, row.id).await?;
    let there = row.on_hand + unpicked(scope, &row).await?;
    if loss.quantity > there {
        return Err(Error::conflict("insufficient_stock", format!("only {there} lie there"), json!({ "onShelf": there })));
    }
    settle(scope, &row, row.on_hand - loss.quantity, &taken, "waste", &loss.reason).await
}

/// Takes the checkouts with promises on these rows, in the order of their ids and before the stock:
/// everybody takes them in that order.
async fn take_checkouts(scope: &Scope, rows: &[Stock]) -> Result<Vec<CheckoutId>> {
    let mut ids = Vec::new();
    for row in rows.iter().filter(|row| row.reserved > 0) {
        ids.extend(inventory::checkouts_of(scope, row.id).await?);
    }
    ids.sort();
    ids.dedup();
    for id in &ids {
        let take = scope
            .update::<checkout::Entity>()
            .col_expr(checkout::Column::Version, Expr::col(checkout::Column::Version).add(1))
            .filter(checkout::Column::Id.eq(*id));
        scope.run(take).await?;
    }
    Ok(ids)
}

/// Sold and not yet picked: still on the shelf.
async fn unpicked(scope: &Scope, row: &Stock) -> Result<i64> {
    let Some(shop) = row.shop_id else { return Ok(0) };
    let waiting = waiting_lines(scope, shop, row.variant_id).await?;
    Ok(waiting.iter().map(|item| item.quantity - item.quantity_cancelled - item.quantity_short).sum())
}

/// The lines of unpicked orders that want a variant, youngest first.
async fn waiting_lines(scope: &Scope, shop: ShopId, variant: VariantId) -> Result<Vec<item::Model>> {
    let waiting = scope
        .find_company_wide::<order::Entity>()
        .select_only()
        .column(order::Column::Id)
        .filter(order::Column::ShopId.eq(shop))
        .filter(order::Column::Status.is_in(UNPICKED));
    let lines = scope
        .find_company_wide::<item::Entity>()
        .filter(item::Column::VariantId.eq(variant))
        .filter(item::Column::OrderId.in_subquery(waiting.into_query()));
    scope.all(lines.order_by_desc(item::Column::OrderId).order_by_desc(item::Column::Id)).await
}

/// So much is on hand now; below nothing, goods that were sold are missing.
async fn settle(scope: &Scope, before: &Stock, on_hand: i64, taken: &[CheckoutId], kind: &str, reason: &str) -> Result<Stock> {
    let (after, short) = inventory::settle(scope, before, std::cmp::max(on_hand, 0), taken, kind, reason).await?;
    let changes = vec![("onHand", json!(before.on_hand), json!(after.on_hand)), ("reason", json!(null), json!(reason))];
    scope.audit(kind, "inventory", after.variant_id, after.shop_id, changes).await?;
    for checkout in short {
        for order in list::of_checkout(scope, checkout).await?.iter().filter(|order| Some(order.shop_id) == after.shop_id) {
            tell(scope, order, after.variant_id).await?;
        }
    }
    let mut missing = std::cmp::max(-on_hand, 0);
    if let Some(shop) = after.shop_id.filter(|_| missing > 0) {
        for line in waiting_lines(scope, shop, after.variant_id).await? {
            let part = std::cmp::min(missing, line.quantity - line.quantity_cancelled - line.quantity_short);
            if part > 0 && mark_short(scope, line.order_id, after.variant_id, part).await? {
                missing -= part;
            }
        }
    }
    Ok(after)
}

/// Marks so much of an order's goods as missing; false when it has been picked meanwhile.
pub(super) async fn mark_short(scope: &Scope, id: OrderId, variant: VariantId, missing: i64) -> Result<bool> {
    let mark = scope
        .update::<order::Entity>()
        .col_expr(order::Column::IsShort, Expr::value(true))
        .col_expr(order::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(order::Column::Id.eq(id))
        .filter(order::Column::Status.is_in([Status::Pending, Status::Confirmed, Status::Processing]));
    let Some(order) = scope.run_returning(mark).await?.pop() else { return Ok(false) };
    let mut left = missing;
    for line in list::items_of(scope, &[id]).await?.remove(&id).unwrap_or_default().iter().rev() {
        let part = std::cmp::min(left, line.quantity - line.quantity_cancelled - line.quantity_short);
        if line.variant_id != variant || part == 0 {
            continue;
        }
        let more = scope
            .update::<item::Entity>()
            .col_expr(item::Column::QuantityShort, Expr::col(item::Column::QuantityShort).add(part))
            .filter(item::Column::Id.eq(line.id));
        scope.run(more).await?;
        left -= part;
    }
    note(scope, &order, "short", None, "").await?;
    let changes = vec![("isShort", json!(false), json!(true)), ("missing", json!(null), json!(missing))];
    scope.audit("short", "order", id, Some(order.shop_id), changes).await?;
    tell(scope, &order, variant).await?;
    Ok(true)
}

async fn tell(scope: &Scope, order: &order::Model, variant: VariantId) -> Result<()> {
    let data = json!({ "items": [{ "variantId": variant }] });
    scope.emit(Event::new("order.short", ("order", order.id.0), Some(order.shop_id), data)).await
}

/// Takes what an order came short of from the free part of the shelf, now that it is there.
///
/// # Errors
/// 404; 409 `insufficient_stock` when it is still not there; `not_short` when nothing is missing.
pub async fn fill(scope: &Scope, id: OrderId) -> Result<order::Model> {
    let before = list::get(scope, id).await?;
    let items = list::items_of(scope, &[id]).await?.remove(&id).unwrap_or_default();
    let mut short: Vec<_> = items.iter().filter(|item| item.quantity_short > 0).collect();
    if short.is_empty() || !UNPICKED.contains(&before.status) {
        return Err(Error::conflict("not_short", "nothing of this order is missing", json!({})));
    }
    let variants: Vec<_> = short.iter().map(|item| item.variant_id).collect();
    inventory::lock_of_shop(scope, before.shop_id, &variants).await?;
    short.sort_by_key(|item| item.variant_id);
    for line in short {
        if !inventory::take_free(scope, line.variant_id, line.shop_id, line.quantity_short, id).await? {
            let facts = json!({ "variantId": line.variant_id, "missing": line.quantity_short });
            return Err(Error::conflict("insufficient_stock", "the missing goods are still not there", facts));
        }
        let filled = scope
            .update::<item::Entity>()
            .col_expr(item::Column::QuantityShort, Expr::value(0_i64))
            .filter(item::Column::Id.eq(line.id))
            .filter(item::Column::QuantityShort.eq(line.quantity_short));
        if scope.run(filled).await? != 1 {
            return Err(Error::conflict("not_short", "somebody was faster", json!({})));
        }
    }
    settle_flag(scope, id).await?;
    note(scope, &before, "filled", None, "").await?;
    scope.audit("fill", "order", id, Some(before.shop_id), vec![("isShort", json!(true), json!(false))]).await?;
    list::get(scope, id).await
}

/// An order is short while one of its lines is.
pub(super) async fn settle_flag(scope: &Scope, id: OrderId) -> Result<()> {
    let items = list::items_of(scope, &[id]).await?.remove(&id).unwrap_or_default();
    if items.iter().any(|item| item.quantity_short > 0) {
        return Ok(());
    }
    let update = scope
        .update::<order::Entity>()
        .col_expr(order::Column::IsShort, Expr::value(false))
        .filter(order::Column::Id.eq(id))
        .filter(order::Column::IsShort.eq(true));
    scope.run(update).await.map(|_| ())
}
