//! Changes that people make: add, subtract, set; always with a reason.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Location,
    alerts::watch,
    announce, location, record,
    shelf::{lock, place},
    stock,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{LocationId, StockId, VariantId},
    models::catalog,
    tenancy::Scope,
};

/// At most so many pieces, or grams.
const QUANTITY_MAX: i64 = 1_000_000_000;
/// At most so many changes in one request.
const CHANGES_MAX: usize = 100;

/// A person's change of a stock figure.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "StockAdjustment")]
pub struct Adjustment {
    pub location_id: LocationId,
    /// Pieces, or grams.
    pub quantity: i64,
    pub operation: Operation,
    pub reason: String,
}

/// One of several changes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "StockUpdate")]
pub struct OneOfMany {
    pub variant_id: VariantId,
    pub location_id: LocationId,
    pub quantity: i64,
    pub operation: Operation,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "StockOperation")]
pub enum Operation {
    Add,
    Subtract,
    Set,
}

/// When there is little left of a variant at a place.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReorderPoint {
    pub location_id: LocationId,
    /// Pieces, or grams: so much or less is low. With 0 only being out is told.
    pub reorder_point: i64,
}

impl Adjustment {
    fn check(&self, at: &str) -> Result<()> {
        if self.reason.trim().is_empty() {
            return Err(Error::invalid(format!("{at}reason"), "required", "say why the stock changes"));
        }
        if self.reason.chars().count() > 200 {
            return Err(Error::invalid(format!("{at}reason"), "too_long", "at most 200 letters"));
        }
        if !(0..=QUANTITY_MAX).contains(&self.quantity) {
            return Err(Error::invalid(format!("{at}quantity"), "out_of_range", "from 0 to 1000000000"));
        }
        Ok(())
    }
}

/// Changes what lies at a location. Goods that never lay there get their first row.
///
/// # Errors
/// 404 for a location or a variant that is not the caller's; 412 when `version` is no longer the
/// row's; 422 without a reason or for a negative quantity; 409 `insufficient_stock` when less would
/// be left than is promised to customers.
pub async fn adjust(scope: &Scope, variant: VariantId, change: &Adjustment, version: Option<i64>) -> Result<stock::Model> {
    change.check("")?;
    let place = place(scope, change.location_id).await?;
    let row = row_at(scope, variant, &place).await?;
    if version.is_some_and(|version| version != row.version) {
        return Err(Error::Stale);
    }
    apply(scope, row.id, change, version).await
}

/// Makes several changes, or none of them.
///
/// # Errors
/// As [`adjust`], with the field of the change that is refused.
pub async fn adjust_many(scope: &Scope, changes: Vec<OneOfMany>) -> Result<Vec<stock::Model>> {
    if changes.is_empty() || changes.len() > CHANGES_MAX {
        return Err(Error::invalid("updates", "out_of_range", format!("from 1 to {CHANGES_MAX} changes")));
    }
    // Rows are opened in the order of their goods and changed in that of their ids, so that two of
    // these never wait for each other.
    let mut changes: Vec<_> = changes.into_iter().enumerate().collect();
    changes.sort_by_key(|(_, one)| (one.variant_id, one.location_id));
    let mut by_row = BTreeMap::new();
    for (index, one) in changes {
        let change = Adjustment { location_id: one.location_id, quantity: one.quantity, operation: one.operation, reason: one.reason };
        change.check(&format!("updates[{index}]."))?;
        let unknown = |field: &str| Error::invalid(format!("updates[{index}].{field}"), "unknown", "there is none of yours");
        let place = place(scope, change.location_id).await.map_err(|_| unknown("locationId"))?;
        let row = row_at(scope, one.variant_id, &place).await.map_err(|_| unknown("variantId"))?;
        if by_row.insert(row.id, change).is_some() {
            return Err(Error::invalid(format!("updates[{index}].variantId"), "repeated", "name each row once"));
        }
    }
    let mut rows = Vec::with_capacity(by_row.len());
    for (id, change) in by_row {
        rows.push(apply(scope, id, &change, None).await?);
    }
    Ok(rows)
}

