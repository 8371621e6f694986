//! `/api/orders`: checkout, payment, fulfilment, cancellation.

use axum::{Json as Answer, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    clock::Instant,
    controllers::{
        extract::{Id, Json, Query, Version},
        once::{Begun, Once, Promise, again},
        page,
    },
    endpoints::{
        Endpoint,
        api::{get, patch, post},
    },
    errors::{Error, Result},
    gateways::payments::Outcome,
    ids::{CheckoutId, CustomerId, OrderId, ShopId},
    models::orders::{self, Cancellation, Filter, NewOrder, Status, Step},
    tenancy::{
        Access, Permission, Scope,
        roles::{OrdersCancel, OrdersFulfil, OrdersPlace, OrdersRead, PaymentsPay},
    },
    views::orders as view,
};

/// Checks out. With a `paymentMethod` the payment is tried at once.
async fn create(access: Access<OrdersPlace>, once: Once, Json(new, hash): Json<NewOrder>) -> Result<Response> {
    let method = new.payment_method.clone().filter(|_| new.gateway != "cod");
    let mut is_second_try = false;
    loop {
        let unit = match once.begin(&access, &hash).await? {
            Begun::Fresh(unit) => unit,
            Begun::Replay(answer) => return Ok(answer),
            Begun::Past(checkout) => {
                let scope = access.read().await?;
                return Ok(again(StatusCode::CREATED, view::checkout(&scope, CheckoutId(checkout)).await?));
            }
            Begun::Resume(promise, checkout) => {
                let checkout = of_key(checkout)?;
                let method = method.as_deref().unwrap_or_default();
                let outcome = orders::resume(access.souk(), access.tenant(), checkout, method, promise.begun_at()).await;
                return tried(&access, promise, checkout, outcome).await;
            }
        };
        match orders::place(unit.scope(), &new).await {
            // Goods may be promised to somebody whose time is over: free those, and try once more.
            Err(Error::Conflict { code: "insufficient_stock", .. }) if !is_second_try => {
                drop(unit);
                is_second_try = true;
                orders::release_due(access.souk(), access.tenant().company).await?;
            }
            Err(refusal) => return unit.end::<Value>(StatusCode::CREATED, Err(refusal)).await,
            Ok(placed) => {
                let checkout = placed.checkout.id;
                let Some(method) = &method else {
                    let answer = view::checkout(unit.scope(), checkout).await;
                    return unit.end_with(StatusCode::CREATED, checkout.0, answer).await;
                };
                // One unit for the orders and the attempt to pay them: a commit is a flush of the disk.
                let (payment, attempt) = orders::begin_payment(unit.scope(), checkout, method).await?;
                let promise = unit.keep(checkout.0).await?;
                let outcome = orders::charge(access.souk(), access.tenant(), &payment, &attempt).await;
                return tried(&access, promise, checkout, outcome).await;
            }
        }
    }
}

/// The checkout that the first request with a key made.
fn of_key(resource: Option<Uuid>) -> Result<CheckoutId> {
    resource.map(CheckoutId).ok_or_else(|| Error::internal("a key without its checkout"))
}

/// The answer of orders whose payment was tried; whatever came of it, they exist: 201.
async fn tried<P: Permission>(access: &Access<P>, promise: Promise, checkout: CheckoutId, outcome: Result<Outcome>) -> Result<Response> {
    match outcome {
        Ok(_) | Err(Error::Conflict { .. }) => {}
        Err(error) => return Err(error),
    }
    let scope = access.read().await?;
    let answer = view::checkout(&scope, checkout).await;
    drop(scope);
    promise.answer(StatusCode::CREATED, answer).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderPayment")]
struct Pay {
    payment_method: String,
}

/// Pays the order's whole checkout now.
async fn process_payment(access: Access<PaymentsPay>, once: Once, Id(id): Id<OrderId>, Json(body, hash): Json<Pay>) -> Result<Response> {
    let (souk, tenant, method) = (access.souk(), access.tenant(), body.payment_method.as_str());
    let (promise, checkout, outcome) = match once.begin(&access, &hash).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Past(checkout) => return Ok(again(StatusCode::OK, paid(&access, CheckoutId(checkout)).await?)),
        Begun::Resume(promise, checkout) => {
            let checkout = of_key(checkout)?;
            let outcome = orders::resume(souk, tenant, checkout, method, promise.begun_at()).await;
            (promise, checkout, outcome)
        }
        Begun::Fresh(unit) => {
            let checkout = orders::get(unit.scope(), id).await?.checkout_id;
            (unit.keep(checkout.0).await?, checkout, orders::pay(souk, tenant, checkout, method).await)
        }
    };
    let outcome = match outcome {
        // Goods may be promised to somebody whose time is over: free those, and try once more.
        Err(Error::Conflict { code: "insufficient_stock", .. }) => {
            orders::release_due(souk, tenant.company).await?;
            orders::pay(souk, tenant, checkout, method).await
        }
        first => first,
    };
    match outcome {
        Ok(Outcome::Captured) => promise.answer(StatusCode::OK, paid(&access, checkout).await).await,
        Ok(Outcome::Unknown | Outcome::Action { .. }) => promise.answer(StatusCode::ACCEPTED, paid(&access, checkout).await).await,
        Ok(Outcome::Declined { code }) => promise.answer::<Value>(StatusCode::OK, Err(Error::Declined { decline_code: code })).await,
        Err(error) => promise.answer::<Value>(StatusCode::OK, Err(error)).await,
    }
}

