//! Stock as staff see it.

use serde_json::{Value, json};

use crate::{
    ids::VariantId,
    models::{
        carts::line_name,
        catalog::{Product, Variant},
        inventory::{Alert, CountHead, CountLine, Movement, Stock},
    },
};

#[must_use]
pub fn row(stock: &Stock) -> Value {
    json!({
        "variantId": stock.variant_id, "locationId": stock.location_id, "shopId": stock.shop_id,
        "warehouseId": if stock.shop_id.is_none() { Some(stock.location_id) } else { None },
        "onHand": stock.on_hand, "reserved": stock.reserved, "available": stock.on_hand - stock.reserved,
        "reorderPoint": stock.reorder_point, "alert": stock.alert, "version": stock.version,
    })
}

/// As [`row`], where several companies' stand side by side.
#[must_use]
pub fn row_of_all(stock: &Stock) -> Value {
    let mut view = row(stock);
    view["companyId"] = json!(stock.company_id);
    view
}

/// One variant, by location.
#[must_use]
pub fn of_variant(variant: VariantId, rows: &[Stock]) -> Value {
    json!({ "variantId": variant, "locations": rows.iter().map(row).collect::<Vec<_>>() })
}

/// An alert, with what the goods are called where that was looked up.
#[must_use]
pub fn alert(one: &Alert, goods: Option<&(Variant, Product)>) -> Value {
    json!({
        "id": one.id, "kind": one.kind, "variantId": one.variant_id, "locationId": one.location_id, "shopId": one.shop_id,
        "sku": goods.map(|(variant, _)| &variant.sku), "name": goods.map(|(variant, product)| line_name(product, variant)),
        "quantity": one.quantity, "threshold": one.threshold, "createdAt": one.created_at, "closedAt": one.closed_at,
        "acknowledgedAt": one.acknowledged_at, "acknowledgedBy": one.acknowledged_name,
    })
}

/// As [`alert`], where several companies' stand side by side.
#[must_use]
pub fn alert_of_all(one: &Alert, goods: Option<&(Variant, Product)>) -> Value {
    let mut view = alert(one, goods);
    view["companyId"] = json!(one.company_id);
    view
}

#[must_use]
pub fn movement(one: &Movement) -> Value {
    json!({
        "id": one.id, "variantId": one.variant_id, "locationId": one.location_id, "shopId": one.shop_id, "kind": one.kind,
        "reason": one.reason, "quantity": one.quantity, "onHandAfter": one.on_hand_after, "orderId": one.order_id, "at": one.created_at,
    })
}

/// A count; without `lines` in a list.
#[must_use]
pub fn count(head: &CountHead, lines: &[CountLine]) -> Value {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| {
            json!({
                "variantId": line.variant_id, "expected": line.expected, "counted": line.counted,
                "difference": line.counted - line.expected,
            })
        })
        .collect();
    json!({
        "id": head.id, "locationId": head.location_id, "shopId": head.shop_id, "note": head.note, "by": head.by_name,
        "at": head.created_at, "lines": lines,
    })
}
