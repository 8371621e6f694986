//! The work behind the shop: every job, every listener and every schedule on one screen. Workers
//! are doors: the acts are the domains'.
#![expect(clippy::disallowed_methods, reason = "the workers' home is where tasks begin")]

mod again;
mod books;
mod broker;
mod catalog;
mod chain;
mod clockwork;
mod log;
mod notices;
mod payments;
mod queue;
mod sidekiq;
mod wake;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use loco_rs::bgworker;
use tokio::{sync::watch, task::JoinSet};

pub use self::wake::Wake;
use crate::{
    clock,
    errors::{Error, Result},
    figures,
    ids::CompanyId,
    models::{
        audit, companies, debts, health, identity, inventory,
        jobs::{self, Job, Kind},
        ledger, notifications, orders, outbox,
        outbox::Logged,
    },
    tenancy::{Platform, Scope, Souk},
};

/// Does a job and ends it in the unit of its effect.
async fn perform(souk: &Souk, job: &Job) -> Result<()> {
    match Kind::named(&job.kind) {
        Some(Kind::Refund) => payments::refund(souk, job).await,
        Some(Kind::Deliver) => notices::deliver(souk, job).await,
        Some(Kind::Redeliver) => log::redeliver(souk, job).await,
        Some(Kind::Reword) => catalog::reword(souk, job).await,
        Some(Kind::CheckChain) => chain::look(souk, job).await,
        Some(Kind::Renditions) => catalog::renditions(souk, job).await,
        Some(Kind::CloseMonth) => books::close(souk, job).await,
        Some(Kind::ReplayAll) => again::replay_all(souk, job).await,
        None => Err(Error::internal(format!("there is no job `{}`", job.kind))),
    }
}

/// Whether a listener hears a kind of event.
type Hears = fn(&str) -> bool;

/// The listeners on the log, and which events they hear. The name is stored: it never changes.
const LISTENERS: &[(&str, Hears)] = &[("notices", notifications::hears)];

/// Tells a listener of an event, in a unit that the caller keeps. It may be told twice.
async fn tell(listener: &str, scope: &Scope, event: &Logged) -> Result<()> {
    match listener {
        "notices" => notifications::tell(scope, event).await,
        other => Err(Error::internal(format!("nobody listens as `{other}`"))),
    }
}

/// At least so often somebody looks at each company's chain of the audit.
const CHAIN_LOOKED_AT: Duration = Duration::from_secs(24 * 3_600);

/// The recurring tasks: name, seconds between ticks.
const SCHEDULES: &[(&str, u64)] = &[
    ("payments.resolve", 2),
    ("jobs.free_lost", 5),
    ("orders.release_due", 5),
    ("audit.seal", 5),
    ("identity.end_acting", 5),
    ("orders.cancel_unpaid", 60),
    ("debts.day", 60),
    ("audit.checkpoint", 300),
    ("audit.check", 3_600),
    ("work.forget", 3_600),
    ("catalog.sweep_files", 3_600),
    ("orders.popularity", 3_600),
    ("ledger.close", 3_600),
];

/// The companies for which a recurring task has something to do now, asked once for all of them.
async fn due(platform: &Platform, name: &str) -> Result<Vec<CompanyId>> {
    match name {
        "payments.resolve" => crate::models::payments::companies_with_stale_attempts(platform).await,
        "jobs.free_lost" => jobs::companies_with_lost(platform).await,
        "orders.release_due" => inventory::companies_with_due_holds(platform).await,
        "orders.cancel_unpaid" => orders::companies_with_unpaid(platform).await,
        "debts.day" => debts::companies_with_work(platform).await,
        "audit.seal" => audit::companies_with_unsealed(platform).await,
        "identity.end_acting" => identity::companies_acted_in(platform).await,
        "audit.checkpoint" => audit::companies_without_checkpoint(platform).await,
        "audit.check" => audit::companies_unchecked_since(platform, clock::now().minus(CHAIN_LOOKED_AT)).await,
        "work.forget" => companies::all_ids(platform).await,
        "orders.popularity" => orders::companies_that_sell(platform).await,
        "ledger.close" => ledger::companies_to_close(platform).await,
        "catalog.sweep_files" => crate::models::catalog::companies_with_lonely_files(platform).await,
        other => Err(Error::internal(format!("there is no schedule `{other}`"))),
    }
}

