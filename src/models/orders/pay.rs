//! Paying a checkout now: record the attempt, call the gateway, record the answer. No unit of
//! work is open while the gateway is called.

use super::{begin_payment, finalise};
use crate::{
    errors::Result,
    gateways::payments::{Charge, Outcome, named},
    ids::CheckoutId,
    models::payments,
    tenancy::{Souk, Tenant},
};

/// Tries to pay; what the gateway said, or `Unknown` when its answer was lost.
///
/// # Errors
/// As [`begin_payment`].
pub async fn pay(souk: &Souk, tenant: &Tenant, id: CheckoutId, method: &str) -> Result<Outcome> {
    let scope = souk.write(tenant.clone()).await?;
    let payment = payments::of_checkout(&scope, id).await?;
    let gateway = named(souk, &payment.gateway)?;
    let attempt = begin_payment(&scope, id, method).await?;
    scope.commit().await?;
    let charge =
        Charge { company: tenant.company, payment: payment.id, attempt: attempt.id, amount: attempt.amount, method: method.to_owned() };
    let outcome = gateway.charge(&charge).await.unwrap_or_else(|error| {
        tracing::warn!(%error, payment.id = %payment.id, "the gateway's answer was lost");
        Outcome::Unknown
    });
    let scope = souk.write(tenant.clone()).await?;
    finalise(&scope, &attempt, &outcome).await?;
    scope.commit().await?;
    Ok(outcome)
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
