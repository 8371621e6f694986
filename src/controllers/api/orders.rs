//! `/api/orders`: checkout, payment, fulfilment, cancellation.

use axum::{Json as Answer, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    clock::Instant,
    controllers::{
        extract::{Id, Json, Query},
        once::{Begun, Once, Promise},
        page,
    },
    endpoints::{Endpoint, get, patch, post},
    errors::{Error, Result},
    gateways::payments::Outcome,
    ids::{CheckoutId, CustomerId, OrderId, ShopId},
    models::{
        orders::{self, Cancellation, Filter, NewOrder, Status, Step},
        payments,
    },
    tenancy::{
        Access, Permission, Scope, Souk, Tenant,
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
            Begun::Resume(promise, checkout) => {
                let checkout = CheckoutId(checkout.ok_or_else(|| Error::internal("a key without its checkout"))?);
                return tried(&access, promise, checkout, method.as_deref()).await;
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
            Ok(placed) if method.is_none() => {
                let answer = view::checkout(unit.scope(), placed.checkout.id).await;
                return unit.end(StatusCode::CREATED, answer).await;
            }
            Ok(placed) => {
                let promise = unit.keep(placed.checkout.id.0).await?;
                return tried(&access, promise, placed.checkout.id, method.as_deref()).await;
            }
        }
    }
}

