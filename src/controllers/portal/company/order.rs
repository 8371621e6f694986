//! One order of the company, and what can be done with it.

use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::super::{
    PageResult, Visitor,
    fields::Fields,
    local,
    shelf::{amount, quantity, typed},
};
use crate::{
    controllers::extract::Id,
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{OrderId, OrderItemId},
    models::{
        companies::{self, Company},
        identity,
        orders::{self, CancelLine, Cancellation, Item, Order, Status, Step},
        payments, shops,
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{OrdersCancel, OrdersFulfil, OrdersRead},
    },
};

async fn show(visitor: Visitor<OrdersRead>, Id(id): Id<OrderId>) -> PageResult<Html<String>> {
    let read = order_page(&visitor, id).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/orders/show.html", &company, data)
}

/// An order's page, for whoever may read orders or act on them.
async fn order_page<P: Permission>(visitor: &Visitor<P>, id: OrderId) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let order = orders::get(&scope, id).await?;
    let shop = shops::names(&scope).await?.remove(&order.shop_id).unwrap_or_default();
    let customer = identity::find_customer(&scope, order.customer_id).await?;
    let items = orders::items_of(&scope, &[id]).await?.remove(&id).unwrap_or_default();
    let timeline: Vec<_> = orders::timeline(&scope, &[id])
        .await?
        .iter()
        .rev()
        .map(|one| {
            let what = visitor.text(&format!("timeline.{}", one.kind));
            json!({ "what": what, "tone": tone_of(&one.kind), "note": said_of(visitor, &one.note), "by": one.by_name, "at": local(one.created_at, &company.zone, &visitor.language) })
        })
        .collect();
    let address = &order.shipping_address;
    let lines = ["name", "line1", "line2", "city", "state", "postalCode", "country"];
    let lines: Vec<_> = lines.iter().filter_map(|field| address[*field].as_str()).collect();
    let may = |permission| access.tenant().may_at(permission, Some(order.shop_id));
    // What is missing comes first: a short order is filled, or its missing goods called off, before it is packed.
    let blocked = order.is_short && order.status == Status::Processing;
    let next = order.status.next().filter(|_| may("orders:fulfil") && !blocked);
    let actions: Vec<_> =
        next.iter().map(|to| json!({ "status": to, "label_key": action_key(*to), "primary": true, "key": "C" })).collect();
    let can_cancel = order.status.can_cancel() && may("orders:cancel");
    let data = json!({
        "order": {
            "id": order.id, "number": order.order_number, "status": order.status, "payment_status": order.payment_status,
            "customer": order.customer_name, "email": customer.email, "phone": address["phone"].as_str().or(customer.phone.as_deref()),
            "placed": local(order.created_at, &company.zone, &visitor.language), "shop": shop, "notes": order.notes, "tracking": order.tracking_number,
            "subtotal": order.subtotal, "discount": order.discount, "tax": order.tax, "tax_included": order.tax_included,
            "shipping": order.shipping, "total": order.total, "address": lines, "version": order.version,
            "is_short": order.is_short,
        },
        "steps": steps(order.status), "lines": items.iter().map(line).collect::<Vec<_>>(), "timeline": timeline,
        "payments": payment_rows(&scope, &order, &company, &visitor.language).await?, "actions": actions,
        "can_cancel": can_cancel, "can_fill": order.is_short && may("orders:fulfil"),
        // An unpaid order is called off whole.
        "can_cancel_lines": can_cancel && order.status != Status::Pending,
        "can_take_back": order.status.can_come_back() && may("orders:cancel") && may("orders:fulfil"),
    });
    Ok((company, data))
}

/// What stands beside an event: what a person wrote, or in words why a gateway refused.
fn said_of<P: Permission>(visitor: &Visitor<P>, note: &str) -> String {
    let key = format!("timeline.why.{note}");
    let text = visitor.text(&key);
    if text == key { note.to_owned() } else { text }
}

/// How an event of the timeline is coloured.
fn tone_of(kind: &str) -> &'static str {
    match kind {
        "payment_completed" | "delivered" => "ok",
        "payment_failed" | "returned" => "bad",
        "confirmed" | "shipped" => "info",
        "processing" | "packed" => "busy",
        _ => "none",
    }
}

