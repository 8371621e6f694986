//! Doors to payments: giving money back, and finding out what became of an attempt.

use serde::Deserialize;

use crate::{
    errors::{Error, Result},
    failpoint::{self, Moment},
    gateways::payments::named,
    ids::{CompanyId, RefundId},
    models::{
        jobs::{self, Job},
        orders, payments,
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
    failpoint::reach(Moment::MoneyReturned);
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    payments::complete_refund(&scope, refund.id, &payment.gateway).await?;
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}

/// Asks the gateway about attempts that nobody has decided: a lost answer, a killed process, a
/// customer who never came back. One that cannot be settled now does not hold up the others.
pub(super) async fn resolve(souk: &Souk, company: CompanyId) -> Result<()> {
    let system = Tenant::system(company);
    let scope = souk.read(system.clone()).await?;
    let stale = payments::stale_attempts(&scope).await?;
    drop(scope);
    for attempt in stale {
        if let Err(error) = orders::settle(souk, &system, &attempt).await {
            tracing::warn!(%error, attempt.id = %attempt.id, "an attempt could not be settled and waits for its next turn");
            let scope = souk.write(system.clone()).await?;
            payments::look_again_later(&scope, attempt.id).await?;
            scope.commit().await?;
        }
    }
    Ok(())
}
