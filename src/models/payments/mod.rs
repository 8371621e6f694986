//! Payments: the money of one checkout, shared out to its orders.
//!
//! A gateway is called in three steps: record the attempt, call, record the result. What is not
//! decided is `unknown` until the gateway has been asked. Finalising belongs to `orders`.

mod allocation;
mod attempt;
mod payment;
mod refund;
pub mod test_charge;
pub mod test_refund;

use std::{collections::BTreeMap, time::Duration};

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Alias, Expr, ExprTrait, SelectStatement},
};
use serde_json::json;

pub use self::{allocation::Model as Allocation, attempt::Model as Attempt, payment::Model as Payment, refund::Model as Refund};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    gateways::payments::offered,
    ids::{AllocationId, AttemptId, CheckoutId, CompanyId, CustomerId, OrderId, PaymentId, RefundId, ShopId},
    models::jobs,
    money::Money,
    tenancy::{Platform, Scope},
};

/// How an attempt can stand.
pub mod attempt_state {
    /// Recorded; the gateway is being asked.
    pub const CALLING: &str = "calling";
    /// The gateway's answer was lost, or has not come.
    pub const UNKNOWN: &str = "unknown";
    /// The customer must confirm at the gateway.
    pub const ACTION: &str = "action";
    pub const CAPTURED: &str = "captured";
    pub const DECLINED: &str = "declined";
    /// What is not decided yet.
    pub const OPEN: [&str; 3] = [CALLING, UNKNOWN, ACTION];
}

/// Opens the payment of a checkout.
pub async fn open(
    scope: &Scope,
    checkout: CheckoutId,
    customer: CustomerId,
    gateway: &str,
    currency: &str,
    amount: Money,
) -> Result<Payment> {
    let now = clock::now();
    let payment = Payment {
        company_id: scope.company(),
        id: PaymentId::new(),
        checkout_id: checkout,
        customer_id: customer,
        payment_method_id: None,
        gateway: gateway.into(),
        status: "pending".into(),
        currency: currency.into(),
        decline_code: None,
        gateway_reference: None,
        amount,
        captured: Money::ZERO,
        refunded: Money::ZERO,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(payment.clone()).await?;
    let data = json!({ "amount": amount, "gateway": gateway });
    scope.emit(Event::new("payment.initiated", ("payment", payment.id.0), None, data)).await?;
    Ok(payment)
}

/// An order's share of the payment.
pub async fn allocate(scope: &Scope, payment: PaymentId, order: OrderId, shop: ShopId, amount: Money) -> Result<()> {
    scope
        .insert(Allocation {
            company_id: scope.company(),
            id: AllocationId::new(),
            payment_id: payment,
            order_id: order,
            shop_id: shop,
            amount,
            refunded: Money::ZERO,
        })
        .await
}

/// # Errors
/// 404 when it is not there.
pub async fn get(scope: &Scope, id: PaymentId) -> Result<Payment> {
    scope.get(scope.find::<payment::Entity>().filter(payment::Column::Id.eq(id))).await
}

/// # Errors
/// 404 when there is none.
pub async fn of_checkout(scope: &Scope, checkout: CheckoutId) -> Result<Payment> {
    scope.get(scope.find::<payment::Entity>().filter(payment::Column::CheckoutId.eq(checkout))).await
}

/// Payments, newest first, from before `before`; of one customer, or of the company. Whoever sees some
/// shops finds those with a share of theirs: a cursor of any other would tell of the neighbour's sales.
pub async fn history(scope: &Scope, customer: Option<CustomerId>, before: Option<PaymentId>, limit: u64) -> Result<Vec<Payment>> {
    let mut rows = scope.find::<payment::Entity>();
    if let Some(customer) = customer {
        rows = rows.filter(payment::Column::CustomerId.eq(customer));
    }
    if scope.tenant().shops.is_some() {
        let share = Expr::col((allocation::Entity, allocation::Column::PaymentId)).equals((payment::Entity, payment::Column::Id));
        let share = scope.find::<allocation::Entity>().select_only().column(allocation::Column::Id).filter(share);
        rows = rows.filter(Expr::exists(share.into_query()));
    }
    if let Some(before) = before {
        rows = rows.filter(payment::Column::Id.lt(before));
    }
    scope.all(rows.order_by_desc(payment::Column::Id).limit(limit)).await
}

/// Everybody's payments, newest first, from before `before`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn history_of_all(platform: &Platform, before: Option<PaymentId>, limit: u64) -> Result<Vec<Payment>> {
    let mut rows = platform.find::<payment::Entity>();
    if let Some(before) = before {
        rows = rows.filter(payment::Column::Id.lt(before));
    }
    platform.all(rows.order_by_desc(payment::Column::Id).limit(limit)).await
}

