//! Stock as staff see it.

use serde_json::{Value, json};

use crate::models::inventory::{Movement, Stock};

#[must_use]
pub fn row(stock: &Stock) -> Value {
    json!({
        "variantId": stock.variant_id, "locationId": stock.location_id, "shopId": stock.shop_id,
        "warehouseId": if stock.shop_id.is_none() { Some(stock.location_id) } else { None },
        "onHand": stock.on_hand, "reserved": stock.reserved, "available": stock.on_hand - stock.reserved,
        "reorderPoint": stock.reorder_point, "version": stock.version,
    })
}

#[must_use]
pub fn movement(one: &Movement) -> Value {
    json!({
        "id": one.id, "variantId": one.variant_id, "locationId": one.location_id, "shopId": one.shop_id, "kind": one.kind,
        "reason": one.reason, "quantity": one.quantity, "onHandAfter": one.on_hand_after, "orderId": one.order_id, "at": one.created_at,
    })
}
