//! Calling an order off, whole or by line: the stock and the money come back in the same unit.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{act::note, checkout, finalise::set_payment_status, item, list, order, shelf, status::Status};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{OrderId, OrderItemId},
    models::{
        inventory::{self, Demand, HoldState},
        ledger::{self, About, Account, Line},
        payments,
    },
    money::Money,
    tenancy::Scope,
};

/// Why, and which lines; without lines, all that is left.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderCancellation")]
pub struct Cancellation {
    pub reason: String,
    pub items: Option<Vec<CancelLine>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CancelledLine")]
pub struct CancelLine {
    pub id: OrderItemId,
    pub quantity: i64,
}

/// Cancels an order or some of its lines.
///
/// # Errors
/// 404; 409 `invalid_transition` when it has left the shop, `payment_in_progress` while it is
/// being paid; 422 for lines or quantities that are not there.
pub async fn cancel(scope: &Scope, id: OrderId, cancellation: &Cancellation) -> Result<order::Model> {
    cancel_as_read(scope, id, cancellation, None).await
}

/// As [`cancel`], of an order that somebody has read in this version.
///
/// # Errors
/// As [`cancel`]; 412 when `version` is no longer the order's.
pub async fn cancel_as_read(scope: &Scope, id: OrderId, cancellation: &Cancellation, version: Option<i64>) -> Result<order::Model> {
    if cancellation.reason.trim().is_empty() || cancellation.reason.chars().count() > 500 {
        return Err(Error::invalid("reason", "required", "say why, in 1 to 500 characters"));
    }
    let before = list::get(scope, id).await?;
    if !before.status.can_cancel() {
        return Err(before.status.refuse(Status::Cancelled));
    }
    lock_checkout(scope, &before).await?;
    let items = list::items_of(scope, &[id]).await?.remove(&id).unwrap_or_default();
    // Stock is taken before the order: a count that finds goods missing goes the same way.
    let variants: Vec<_> = items.iter().map(|item| item.variant_id).collect();
    inventory::lock_of_shop(scope, before.shop_id, &variants).await?;
    let held = lock_order(scope, &before, Status::Cancelled).await?;
    if version.is_some_and(|version| held.version != version + 1) {
        return Err(Error::Stale);
    }
    let items = list::items_of(scope, &[id]).await?.remove(&id).unwrap_or_default();
    let chosen = chosen(&items, cancellation)?;
    let mut worth = Worth::default();
    let mut back = Vec::new();
    for (item, quantity) in &chosen {
        // What was found missing goes first: it cannot come back to the shelf.
        let missing = std::cmp::min(*quantity, item.quantity_short);
        let take = scope
            .update::<item::Entity>()
            .col_expr(item::Column::QuantityCancelled, Expr::col(item::Column::QuantityCancelled).add(*quantity))
            .col_expr(item::Column::QuantityShort, Expr::col(item::Column::QuantityShort).sub(missing))
            .filter(item::Column::Id.eq(item.id))
            .filter(item::Column::QuantityCancelled.eq(item.quantity_cancelled))
            .filter(item::Column::QuantityShort.eq(item.quantity_short));
        if scope.run(take).await? != 1 {
            return Err(before.status.refuse(Status::Cancelled));
        }
        worth.add(item, item.quantity_cancelled, item.quantity_cancelled + quantity)?;
        if *quantity > missing {
            back.push(Demand { variant: item.variant_id, shop: item.shop_id, quantity: quantity - missing });
        }
    }
    shelf::settle_flag(scope, id).await?;
    let whole = items.iter().all(|item| {
        let more = chosen.iter().find(|(one, _)| one.id == item.id).map_or(0, |(_, quantity)| *quantity);
        item.quantity_cancelled + more == item.quantity
    });
    if before.status == Status::Pending {
        if !whole {
            return Err(Error::conflict(
                "invalid_transition",
                "an unpaid order is cancelled whole",
                json!({ "allowed": before.status.allowed() }),
            ));
        }
        inventory::release(scope, before.checkout_id, Some(before.shop_id), &[HoldState::Held]).await?;
        if let Some(payment) = before.payment_id {
            payments::lessen(scope, payment, id, worth.amount).await?;
        }
    } else {
        inventory::restock(scope, id, &back, "cancel").await?;
        return_money(scope, &before, worth, "cancel", &cancellation.reason).await?;
    }
    if whole {
        set_cancelled(scope, &before, &cancellation.reason).await?;
    } else {
        note(scope, &before, "cancelled_items", None, &cancellation.reason).await?;
        let changes = vec![("cancelledAmount", json!(null), json!(worth.amount)), ("reason", json!(null), json!(cancellation.reason))];
        scope.audit("cancel_items", "order", id, Some(before.shop_id), changes).await?;
        let gone: Vec<_> = chosen.iter().map(|(item, quantity)| json!({ "variantId": item.variant_id, "quantity": quantity })).collect();
        let data = json!({ "items": gone, "amount": worth.amount });
        scope.emit(Event::new("order.items_cancelled", ("order", id.0), Some(before.shop_id), data)).await?;
    }
    list::get(scope, id).await
}

/// The lines to call off, with quantities that are still there.
fn chosen<'a>(items: &'a [item::Model], cancellation: &Cancellation) -> Result<Vec<(&'a item::Model, i64)>> {
    let Some(asked) = &cancellation.items else {
        let left = items.iter().map(|item| (item, item.quantity - item.quantity_cancelled));
        return Ok(left.filter(|(_, quantity)| *quantity > 0).collect());
    };
    let mut chosen: Vec<(&item::Model, i64)> = Vec::with_capacity(asked.len());
    for (index, line) in asked.iter().enumerate() {
        let Some(item) = items.iter().find(|item| item.id == line.id) else {
            return Err(Error::invalid(format!("items[{index}].id"), "unknown", "that line is not in this order"));
        };
        let left = item.quantity - item.quantity_cancelled;
        if line.quantity < 1 || line.quantity > left || chosen.iter().any(|(one, _)| one.id == item.id) {
            return Err(Error::invalid(format!("items[{index}].quantity"), "out_of_range", format!("from 1 to {left}, each line once")));
        }
        chosen.push((item, line.quantity));
    }
    if chosen.is_empty() {
        return Err(Error::invalid("items", "required", "name at least one line, or leave `items` out"));
    }
    Ok(chosen)
}