/// The shares of some payments of several companies.
///
/// # Errors
/// When the database cannot be reached.
pub async fn shares_of_all(platform: &Platform, payments: &[Payment]) -> Result<BTreeMap<PaymentId, Vec<Allocation>>> {
    let companies = payments.iter().map(|one| one.company_id);
    let rows = platform.find::<allocation::Entity>().filter(allocation::Column::CompanyId.is_in(companies));
    let rows = rows.filter(allocation::Column::PaymentId.is_in(payments.iter().map(|one| one.id)));
    Ok(by_payment(platform.all(rows.order_by_asc(allocation::Column::Id)).await?))
}

/// The shares of some payments that the caller's shops have.
///
/// # Errors
/// When the database cannot be reached.
pub async fn shares(scope: &Scope, payments: &[Payment]) -> Result<BTreeMap<PaymentId, Vec<Allocation>>> {
    let rows = scope.find::<allocation::Entity>().filter(allocation::Column::PaymentId.is_in(payments.iter().map(|one| one.id)));
    Ok(by_payment(scope.all(rows.order_by_asc(allocation::Column::Id)).await?))
}

fn by_payment(rows: Vec<Allocation>) -> BTreeMap<PaymentId, Vec<Allocation>> {
    let mut shares: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        shares.entry(row.payment_id).or_default().push(row);
    }
    shares
}

/// Whose payment it is.
///
/// # Errors
/// 404 when there is none.
pub async fn company_of(platform: &Platform, id: PaymentId) -> Result<CompanyId> {
    let payment = platform.one(platform.find::<payment::Entity>().filter(payment::Column::Id.eq(id))).await?;
    payment.map(|payment| payment.company_id).ok_or(Error::NOT_FOUND)
}

/// The shares of a payment that the caller's shops have.
pub async fn allocations(scope: &Scope, payment: PaymentId) -> Result<Vec<Allocation>> {
    scope.all(scope.find::<allocation::Entity>().filter(allocation::Column::PaymentId.eq(payment))).await
}

