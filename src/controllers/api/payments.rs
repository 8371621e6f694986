//! `/api/payments`: reading payments, and finishing one that waited for its customer.

use std::collections::BTreeMap;

use axum::{Json as Answer, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::orders::paid;
use crate::{
    controllers::{
        extract::{Id, Json, Query},
        once::{Begun, Once, again},
        page,
    },
    endpoints::{
        Endpoint,
        api::{get, post},
    },
    errors::{Error, Result},
    ids::{CheckoutId, PaymentId},
    models::{orders, payments},
    tenancy::{
        Access, Actor, Scope,
        roles::{PaymentsPay, PaymentsRead},
    },
    views::payments as view,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    limit: Option<u64>,
    cursor: Option<String>,
}

/// A customer's own payments; for the company all, for shop roles those with a share of theirs.
async fn history(access: Access<PaymentsRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let before = page::open::<PaymentId>(&access, "payments", list.cursor.as_deref())?;
    if access.sees_all() {
        let platform = access.souk().platform("oversight").await?;
        let mut rows = payments::history_of_all(&platform, before, limit + 1).await?;
        let next = page::cut(&access, "payments", &mut rows, limit, |row| row.id)?;
        let shares = payments::shares_of_all(&platform, &rows).await?;
        return Ok(Answer(page::envelope(shown(&rows, &shares, false), limit, next)));
    }
    let customer = match access.tenant().actor {
        Actor::Customer(id) => Some(id),
        _ => None,
    };
    let scope = access.read().await?;
    let mut rows = payments::history(&scope, customer, before, limit + 1).await?;
    let next = page::cut(&access, "payments", &mut rows, limit, |row| row.id)?;
    let shares = payments::shares(&scope, &rows).await?;
    Ok(Answer(page::envelope(shown(&rows, &shares, access.tenant().shops.is_some()), limit, next)))
}

/// Payments with their shares; one without a share that the caller sees is not theirs.
fn shown(rows: &[payments::Payment], shares: &BTreeMap<PaymentId, Vec<payments::Allocation>>, shares_only: bool) -> Vec<Value> {
    rows.iter().filter_map(|payment| shares.get(&payment.id).map(|shares| view::payment(payment, shares, shares_only))).collect()
}

/// The access in the company of a payment.
async fn at(access: Access<PaymentsRead>, id: PaymentId) -> Result<Access<PaymentsRead>> {
    if !access.sees_all() {
        return Ok(access);
    }
    let platform = access.souk().platform("oversight").await?;
    let company = payments::company_of(&platform, id).await?;
    drop(platform);
    access.within(company)
}

/// A payment the caller may see: their own, or one with a share of their shops.
async fn visible(scope: &Scope, id: PaymentId) -> Result<(payments::Payment, Vec<payments::Allocation>)> {
    let payment = payments::get(scope, id).await?;
    let is_own = match scope.tenant().actor {
        Actor::Customer(me) => payment.customer_id == me,
        _ => true,
    };
    let shares = payments::allocations(scope, id).await?;
    if is_own && !shares.is_empty() { Ok((payment, shares)) } else { Err(Error::NOT_FOUND) }
}

async fn show(access: Access<PaymentsRead>, Id(id): Id<PaymentId>) -> Result<Answer<Value>> {
    let access = at(access, id).await?;
    let scope = access.read().await?;
    let (payment, shares) = visible(&scope, id).await?;
    Ok(Answer(view::payment(&payment, &shares, access.tenant().shops.is_some())))
}

async fn refunds(access: Access<PaymentsRead>, Id(id): Id<PaymentId>) -> Result<Answer<Value>> {
    let access = at(access, id).await?;
    let scope = access.read().await?;
    visible(&scope, id).await?;
    let rows = payments::refunds(&scope, id).await?;
    Ok(Answer(page::whole(rows.iter().map(view::refund).collect())))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PaymentVerification")]
struct Verify {
    payment_id: PaymentId,
}

async fn verify(access: Access<PaymentsPay>, once: Once, Json(body, hash): Json<Verify>) -> Result<Response> {
    let (promise, payment) = match once.begin(&access, &hash).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Past(checkout) => return Ok(again(StatusCode::OK, paid(&access, CheckoutId(checkout)).await?)),
        Begun::Resume(promise, _) => {
            let scope = access.read().await?;
            (promise, visible(&scope, body.payment_id).await?.0)
        }
        Begun::Fresh(unit) => {
            let (payment, _) = visible(unit.scope(), body.payment_id).await?;
            (unit.keep(payment.checkout_id.0).await?, payment)
        }
    };
    let checkout = payment.checkout_id;
    let answer = match orders::verify(access.souk(), access.tenant(), payment).await {
        Ok(()) => paid(&access, checkout).await,
        Err(error) => Err(error),
    };
    promise.answer(StatusCode::OK, answer).await
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PaymentsRead, _>("/api/payments/history", "Payments, newest first", history).answers(200, "[Payment]"),
        get::<PaymentsRead, _>("/api/payments/{id}", "One payment", show).answers(200, "Payment"),
        get::<PaymentsRead, _>("/api/payments/{id}/refunds", "A payment's refunds", refunds).answers(200, "[Refund]"),
        post::<PaymentsPay, _>("/api/payments/verify", "Finishes a payment confirmed at the gateway", verify).answers(200, "Paid"),
    ]
}
