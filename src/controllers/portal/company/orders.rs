//! The orders of the company: the list, one order, and what can be done with it.

use std::sync::Arc;

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, export, fields::Fields, lists::Listing, local, midnight, shelf::amount, visitor::said};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{OrderId, ShopId},
    models::{
        companies::{self, Company},
        identity,
        orders::{self, Cancellation, Filter, Item, Order, PAYMENT_STATES, Status, Step},
        payments, shops,
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{OrdersCancel, OrdersFulfil, OrdersRead},
    },
    views::templates,
};

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    payment: String,
    #[serde(default)]
    shop: String,
    /// Days of the company's calendar.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    cursor: Option<String>,
}

impl List {
    fn filter(&self, zone: &str) -> Filter {
        Filter {
            status: self.status.split(',').filter_map(Status::named).collect(),
            payment_status: PAYMENT_STATES.into_iter().find(|state| *state == self.payment).map(str::to_owned),
            shop: self.shop.parse::<ShopId>().ok(),
            words: Some(self.q.clone()).filter(|words| !words.trim().is_empty()),
            from: midnight(&self.from, zone, 0),
            to: midnight(&self.to, zone, 1),
            ..Filter::default()
        }
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("orders.view.all", ""),
    ("orders.view.todo", "status=confirmed,processing,packed"),
    ("orders.view.unpaid", "status=pending"),
    ("orders.view.shipped", "status=shipped"),
];

async fn index(visitor: Visitor<OrdersRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = orders_page(&visitor, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/orders/index.html", &company, data)
}

async fn orders_page(visitor: &Visitor<OrdersRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let filter = list.filter(&company.zone);
    let bound = format!("portal orders {filter:?}");
    let after = page::open::<(i64, OrderId)>(access.souk(), &bound, list.cursor.as_deref())?;
    let found = orders::list(&scope, &filter, after, 50).await?;
    let shops = shops::list(&scope).await?;
    let ids: Vec<_> = found.orders.iter().map(|order| order.id).collect();
    let items = orders::items_of(&scope, &ids).await?;
    let names = shops::names(&scope).await?;
    let shop_name = |id: ShopId| names.get(&id).map_or("", String::as_str);
    let rows: Vec<_> = found
        .orders
        .iter()
        .map(|order| {
            json!({
                "id": order.id, "number": order.order_number, "customer": order.customer_name, "shop": shop_name(order.shop_id),
                "placed": local(order.created_at, &company.zone, &visitor.language), "status": order.status, "payment_status": order.payment_status,
                "total": order.total, "items": items.get(&order.id).map_or(0, Vec::len),
            })
        })
        .collect();
    let statuses =
        filter.status.iter().map(|status| visitor.text(&format!("orders.status.{}", status.name()))).collect::<Vec<_>>().join(", ");
    let payment = filter.payment_status.as_ref().map(|state| visitor.text(&format!("orders.payment.{state}"))).unwrap_or_default();
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("status", visitor.text("orders.col.status"), statuses),
        ("payment", visitor.text("orders.col.payment"), payment),
        ("from", visitor.text("orders.from"), list.from.clone()),
        ("to", visitor.text("orders.to"), list.to.clone()),
        ("shop", visitor.text("orders.col.shop"), filter.shop.map(|id| shop_name(id).to_owned()).unwrap_or_default()),
    ];
    let next = found.next.map(|next| page::seal(access.souk(), &bound, next)).transpose()?;
    let status = |status: &Status| json!({ "value": status, "label_key": format!("orders.status.{}", status.name()) });
    let data = json!({
        "orders": rows, "list": visitor.list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }).await?,
        "filter": { "q": list.q, "status": list.status, "payment": list.payment, "shop": list.shop, "from": list.from, "to": list.to },
        "payments": PAYMENT_STATES.map(|state| json!({ "value": state, "label_key": format!("orders.payment.{state}") })),
        "shops": shops.iter().map(|shop| json!({ "value": shop.id, "label": shop.name })).collect::<Vec<_>>(),
        "statuses": Status::ALL.iter().map(status).collect::<Vec<_>>(),
        "can_fulfil": access.tenant().may("orders:fulfil"),
    });
    Ok((company, data))
}

const COLUMNS: [&str; 7] = ["number", "placed", "customer", "status", "payment", "currency", "total"];

