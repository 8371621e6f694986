//! Jobs: work with its own retry, as rows. Wanted in the transaction of the change that wants it;
//! the effect and "done" commit together.

mod claim;
mod dead_letter;
mod job;
mod people;
mod schedule;

use std::time::Duration;

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, UpdateMany,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use serde_json::Value;
use uuid::Uuid;

pub use self::{
    claim::{Claim, claim, companies_with_lost, free_lost, renew},
    dead_letter::Model as DeadLetter,
    job::Model as Job,
    people::{
        Again, Figures, Narrowed, ask_again, company_of, discard, figures, figures_of, get, is_wanted, replay, replay_all, schedules,
        tried_again, troubles, troubles_of,
    },
    schedule::Model as Schedule,
};
use crate::{
    bell::Lanes,
    clock::{self, Instant},
    errors::Result,
    ids::{JobId, RowId},
    tenancy::{Platform, Scope},
};

/// After so many tries a job is dead, and waits for a person.
const ATTEMPTS_MAX: i64 = 12;
/// The states of a job.
pub mod state {
    /// Waits for its time; after a failure too.
    pub const READY: &str = "ready";
    /// Somebody has it under a lease.
    pub const RUNNING: &str = "running";
    pub const DONE: &str = "done";
    /// Tried often enough; waits for a person.
    pub const DEAD: &str = "dead";
    /// Given up by a person.
    pub const DISCARDED: &str = "discarded";
}

/// A queue, and how a process works in it: queues do not wait for each other.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    pub name: &'static str,
    /// How many of its jobs a process does at a time.
    pub places: usize,
    /// After so many minutes a job is called off, and counts as failed.
    pub minutes: u64,
}

/// The queues, the most urgent first.
pub const QUEUES: [Queue; 6] = [
    Queue { name: "payments", places: 4, minutes: 5 },
    Queue { name: "debts", places: 2, minutes: 5 },
    Queue { name: "notifications", places: 3, minutes: 5 },
    Queue { name: "audit", places: 1, minutes: 5 },
    Queue { name: "default", places: 2, minutes: 5 },
    Queue { name: "bulk", places: 1, minutes: 60 },
];

/// Every kind of job there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Give money back through the gateway.
    Refund,
    /// Send one message through one channel.
    Deliver,
    /// Tell a listener of an event that it could not hear the first time.
    Redeliver,
    /// Write the words anew by which a renamed brand's products are found.
    Reword,
    /// Look at the whole chain of a company's audit.
    CheckChain,
    /// Make the smaller sizes of a picture.
    Renditions,
    /// Close the months of the books that are over.
    CloseMonth,
    /// Try everything again that somebody wanted.
    ReplayAll,
}

impl Kind {
    pub const ALL: [Self; 8] =
        [Self::Refund, Self::Deliver, Self::Redeliver, Self::Reword, Self::CheckChain, Self::Renditions, Self::CloseMonth, Self::ReplayAll];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refund => "payments.refund",
            Self::Deliver => "notifications.deliver",
            Self::Redeliver => "log.redeliver",
            Self::Reword => "catalog.reword",
            Self::CheckChain => "audit.check",
            Self::Renditions => "catalog.renditions",
            Self::CloseMonth => "ledger.close",
            Self::ReplayAll => "jobs.replay_all",
        }
    }

    const fn queue(self) -> &'static str {
        match self {
            Self::Refund => "payments",
            Self::Deliver => "notifications",
            Self::Redeliver | Self::CloseMonth => "default",
            Self::Reword | Self::Renditions | Self::ReplayAll => "bulk",
            Self::CheckChain => "audit",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Wants work done. `unique` names it within its kind: wanted twice, it is done once, also when it
/// was done already. It is remembered as long as done jobs are kept, so it names a thing that is
/// born once, such as a row's id.
pub async fn enqueue(scope: &Scope, kind: Kind, unique: &str, args: Value) -> Result<()> {
    enqueue_at(scope, kind, unique, args, clock::now()).await
}

/// As [`enqueue`], not before `run_at`.
pub async fn enqueue_at(scope: &Scope, kind: Kind, unique: &str, args: Value, run_at: Instant) -> Result<()> {
    let now = clock::now();
    let job = Job {
        company_id: scope.company(),
        id: JobId::new(),
        queue: kind.queue().into(),
        kind: kind.name().into(),
        state: state::READY.into(),
        unique_key: format!("{}:{unique}", kind.name()),
        last_error: String::new(),
        args,
        attempts: 0,
        run_at,
        created_at: now,
        updated_at: now,
        lease: None,
        lease_until: None,
    };
    if scope.insert_unless_there(job, &[job::Column::CompanyId, job::Column::UniqueKey]).await? {
        scope.wake(Lanes::named(kind.queue()));
    }
    Ok(())
}

/// Ends a job in the unit of its effect; false when the lease was lost and the unit must not be kept.
pub async fn done(scope: &Scope, job: &Job) -> Result<bool> {
    let update = scope
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value(state::DONE))
        .col_expr(job::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Lease.eq(job.lease))
        .filter(job::Column::State.eq(state::RUNNING));
    Ok(scope.run(update).await? == 1)
}

