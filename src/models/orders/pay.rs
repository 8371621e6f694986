//! Paying a checkout now: record the attempt, call the gateway, record the answer. No unit of
//! work is open while the gateway is called.

use std::time::Duration;

use super::{begin_payment, finalise};
use crate::{
    clock::{self, Instant},
    errors::Result,
    failpoint::{self, Moment},
    gateways::payments::{Charge, Outcome, named},
    ids::CheckoutId,
    models::payments::{self, Attempt, Payment, attempt_state},
    tenancy::{Souk, Tenant},
};

/// Tries to pay; what the gateway said, or `Unknown` when its answer was lost.
///
/// # Errors
/// As [`begin_payment`].
pub async fn pay(souk: &Souk, tenant: &Tenant, id: CheckoutId, method: &str) -> Result<Outcome> {
    failpoint::reach(Moment::CheckoutKept);
    let scope = souk.write(tenant.clone()).await?;
    // Cash has nobody to ask, which is said before anything is begun.
    named(souk, &payments::of_checkout(&scope, id).await?.gateway)?;
    let (payment, attempt) = begin_payment(&scope, id, method).await?;
    scope.commit().await?;
    charge(souk, tenant, &payment, &attempt).await
}

/// Calls the gateway for an attempt that is recorded, and writes its answer down.
///
/// # Errors
/// When the database cannot be reached; what the gateway did is then found out later.
pub async fn charge(souk: &Souk, tenant: &Tenant, payment: &Payment, attempt: &Attempt) -> Result<Outcome> {
    failpoint::reach(Moment::AttemptKept);
    let gateway = named(souk, &payment.gateway)?;
    let (company, method) = (tenant.company, attempt.method.clone());
    let charge = Charge { company, payment: payment.id, attempt: attempt.id, amount: attempt.amount, method };
    let outcome = gateway.charge(&charge).await.unwrap_or_else(|error| {
        tracing::warn!(%error, payment.id = %payment.id, "the gateway's answer was lost");
        Outcome::Unknown
    });
    failpoint::reach(Moment::MoneyTaken);
    let scope = souk.write(tenant.clone()).await?;
    finalise(&scope, attempt, &outcome).await?;
    scope.commit().await?;
    failpoint::reach(Moment::SaleKept);
    Ok(outcome)
}

/// Goes on with a payment whose request, begun at `since`, went silent: what it tried is found
/// out, and only if it tried nothing is the payment tried now.
///
/// # Errors
/// As [`pay`].
pub async fn resume(souk: &Souk, tenant: &Tenant, id: CheckoutId, method: &str, since: Instant) -> Result<Outcome> {
    let scope = souk.read(tenant.clone()).await?;
    let payment = payments::of_checkout(&scope, id).await?;
    let tried = payments::last_attempt(&scope, payment.id, since).await?;
    drop(scope);
    match tried {
        Some(attempt) => settle(souk, tenant, &attempt).await,
        None => pay(souk, tenant, id, method).await,
    }
}

/// Finds out from the gateway what became of an attempt that nobody has decided, and writes it
/// down. A gateway that never heard of it is asked now, under the same key; one that has waited too
/// long for the customer is told to end it.
///
/// # Errors
/// When the gateway cannot be reached: nothing is decided then.
pub async fn settle(souk: &Souk, tenant: &Tenant, attempt: &Attempt) -> Result<Outcome> {
    if let Some(outcome) = decided(attempt) {
        return Ok(outcome);
    }
    let scope = souk.read(tenant.clone()).await?;
    let payment = payments::get(&scope, attempt.payment_id).await?;
    drop(scope);
    let gateway = named(souk, &payment.gateway)?;
    let is_late = attempt.created_at <= clock::now().minus(Duration::from_secs(souk.settings().paying_seconds));
    let outcome = match gateway.look_up(attempt.id).await? {
        // Before the goods are let go the gateway must be unable to take the money; if the customer was faster, it says so.
        Some(Outcome::Action { .. }) if is_late => gateway.cancel(attempt.id).await?,
        Some(outcome) => outcome,
        None => {
            let (company, method) = (tenant.company, attempt.method.clone());
            gateway.charge(&Charge { company, payment: payment.id, attempt: attempt.id, amount: attempt.amount, method }).await?
        }
    };
    let scope = souk.write(tenant.clone()).await?;
    finalise(&scope, attempt, &outcome).await?;
    scope.commit().await?;
    Ok(outcome)
}

/// What was written down of an attempt, when it is decided.
fn decided(attempt: &Attempt) -> Option<Outcome> {
    match attempt.state.as_str() {
        attempt_state::CAPTURED => Some(Outcome::Captured),
        attempt_state::DECLINED => Some(Outcome::Declined { code: attempt.decline_code.clone().unwrap_or_default() }),
        _ => None,
    }
}

/// Finishes a payment that waited for the customer at the gateway: asks it, and writes down its answer.
///
/// # Errors
/// 404 when there is nothing to finish.
pub async fn verify(souk: &Souk, tenant: &Tenant, payment: payments::Payment) -> Result<()> {
    let scope = souk.read(tenant.clone()).await?;
    let attempt = payments::open_attempt(&scope, payment.id).await?;
    drop(scope);
    let Some(attempt) = attempt else { return Ok(()) };
    let gateway = named(souk, &payment.gateway)?;
    gateway.confirm(attempt.id).await?;
    if let Some(outcome) = gateway.look_up(attempt.id).await? {
        let scope = souk.write(tenant.clone()).await?;
        finalise(&scope, &attempt, &outcome).await?;
        scope.commit().await?;
    }
    Ok(())
}