/// Basis points for people: `18%`, `2.5%`.
fn percent(rate: i64) -> String {
    let text = format!("{}.{:02}", rate / 100, rate % 100);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn line(item: &Item) -> Value {
    let by_weight = item.sold_by == "weight";
    let some = |quantity: i64| Some(quantity).filter(|quantity| *quantity > 0).map(|quantity| amount(quantity, by_weight));
    let left = item.quantity - item.quantity_cancelled;
    let missing = Some(item.quantity_short).filter(|missing| *missing > 0);
    json!({
        "name": item.name, "sku": item.sku, "quantity": amount(item.quantity, by_weight), "price": item.price, "subtotal": item.subtotal,
        "discount": item.discount, "tax_rate": percent(item.tax_rate), "cancelled": some(item.quantity_cancelled), "is_gone": left == 0,
        "returned": some(item.quantity_returned), "missing": some(item.quantity_short), "field": line_field(item.id),
        "left": some(left), "typed": missing.map(|missing| typed(missing, by_weight)), "inputmode": if by_weight { "decimal" } else { "numeric" },
    })
}

/// The field in which so much of a line is called off.
fn line_field(id: OrderItemId) -> String {
    format!("quantity-{id}")
}

async fn payment_rows(scope: &Scope, order: &Order, company: &Company, language: &str) -> Result<Vec<Value>> {
    let Some(id) = order.payment_id else { return Ok(vec![]) };
    let payment = payments::get(scope, id).await?;
    let shares = payments::allocations(scope, id).await?;
    let share = shares.iter().find(|share| share.order_id == order.id);
    Ok(vec![json!({
        "gateway": payment.gateway, "status": payment.status, "amount": share.map(|share| share.amount),
        "refunded": share.map(|share| share.refunded), "at": local(payment.updated_at, &company.zone, language),
    })])
}

/// The key of the words on the button that leads to a status.
pub(in crate::controllers::portal) const fn action_key(to: Status) -> &'static str {
    match to {
        Status::Processing => "actions.process",
        Status::Packed => "actions.pack",
        Status::Shipped => "actions.ship",
        Status::Delivered => "actions.deliver",
        Status::Completed => "actions.complete",
        Status::Cancelled => "actions.cancel",
        Status::Pending | Status::Confirmed | Status::Returned => "actions.confirm",
    }
}

fn steps(now: Status) -> Vec<Value> {
    let walk = [Status::Pending, Status::Confirmed, Status::Processing, Status::Packed, Status::Shipped, Status::Delivered];
    let at = walk.iter().position(|step| *step == now);
    let done = |index: usize| match (now, at) {
        (Status::Completed, _) => "done",
        (_, Some(at)) if index < at => "done",
        (_, Some(at)) if index == at => "now",
        _ => "next",
    };
    walk.iter().enumerate().map(|(index, step)| json!({ "status": step, "state": done(index) })).collect()
}

async fn change_status(visitor: Visitor<OrdersFulfil>, Id(id): Id<OrderId>, mut fields: Fields) -> PageResult<Response> {
    let done = match step_of(&mut fields) {
        Ok(step) => step_on(&visitor.access, id, &step, fields.raw("version").parse().ok()).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(visitor.done(&format!("/company/orders/{id}"), "order_moved").into_response()),
        Err(error) => order_again(visitor, id, error, &fields).await,
    }
}

/// The step that a form asks for. A way back says why, as its own form does.
fn step_of(fields: &mut Fields) -> Result<Step> {
    let status = Status::named(fields.raw("status"));
    let status = status.ok_or_else(|| Error::invalid("status", "unknown", "there is no such status"))?;
    if matches!(status, Status::Returned | Status::Cancelled) {
        fields.text("note");
        fields.end()?;
    }
    Ok(Step { status, note: fields.raw("note").into(), tracking_number: Some(fields.raw("trackingNumber").into()) })
}

/// The order's page with the form that was refused.
async fn order_again<P: Permission>(visitor: Visitor<P>, id: OrderId, error: Error, fields: &Fields) -> PageResult<Response> {
    let visitor = visitor.refused(error, fields)?;
    let (company, data) = order_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/orders/show.html", &company, data)
}

/// One step of an order in a unit of its own.
pub(in crate::controllers::portal) async fn step_on(
    access: &Access<OrdersFulfil>,
    id: OrderId,
    step: &Step,
    version: Option<i64>,
) -> Result<()> {
    let scope = access.write().await?;
    orders::advance(&scope, id, step, version).await?;
    scope.commit().await
}

async fn cancel(visitor: Visitor<OrdersCancel>, Id(id): Id<OrderId>, mut fields: Fields) -> PageResult<Response> {
    match cancel_whole(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("/company/orders/{id}"), "order_cancelled").into_response()),
        Err(error) => order_again(visitor, id, error, &fields).await,
    }
}