/// What is filtered, as CSV; the same for the chosen rows.
async fn export(visitor: Visitor<OrdersRead>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let zone = match zone_of(&access).await {
        Ok(zone) => zone,
        Err(error) => return Err(look.with(error)),
    };
    let csv = export::csv("orders", &COLUMNS, move |after| {
        let (access, filter) = (access.clone(), list.filter(&zone));
        async move {
            let scope = access.read().await?;
            let found = orders::list(&scope, &filter, after, export::ROWS).await?;
            Ok((found.orders.iter().map(cells).collect(), found.next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn zone_of(access: &Access<OrdersRead>) -> Result<String> {
    Ok(companies::own(&access.read().await?).await?.zone)
}

async fn export_chosen(visitor: Visitor<OrdersRead>, fields: Fields) -> PageResult<Response> {
    let rows = chosen_rows(&visitor.access, &fields).await.map_err(|error| visitor.refuse(error))?;
    let csv = export::csv("orders", &COLUMNS, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None))));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<OrdersRead>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let mut rows = Vec::new();
    for id in chosen(fields) {
        rows.push(cells(&orders::get(&scope, id).await?));
    }
    Ok(rows)
}

fn cells(order: &Order) -> Vec<String> {
    vec![
        order.order_number.clone(),
        order.created_at.to_string(),
        order.customer_name.clone(),
        order.status.name().into(),
        order.payment_status.clone(),
        order.currency.clone(),
        order.total.plain(),
    ]
}

/// The chosen orders of a page: at most as many as one has.
fn chosen(fields: &Fields) -> Vec<OrderId> {
    fields.all("ids").iter().take(100).filter_map(|id| id.parse().ok()).collect()
}

/// Starts picking the chosen orders, each in a unit of its own: what is refused for one is done for
/// the rest, and said.
async fn start_picking(visitor: Visitor<OrdersFulfil>, fields: Fields) -> PageResult<Redirect> {
    let step = Step { status: Status::Processing, note: String::new(), tracking_number: None };
    let (mut done, mut lines) = (0, Vec::new());
    for id in chosen(&fields) {
        match step_on(&visitor.access, id, &step, None).await {
            Ok(()) => done += 1,
            Err(error) => {
                let number = number_of(&visitor.access, id).await.unwrap_or_default();
                lines.push(format!("{number} {}", said(&error, &visitor.language)));
            }
        }
    }
    let tone = if lines.is_empty() { "ok" } else { "warn" };
    let text = templates::filled("orders.picking_started", &visitor.language, &[("n", &done)]);
    Ok(visitor.tell(&visitor.list_at("/company/orders"), tone, &text, &lines))
}

async fn number_of(access: &Access<OrdersFulfil>, id: OrderId) -> Result<String> {
    let scope = access.read().await?;
    Ok(orders::get(&scope, id).await?.order_number)
}

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
            json!({ "what": what, "tone": tone_of(&one.kind), "note": one.note, "by": one.by_name, "at": local(one.created_at, &company.zone, &visitor.language) })
        })
        .collect();
    let address = &order.shipping_address;
    let lines = ["name", "line1", "line2", "city", "state", "postalCode", "country"];
    let lines: Vec<_> = lines.iter().filter_map(|field| address[*field].as_str()).collect();
    let may = |permission| access.tenant().may_at(permission, Some(order.shop_id));
    let next = order.status.next().filter(|_| may("orders:fulfil"));
    let actions: Vec<_> =
        next.iter().map(|to| json!({ "status": to, "label_key": action_key(*to), "primary": true, "key": "C" })).collect();
    let data = json!({
        "order": {
            "id": order.id, "number": order.order_number, "status": order.status, "payment_status": order.payment_status,
            "customer": order.customer_name, "email": customer.email, "phone": address["phone"].as_str().or(customer.phone.as_deref()),
            "placed": local(order.created_at, &company.zone, &visitor.language), "shop": shop, "notes": order.notes, "tracking": order.tracking_number,
            "subtotal": order.subtotal, "discount": order.discount, "tax": order.tax, "tax_included": order.tax_included,
            "shipping": order.shipping, "total": order.total, "address": lines, "version": order.version,
        },
        "steps": steps(order.status), "lines": items.iter().map(line).collect::<Vec<_>>(), "timeline": timeline,
        "payments": payment_rows(&scope, &order, &company, &visitor.language).await?, "actions": actions,
        "can_cancel": order.status.can_cancel() && may("orders:cancel"),
        "can_take_back": order.status.can_come_back() && may("orders:cancel") && may("orders:fulfil"),
    });
    Ok((company, data))
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
    let returned = Some(item.quantity_returned).filter(|returned| *returned > 0);
    json!({
        "name": item.name, "sku": item.sku, "quantity": amount(item.quantity, by_weight), "price": item.price, "subtotal": item.subtotal,
        "discount": item.discount, "tax_rate": percent(item.tax_rate), "cancelled": item.quantity_cancelled,
        "returned": returned.map(|returned| amount(returned, by_weight)),
    })
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

async fn change_status(visitor: Visitor<OrdersFulfil>, Id(id): Id<OrderId>, fields: Fields) -> PageResult<Response> {
    let to = Status::named(fields.raw("status")).ok_or_else(|| Error::invalid("status", "unknown", "there is no such status"));
    let tracking_number = Some(fields.raw("trackingNumber").to_owned()).filter(|text| !text.is_empty());
    let done = match to {
        Ok(status) => {
            let step = Step { status, note: fields.raw("note").into(), tracking_number };
            step_on(&visitor.access, id, &step, fields.raw("version").parse().ok()).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(visitor.done(&format!("/company/orders/{id}"), "order_moved").into_response()),
        Err(error) => order_again(visitor, id, error, &fields).await,
    }
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
        get::<OrdersRead, _>("/company/orders", "Orders", index),
        get::<OrdersRead, _>("/company/orders/export.csv", "Orders as CSV", export),
        post::<OrdersRead, _>("/company/orders/chosen.csv", "Chosen orders as CSV", export_chosen),
        post::<OrdersFulfil, _>("/company/orders/picking", "Starts picking the chosen orders", start_picking),
        get::<OrdersRead, _>("/company/orders/{id}", "One order", show),
        post::<OrdersFulfil, _>("/company/orders/{id}/status", "Moves an order one step on", change_status),
        post::<OrdersCancel, _>("/company/orders/{id}/cancel", "Cancels an order", cancel),
        post::<OrdersCancel, _>("/company/orders/{id}/take-back", "Takes an order back that could not be delivered", take_back),
    ]
}
