//! Jobs: work with its own retry, as rows. Wanted in the transaction of the change that wants it;
//! the effect and "done" commit together.

mod dead_letter;
mod job;
mod schedule;

use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde_json::Value;
use uuid::Uuid;

pub use self::{dead_letter::Model as DeadLetter, job::Model as Job};
use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::{CompanyId, JobId, RowId},
    tenancy::{Platform, Scope, Souk},
};

/// After so many tries a job is dead, and waits for a person.
const ATTEMPTS_MAX: i64 = 12;
/// How long a worker has for one job before another may take it.
const LEASE: Duration = Duration::from_secs(60);
/// At most so many jobs of a company in one claim: one tenant's flood leaves room for the others.
const PER_COMPANY: usize = 10;

/// Every kind of job there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Give money back through the gateway.
    Refund,
    /// Send one message through one channel.
    Deliver,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Refund, Self::Deliver];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refund => "payments.refund",
            Self::Deliver => "notifications.deliver",
        }
    }

    const fn queue(self) -> &'static str {
        match self {
            Self::Refund => "payments",
            Self::Deliver => "notifications",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Wants work done. `unique` names it within its kind: wanted twice, it is done once.
pub async fn enqueue(scope: &Scope, kind: Kind, unique: &str, args: Value) -> Result<()> {
    let unique_key = format!("{}:{unique}", kind.name());
    if scope.one(scope.find::<job::Entity>().filter(job::Column::UniqueKey.eq(unique_key.as_str()))).await?.is_some() {
        return Ok(());
    }
    let now = clock::now();
    scope
        .insert(Job {
            company_id: scope.company(),
            id: JobId::new(),
            queue: kind.queue().into(),
            kind: kind.name().into(),
            state: "ready".into(),
            unique_key,
            last_error: String::new(),
            args,
            attempts: 0,
            run_at: now,
            created_at: now,
            updated_at: now,
            lease: None,
            lease_until: None,
        })
        .await
}

/// Takes due jobs for one worker: each company a few, under a lease that fences off whoever held them.
pub async fn claim(souk: &Souk, limit: u64) -> Result<Vec<Job>> {
    let platform = souk.platform("jobs").await?;
    let now = clock::now();
    let due = platform
        .find::<job::Entity>()
        .filter(
            Condition::any()
                .add(Condition::all().add(job::Column::State.eq("ready")).add(job::Column::RunAt.lte(now)))
                .add(Condition::all().add(job::Column::State.eq("running")).add(job::Column::LeaseUntil.lte(now))),
        )
        .order_by_asc(job::Column::RunAt)
        .limit(limit * 4);
    let mut taken: std::collections::BTreeMap<CompanyId, usize> = std::collections::BTreeMap::new();
    let mut mine = Vec::new();
    for job in platform.all(due).await? {
        let share = taken.entry(job.company_id).or_default();
        if *share >= PER_COMPANY || mine.len() as u64 >= limit {
            continue;
        }
        *share += 1;
        let lease = Uuid::now_v7();
        let take = platform
            .update::<job::Entity>()
            .col_expr(job::Column::State, Expr::value("running"))
            .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
            .col_expr(job::Column::Lease, Expr::value(Some(lease)))
            .col_expr(job::Column::LeaseUntil, Expr::value(Some(now.plus(LEASE))))
            .col_expr(job::Column::UpdatedAt, Expr::value(now))
            .filter(job::Column::CompanyId.eq(job.company_id))
            .filter(job::Column::Id.eq(job.id))
            .filter(job::Column::Attempts.eq(job.attempts))
            .filter(job::Column::State.eq(job.state.as_str()));
        mine.extend(platform.run_returning(take).await?);
    }
    platform.commit().await?;
    Ok(mine)
}

/// Ends a job in the unit of its effect; false when the lease was lost and the unit must not be kept.
pub async fn done(scope: &Scope, job: &Job) -> Result<bool> {
    let update = scope
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value("done"))
        .col_expr(job::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Lease.eq(job.lease))
        .filter(job::Column::State.eq("running"));
    Ok(scope.run(update).await? == 1)
}

/// Puts a failed job back with a growing pause, or among the dead.
pub async fn failed(scope: &Scope, job: &Job, error: &str) -> Result<()> {
    let dead = job.attempts >= ATTEMPTS_MAX;
    let now = clock::now();
    let update = scope
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value(if dead { "dead" } else { "ready" }))
        .col_expr(job::Column::LastError, Expr::value(error))
        .col_expr(job::Column::RunAt, Expr::value(now.plus(pause(job.attempts))))
        .col_expr(job::Column::UpdatedAt, Expr::value(now))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Lease.eq(job.lease));
    if scope.run(update).await? == 1 && dead {
        bury(scope, job.kind.as_str(), job.id.0, error).await?;
    }
    Ok(())
}

/// Doubling from two seconds to an hour, with up to a quarter of jitter.
fn pause(attempts: i64) -> Duration {
    let seconds = 1_u64 << attempts.clamp(1, 12);
    let seconds = std::cmp::min(seconds, 3_600);
    Duration::from_millis(seconds * 1_000 + rand::random_range(0..=seconds * 250))
}

/// Keeps what could not be done.
pub async fn bury(scope: &Scope, source: &str, subject: Uuid, error: &str) -> Result<()> {
    let known = scope.find::<dead_letter::Entity>().filter(dead_letter::Column::Source.eq(source));
    if scope.one(known.filter(dead_letter::Column::SubjectId.eq(subject))).await?.is_some() {
        return Ok(());
    }
    scope
        .insert(DeadLetter {
            company_id: scope.company(),
            id: RowId::new(),
            source: source.into(),
            error: error.into(),
            subject_id: subject,
            created_at: clock::now(),
            replayed_at: None,
        })
        .await
}

/// Makes a dead job ready once more.
///
/// # Errors
/// 404 when there is no such dead job.
pub async fn replay(scope: &Scope, id: JobId) -> Result<()> {
    let update = scope
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value("ready"))
        .col_expr(job::Column::Attempts, Expr::value(0_i64))
        .col_expr(job::Column::RunAt, Expr::value(clock::now()))
        .filter(job::Column::Id.eq(id))
        .filter(job::Column::State.eq("dead"));
    if scope.run(update).await? == 0 {
        return Err(crate::errors::Error::NOT_FOUND);
    }
    let mark = scope
        .update::<dead_letter::Entity>()
        .col_expr(dead_letter::Column::ReplayedAt, Expr::value(Some(clock::now())))
        .filter(dead_letter::Column::SubjectId.eq(id.0));
    scope.run(mark).await.map(|_| ())
}

/// Whether this process may run the tick of `name` now: one conditional update, so any number of
/// processes run each tick once.
pub async fn tick(platform: &Platform, name: &str, every: Duration) -> Result<bool> {
    let now = clock::now();
    let due = platform
        .update::<schedule::Entity>()
        .col_expr(schedule::Column::NextAt, Expr::value(now.plus(every)))
        .filter(schedule::Column::Name.eq(name))
        .filter(schedule::Column::NextAt.lte(now));
    if platform.run(due).await? == 1 {
        return Ok(true);
    }
    let known = platform.one(platform.find::<schedule::Entity>().filter(schedule::Column::Name.eq(name))).await?;
    if known.is_none() {
        let row = schedule::Model {
            id: RowId::new(),
            name: name.into(),
            every_seconds: i64::try_from(every.as_secs()).unwrap_or(60),
            next_at: Instant(0),
        };
        platform.insert(row).await?;
    }
    Ok(false)
}
