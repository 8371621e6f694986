//! What staff do with an order: pick, pack, ship, deliver.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    cancel::{Cancellation, cancel_as_read},
    event,
    finalise::set_payment_status,
    item, list, order,
    status::Status,
    undelivered,
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{OrderEventId, OrderId},
    models::{
        ledger::{self, About, Account, Line},
        payments,
    },
    tenancy::{Permission, Scope, roles::OrdersCancel},
};

/// A step along an order's life.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderStep")]
pub struct Step {
    pub status: Status,
    /// Why, which a step to `cancelled` or `returned` must say.
    #[serde(default)]
    pub note: String,
    pub tracking_number: Option<String>,
}

/// Moves an order one step on, calls it off, or takes it back undelivered.
///
/// # Errors
/// 403 for a way back without the right to call orders off; 404; 409 `invalid_transition` with what is
/// allowed, also for the loser of a race; 412 when `version` is no longer the order's; 422 for calling
/// it off or taking it back without a reason in `note`, and for a tracking number that cannot be.
pub async fn advance(scope: &Scope, id: OrderId, step: &Step, version: Option<i64>) -> Result<order::Model> {
    let before = list::get(scope, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    if step.note.chars().count() > 1_000 {
        return Err(Error::invalid("note", "too_long", "at most 1000 characters"));
    }
    let tracking_number = tracking_number(step)?;
    let is_way_back = before.status.allowed().contains(&step.status) && before.status.next() != Some(step.status);
    if is_way_back {
        return way_back(scope, &before, step, version).await;
    }
    if before.status.next() != Some(step.status) {
        return Err(before.status.refuse(step.status));
    }
    if before.is_short && step.status == Status::Packed {
        return Err(short());
    }
    let update = scope
        .update::<order::Entity>()
        .col_expr(order::Column::Status, Expr::value(step.status))
        .col_expr(order::Column::TrackingNumber, Expr::value(tracking_number.or_else(|| before.tracking_number.clone())))
        .col_expr(order::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(order::Column::Id.eq(id))
        .filter(order::Column::Status.eq(before.status));
    let update = if let Some(version) = version { update.filter(order::Column::Version.eq(version)) } else { update };
    let update = if step.status == Status::Packed { update.filter(order::Column::IsShort.eq(false)) } else { update };
    let Some(after) = scope.run_returning(update).await?.pop() else {
        let now = list::get(scope, id).await?;
        if version.is_some_and(|version| version != now.version) {
            return Err(Error::Stale);
        }
        return Err(if now.is_short && now.status == before.status { short() } else { now.status.refuse(step.status) });
    };
    if step.status == Status::Shipped {
        let shipped = scope
            .update::<item::Entity>()
            .col_expr(item::Column::QuantityShipped, Expr::col(item::Column::Quantity).sub(Expr::col(item::Column::QuantityCancelled)))
            .filter(item::Column::OrderId.eq(id));
        scope.run(shipped).await?;
    }
    if step.status == Status::Delivered && before.payment_status == "pending" {
        collect_cash(scope, &after).await?;
    }
    note(scope, &after, step.status.name(), Some(step.status), &step.note).await?;
    let changes = vec![("status", json!(before.status), json!(step.status))];
    scope.audit("advance", "order", id, Some(after.shop_id), changes).await?;
    let data = json!({ "from": before.status, "to": step.status });
    scope.emit(Event::new(step.status.event(), ("order", id.0), Some(after.shop_id), data)).await?;
    list::get(scope, id).await
}

/// Money goes back with the goods: whoever leads an order back may call orders off.
async fn way_back(scope: &Scope, before: &order::Model, step: &Step, version: Option<i64>) -> Result<order::Model> {
    if !scope.tenant().may_at(OrdersCancel::NAME, Some(before.shop_id)) {
        return Err(Error::NotAllowed { code: "forbidden" });
    }
    if step.status == Status::Cancelled {
        let whole = Cancellation { reason: step.note.clone(), items: None };
        return cancel_as_read(scope, before.id, &whole, version).await.map_err(|error| error.of_field("note"));
    }
    let reason = step.note.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Error::invalid("note", "required", "say why, in 1 to 500 characters"));
    }
    undelivered::take_back(scope, before, reason, version).await
}

/// The parcel's number, if the step brings one.
fn tracking_number(step: &Step) -> Result<Option<String>> {
    let Some(number) = step.tracking_number.as_deref().map(str::trim).filter(|number| !number.is_empty()) else { return Ok(None) };
    if number.chars().count() > 100 {
        return Err(Error::invalid("trackingNumber", "too_long", "at most 100 characters"));
    }
    if number.chars().any(char::is_control) {
        return Err(Error::invalid("trackingNumber", "invalid_character", "a number has no control characters"));
    }
    Ok(Some(number.to_owned()))
}

fn short() -> Error {
    Error::conflict("order_short", "some goods are missing: fill the order, or cancel what is missing", json!({}))
}

/// The cash of an order paid on delivery comes in with the hand-over.
async fn collect_cash(scope: &Scope, order: &order::Model) -> Result<()> {
    let Some(payment) = order.payment_id else { return Ok(()) };
    let shares = payments::allocations_of_orders(scope, payment).await?;
    let Some(share) = shares.iter().find(|share| share.order_id == order.id) else { return Ok(()) };
    let amount = share.amount.minus(share.refunded)?;
    if !payments::capture(scope, payment, amount).await? {
        return Err(Error::internal(format!("payment {payment} takes no cash")));
    }
    let about =
        About { kind: "cash", reference: &order.order_number, payment: Some(payment), order: Some(order.id), currency: &order.currency };
    let shop = Some(order.shop_id);
    ledger::post(scope, about, &[Line::debit(Account::Cash, shop, amount), Line::credit(Account::Receivable, shop, amount)]).await?;
    set_payment_status(scope, order, "paid").await?;
    let data = json!({ "amount": amount, "gateway": "cod" });
    scope.emit(Event::new("payment.success", ("payment", payment.0), Some(order.shop_id), data)).await
}

/// Adds a line to the order's timeline.
pub(super) async fn note(scope: &Scope, order: &order::Model, kind: &str, status: Option<Status>, text: &str) -> Result<()> {
    scope
        .insert(event::Model {
            company_id: scope.company(),
            id: OrderEventId::new(),
            order_id: order.id,
            shop_id: order.shop_id,
            kind: kind.into(),
            note: text.into(),
            by_name: scope.tenant().name.clone(),
            status: status.map(|status| status.name().into()),
            actor_id: scope.tenant().actor.id(),
            created_at: clock::now(),
        })
        .await
}