/// Whether a job that fails now is dead.
#[must_use]
pub const fn is_last_try(job: &Job) -> bool {
    job.attempts >= ATTEMPTS_MAX
}

/// Puts a failed job back with a growing pause, or among the dead.
pub async fn failed(scope: &Scope, job: &Job, error: &str) -> Result<()> {
    end_badly(scope, job, error, scope.update::<job::Entity>()).await
}

/// As [`failed`], for a job whose worker let its lease run out.
async fn lost(scope: &Scope, job: &Job) -> Result<()> {
    let unless_renewed = scope.update::<job::Entity>().filter(job::Column::LeaseUntil.eq(job.lease_until));
    end_badly(scope, job, "the worker was lost", unless_renewed).await
}

async fn end_badly(scope: &Scope, job: &Job, error: &str, update: UpdateMany<job::Entity>) -> Result<()> {
    let dead = is_last_try(job);
    let now = clock::now();
    let update = update
        .col_expr(job::Column::State, Expr::value(if dead { state::DEAD } else { state::READY }))
        .col_expr(job::Column::LastError, Expr::value(error))
        .col_expr(job::Column::RunAt, Expr::value(now.plus(pause(job.attempts))))
        .col_expr(job::Column::UpdatedAt, Expr::value(now))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Lease.eq(job.lease))
        .filter(job::Column::State.eq(state::RUNNING));
    if scope.run(update).await? == 1 && dead {
        bury(scope, job.source(), job.subject(), error).await?;
    }
    Ok(())
}

/// Gives a job back that was taken and not begun, as if it had not been.
pub async fn give_back(scope: &Scope, job: &Job) -> Result<()> {
    let update = scope
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value(state::READY))
        .col_expr(job::Column::Attempts, Expr::value(job.attempts - 1))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Lease.eq(job.lease))
        .filter(job::Column::State.eq(state::RUNNING));
    scope.run(update).await.map(|_| ())
}

/// Doubling from two seconds to an hour, with up to a quarter of jitter.
fn pause(attempts: i64) -> Duration {
    let seconds = 1_u64 << attempts.clamp(1, 12);
    let seconds = std::cmp::min(seconds, 3_600);
    Duration::from_millis(seconds * 1_000 + rand::random_range(0..=seconds * 250))
}