async fn cancel_whole(access: &Access<OrdersCancel>, id: OrderId, fields: &mut Fields) -> Result<()> {
    let reason = fields.text("reason");
    fields.end()?;
    let scope = access.write().await?;
    orders::cancel(&scope, id, &Cancellation { reason, items: None }).await?;
    scope.commit().await
}

async fn cancel_items(visitor: Visitor<OrdersCancel>, Id(id): Id<OrderId>, mut fields: Fields) -> PageResult<Response> {
    match cancel_some(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("/company/orders/{id}"), "order_items_cancelled").into_response()),
        Err(error) => order_again(visitor, id, error, &fields).await,
    }
}

/// Calls off what was typed beside the lines. The version is needed: a form that is sent twice would
/// call off twice as much.
async fn cancel_some(access: &Access<OrdersCancel>, id: OrderId, fields: &mut Fields) -> Result<()> {
    let scope = access.write().await?;
    let order = orders::get(&scope, id).await?;
    let items = orders::items_of(&scope, &[id]).await?.remove(&id).unwrap_or_default();
    let mut lines = Vec::new();
    for item in &items {
        let name = line_field(item.id);
        if !fields.raw(&name).is_empty() {
            let quantity = quantity(fields, &name, item.sold_by == "weight").unwrap_or_default();
            lines.push(CancelLine { id: item.id, quantity });
        }
    }
    if let (true, Some(first)) = (lines.is_empty(), items.first()) {
        fields.refuse(&line_field(first.id), "required", "say how many of at least one item");
    }
    let reason = fields.text("itemsReason");
    let version = fields.parsed("version");
    fields.end()?;
    let cancellation = Cancellation { reason, items: Some(lines) };
    let cancelled = orders::cancel_as_read(&scope, order.id, &cancellation, version).await;
    cancelled.map_err(|error| at_line(error, cancellation.items.as_deref().unwrap_or_default()))?;
    scope.commit().await
}

/// The refusal of a line, said of its field on the page.
fn at_line(error: Error, lines: &[CancelLine]) -> Error {
    let Error::Invalid(mut wrong) = error else { return error };
    for field in &mut wrong {
        let line = lines.iter().enumerate().find(|(index, _)| field.field.starts_with(&format!("items[{index}].")));
        if let Some((_, line)) = line {
            field.field = line_field(line.id);
        }
    }
    Error::Invalid(wrong)
}

/// Takes what the order came short of from the shelf.
async fn fill(visitor: Visitor<OrdersFulfil>, Id(id): Id<OrderId>, fields: Fields) -> PageResult<Response> {
    match fill_short(&visitor.access, id).await {
        Ok(()) => Ok(visitor.done(&format!("/company/orders/{id}"), "order_filled").into_response()),
        Err(error) => order_again(visitor, id, error, &fields).await,
    }
}

/// Fills a short order in a unit of its own.
pub(in crate::controllers::portal) async fn fill_short(access: &Access<OrdersFulfil>, id: OrderId) -> Result<()> {
    let scope = access.write().await?;
    orders::fill(&scope, id).await?;
    scope.commit().await
}

async fn take_back(visitor: Visitor<OrdersCancel>, Id(id): Id<OrderId>, mut fields: Fields) -> PageResult<Response> {
    match undelivered(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("/company/orders/{id}"), "order_taken_back").into_response()),
        Err(error) => order_again(visitor, id, error, &fields).await,
    }
}

async fn undelivered(access: &Access<OrdersCancel>, id: OrderId, fields: &mut Fields) -> Result<()> {
    let note = fields.text("backReason");
    let version = fields.raw("version").parse().ok();
    fields.end()?;
    let scope = access.write().await?;
    orders::advance(&scope, id, &Step { status: Status::Returned, note, tracking_number: None }, version).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<OrdersRead, _>("/company/orders/{id}", "One order", show),
        post::<OrdersFulfil, _>("/company/orders/{id}/status", "Moves an order one step on", change_status),
        post::<OrdersFulfil, _>("/company/orders/{id}/fill", "Fills a short order from the shelf", fill),
        post::<OrdersCancel, _>("/company/orders/{id}/cancel", "Cancels an order", cancel),
        post::<OrdersCancel, _>("/company/orders/{id}/cancel-items", "Cancels some items of an order", cancel_items),
        post::<OrdersCancel, _>("/company/orders/{id}/take-back", "Takes an order back that could not be delivered", take_back),
    ]
}