/// What goods cost, and the tax in it.
#[derive(Clone, Copy, Default)]
pub(super) struct Worth {
    amount: Money,
    tax: Money,
}

impl Worth {
    /// Adds what comes back of a line when of its quantity `before` had gone and now `after` has.
    pub(super) fn add(&mut self, item: &item::Model, before: i64, after: i64) -> Result<()> {
        self.amount = self.amount.plus(share(item, after)?.minus(share(item, before)?)?)?;
        self.tax = self.tax.plus(item.tax.portion(after, item.quantity)?.minus(item.tax.portion(before, item.quantity)?)?)?;
        Ok(())
    }
}

/// What `quantity` of a line cost: differences of this add up to the line, whatever the steps.
fn share(item: &item::Model, quantity: i64) -> Result<Money> {
    let line = item.subtotal.minus(item.discount)?;
    let line = if item.tax_included { line } else { line.plus(item.tax)? };
    line.portion(quantity, item.quantity)
}

/// What was called off of some lines cost, tax and all.
///
/// # Errors
/// 422 when the sum leaves 64 bits.
pub fn called_off(items: &[item::Model]) -> Result<Money> {
    items.iter().try_fold(Money::ZERO, |sum, item| sum.plus(share(item, item.quantity_cancelled)?))
}

/// Whoever changes a checkout's fate takes its row first; one that is being paid is left alone.
pub(super) async fn lock_checkout(scope: &Scope, order: &order::Model) -> Result<()> {
    let take = scope
        .update::<checkout::Entity>()
        .col_expr(checkout::Column::Version, Expr::col(checkout::Column::Version).add(1))
        .filter(checkout::Column::Id.eq(order.checkout_id))
        .filter(checkout::Column::State.ne("paying"));
    if scope.run(take).await? == 0 {
        return Err(Error::conflict("payment_in_progress", "a payment of this order is under way", json!({})));
    }
    Ok(())
}

