//! `souk task jobs` and `souk task replay id:…`: the work behind the shop, from the command line.

use crate::{
    errors::{Error, Result},
    ids::JobId,
    models::{
        jobs::{self, Narrowed},
        outbox,
    },
    tenancy::{Souk, Tenant},
};

/// Prints every queue's figures, the listeners, and the newest jobs in trouble.
///
/// # Errors
/// When the database is away.
pub async fn show(souk: &Souk) -> Result<()> {
    let platform = souk.platform("operations").await?;
    println!("{:14} {:>7} {:>7} {:>7} {:>7} {:>7} {:>9}", "queue", "ready", "waiting", "running", "failed", "dead", "oldest s");
    for of in jobs::figures(&platform).await? {
        println!(
            "{:14} {:>7} {:>7} {:>7} {:>7} {:>7} {:>9}",
            of.queue, of.ready, of.waiting, of.running, of.failed, of.dead, of.oldest_seconds
        );
    }
    for lag in outbox::lags(&platform).await? {
        println!("listener {}: {} events behind, the oldest for {} s", lag.listener, lag.events, lag.oldest_seconds);
    }
    for job in jobs::troubles(&platform, &Narrowed::default(), None, 20).await? {
        let state = if job.is_dead() { "dead" } else { "failed" };
        println!("{state} id:{} {} after {} tries: {}", job.id, job.source(), job.attempts, job.last_error);
    }
    Ok(())
}

/// Tries one job in trouble again.
///
/// # Errors
/// When no such job is in trouble.
pub async fn replay(souk: &Souk, id: &str) -> Result<()> {
    let id: JobId = id.parse().map_err(|_| Error::invalid("id", "invalid", "name a job's id"))?;
    let platform = souk.platform("operations").await?;
    let company = jobs::company_of(&platform, id).await?;
    drop(platform);
    let person = Tenant { name: "souk task replay".into(), ..Tenant::system(company) };
    let scope = souk.write(person).await?;
    jobs::replay(&scope, id).await?;
    scope.commit().await
}