/// Keeps what could not be done; once for each subject, open again when it failed again.
pub async fn bury(scope: &Scope, source: &str, subject: Uuid, error: &str) -> Result<()> {
    let letter = DeadLetter {
        company_id: scope.company(),
        id: RowId::new(),
        source: source.into(),
        error: error.into(),
        subject_id: subject,
        created_at: clock::now(),
        replayed_at: None,
        discarded_at: None,
    };
    let key = [dead_letter::Column::CompanyId, dead_letter::Column::Source, dead_letter::Column::SubjectId];
    if scope.insert_unless_there(letter, &key).await? {
        return Ok(());
    }
    let again = scope
        .update::<dead_letter::Entity>()
        .col_expr(dead_letter::Column::Error, Expr::value(error))
        .col_expr(dead_letter::Column::CreatedAt, Expr::value(clock::now()))
        .col_expr(dead_letter::Column::ReplayedAt, Expr::value(None::<Instant>))
        .col_expr(dead_letter::Column::DiscardedAt, Expr::value(None::<Instant>))
        .filter(dead_letter::Column::Source.eq(source))
        .filter(dead_letter::Column::SubjectId.eq(subject));
    scope.run(again).await.map(|_| ())
}

/// Makes sure each recurring task has its row; a new one is due at once.
pub async fn know_schedules(platform: &Platform, schedules: &[(&str, u64)]) -> Result<()> {
    let known: Vec<String> = platform.all(platform.find::<schedule::Entity>()).await?.into_iter().map(|row| row.name).collect();
    for (name, seconds) in schedules.iter().filter(|(name, _)| !known.iter().any(|known| known == name)) {
        let every_seconds = i64::try_from(*seconds).unwrap_or(i64::MAX);
        let row = schedule::Model { id: RowId::new(), name: (*name).into(), every_seconds, next_at: Instant(0), last_at: None };
        platform.insert_unless_there(row, &[schedule::Column::Name]).await?;
    }
    Ok(())
}

/// Nothing when this process is to run the tick of `name` now, else how long it is until the next one:
/// one conditional update, so any number of processes run each tick once.
pub async fn tick(platform: &Platform, name: &str, every: Duration) -> Result<Option<Duration>> {
    let now = clock::now();
    let due = platform
        .update::<schedule::Entity>()
        .col_expr(schedule::Column::NextAt, Expr::value(now.plus(every)))
        .col_expr(schedule::Column::LastAt, Expr::value(Some(now)))
        .filter(schedule::Column::Name.eq(name))
        .filter(schedule::Column::NextAt.lte(now));
    if platform.run(due).await? == 1 {
        return Ok(None);
    }
    let row = platform.one(platform.find::<schedule::Entity>().filter(schedule::Column::Name.eq(name))).await?;
    let left = row.map_or(0, |row| row.next_at.micros() - now.micros());
    Ok(Some(Duration::from_micros(u64::try_from(left).unwrap_or_default()).min(every)))
}

/// Forgets a company's jobs that were wanted before `before` and are done or given up, up to a
/// thousand; how many there were.
pub async fn forget(scope: &Scope, before: Instant) -> Result<u64> {
    let over = scope
        .find::<job::Entity>()
        .select_only()
        .column(job::Column::Id)
        .filter(job::Column::Id.lt(JobId::first_at(before)))
        .filter(job::Column::State.is_in([state::DONE, state::DISCARDED]))
        .order_by_asc(job::Column::Id)
        .limit(1_000);
    scope.remove(scope.delete::<job::Entity>().filter(job::Column::Id.in_subquery(over.into_query()))).await
}

/// Forgets the dead letters from before `before` that somebody replayed or gave up.
pub async fn forget_letters(scope: &Scope, before: Instant) -> Result<u64> {
    let letters = scope
        .delete::<dead_letter::Entity>()
        .filter(dead_letter::Column::CreatedAt.lt(before))
        .filter(dead_letter::Column::ReplayedAt.is_not_null().or(dead_letter::Column::DiscardedAt.is_not_null()));
    scope.remove(letters).await
}

/// What the company's open dead letters are about.
pub fn unsettled_subjects(scope: &Scope) -> SelectStatement {
    let open = scope
        .find::<dead_letter::Entity>()
        .select_only()
        .column(dead_letter::Column::SubjectId)
        .filter(dead_letter::Column::ReplayedAt.is_null().and(dead_letter::Column::DiscardedAt.is_null()));
    open.into_query()
}
