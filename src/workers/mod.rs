//! The work behind the shop: every job and every schedule on one screen. Workers are doors: the
//! acts are the domains'.

mod notices;
mod payments;

use std::{future::Future, pin::Pin, time::Duration};

use tokio::sync::watch;

use crate::{
    errors::{Error, Result},
    ids::CompanyId,
    models::{
        audit, companies,
        jobs::{self, Job, Kind},
        orders, outbox,
    },
    tenancy::{Souk, Tenant},
};

/// Does a job and ends it in the unit of its effect.
async fn perform(souk: &Souk, job: &Job) -> Result<()> {
    match Kind::named(&job.kind) {
        Some(Kind::Refund) => payments::refund(souk, job).await,
        Some(Kind::Deliver) => notices::deliver(souk, job).await,
        None => Err(Error::internal(format!("there is no job `{}`", job.kind))),
    }
}

/// The recurring tasks: name, seconds between ticks.
const SCHEDULES: &[(&str, u64)] =
    &[("payments.resolve", 2), ("orders.release_due", 5), ("audit.seal", 5), ("orders.cancel_unpaid", 60), ("audit.checkpoint", 300)];

/// One recurring task for one company.
async fn run_for(souk: &Souk, name: &str, company: CompanyId) -> Result<()> {
    match name {
        "payments.resolve" => payments::resolve(souk, company).await,
        "orders.release_due" => orders::release_due(souk, company).await.map(|_| ()),
        "orders.cancel_unpaid" => orders::cancel_unpaid(souk, company).await,
        "audit.seal" => audit::seal(souk, company).await.map(|_| ()),
        "audit.checkpoint" => audit::checkpoint(souk, company).await,
        other => Err(Error::internal(format!("there is no schedule `{other}`"))),
    }
}

/// The running engine; dropping the sender stops it after what it is doing.
pub struct Engine {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Engine {
    /// Starts the engine in this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the workers' home is where tasks begin")]
    pub fn start(souk: Souk) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let poll = Duration::from_millis(souk.settings().poll_milliseconds);
            loop {
                if let Err(error) = turn(&souk).await {
                    tracing::warn!(%error, "the work stopped for a moment");
                }
                tokio::select! {
                    _ = stopped.changed() => return,
                    () = souk.rung() => {}
                    () = tokio::time::sleep(poll) => {}
                }
            }
        });
        Self { stop, task }
    }

    /// Lets the turn at work end, and no other begin.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(Duration::from_secs(20), self.task).await;
    }
}

/// One turn: positions, listeners, jobs, schedules. Public so that a test can turn by hand.
///
/// # Errors
/// When the database is away; the next turn tries again.
pub async fn turn(souk: &Souk) -> Result<()> {
    outbox::relay(souk).await?;
    // By turns, so that a long log does not keep a refund waiting.
    while work(souk).await? | notices::listen(souk).await? {}
    for (name, seconds) in SCHEDULES {
        let platform = souk.platform("schedules").await?;
        let due = jobs::tick(&platform, name, Duration::from_secs(*seconds)).await?;
        platform.commit().await?;
        if due {
            for company in companies::open_ids(souk).await? {
                if let Err(error) = guarded(run_for(souk, name, company)).await {
                    tracing::warn!(%error, schedule = name, company.id = %company, "a task failed and will be tried again");
                }
            }
        }
    }
    Ok(())
}

/// Does a claim of due jobs; false when there were none.
async fn work(souk: &Souk) -> Result<bool> {
    let claimed = jobs::claim(souk, 20).await?;
    for job in &claimed {
        if let Err(error) = guarded(perform(souk, job)).await {
            tracing::warn!(%error, job.id = %job.id, job.kind, "a job failed");
            let scope = souk.write(Tenant::system(job.company_id)).await?;
            jobs::failed(&scope, job, &error.to_string()).await?;
            scope.commit().await?;
        }
    }
    Ok(!claimed.is_empty())
}

/// A panic in one task is that task's failure, not the engine's.
async fn guarded(work: impl Future<Output = Result<()>> + Send) -> Result<()> {
    let mut work: Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> = Box::pin(work);
    std::future::poll_fn(move |context| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|_| std::task::Poll::Ready(Err(Error::internal("the work panicked"))))
    })
    .await
}
