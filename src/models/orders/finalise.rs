//! Paying: begin an attempt, and what follows from the gateway's answer. Payment, orders, stock,
//! ledger, audit and events commit together, once.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{act::note, cancel, checkout, list, order, place::close, shelf, status::Status};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    gateways::payments::Outcome,
    ids::{AttemptId, CheckoutId},
    models::{
        inventory::{self, Demand, HoldState},
        ledger::{self, About, Account, Line},
        payments::{self, Attempt, Payment, attempt_state},
    },
    money::Money,
    tenancy::Scope,
};

/// First step of a payment: the goods are kept for it, taken again if their time was over.
///
/// # Errors
/// 409 `already_paid`, `payment_in_progress`, `insufficient_stock`, `invalid_transition`.
pub async fn begin_payment(scope: &Scope, id: CheckoutId, method: &str) -> Result<(Payment, Attempt)> {
    let mark = scope
        .update::<checkout::Entity>()
        .col_expr(checkout::Column::State, Expr::value("paying"))
        .col_expr(checkout::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(checkout::Column::Id.eq(id))
        .filter(checkout::Column::State.is_in(["open", "released"]));
    if scope.run(mark).await? == 0 {
        let now = list::find_checkout(scope, id).await?;
        return Err(match now.state.as_str() {
            "paying" => Error::conflict("payment_in_progress", "a payment of this order is under way", json!({})),
            "cancelled" => Error::conflict("invalid_transition", "this order was cancelled", json!({ "allowed": [] })),
            _ => Error::conflict("already_paid", "this order is paid already", json!({})),
        });
    }
    let payment = payments::of_checkout(scope, id).await?;
    let attempt = payments::begin_attempt(scope, &payment, method).await?;
    if payment.status == "failed" {
        forget_failure(scope, id).await?;
    }
    if inventory::move_holds(scope, id, HoldState::Held, HoldState::Paying).await? == 0 {
        let until = clock::now().plus(Duration::from_secs(scope.souk().settings().hold_seconds));
        inventory::reserve(scope, id, &demands(scope, id).await?, until).await?;
        inventory::move_holds(scope, id, HoldState::Held, HoldState::Paying).await?;
    }
    Ok((payment, attempt))
}

/// The orders of a checkout that is tried again are no longer those of a failed payment.
async fn forget_failure(scope: &Scope, id: CheckoutId) -> Result<()> {
    let again = scope
        .update::<order::Entity>()
        .col_expr(order::Column::PaymentStatus, Expr::value("unpaid"))
        .col_expr(order::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(order::Column::CheckoutId.eq(id))
        .filter(order::Column::Status.eq(Status::Pending))
        .filter(order::Column::PaymentStatus.eq("failed"));
    scope.run(again).await.map(|_| ())
}

/// What the pending orders of a checkout still want.
async fn demands(scope: &Scope, id: CheckoutId) -> Result<Vec<Demand>> {
    let orders = list::of_checkout(scope, id).await?;
    let pending: Vec<_> = orders.iter().filter(|order| order.status == Status::Pending).map(|order| order.id).collect();
    let items = list::items_of(scope, &pending).await?;
    Ok(items
        .into_values()
        .flatten()
        .filter(|item| item.quantity > item.quantity_cancelled)
        .map(|item| Demand { variant: item.variant_id, shop: item.shop_id, quantity: item.quantity - item.quantity_cancelled })
        .collect())
}

/// Third step: writes down the gateway's answer and all that follows from it. Safe to call from
/// anywhere, any number of times: the attempt is decided once.
pub async fn finalise(scope: &Scope, attempt: &Attempt, outcome: &Outcome) -> Result<()> {
    match outcome {
        Outcome::Captured => captured(scope, attempt).await,
        Outcome::Declined { code } => declined(scope, attempt.id, attempt, code).await,
        Outcome::Unknown => payments::decide_attempt(scope, attempt.id, attempt_state::UNKNOWN, None, None).await.map(|_| ()),
        Outcome::Action { redirect_url } => {
            payments::decide_attempt(scope, attempt.id, attempt_state::ACTION, None, Some(redirect_url)).await.map(|_| ())
        }
    }
}

async fn captured(scope: &Scope, attempt: &Attempt) -> Result<()> {
    let payment = payments::get(scope, attempt.payment_id).await?;
    lock_checkout(scope, payment.checkout_id).await?;
    if !payments::decide_attempt(scope, attempt.id, attempt_state::CAPTURED, None, None).await? {
        return Ok(());
    }
    if !payments::capture(scope, payment.id, attempt.amount).await? {
        return Err(Error::internal(format!("payment {} was captured while {}", payment.id, payment.status)));
    }
    inventory::lock_for(scope, &[payment.checkout_id], &[]).await?;
    let data = json!({ "amount": attempt.amount, "gateway": payment.gateway });
    scope.emit(Event::new("payment.success", ("payment", payment.id.0), None, data)).await?;
    for order in list::of_checkout(scope, payment.checkout_id).await? {
        if order.status != Status::Pending {
            continue;
        }
        note(scope, &order, "payment_completed", None, "").await?;
        confirm(scope, &order, true).await?;
    }
    close(scope, payment.checkout_id).await
}

async fn declined(scope: &Scope, id: AttemptId, attempt: &Attempt, code: &str) -> Result<()> {
    let payment = payments::get(scope, attempt.payment_id).await?;
    lock_checkout(scope, payment.checkout_id).await?;
    if !payments::decide_attempt(scope, id, attempt_state::DECLINED, Some(code), None).await? {
        return Ok(());
    }
    payments::fail(scope, payment.id, code).await?;
    let reopen = scope
        .update::<checkout::Entity>()
        .col_expr(checkout::Column::State, Expr::value("open"))
        .filter(checkout::Column::Id.eq(payment.checkout_id))
        .filter(checkout::Column::State.eq("paying"));
    scope.run(reopen).await?;
    // The holds go back with their first expiry: a declined card does not prolong the promise.
    inventory::move_holds(scope, payment.checkout_id, HoldState::Paying, HoldState::Held).await?;
    for order in list::of_checkout(scope, payment.checkout_id).await? {
        if order.status == Status::Pending {
            set_payment_status(scope, &order, "failed").await?;
            note(scope, &order, "payment_failed", None, code).await?;
        }
    }
    Ok(())
}

/// Whoever decides a checkout's fate takes its row first.
async fn lock_checkout(scope: &Scope, id: CheckoutId) -> Result<()> {
    let touch = scope
        .update::<checkout::Entity>()
        .col_expr(checkout::Column::Version, Expr::col(checkout::Column::Version).add(1))
        .filter(checkout::Column::Id.eq(id));
    scope.run(touch).await.map(|_| ())
}

/// Confirms an order whose money is there (`paid`) or promised on delivery: the goods leave the
/// stock, the sale is booked. A late payment whose goods are gone is given back instead.
pub(super) async fn confirm(scope: &Scope, order: &order::Model, paid: bool) -> Result<()> {
    let (to, payment_status) = if paid { (Status::Confirmed, "paid") } else { (Status::Confirmed, "pending") };
    let amount = open_amount(scope, order).await?;
    if !take_goods(scope, order).await? {
        return give_back_late(scope, order, amount).await;
    }
    let update = scope
        .update::<order::Entity>()
        .col_expr(order::Column::Status, Expr::value(to))
        .col_expr(order::Column::PaymentStatus, Expr::value(payment_status))
        .col_expr(order::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(order::Column::Id.eq(order.id))
        .filter(order::Column::Status.eq(Status::Pending));
    if scope.run(update).await? != 1 {
        return Err(Error::internal(format!("order {} was confirmed twice", order.order_number)));
    }
    let side = if paid { Account::Gateway } else { Account::Receivable };
    book_sale(scope, order, side, amount).await?;
    note(scope, order, "confirmed", Some(to), "").await?;
    let changes = vec![("status", json!(order.status), json!(to)), ("paymentStatus", json!(order.payment_status), json!(payment_status))];
    scope.audit("confirm", "order", order.id, Some(order.shop_id), changes).await?;
    let data = json!({ "from": order.status, "to": to });
    scope.emit(Event::new(to.event(), ("order", order.id.0), Some(order.shop_id), data)).await
}

/// The order's goods leave the stock: those held for it, else what the shelf still has. False
/// when neither is there. Goods that were promised and then not found come from the free shelf, or
/// leave the order short.
async fn take_goods(scope: &Scope, order: &order::Model) -> Result<bool> {
    let used = inventory::use_holds(scope, order.checkout_id, order.shop_id, order.id).await?;
    for (variant, missing) in used.short {
        if !inventory::take_free(scope, variant, order.shop_id, missing, order.id).await? {
            shelf::mark_short(scope, order.id, variant, missing).await?;
        }
    }
    if used.any {
        return Ok(true);
    }
    let wanted: Vec<_> = demands(scope, order.checkout_id).await?.into_iter().filter(|demand| demand.shop == order.shop_id).collect();
    let free = inventory::available(scope, &wanted.iter().map(|demand| demand.variant).collect::<Vec<_>>()).await?;
    let is_there = wanted.iter().all(|demand| {
        let by_shop = free.get(&demand.variant).map(Vec::as_slice).unwrap_or_default();
        by_shop.iter().any(|(shop, left)| *shop == demand.shop && *left >= demand.quantity)
    });
    if !is_there {
        return Ok(false);
    }
    // Should somebody take them between the look and the promise, the unit fails whole and is tried again.
    inventory::reserve(scope, order.checkout_id, &wanted, clock::now()).await?;
    Ok(inventory::use_holds(scope, order.checkout_id, order.shop_id, order.id).await?.any)
}

/// What this order still asks for: its share of the payment.
async fn open_amount(scope: &Scope, order: &order::Model) -> Result<Money> {
    let Some(payment) = order.payment_id else { return Ok(order.total) };
    let shares = payments::allocations_of_orders(scope, payment).await?;
    Ok(shares.into_iter().find(|share| share.order_id == order.id).map_or(order.total, |share| share.amount))
}

/// The goods went to somebody else before the money came: it goes back.
async fn give_back_late(scope: &Scope, order: &order::Model, amount: Money) -> Result<()> {
    book_sale(scope, order, Account::Gateway, amount).await?;
    cancel::call_off_paid(scope, order, amount, "the goods were gone when the payment came").await
}

/// Books a sale: what comes in against revenue and tax.
async fn book_sale(scope: &Scope, order: &order::Model, side: Account, amount: Money) -> Result<()> {
    let shop = Some(order.shop_id);
    let about =
        About { kind: "sale", reference: &order.order_number, payment: order.payment_id, order: Some(order.id), currency: &order.currency };
    let lines = [
        Line::debit(side, shop, amount),
        Line::credit(Account::Sales, shop, amount.minus(order.tax)?),
        Line::credit(Account::TaxPayable, shop, order.tax),
    ];
    ledger::post(scope, about, &lines).await
}

pub(super) async fn set_payment_status(scope: &Scope, order: &order::Model, to: &str) -> Result<()> {
    let update = scope
        .update::<order::Entity>()
        .col_expr(order::Column::PaymentStatus, Expr::value(to))
        .col_expr(order::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(order::Column::Id.eq(order.id));
    scope.run(update).await.map(|_| ())
}