/// How the checkout and its payment stand now.
pub(super) async fn paid<P: Permission>(access: &Access<P>, checkout: CheckoutId) -> Result<Value> {
    let scope = access.read().await?;
    view::paid(&scope, checkout).await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    /// One, or several with commas between.
    status: Option<String>,
    #[schemars(extend("enum" = orders::PAYMENT_STATES))]
    payment_status: Option<String>,
    #[schemars(with = "Option<ShopId>")]
    shop_id: Option<String>,
    #[schemars(with = "Option<CustomerId>")]
    customer_id: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    to: Option<String>,
    /// The beginning of an order number, or of the customer's name.
    q: Option<String>,
    total: Option<bool>,
    limit: Option<u64>,
    cursor: Option<String>,
}

fn filter(list: &List) -> Result<Filter> {
    let wrong = |field: &str, what: &str| Error::invalid(field, "invalid", what);
    let status = list.status.iter().flat_map(|names| names.split(',')).map(Status::named).collect::<Option<Vec<_>>>();
    let time = |field: &str, text: &Option<String>| {
        text.as_deref().map(|text| Instant::parse(text).ok_or_else(|| wrong(field, "an RFC 3339 time"))).transpose()
    };
    if list.payment_status.as_deref().is_some_and(|name| !orders::PAYMENT_STATES.contains(&name)) {
        return Err(Error::invalid("paymentStatus", "unknown", format!("use {}", orders::PAYMENT_STATES.join(", "))));
    }
    Ok(Filter {
        status: status.ok_or_else(|| Error::invalid("status", "unknown", "there is no such status"))?,
        payment_status: list.payment_status.clone(),
        shop: list.shop_id.as_deref().map(str::parse::<ShopId>).transpose().map_err(|_| wrong("shopId", "that is not an id"))?,
        customer: list
            .customer_id
            .as_deref()
            .map(str::parse::<CustomerId>)
            .transpose()
            .map_err(|_| wrong("customerId", "that is not an id"))?,
        from: time("from", &list.from)?,
        to: time("to", &list.to)?,
        words: list.q.clone(),
    })
}

