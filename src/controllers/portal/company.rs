//! The company portal: orders, and who did what.

use axum::{
    Form,
    http::header,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PageResult, Visitor, encode, local};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{AuditId, OrderId, ShopId},
    models::{
        audit,
        companies::{self, Company},
        identity,
        orders::{self, Cancellation, Filter, Item, Order, Status, Step},
        payments, shops,
    },
    tenancy::{
        Access, Scope,
        roles::{AuditRead, OrdersCancel, OrdersFulfil, OrdersRead},
    },
};

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    shop: String,
    cursor: Option<String>,
}

impl List {
    fn filter(&self) -> Filter {
        Filter {
            status: self.status.split(',').filter_map(Status::named).collect(),
            shop: self.shop.parse::<ShopId>().ok(),
            words: Some(self.q.clone()).filter(|words| !words.trim().is_empty()),
            ..Filter::default()
        }
    }

    fn query(&self) -> String {
        format!("q={}&status={}&shop={}", encode(&self.q), encode(&self.status), encode(&self.shop))
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("orders.view.all", ""),
    ("orders.view.todo", "confirmed,processing,packed"),
    ("orders.view.unpaid", "pending"),
    ("orders.view.shipped", "shipped"),
];

async fn index(visitor: Visitor<OrdersRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = orders_page(&visitor.access, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/orders/index.html", &company, data)
}

async fn orders_page(access: &Access<OrdersRead>, list: &List) -> Result<(Company, Value)> {
    let filter = list.filter();
    let bound = format!("portal orders {filter:?}");
    let after = page::open::<(i64, OrderId)>(access.souk(), &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let found = orders::list(&scope, &filter, after, 50).await?;
    let shops = shops::list(&scope).await?;
    let ids: Vec<_> = found.orders.iter().map(|order| order.id).collect();
    let items = orders::items_of(&scope, &ids).await?;
    let rows: Vec<_> = found
        .orders
        .iter()
        .map(|order| {
            json!({
                "id": order.id, "number": order.order_number, "customer": order.customer_name,
                "shop": shops.iter().find(|shop| shop.id == order.shop_id).map_or("", |shop| shop.name.as_str()),
                "placed": local(order.created_at, &company.zone), "status": order.status, "payment_status": order.payment_status,
                "total": order.total, "items": items.get(&order.id).map_or(0, Vec::len),
            })
        })
        .collect();
    let next = found.next.map(|next| page::seal(access.souk(), &bound, next)).transpose()?;
    let views: Vec<_> = VIEWS
        .iter()
        .map(|(label, status)| json!({ "label_key": label, "href": format!("/company/orders?status={}", encode(status)), "active": list.status == *status }))
        .collect();
    let data = json!({
        "orders": rows, "views": views,
        "filter": { "q": list.q, "status": list.status, "shop": list.shop },
        "shops": shops.iter().map(|shop| json!({ "id": shop.id, "name": shop.name })).collect::<Vec<_>>(),
        "statuses": Status::ALL,
        "next_href": next.map(|next| format!("/company/orders?{}&cursor={next}", list.query())),
        "export_href": format!("/company/orders/export.csv?{}", list.query()),
    });
    Ok((company, data))
}

/// The filtered list as CSV; cells that a spreadsheet would run as formulas are made harmless.
async fn export(visitor: Visitor<OrdersRead>, Query(list): Query<List>) -> PageResult<Response> {
    let read = csv(&visitor.access, &list).await;
    let text = read.map_err(|error| visitor.refuse(error))?;
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"orders.csv\"")];
    Ok((headers, text).into_response())
}

async fn csv(access: &Access<OrdersRead>, list: &List) -> Result<String> {
    const ROWS_MAX: usize = 10_000;
    let scope = access.read().await?;
    let mut text = String::from("number,placed,customer,status,payment,currency,total\n");
    let mut after = None;
    let mut rows = 0;
    loop {
        let found = orders::list(&scope, &list.filter(), after, 500).await?;
        rows += found.orders.len();
        for order in &found.orders {
            let cells = [
                order.order_number.clone(),
                order.created_at.to_string(),
                order.customer_name.clone(),
                order.status.name().into(),
                order.payment_status.clone(),
                order.currency.clone(),
                format!("{}.{:02}", order.total.0 / 100, order.total.0 % 100),
            ];
            text.push_str(&cells.map(|cell| csv_cell(&cell)).join(","));
            text.push('\n');
        }
        after = found.next;
        if after.is_none() || rows >= ROWS_MAX {
            return Ok(text);
        }
    }
}

fn csv_cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

async fn show(visitor: Visitor<OrdersRead>, Id(id): Id<OrderId>) -> PageResult<Html<String>> {
    let read = order_page(&visitor.access, id).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/orders/show.html", &company, data)
}

async fn order_page(access: &Access<OrdersRead>, id: OrderId) -> Result<(Company, Value)> {
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let order = orders::get(&scope, id).await?;
    let shop = shops::get(&scope, order.shop_id).await?;
    let customer = identity::find_customer(&scope, order.customer_id).await?;
    let items = orders::items_of(&scope, &[id]).await?.remove(&id).unwrap_or_default();
    let timeline: Vec<_> = orders::timeline(&scope, &[id])
        .await?
        .iter()
        .rev()
        .map(|one| json!({ "what_key": format!("timeline.{}", one.kind), "note": one.note, "by": one.by_name, "at": local(one.created_at, &company.zone) }))
        .collect();
    let address = &order.shipping_address;
    let lines = ["name", "line1", "line2", "city", "state", "postalCode", "country"];
    let lines: Vec<_> = lines.iter().filter_map(|field| address[*field].as_str()).collect();
    let role = access.tenant().role;
    let next = order.status.next().filter(|_| role.may("orders:fulfil"));
    let actions: Vec<_> =
        next.iter().map(|to| json!({ "status": to, "label_key": action_key(*to), "primary": true, "key": "C" })).collect();
    let data = json!({
        "order": {
            "id": order.id, "number": order.order_number, "status": order.status, "payment_status": order.payment_status,
            "customer": order.customer_name, "email": customer.email, "phone": address["phone"].as_str().or(customer.phone.as_deref()),
            "placed": local(order.created_at, &company.zone), "shop": shop.name, "notes": order.notes, "tracking": order.tracking_number,
            "subtotal": order.subtotal, "discount": order.discount, "tax": order.tax, "tax_included": order.tax_included,
            "shipping": order.shipping, "total": order.total, "address": lines, "version": order.version,
        },
        "steps": steps(order.status), "lines": items.iter().map(line).collect::<Vec<_>>(), "timeline": timeline,
        "payments": payment_rows(&scope, &order, &company).await?, "actions": actions,
        "can_cancel": order.status.can_cancel() && role.may("orders:cancel"),
    });
    Ok((company, data))
}

fn line(item: &Item) -> Value {
    json!({
        "name": item.name, "sku": item.sku, "quantity": item.quantity, "price": item.price, "subtotal": item.subtotal,
        "discount": item.discount, "tax_rate": format!("{}%", item.tax_rate / 100), "cancelled": item.quantity_cancelled,
    })
}

async fn payment_rows(scope: &Scope, order: &Order, company: &Company) -> Result<Vec<Value>> {
    let Some(id) = order.payment_id else { return Ok(vec![]) };
    let payment = payments::get(scope, id).await?;
    let shares = payments::allocations(scope, id).await?;
    let share = shares.iter().find(|share| share.order_id == order.id);
    Ok(vec![json!({
        "gateway": payment.gateway, "status": payment.status, "amount": share.map(|share| share.amount),
        "refunded": share.map(|share| share.refunded), "at": local(payment.updated_at, &company.zone),
    })])
}

/// The key of the words on the button that leads to a status.
pub(super) const fn action_key(to: Status) -> &'static str {
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

#[derive(Deserialize)]
struct StepForm {
    status: String,
    #[serde(default)]
    note: String,
    #[serde(default, rename = "trackingNumber")]
    tracking_number: String,
}

async fn change_status(visitor: Visitor<OrdersFulfil>, Id(id): Id<OrderId>, Form(form): Form<StepForm>) -> PageResult<Redirect> {
    let to = Status::named(&form.status).ok_or_else(|| visitor.refuse(Error::invalid("status", "unknown", "there is no such status")))?;
    let tracking_number = Some(form.tracking_number).filter(|text| !text.trim().is_empty());
    let step = Step { status: to, note: form.note, tracking_number };
    step_on(&visitor.access, id, &step).await.map_err(|error| visitor.refuse(error))?;
    Ok(Redirect::to(&format!("/company/orders/{id}")))
}

/// One step of an order in a unit of its own.
pub(super) async fn step_on(access: &Access<OrdersFulfil>, id: OrderId, step: &Step) -> Result<()> {
    let scope = access.write().await?;
    orders::advance(&scope, id, step).await?;
    scope.commit().await
}

#[derive(Deserialize)]
struct CancelForm {
    #[serde(default)]
    reason: String,
}

async fn cancel(visitor: Visitor<OrdersCancel>, Id(id): Id<OrderId>, Form(form): Form<CancelForm>) -> PageResult<Redirect> {
    let cancelled = cancel_whole(&visitor.access, id, form.reason).await;
    cancelled.map_err(|error| visitor.refuse(error))?;
    Ok(Redirect::to(&format!("/company/orders/{id}")))
}

async fn cancel_whole(access: &Access<OrdersCancel>, id: OrderId, reason: String) -> Result<()> {
    let scope = access.write().await?;
    orders::cancel(&scope, id, &Cancellation { reason, items: None }).await?;
    scope.commit().await
}

#[derive(Debug, Default, Deserialize)]
struct AuditList {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    user: String,
    cursor: Option<String>,
}

async fn audit_log(visitor: Visitor<AuditRead>, Query(list): Query<AuditList>) -> PageResult<Html<String>> {
    let read = audit_page(&visitor.access, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/audit.html", &company, data)
}

async fn audit_page(access: &Access<AuditRead>, list: &AuditList) -> Result<(Company, Value)> {
    const ROWS: usize = 50;
    let filter = audit::Filter {
        resource: Some(list.resource.clone()).filter(|text| !text.is_empty()),
        actor: list.user.parse().ok(),
        ..audit::Filter::default()
    };
    let bound = format!("portal audit {filter:?}");
    let before = page::open::<AuditId>(access.souk(), &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut rows = audit::list(&scope, &filter, before, 51).await?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let next = rows.last().filter(|_| more).map(|last| page::seal(access.souk(), &bound, last.id)).transpose()?;
    let chain = audit::verify(&scope).await?;
    let shown = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let entries: Vec<_> = rows
        .iter()
        .map(|one| {
            let changes: Vec<_> = one
                .changes
                .as_object()
                .into_iter()
                .flatten()
                .map(|(field, change)| json!({ "field": field, "before": shown(&change["before"]), "after": shown(&change["after"]) }))
                .collect();
            json!({
                "at": local(one.created_at, &company.zone), "who": one.actor_name, "role": one.actor_role, "action": one.action,
                "resource": one.resource, "resource_id": one.resource_id, "changes": changes, "ip": one.ip_address,
            })
        })
        .collect();
    let query = format!("resource={}&user={}", encode(&list.resource), encode(&list.user));
    let data = json!({
        "entries": entries, "filter": { "resource": list.resource, "user": list.user },
        "next_href": next.map(|next| format!("/company/audit?{query}&cursor={next}")),
        "chain": { "ok": chain.faults.is_empty(), "sealed": chain.sealed, "open": 0 },
    });
    Ok((company, data))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<OrdersRead, _>("/company/orders", "Orders", index),
        get::<OrdersRead, _>("/company/orders/export.csv", "Orders as CSV", export),
        get::<OrdersRead, _>("/company/orders/{id}", "One order", show),
        post::<OrdersFulfil, _>("/company/orders/{id}/status", "Moves an order one step on", change_status),
        post::<OrdersCancel, _>("/company/orders/{id}/cancel", "Cancels an order", cancel),
        get::<AuditRead, _>("/company/audit", "Who did what", audit_log),
    ]
}
