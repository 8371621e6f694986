//! A payment as its customer, or the shops that share it, see it.

use serde_json::{Value, json};

use crate::{
    models::payments::{Allocation, Payment, Refund},
    money::Money,
};

/// With `shares_only`, the amounts are those of the caller's shops: never the sibling's sales.
#[must_use]
pub fn payment(payment: &Payment, shares: &[Allocation], shares_only: bool) -> Value {
    let sum = |figure: fn(&Allocation) -> Money| Money::sum(shares.iter().map(figure)).unwrap_or_default();
    let (amount, refunded) =
        if shares_only { (sum(|share| share.amount), sum(|share| share.refunded)) } else { (payment.amount, payment.refunded) };
    json!({
        "id": payment.id, "checkoutId": payment.checkout_id, "gateway": payment.gateway, "status": payment.status,
        "currency": payment.currency, "amount": amount, "refunded": refunded, "declineCode": payment.decline_code,
        "allocations": shares.iter().map(|share| json!({
            "orderId": share.order_id, "shopId": share.shop_id, "amount": share.amount, "refunded": share.refunded,
        })).collect::<Vec<_>>(),
        "createdAt": payment.created_at, "updatedAt": payment.updated_at, "version": payment.version,
    })
}

#[must_use]
pub fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id, "paymentId": refund.payment_id, "orderId": refund.order_id, "amount": refund.amount,
        "reason": refund.reason, "status": refund.state, "createdAt": refund.created_at,
    })
}