/// The row is locked first, so that the figures before and after are exactly those of this change.
async fn apply(scope: &Scope, id: StockId, change: &Adjustment, version: Option<i64>) -> Result<stock::Model> {
    let before = lock(scope, id).await?;
    if version.is_some_and(|version| version + 1 != before.version) {
        return Err(Error::Stale);
    }
    let after = match change.operation {
        Operation::Add => before.on_hand + change.quantity,
        Operation::Subtract => before.on_hand - change.quantity,
        Operation::Set => change.quantity,
    };
    if after < before.reserved {
        let facts = json!({ "variantId": before.variant_id, "onHand": before.on_hand, "reserved": before.reserved });
        return Err(Error::conflict("insufficient_stock", "that would leave less than is promised to customers", facts));
    }
    let update = scope
        .update::<stock::Entity>()
        .col_expr(stock::Column::OnHand, Expr::value(after))
        .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(stock::Column::Id.eq(id));
    let Some(row) = scope.run_returning(update).await?.pop() else { return Err(Error::NOT_FOUND) };
    record(scope, &row, "adjustment", change.reason.trim(), row.on_hand - before.on_hand, None).await?;
    let changes = vec![("onHand", json!(before.on_hand), json!(row.on_hand)), ("reason", json!(null), json!(change.reason))];
    scope.audit("adjust", "inventory", row.variant_id, row.shop_id, changes).await?;
    announce(scope, &row).await?;
    Ok(row.watched())
}

/// Says from when on a variant is low at a place.
///
/// # Errors
/// 404; 412; 422 below zero.
pub async fn set_reorder_point(scope: &Scope, variant: VariantId, change: ReorderPoint, version: Option<i64>) -> Result<stock::Model> {
    if !(0..=QUANTITY_MAX).contains(&change.reorder_point) {
        return Err(Error::invalid("reorderPoint", "out_of_range", "from 0 to 1000000000"));
    }
    let place = place(scope, change.location_id).await?;
    let before = row_at(scope, variant, &place).await?;
    let update = scope
        .update::<stock::Entity>()
        .col_expr(stock::Column::ReorderPoint, Expr::value(change.reorder_point))
        .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(stock::Column::Version, Expr::col(stock::Column::Version).add(1))
        .filter(stock::Column::Id.eq(before.id))
        .filter(stock::Column::Version.eq(version.unwrap_or(before.version)));
    let Some(row) = scope.run_returning(update).await?.pop() else { return Err(Error::Stale) };
    let changes = vec![("reorderPoint", json!(before.reorder_point), json!(row.reorder_point))];
    scope.audit("reorder_point", "inventory", variant, row.shop_id, changes).await?;
    watch(scope, &row).await?;
    Ok(row.watched())
}

/// The row of a variant at a place; an empty one where the place never had the goods.
async fn row_at(scope: &Scope, variant: VariantId, place: &Location) -> Result<stock::Model> {
    let find = || {
        let rows = scope.find::<stock::Entity>().filter(stock::Column::VariantId.eq(variant));
        rows.filter(stock::Column::LocationId.eq(place.id))
    };
    if let Some(row) = scope.one(find()).await? {
        return Ok(row);
    }
    let goods = catalog::with_products(scope, &[variant]).await?;
    let is_theirs =
        goods.get(&variant).is_some_and(|(_, product)| product.shop_id.is_none_or(|only| place.shop_id.is_none_or(|shop| shop == only)));
    if !is_theirs {
        return Err(Error::NOT_FOUND);
    }
    let key = [stock::Column::CompanyId, stock::Column::VariantId, stock::Column::LocationId];
    scope.insert_unless_there(empty(scope, variant, place), &key).await?;
    scope.get(find()).await
}

/// A row without goods. It is not out: it never had any.
pub(super) fn empty(scope: &Scope, variant: VariantId, place: &Location) -> stock::Model {
    stock::Model {
        company_id: scope.company(),
        id: StockId::new(),
        variant_id: variant,
        location_id: place.id,
        shop_id: place.shop_id,
        on_hand: 0,
        reserved: 0,
        reorder_point: 0,
        alert: None,
        updated_at: clock::now(),
        version: 1,
    }
}

/// The first goods of a variant at a location.
pub async fn put_away(scope: &Scope, variant: VariantId, place: &Location, quantity: i64, reorder_point: i64) -> Result<()> {
    let row = stock::Model { on_hand: quantity, reorder_point, ..empty(scope, variant, place) };
    scope.insert(row.clone()).await?;
    record(scope, &row, "receipt", "opening stock", quantity, None).await?;
    watch(scope, &row).await
}

/// The places of the company that are no shop's.
pub async fn warehouses(scope: &Scope) -> Result<Vec<Location>> {
    let rows = scope.find::<location::Entity>().filter(location::Column::Kind.eq("warehouse"));
    scope.all(sea_orm::QuerySelect::limit(sea_orm::QueryOrder::order_by_asc(rows, location::Column::Slug), 1_000)).await
}
