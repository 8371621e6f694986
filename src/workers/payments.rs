//! Doors to payments: giving money back, and finding out what became of an attempt.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    clock,
    errors::{Error, Result},
    gateways::payments::{Charge, Outcome, named},
    ids::{CompanyId, RefundId},
    models::{
        jobs::{self, Job},
        orders,
        payments::{self, attempt_state},
    },
    tenancy::{Souk, Tenant},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundArgs {
    refund_id: RefundId,
}

/// Gives money back through the gateway; the refund's id is the gateway's key, so twice is once.
pub(super) async fn refund(souk: &Souk, job: &Job) -> Result<()> {
    let args: RefundArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let scope = souk.read(Tenant::system(job.company_id)).await?;
    let refund = payments::refund(&scope, args.refund_id).await?;
    let payment = payments::get(&scope, refund.payment_id).await?;
    let attempt = if payment.gateway == "cod" { None } else { Some(payments::captured_attempt(&scope, payment.id).await?) };
    drop(scope);
    if let Some(attempt) = attempt {
        named(souk, &payment.gateway)?.refund(job.company_id, attempt.id, refund.id, refund.amount).await?;
    }
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    payments::complete_refund(&scope, refund.id).await?;
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}

/// Asks the gateway about attempts that nobody has decided: a lost answer, a killed process, a
/// customer who never came back.
pub(super) async fn resolve(souk: &Souk, company: CompanyId) -> Result<()> {
    let now = clock::now();
    let scope = souk.read(Tenant::system(company)).await?;
    let stale = payments::stale_attempts(&scope, now.minus(Duration::from_secs(1))).await?;
    drop(scope);
    for attempt in stale {
        // A request may still be at the gateway with this one.
        if attempt.state == attempt_state::CALLING && attempt.updated_at > now.minus(Duration::from_secs(30)) {
            continue;
        }
        let scope = souk.read(Tenant::system(company)).await?;
        let payment = payments::get(&scope, attempt.payment_id).await?;
        drop(scope);
        let gateway = named(souk, &payment.gateway)?;
        let late = attempt.created_at <= now.minus(Duration::from_secs(souk.settings().paying_seconds));
        let outcome = match gateway.look_up(attempt.id).await? {
            Some(Outcome::Action { .. }) if !late => continue,
            Some(Outcome::Action { .. }) => Outcome::Declined { code: "expired".into() },
            Some(outcome) => outcome,
            // The gateway never heard of it: the call can be made now, under the same key.
            None => {
                let charge =
                    Charge { company, payment: payment.id, attempt: attempt.id, amount: attempt.amount, method: attempt.method.clone() };
                gateway.charge(&charge).await?
            }
        };
        let scope = souk.write(Tenant::system(company)).await?;
        orders::finalise(&scope, &attempt, &outcome).await?;
        scope.commit().await?;
    }
    Ok(())
}