/// Tries the payment of orders that exist; whatever comes of it, they exist: 201.
async fn tried<P: Permission>(access: &Access<P>, promise: Promise, checkout: CheckoutId, method: Option<&str>) -> Result<Response> {
    if let Some(method) = method {
        match orders::pay(access.souk(), access.tenant(), checkout, method).await {
            Ok(_) | Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let scope = access.read().await?;
    let answer = view::checkout(&scope, checkout).await;
    drop(scope);
    promise.answer(StatusCode::CREATED, answer).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Pay {
    payment_method: String,
}

/// Pays the order's whole checkout now.
async fn process_payment(access: Access<PaymentsPay>, once: Once, Id(id): Id<OrderId>, Json(body, hash): Json<Pay>) -> Result<Response> {
    let (promise, checkout) = match once.begin(&access, &hash).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(promise, checkout) => (promise, CheckoutId(checkout.ok_or_else(|| Error::internal("a key without its checkout"))?)),
        Begun::Fresh(unit) => {
            let checkout = orders::get(unit.scope(), id).await?.checkout_id;
            (unit.keep(checkout.0).await?, checkout)
        }
    };
    let outcome = match orders::pay(access.souk(), access.tenant(), checkout, &body.payment_method).await {
        Ok(outcome) => outcome,
        Err(Error::Conflict { code: "insufficient_stock", .. }) => {
            orders::release_due(access.souk(), access.tenant().company).await?;
            match orders::pay(access.souk(), access.tenant(), checkout, &body.payment_method).await {
                Ok(outcome) => outcome,
                Err(error) => return promise.answer::<Value>(StatusCode::OK, Err(error)).await,
            }
        }
        Err(error) => return promise.answer::<Value>(StatusCode::OK, Err(error)).await,
    };
    let scope = access.read().await?;
    let answer = view::paid(&scope, checkout).await;
    drop(scope);
    match outcome {
        Outcome::Captured => promise.answer(StatusCode::OK, answer).await,
        Outcome::Declined { code } => promise.answer::<Value>(StatusCode::OK, Err(Error::Declined { decline_code: code })).await,
        Outcome::Unknown | Outcome::Action { .. } => promise.answer(StatusCode::ACCEPTED, answer).await,
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    status: Option<String>,
    payment_status: Option<String>,
    shop_id: Option<String>,
    customer_id: Option<String>,
    from: Option<String>,
    to: Option<String>,
    q: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

fn filter(list: &List) -> Result<Filter> {
    let wrong = |field: &str, what: &str| Error::invalid(field, "invalid", what);
    let status = list.status.iter().flat_map(|names| names.split(',')).map(Status::named).collect::<Option<Vec<_>>>();
    let time = |field: &str, text: &Option<String>| {
        text.as_deref().map(|text| Instant::parse(text).ok_or_else(|| wrong(field, "an RFC 3339 time"))).transpose()
    };
    Ok(Filter {
        status: status.ok_or_else(|| wrong("status", "there is no such status"))?,
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
    let after = page::open::<(i64, OrderId)>(access.souk(), &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let found = orders::list(&scope, &filter, after, limit).await?;
    let next = found.next.map(|next| page::seal(access.souk(), &bound, next)).transpose()?;
    Ok(Answer(page::envelope(view::orders(&scope, &found.orders).await?, limit, next)))
}

async fn show(access: Access<OrdersRead>, Id(id): Id<OrderId>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let order = orders::get(&scope, id).await?;
    one(&scope, order).await
}

async fn one(scope: &Scope, order: orders::Order) -> Result<Answer<Value>> {
    view::orders(scope, &[order]).await?.pop().map(Answer).ok_or(Error::NOT_FOUND)
}

async fn change_status(access: Access<OrdersFulfil>, once: Once, Id(id): Id<OrderId>, Json(step, hash): Json<Step>) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) => return Err(Error::internal("a step has one unit")),
    };
    let result = match orders::advance(unit.scope(), id, &step).await {
        Ok(order) => one(unit.scope(), order).await.map(|answer| answer.0),
        Err(error) => Err(error),
    };
    unit.end(StatusCode::OK, result).await
}

async fn cancel(access: Access<OrdersCancel>, once: Once, Id(id): Id<OrderId>, Json(body, hash): Json<Cancellation>) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) => return Err(Error::internal("a cancellation has one unit")),
    };
    let result = match orders::cancel(unit.scope(), id, &body).await {
        Ok(order) => one(unit.scope(), order).await.map(|answer| answer.0),
        Err(error) => Err(error),
    };
    unit.end(StatusCode::OK, result).await
}

async fn timeline(access: Access<OrdersRead>, Id(id): Id<OrderId>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let order = orders::get(&scope, id).await?;
    let entries = orders::timeline(&scope, &[order.id]).await?;
    let data: Vec<_> = entries
        .iter()
        .map(|entry| json!({ "kind": entry.kind, "status": entry.status, "at": entry.created_at, "by": entry.by_name, "note": entry.note }))
        .collect();
    Ok(Answer(json!({ "data": data })))
}

async fn tracking(access: Access<OrdersRead>, Id(id): Id<OrderId>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let order = orders::get(&scope, id).await?;
    Ok(Answer(json!({
        "orderId": order.id, "orderNumber": order.order_number, "status": order.status,
        "trackingNumber": order.tracking_number, "updatedAt": order.updated_at,
    })))
}

/// `/api/payments/verify`: the customer came back from the gateway's page.
pub(super) async fn verified(souk: &Souk, tenant: &Tenant, payment: payments::Payment) -> Result<Value> {
    let checkout = payment.checkout_id;
    orders::verify(souk, tenant, payment).await?;
    let scope = souk.read(tenant.clone()).await?;
    view::paid(&scope, checkout).await
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<OrdersPlace, _>("/api/orders", "Checks out", create),
        get::<OrdersRead, _>("/api/orders", "Orders, newest first", index),
        get::<OrdersRead, _>("/api/orders/{id}", "One order", show),
        patch::<OrdersFulfil, _>("/api/orders/{id}/status", "Moves an order one step on", change_status),
        post::<PaymentsPay, _>("/api/orders/{id}/process-payment", "Pays the order's checkout now", process_payment),
        post::<OrdersCancel, _>("/api/orders/{id}/cancel", "Cancels an order, whole or by line", cancel),
        get::<OrdersRead, _>("/api/orders/{id}/timeline", "What happened to an order", timeline),
        get::<OrdersRead, _>("/api/orders/{id}/tracking", "Where an order is", tracking),
    ]
}