/// Takes the order on its way to `to` as it was read, or says what became of it meanwhile.
pub(super) async fn lock_order(scope: &Scope, order: &order::Model, to: Status) -> Result<order::Model> {
    let hold = scope
        .update::<order::Entity>()
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(order::Column::Id.eq(order.id))
        .filter(order::Column::Status.eq(order.status));
    match scope.run_returning(hold).await?.pop() {
        Some(held) => Ok(held),
        None => Err(list::get(scope, order.id).await?.status.refuse(to)),
    }
}

/// Money that was taken goes back, and with it the tax in it; what was only promised on delivery
/// is no longer owed. `kind` is what the books say of it.
pub(super) async fn return_money(scope: &Scope, order: &order::Model, worth: Worth, kind: &str, reason: &str) -> Result<()> {
    let Worth { amount, tax } = worth;
    let Some(payment) = order.payment_id.filter(|_| amount > Money::ZERO) else { return Ok(()) };
    let side = if order.payment_status == "pending" {
        payments::lessen(scope, payment, order.id, amount).await?;
        Account::Receivable
    } else {
        payments::request_refund(scope, payment, order.id, order.shop_id, amount, reason).await?;
        let share = payments::allocations_of_orders(scope, payment).await?;
        let all = share.iter().any(|share| share.order_id == order.id && share.refunded == share.amount);
        set_payment_status(scope, order, if all { "refunded" } else { "partially_refunded" }).await?;
        note(scope, order, "refunded", None, &amount.display(&order.currency)).await?;
        Account::Gateway
    };
    let shop = Some(order.shop_id);
    let about = About { kind, reference: &order.order_number, payment: Some(payment), order: Some(order.id), currency: &order.currency };
    let lines = [
        Line::debit(Account::SalesReturns, shop, amount.minus(tax)?),
        Line::debit(Account::TaxPayable, shop, tax),
        Line::credit(side, shop, amount),
    ];
    ledger::post(scope, about, &lines).await
}

/// An order that was paid too late: nothing left the stock, the money goes back whole.
pub(super) async fn call_off_paid(scope: &Scope, order: &order::Model, amount: Money, reason: &str) -> Result<()> {
    let paid = order::Model { payment_status: "paid".into(), ..order.clone() };
    return_money(scope, &paid, Worth { amount, tax: order.tax }, "cancel", reason).await?;
    set_cancelled(scope, order, reason).await
}

/// The last step of a cancellation, and the end of a checkout that has no order left.
pub(super) async fn set_cancelled(scope: &Scope, order: &order::Model, reason: &str) -> Result<()> {
    end(scope, order, Status::Cancelled, "cancel", reason).await?;
    let siblings = list::of_checkout(scope, order.checkout_id).await?;
    if siblings.iter().all(|one| one.id == order.id || one.status == Status::Cancelled) {
        let end = scope
            .update::<checkout::Entity>()
            .col_expr(checkout::Column::State, Expr::value("cancelled"))
            .filter(checkout::Column::Id.eq(order.checkout_id))
            .filter(checkout::Column::State.is_in(["open", "released"]));
        scope.run(end).await?;
    }
    Ok(())
}

/// Sets the order's last status, with its line in the timeline, its audit entry and its event.
pub(super) async fn end(scope: &Scope, order: &order::Model, to: Status, action: &str, reason: &str) -> Result<()> {
    let update = scope
        .update::<order::Entity>()
        .col_expr(order::Column::Status, Expr::value(to))
        .col_expr(order::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(order::Column::Id.eq(order.id))
        .filter(order::Column::Status.eq(order.status));
    if scope.run(update).await? != 1 {
        return Err(list::get(scope, order.id).await?.status.refuse(to));
    }
    note(scope, order, to.name(), Some(to), reason).await?;
    let changes = vec![("status", json!(order.status), json!(to)), ("reason", json!(null), json!(reason))];
    scope.audit(action, "order", order.id, Some(order.shop_id), changes).await?;
    let data = json!({ "from": order.status, "to": to });
    scope.emit(Event::new(to.event(), ("order", order.id.0), Some(order.shop_id), data)).await
}