/// What is still open of some orders' shares: what is asked for, less what went back.
///
/// # Errors
/// When the database cannot be reached.
pub async fn open_shares(scope: &Scope, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Money>> {
    if orders.is_empty() {
        return Ok(BTreeMap::new());
    }
    let shares = scope.find::<allocation::Entity>().filter(allocation::Column::OrderId.is_in(orders.iter().copied()));
    scope.all(shares).await?.into_iter().map(|share| Ok((share.order_id, share.amount.minus(share.refunded)?))).collect()
}

/// The question about each row of `orders` what is left of its share: neither given back nor no longer
/// asked for.
#[must_use]
pub fn kept_of_order(scope: &Scope) -> SelectStatement {
    let of = |column| Expr::col((allocation::Entity, column));
    let theirs = of(allocation::Column::OrderId).equals((Alias::new("orders"), Alias::new("id")));
    let shares = scope.find::<allocation::Entity>().select_only();
    shares.expr(of(allocation::Column::Amount).sub(of(allocation::Column::Refunded))).filter(theirs).into_query()
}

/// The refunds of a payment that the caller's shops have.
pub async fn refunds(scope: &Scope, payment: PaymentId) -> Result<Vec<Refund>> {
    scope.all(scope.find::<refund::Entity>().filter(refund::Column::PaymentId.eq(payment)).order_by_asc(refund::Column::Id)).await
}

/// First step: one attempt at a time may begin.
///
/// # Errors
/// 409 `already_paid` or `payment_in_progress`; 422 for a gateway that is not offered any more.
pub async fn begin_attempt(scope: &Scope, payment: &Payment, method: &str) -> Result<Attempt> {
    if !offered(scope.souk().settings()).contains(&payment.gateway.as_str()) {
        return Err(Error::invalid("gateway", "not_offered", "nothing can be paid at this order's gateway here: order anew"));
    }
    let now = clock::now();
    let start = scope
        .update::<payment::Entity>()
        .col_expr(payment::Column::Status, Expr::value("processing"))
        .col_expr(payment::Column::DeclineCode, Expr::value(None::<String>))
        .col_expr(payment::Column::UpdatedAt, Expr::value(now))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .filter(payment::Column::Id.eq(payment.id))
        .filter(payment::Column::Status.is_in(["pending", "failed"]));
    if scope.run(start).await? == 0 {
        let now = get(scope, payment.id).await?;
        return Err(if now.status == "processing" {
            Error::conflict("payment_in_progress", "a payment of this order is under way", json!({}))
        } else {
            Error::conflict("already_paid", "this order is paid already", json!({ "paymentStatus": now.status }))
        });
    }
    let attempt = Attempt {
        company_id: scope.company(),
        id: AttemptId::new(),
        payment_id: payment.id,
        state: attempt_state::CALLING.into(),
        method: method.into(),
        decline_code: None,
        redirect_url: None,
        amount: payment.amount,
        created_at: now,
        updated_at: now,
    };
    scope.insert(attempt.clone()).await?;
    let data = json!({ "amount": payment.amount, "gateway": payment.gateway });
    scope.emit(Event::new("payment.processing", ("payment", payment.id.0), None, data)).await?;
    Ok(attempt)
}

/// Moves an undecided attempt; false when another has decided it.
pub async fn decide_attempt(scope: &Scope, attempt: AttemptId, to: &str, decline: Option<&str>, redirect: Option<&str>) -> Result<bool> {
    let update = scope
        .update::<attempt::Entity>()
        .col_expr(attempt::Column::State, Expr::value(to))
        .col_expr(attempt::Column::DeclineCode, Expr::value(decline.map(str::to_owned)))
        .col_expr(attempt::Column::RedirectUrl, Expr::value(redirect.map(str::to_owned)))
        .col_expr(attempt::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(attempt::Column::Id.eq(attempt))
        .filter(attempt::Column::State.is_in(attempt_state::OPEN));
    Ok(scope.run(update).await? == 1)
}

/// The undecided attempt of a payment, if there is one.
pub async fn open_attempt(scope: &Scope, payment: PaymentId) -> Result<Option<Attempt>> {
    let open = scope.find::<attempt::Entity>().filter(attempt::Column::PaymentId.eq(payment));
    scope.one(open.filter(attempt::Column::State.is_in(attempt_state::OPEN))).await
}

/// The latest attempt at a payment since `since`, however it stands.
pub async fn last_attempt(scope: &Scope, payment: PaymentId, since: clock::Instant) -> Result<Option<Attempt>> {
    let tried =
        scope.find::<attempt::Entity>().filter(attempt::Column::PaymentId.eq(payment)).filter(attempt::Column::CreatedAt.gte(since));
    scope.one(tried.order_by_desc(attempt::Column::Id).limit(1)).await
}

/// Attempts to ask the gateway about, those not asked for longest first.
pub async fn stale_attempts(scope: &Scope) -> Result<Vec<Attempt>> {
    let stale = scope.find::<attempt::Entity>().filter(stale());
    scope.all(stale.order_by_asc(attempt::Column::UpdatedAt).limit(100)).await
}

/// The companies that have such attempts.
pub async fn companies_with_stale_attempts(platform: &Platform) -> Result<Vec<CompanyId>> {
    platform.companies(platform.find::<attempt::Entity>().filter(stale())).await
}

/// A request may still be at the gateway with a young one, and whoever confirms at its page takes a while.
fn stale() -> Condition {
    let now = clock::now();
    let since = |states: &[&str], seconds| {
        let old = attempt::Column::UpdatedAt.lte(now.minus(Duration::from_secs(seconds)));
        Condition::all().add(attempt::Column::State.is_in(states.iter().copied())).add(old)
    };
    Condition::any().add(since(&[attempt_state::UNKNOWN], 1)).add(since(&[attempt_state::CALLING, attempt_state::ACTION], 30))
}

/// Puts an undecided attempt behind the others that wait to be asked about.
pub async fn look_again_later(scope: &Scope, attempt: AttemptId) -> Result<()> {
    let update = scope
        .update::<attempt::Entity>()
        .col_expr(attempt::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(attempt::Column::Id.eq(attempt))
        .filter(attempt::Column::State.is_in(attempt_state::OPEN));
    scope.run(update).await.map(|_| ())
}

/// So much of the money is there. Cash comes in order by order: the payment is complete with the last.
pub async fn capture(scope: &Scope, payment: PaymentId, amount: Money) -> Result<bool> {
    let update = scope
        .update::<payment::Entity>()
        .col_expr(
            payment::Column::Status,
            complete_when(Expr::col(payment::Column::Captured).add(amount), Expr::col(payment::Column::Amount)),
        )
        .col_expr(payment::Column::Captured, Expr::col(payment::Column::Captured).add(amount))
        .col_expr(payment::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .filter(payment::Column::Id.eq(payment))
        .filter(payment::Column::Status.is_in(["pending", "processing", "completed"]));
    Ok(scope.run(update).await? == 1)
}

/// The gateway said no; the payment may be tried again.
pub async fn fail(scope: &Scope, payment: PaymentId, decline_code: &str) -> Result<()> {
    let update = scope
        .update::<payment::Entity>()
        .col_expr(payment::Column::Status, Expr::value("failed"))
        .col_expr(payment::Column::DeclineCode, Expr::value(decline_code))
        .col_expr(payment::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .filter(payment::Column::Id.eq(payment))
        .filter(payment::Column::Status.eq("processing"));
    let Some(failed) = scope.run_returning(update).await?.pop() else { return Ok(()) };
    let data = json!({ "amount": failed.amount, "gateway": failed.gateway, "reason": decline_code });
    scope.emit(Event::new("payment.failed", ("payment", payment.0), None, data)).await
}

/// `completed` once all that was asked for is captured; else as it stands.
fn complete_when(captured: Expr, asked: Expr) -> Expr {
    Expr::case(captured.gte(asked), "completed").finally(Expr::col(payment::Column::Status)).into()
}

/// Less will be asked for: part of an order was cancelled before it was paid.
///
/// # Errors
/// 409 when the payment has moved on meanwhile.
pub async fn lessen(scope: &Scope, payment: PaymentId, order: OrderId, by: Money) -> Result<()> {
    // Of several orders on delivery the others may have brought their cash already.
    let left = || Expr::col(payment::Column::Amount).sub(by);
    let paid_up = Expr::case(
        Condition::all().add(Expr::col(payment::Column::Captured).gt(Money::ZERO)).add(Expr::col(payment::Column::Captured).gte(left())),
        "completed",
    )
    .finally(Expr::col(payment::Column::Status))
    .into();
    let less = scope
        .update::<payment::Entity>()
        .col_expr(payment::Column::Status, paid_up)
        .col_expr(payment::Column::Amount, Expr::col(payment::Column::Amount).sub(by))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .filter(payment::Column::Id.eq(payment))
        .filter(payment::Column::Status.is_in(["pending", "failed"]))
        .filter(left().gte(Expr::col(payment::Column::Captured)));
    let share = scope
        .update::<allocation::Entity>()
        .col_expr(allocation::Column::Amount, Expr::col(allocation::Column::Amount).sub(by))
        .filter(allocation::Column::OrderId.eq(order))
        .filter(allocation::Column::Amount.gte(by));
    if scope.run(less).await? == 1 && scope.run(share).await? == 1 {
        return Ok(());
    }
    Err(Error::conflict("payment_in_progress", "a payment of this order is under way", json!({})))
}

/// Asks for money to go back: bounded by the order's share and by what was captured, and sent by
/// a job that commits with it.
///
/// # Errors
/// 409 `refund_too_large`.
pub async fn request_refund(
    scope: &Scope,
    payment: PaymentId,
    order: OrderId,
    shop: ShopId,
    amount: Money,
    reason: &str,
) -> Result<Refund> {
    let whole = scope
        .update::<payment::Entity>()
        .col_expr(payment::Column::Refunded, Expr::col(payment::Column::Refunded).add(amount))
        .col_expr(
            payment::Column::Status,
            Expr::case(Expr::col(payment::Column::Refunded).add(amount).eq(Expr::col(payment::Column::Captured)), "refunded")
                .finally("partially_refunded")
                .into(),
        )
        .col_expr(payment::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .filter(payment::Column::Id.eq(payment))
        .filter(Expr::col(payment::Column::Refunded).add(amount).lte(Expr::col(payment::Column::Captured)));
    let share = scope
        .update::<allocation::Entity>()
        .col_expr(allocation::Column::Refunded, Expr::col(allocation::Column::Refunded).add(amount))
        .filter(allocation::Column::OrderId.eq(order))
        .filter(Expr::col(allocation::Column::Refunded).add(amount).lte(Expr::col(allocation::Column::Amount)));
    let (1, 1) = (scope.run(whole).await?, scope.run(share).await?) else {
        return Err(Error::conflict("refund_too_large", "that is more than is left of this order's payment", json!({})));
    };
    let now = clock::now();
    let refund = Refund {
        company_id: scope.company(),
        id: RefundId::new(),
        payment_id: payment,
        order_id: order,
        shop_id: shop,
        state: "requested".into(),
        reason: reason.into(),
        amount,
        created_at: now,
        updated_at: now,
    };
    scope.insert(refund.clone()).await?;
    jobs::enqueue(scope, jobs::Kind::Refund, &refund.id.to_string(), json!({ "refundId": refund.id })).await?;
    Ok(refund)
}

/// # Errors
/// 404 when it is not there.
pub async fn refund(scope: &Scope, id: RefundId) -> Result<Refund> {
    scope.get(scope.find::<refund::Entity>().filter(refund::Column::Id.eq(id))).await
}

/// The captured attempt whose charge a refund goes back to.
///
/// # Errors
/// 404 when nothing was captured.
pub async fn captured_attempt(scope: &Scope, payment: PaymentId) -> Result<Attempt> {
    let captured = scope.find::<attempt::Entity>().filter(attempt::Column::PaymentId.eq(payment));
    scope.get(captured.filter(attempt::Column::State.eq(attempt_state::CAPTURED))).await
}

/// The gateway has given the money back, which is told once.
///
/// # Errors
/// When the database cannot be reached.
pub async fn complete_refund(scope: &Scope, id: RefundId, gateway: &str) -> Result<()> {
    let update = scope
        .update::<refund::Entity>()
        .col_expr(refund::Column::State, Expr::value("completed"))
        .col_expr(refund::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(refund::Column::Id.eq(id))
        .filter(refund::Column::State.eq("requested"));
    let Some(refund) = scope.run_returning(update).await?.pop() else { return Ok(()) };
    // Why is in the refund: people say it in their own words, which have no place in an event.
    let data = json!({ "amount": refund.amount, "gateway": gateway, "refundId": id, "orderId": refund.order_id });
    scope.emit(Event::new("payment.refunded", ("payment", refund.payment_id.0), Some(refund.shop_id), data)).await
}

/// Every share of a payment, whoever asks: acts on the payment concern them all.
pub async fn allocations_of_orders(scope: &Scope, payment: PaymentId) -> Result<Vec<Allocation>> {
    scope.all(scope.find_company_wide::<allocation::Entity>().filter(allocation::Column::PaymentId.eq(payment))).await
}

/// Forgets why a customer got money back, which people said in their own words; amounts stay.
///
/// # Errors
/// When the database cannot be reached.
pub async fn forget_customer(scope: &Scope, id: CustomerId) -> Result<()> {
    let theirs = scope.find::<payment::Entity>().filter(payment::Column::CustomerId.eq(id)).select_only().column(payment::Column::Id);
    let reasons = scope.update::<refund::Entity>().col_expr(refund::Column::Reason, Expr::value(""));
    scope.run(reasons.filter(refund::Column::PaymentId.in_subquery(theirs.into_query()))).await.map(|_| ())
}