/// One recurring task for one company.
async fn run_for(souk: &Souk, name: &str, company: CompanyId) -> Result<()> {
    match name {
        "payments.resolve" => payments::resolve(souk, company).await,
        "jobs.free_lost" => jobs::free_lost(souk, company).await,
        "orders.release_due" => orders::release_due(souk, company).await.map(|_| ()),
        "orders.cancel_unpaid" => orders::cancel_unpaid(souk, company).await,
        "debts.day" => debts::day(souk, company).await,
        "audit.seal" => audit::seal_all(souk, company).await,
        "identity.end_acting" => identity::end_acting_in(souk, company).await,
        "audit.checkpoint" => audit::checkpoint(souk, company).await,
        "audit.check" => audit::check(souk, company).await.map(|_| ()),
        "work.forget" => log::forget(souk, company).await,
        "catalog.sweep_files" => catalog::sweep_files(souk, company).await,
        "orders.popularity" => orders::count_popularity(souk, company).await,
        "ledger.close" => ledger::ask_to_close(souk, company).await,
        other => Err(Error::internal(format!("there is no schedule `{other}`"))),
    }
}

/// How long what is at work may go on when the process is told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// What runs by itself in this process.
pub struct Engine {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    queue: Option<Arc<bgworker::Queue>>,
}

impl Engine {
    /// Starts what this process does beside serving: with `works` the log, the queues and the
    /// schedules; with a queue the wake-ups that travel through it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn start(souk: Souk, queue: Option<Arc<bgworker::Queue>>, works: bool) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(sum_up_figures(stopped.clone()));
        tasks.spawn(write_aside(souk.clone(), stopped.clone()));
        tasks.spawn(say_that_it_is_there(souk.clone(), works, stopped.clone()));
        if works {
            log::introduce(&souk).await?;
            tasks.spawn(log::number(souk.clone(), stopped.clone()));
            for (listener, _) in LISTENERS {
                tasks.spawn(log::listen(souk.clone(), listener, stopped.clone()));
            }
            for queue in jobs::QUEUES {
                tasks.spawn(queue::work(souk.clone(), queue, stopped.clone()));
            }
            tasks.spawn(broker::carry(souk.clone(), stopped.clone()));
            tasks.spawn(clockwork::run(souk.clone(), stopped.clone()));
        }
        if let Some(queue) = &queue {
            tasks.spawn(wake::carry(souk, Arc::clone(queue), stopped));
            if works {
                tasks.spawn(wake::hear(Arc::clone(queue)));
            }
        }
        Ok(Self { stop, tasks, queue })
    }

    /// Lets what is at work end, and nothing else begin; what takes too long is left to its lease.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(queue) = &self.queue {
            let _ = queue.shutdown();
        }
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("some work did not end in time; another worker goes on with it");
        }
    }
}

/// What is measured and not asked for is summed up now and then.
async fn sum_up_figures(mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = told(&mut stopped) => return,
            () = tokio::time::sleep(Duration::from_secs(10)) => figures::sum_up(),
        }
    }
}

/// Writes what reads told, every two seconds and at the end.
async fn write_aside(souk: Souk, mut stopped: watch::Receiver<bool>) {
    loop {
        let is_over = tokio::select! {
            () = told(&mut stopped) => true,
            () = tokio::time::sleep(Duration::from_secs(2)) => false,
        };
        souk.write_aside().await;
        if is_over {
            return;
        }
    }
}

/// Writes down now and then that this process is there, and at its end that it is not.
async fn say_that_it_is_there(souk: Souk, works: bool, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = health::beat(&souk, works).await {
            tracing::warn!(%error, "this process could not say that it is there");
        }
        tokio::select! {
            () = told(&mut stopped) => break,
            () = tokio::time::sleep(health::BEAT) => {}
        }
    }
    if let Err(error) = health::leave(&souk).await {
        tracing::warn!(%error, "this process could not say that it ends");
    }
}

/// Waits until the process is told to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that the engine is gone, which is the same.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// The queue through which wake-ups travel between processes, when Redis is configured.
///
/// # Errors
/// When `REDIS_URL` cannot be understood.
pub fn queue_of(souk: &Souk) -> Result<Option<Arc<bgworker::Queue>>> {
    let Some(url) = &souk.settings().redis_url else { return Ok(None) };
    let provider = sidekiq::Sidekiq::new(url)?;
    Ok(Some(Arc::new(bgworker::Queue::from_provider(Arc::new(provider)))))
}

/// One turn of everything, in this task: positions, listeners, jobs, schedules. For tests and
/// tools; the engine does the same in lanes that do not wait for each other.
///
/// # Errors
/// When the database is away; the next turn tries again.
pub async fn turn(souk: &Souk) -> Result<()> {
    log::introduce(souk).await?;
    souk.write_aside().await;
    loop {
        while outbox::relay(souk).await? {}
        let mut was_something = false;
        for (listener, _) in LISTENERS {
            was_something |= log::hear(souk, listener).await?;
        }
        was_something |= broker::turn(souk).await;
        for queue in jobs::QUEUES {
            was_something |= queue::turn(souk, queue).await?;
        }
        if !was_something {
            break;
        }
    }
    for (name, seconds) in SCHEDULES {
        clockwork::tick(souk, name, Duration::from_secs(*seconds)).await?;
    }
    Ok(())
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
