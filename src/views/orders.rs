//! Orders and checkouts as the API shows them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    errors::Result,
    ids::{CheckoutId, OrderId},
    models::{
        orders::{self, Item, Order, TimelineEntry},
        payments,
    },
    tenancy::{Platform, Scope},
};

/// Orders with their lines and histories: three statements, however many orders.
pub async fn orders(scope: &Scope, orders: &[Order]) -> Result<Vec<Value>> {
    let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
    let items = orders::items_of(scope, &ids).await?;
    let events = orders::timeline(scope, &ids).await?;
    Ok(with_parts(orders, items, &events))
}

/// As [`orders`], of several companies.
pub async fn orders_of_all(platform: &Platform, orders: &[Order]) -> Result<Vec<Value>> {
    let (items, events) = orders::parts_of_all(platform, orders).await?;
    Ok(with_parts(orders, items, &events))
}

fn with_parts(orders: &[Order], mut items: BTreeMap<OrderId, Vec<Item>>, events: &[TimelineEntry]) -> Vec<Value> {
    orders
        .iter()
        .map(|order| {
            let history: Vec<_> = events.iter().filter(|event| event.order_id == order.id).collect();
            view(order, &items.remove(&order.id).unwrap_or_default(), &history)
        })
        .collect()
}

fn view(order: &Order, items: &[Item], history: &[&TimelineEntry]) -> Value {
    let items: Vec<_> = items
        .iter()
        .map(|item| {
            json!({
                "id": item.id, "variantId": item.variant_id, "productId": item.product_id, "name": item.name, "sku": item.sku,
                "soldBy": item.sold_by, "quantity": item.quantity, "quantityShipped": item.quantity_shipped,
                "quantityCancelled": item.quantity_cancelled, "quantityReturned": item.quantity_returned,
                "quantityShort": item.quantity_short, "price": item.price,
                "subtotal": item.subtotal, "discount": item.discount, "tax": item.tax, "taxRate": item.tax_rate,
            })
        })
        .collect();
    let history: Vec<_> = history
        .iter()
        .filter_map(|event| {
            event.status.as_ref().map(|status| json!({ "status": status, "at": event.created_at, "by": event.by_name, "note": event.note }))
        })
        .collect();
    json!({
        "id": order.id, "orderNumber": order.order_number, "checkoutId": order.checkout_id, "companyId": order.company_id,
        "shopId": order.shop_id, "customerId": order.customer_id, "currency": order.currency, "items": items,
        "pricing": {
            "subtotal": order.subtotal, "discount": order.discount, "tax": order.tax, "taxIncluded": order.tax_included,
            "shipping": order.shipping, "total": order.total,
        },
        "shippingAddress": order.shipping_address, "billingAddress": order.billing_address, "status": order.status,
        "paymentStatus": order.payment_status, "paymentId": order.payment_id, "trackingNumber": order.tracking_number,
        "isShort": order.is_short, "notes": order.notes, "statusHistory": history, "createdAt": order.created_at, "updatedAt": order.updated_at, "version": order.version,
    })
}

/// What a checkout answers: its orders, its payment, and until when the goods are kept.
pub async fn checkout(scope: &Scope, id: CheckoutId) -> Result<Value> {
    let row = orders::find_checkout(scope, id).await?;
    let mut answer = paid(scope, id).await?;
    answer["checkoutId"] = json!(id);
    answer["reservedUntil"] = json!(row.reserved_until.filter(|_| row.state != "done"));
    Ok(answer)
}

/// The orders of a checkout and how their payment stands.
pub async fn paid(scope: &Scope, id: CheckoutId) -> Result<Value> {
    let rows = orders::of_checkout(scope, id).await?;
    let payment = payments::of_checkout(scope, id).await?;
    let attempt = payments::open_attempt(scope, payment.id).await?;
    let mut shown = json!({ "id": payment.id, "status": payment.status, "gateway": payment.gateway, "amount": payment.amount, "currency": payment.currency });
    if let Some(code) = &payment.decline_code {
        shown["declineCode"] = json!(code);
    }
    if let Some(url) = attempt.and_then(|attempt| attempt.redirect_url) {
        shown["redirectUrl"] = json!(url);
    }
    Ok(json!({ "orders": orders(scope, &rows).await?, "payment": shown }))
}
