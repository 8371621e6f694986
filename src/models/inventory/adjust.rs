//! Changes that people make: add, subtract, set; always with a reason.

use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{Location, holds::announce, location, record, stock};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{LocationId, StockId, VariantId},
    tenancy::Scope,
};

/// A person's change of a stock figure.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adjustment {
    pub location_id: LocationId,
    /// Pieces, or grams.
    pub quantity: i64,
    pub operation: Operation,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Add,
    Subtract,
    Set,
}

/// Changes what lies at a location.
///
/// # Errors
/// 404 for a location that is not the caller's; 422 without a reason or for a negative quantity;
/// 409 `insufficient_stock` when less would be left than is promised to customers.
pub async fn adjust(scope: &Scope, variant: VariantId, change: &Adjustment) -> Result<stock::Model> {
    if change.reason.trim().is_empty() {
        return Err(Error::invalid("reason", "required", "say why the stock changes"));
    }
    if !(0..=1_000_000_000).contains(&change.quantity) {
        return Err(Error::invalid("quantity", "out_of_range", "from 0 to 1000000000"));
    }
    let place = scope.get(scope.find::<location::Entity>().filter(location::Column::Id.eq(change.location_id))).await?;
    let found = scope.find::<stock::Entity>().filter(stock::Column::VariantId.eq(variant)).filter(stock::Column::LocationId.eq(place.id));
    let before = scope.get(found).await?;
    let after = match change.operation {
        Operation::Add => before.on_hand + change.quantity,
        Operation::Subtract => before.on_hand - change.quantity,
        Operation::Set => change.quantity,
    };
    // Guarded by the version: two people counting the same shelf do not overwrite each other.
    let update = scope
        .update::<stock::Entity>()
        .col_expr(stock::Column::OnHand, Expr::value(after))
        .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(stock::Column::Version, Expr::col(stock::Column::Version).add(1))
        .filter(stock::Column::Id.eq(before.id))
        .filter(stock::Column::Version.eq(before.version))
        .filter(stock::Column::Reserved.lte(after));
    let Some(row) = scope.run_returning(update).await?.pop() else {
        let facts = json!({ "onHand": before.on_hand, "reserved": before.reserved });
        return Err(Error::conflict("insufficient_stock", "that would leave less than is promised to customers", facts));
    };
    record(scope, &row, "adjustment", &change.reason, row.on_hand - before.on_hand, None).await?;
    let changes = vec![("onHand", json!(before.on_hand), json!(row.on_hand)), ("reason", json!(null), json!(change.reason))];
    scope.audit("adjust", "inventory", variant, row.shop_id, changes).await?;
    announce(scope, &row).await?;
    Ok(row)
}

/// The first goods of a variant at a location.
pub async fn put_away(scope: &Scope, variant: VariantId, place: &Location, quantity: i64, reorder_point: i64) -> Result<()> {
    let row = stock::Model {
        company_id: scope.company(),
        id: StockId::new(),
        variant_id: variant,
        location_id: place.id,
        shop_id: place.shop_id,
        on_hand: quantity,
        reserved: 0,
        reorder_point,
        updated_at: clock::now(),
        version: 1,
    };
    scope.insert(row.clone()).await?;
    record(scope, &row, "receipt", "opening stock", quantity, None).await
}