async fn index(access: Access<OrdersRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let filter = filter(&list)?;
    let bound = format!("orders {filter:?}");
    if access.sees_all() {
        if list.total == Some(true) {
            return Err(Error::invalid("total", "needs_company", "name a company with the header X-Company"));
        }
        let before = page::open::<OrderId>(&access, &bound, list.cursor.as_deref())?;
        let platform = access.souk().platform("oversight").await?;
        let mut rows = orders::list_of_all(&platform, &filter, before, limit + 1).await?;
        let next = page::cut(&access, &bound, &mut rows, limit, |row| row.id)?;
        return Ok(Answer(page::envelope(view::orders_of_all(&platform, &rows).await?, limit, next)));
    }
    let after = page::open::<(i64, OrderId)>(&access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let found = orders::list(&scope, &filter, after, limit).await?;
    let next = found.next.map(|next| page::seal(&access, &bound, next)).transpose()?;
    let total = if list.total == Some(true) { Some(orders::how_many(&scope, &filter, page::TOTAL_MAX + 1).await?) } else { None };
    Ok(Answer(page::with_total(page::envelope(view::orders(&scope, &found.orders).await?, limit, next), total)))
}

/// The access in the company of an order.
async fn at(access: Access<OrdersRead>, id: OrderId) -> Result<Access<OrdersRead>> {
    if !access.sees_all() {
        return Ok(access);
    }
    let platform = access.souk().platform("oversight").await?;
    let company = orders::company_of(&platform, id).await?;
    drop(platform);
    access.within(company)
}

async fn show(access: Access<OrdersRead>, Id(id): Id<OrderId>) -> Result<Answer<Value>> {
    let access = at(access, id).await?;
    let scope = access.read().await?;
    let order = orders::get(&scope, id).await?;
    one(&scope, order).await
}

async fn one(scope: &Scope, order: orders::Order) -> Result<Answer<Value>> {
    view::orders(scope, &[order]).await?.pop().map(Answer).ok_or(Error::NOT_FOUND)
}

async fn change_status(
    access: Access<OrdersFulfil>,
    once: Once,
    Id(id): Id<OrderId>,
    Version(version): Version,
    Json(step, hash): Json<Step>,
) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Past(order) => return as_it_stands(access, OrderId(order)).await,
        Begun::Resume(..) => return Err(Error::internal("a step has one unit")),
    };
    let result = match orders::advance(unit.scope(), id, &step, version).await {
        Ok(order) => one(unit.scope(), order).await.map(|answer| answer.0),
        Err(error) => Err(error),
    };
    unit.end_with(StatusCode::OK, id.0, result).await
}

/// The answer to a key that moved this order long ago.
async fn as_it_stands<P: Permission>(access: Access<P>, id: OrderId) -> Result<Response> {
    let scope = access.read().await?;
    let order = orders::get(&scope, id).await?;
    Ok(again(StatusCode::OK, one(&scope, order).await?.0))
}

async fn cancel(access: Access<OrdersCancel>, once: Once, Id(id): Id<OrderId>, Json(body, hash): Json<Cancellation>) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Past(order) => return as_it_stands(access, OrderId(order)).await,
        Begun::Resume(..) => return Err(Error::internal("a cancellation has one unit")),
    };
    let result = match orders::cancel(unit.scope(), id, &body).await {
        Ok(order) => one(unit.scope(), order).await.map(|answer| answer.0),
        Err(error) => Err(error),
    };
    unit.end_with(StatusCode::OK, id.0, result).await
}

async fn timeline(access: Access<OrdersRead>, Id(id): Id<OrderId>) -> Result<Answer<Value>> {
    let access = at(access, id).await?;
    let scope = access.read().await?;
    let order = orders::get(&scope, id).await?;
    let entries = orders::timeline(&scope, &[order.id]).await?;
    let data = entries.iter().map(
        |entry| json!({ "kind": entry.kind, "status": entry.status, "at": entry.created_at, "by": entry.by_name, "note": entry.note }),
    );
    Ok(Answer(page::whole(data.collect())))
}

async fn tracking(access: Access<OrdersRead>, Id(id): Id<OrderId>) -> Result<Answer<Value>> {
    let access = at(access, id).await?;
    let scope = access.read().await?;
    let order = orders::get(&scope, id).await?;
    Ok(Answer(json!({
        "orderId": order.id, "orderNumber": order.order_number, "status": order.status,
        "trackingNumber": order.tracking_number, "updatedAt": order.updated_at,
    })))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<OrdersPlace, _>("/api/orders", "Checks out", create).answers(201, "Checkout"),
        get::<OrdersRead, _>("/api/orders", "Orders, newest first", index).answers(200, "[Order]"),
        get::<OrdersRead, _>("/api/orders/{id}", "One order", show).answers(200, "Order"),
        patch::<OrdersFulfil, _>(
            "/api/orders/{id}/status",
            "Moves an order one step on, calls it off, or takes it back undelivered",
            change_status,
        )
        .answers(200, "Order"),
        post::<PaymentsPay, _>("/api/orders/{id}/process-payment", "Pays the order's checkout now", process_payment)
            .answers(200, "Paid")
            .answers(202, "Paid")
            .answers(402, "Problem"),
        post::<OrdersCancel, _>("/api/orders/{id}/cancel", "Cancels an order, whole or by line", cancel).answers(200, "Order"),
        get::<OrdersRead, _>("/api/orders/{id}/timeline", "What happened to an order", timeline).answers(200, "[OrderEvent]"),
        get::<OrdersRead, _>("/api/orders/{id}/tracking", "Where an order is", tracking).answers(200, "Tracking"),
    ]
}
