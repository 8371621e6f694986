//! What people see of the work behind the shop, and what they may do about it: figures for each
//! queue, the jobs in trouble, trying one again, giving one up.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, Value,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Kind, QUEUES, dead_letter, job, job::Model as Job, schedule, state};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::{CompanyId, JobId},
    tenancy::{PLATFORM_COMPANY, Platform, Scope, Souk, Tenant},
};

/// One queue at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub queue: &'static str,
    /// Due now.
    pub ready: i64,
    /// For a later moment: a failed one that waits for its next try, or one that was wanted for later.
    pub waiting: i64,
    pub running: i64,
    /// Failed at least once and to be tried again; these are among the ready and the waiting.
    pub failed: i64,
    /// Waiting for a person.
    pub dead: i64,
    /// For how long the oldest due job has waited, in seconds.
    pub oldest_seconds: i64,
}

/// What a list of jobs in trouble is narrowed to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Narrowed {
    pub company: Option<CompanyId>,
    /// This one alone.
    pub id: Option<JobId>,
    pub queue: Option<String>,
    pub kind: Option<String>,
    /// The dead only, or only those that are tried again by themselves.
    pub is_dead: Option<bool>,
}

/// Everything that fits and is in trouble since before somebody wanted it tried again. What was tried
/// or changed since is no part of it, so that what is left can be counted at any time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Again {
    pub narrowed: Narrowed,
    /// Who wants it.
    pub by: Option<Uuid>,
    /// In microseconds.
    pub asked_at: i64,
    /// How many jobs it was when it was wanted.
    pub jobs: u64,
}

#[derive(FromQueryResult)]
struct Counted {
    jobs: i64,
}

/// Jobs that are replayed in one read of the list.
const PAGE: u64 = 200;

impl Job {
    /// Whose work it is: the job's kind, or for an event that could not be heard, the listener.
    #[must_use]
    pub fn source(&self) -> &str {
        self.args.get("consumer").and_then(serde_json::Value::as_str).unwrap_or(&self.kind)
    }

    /// What its dead letter is about: the event that could not be heard, or the job itself.
    #[must_use]
    pub fn subject(&self) -> Uuid {
        let event = self.args.get("eventId").and_then(serde_json::Value::as_str);
        event.filter(|_| self.source() != self.kind).and_then(|id| id.parse().ok()).unwrap_or(self.id.0)
    }

    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state == state::DEAD
    }

    /// Whether a person may try it again or give it up.
    #[must_use]
    pub fn is_in_trouble(&self) -> bool {
        self.attempts > 0 && [state::READY, state::DEAD].contains(&self.state.as_str())
    }
}

/// Every queue's figures, across companies.
pub async fn figures(platform: &Platform) -> Result<Vec<Figures>> {
    summed(platform.ask(&question(""), vec![clock::now().micros().into()]).await?)
}

/// Every queue's figures, of one company.
pub async fn figures_of(platform: &Platform, company: CompanyId) -> Result<Vec<Figures>> {
    let values = vec![clock::now().micros().into(), Value::from(company.0)];
    summed(platform.ask(&question("AND company_id = $2"), values).await?)
}

/// Queues and states are named one by one, so that done jobs are not walked through.
fn question(only: &str) -> String {
    let queues = QUEUES.map(|queue| format!("'{}'", queue.name)).join(", ");
    format!(
        "SELECT queue, state, CASE WHEN run_at <= $1 THEN 1 ELSE 0 END AS due, COUNT(*) AS jobs, MIN(run_at) AS oldest, 0 AS failed \
         FROM jobs WHERE queue IN ({queues}) AND state IN ('ready', 'running', 'dead') {only} GROUP BY 1, 2, 3 \
         UNION ALL SELECT queue, state, 0, COUNT(*), 0, 1 FROM jobs \
         WHERE attempts > 0 AND state IN ('ready', 'dead') AND state = 'ready' {only} GROUP BY 1, 2"
    )
}

fn summed(rows: Vec<sea_orm::QueryResult>) -> Result<Vec<Figures>> {
    let now = clock::now().micros();
    let mut figures = QUEUES.map(|queue| Figures { queue: queue.name, ..Figures::default() }).to_vec();
    for row in rows {
        let (queue, state): (String, String) = (row.try_get("", "queue")?, row.try_get("", "state")?);
        let jobs: i64 = row.try_get("", "jobs")?;
        let Some(of) = figures.iter_mut().find(|one| one.queue == queue) else { continue };
        let is_due = row.try_get::<i32>("", "due")? == 1;
        if row.try_get::<i32>("", "failed")? == 1 {
            of.failed += jobs;
            continue;
        }
        match (state.as_str(), is_due) {
            (state::READY, true) => {
                of.ready += jobs;
                of.oldest_seconds = (now - row.try_get::<i64>("", "oldest")?) / 1_000_000;
            }
            (state::READY, false) => of.waiting += jobs,
            (state::RUNNING, _) => of.running += jobs,
            _ => of.dead += jobs,
        }
    }
    Ok(figures)
}

/// Whether work of a kind waits or runs in the unit's company.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_wanted(scope: &Scope, kind: Kind) -> Result<bool> {
    let open = scope.find::<job::Entity>().filter(job::Column::Queue.eq(kind.queue())).filter(job::Column::Kind.eq(kind.name()));
    Ok(scope.one(open.filter(job::Column::State.is_in([state::READY, state::RUNNING]))).await?.is_some())
}

/// The jobs that failed and are tried again, and the dead, newest first, across companies.
pub async fn troubles(platform: &Platform, narrowed: &Narrowed, before: Option<JobId>, limit: u64) -> Result<Vec<Job>> {
    platform.all(in_trouble(of_companies(platform, narrowed), narrowed, before, limit)).await
}

/// As [`troubles`], of the unit's company.
pub async fn troubles_of(scope: &Scope, narrowed: &Narrowed, before: Option<JobId>, limit: u64) -> Result<Vec<Job>> {
    scope.all(in_trouble(scope.find::<job::Entity>(), narrowed, before, limit)).await
}

fn of_companies(platform: &Platform, narrowed: &Narrowed) -> Select<job::Entity> {
    platform.find::<job::Entity>().apply_if(narrowed.company, |rows, company| rows.filter(job::Column::CompanyId.eq(company)))
}

fn in_trouble(rows: Select<job::Entity>, narrowed: &Narrowed, before: Option<JobId>, limit: u64) -> Select<job::Entity> {
    paged(fitting(rows, narrowed), before, limit)
}

fn paged(rows: Select<job::Entity>, before: Option<JobId>, limit: u64) -> Select<job::Entity> {
    rows.apply_if(before, |rows, before| rows.filter(job::Column::Id.lt(before))).order_by_desc(job::Column::Id).limit(limit)
}

fn fitting(rows: Select<job::Entity>, narrowed: &Narrowed) -> Select<job::Entity> {
    // Word for word as in the index, so that the planner knows it may be used.
    rows.filter(Expr::cust("attempts > 0 AND state IN ('ready', 'dead')"))
        .apply_if(narrowed.queue.as_deref(), |rows, queue| rows.filter(job::Column::Queue.eq(queue)))
        .apply_if(narrowed.kind.as_deref(), |rows, kind| rows.filter(job::Column::Kind.eq(kind)))
        .apply_if(narrowed.is_dead, |rows, dead| rows.filter(job::Column::State.eq(if dead { state::DEAD } else { state::READY })))
        .apply_if(narrowed.id, |rows, id| rows.filter(job::Column::Id.eq(id)))
}

/// What nobody has tried or changed since it was wanted again.
fn untouched(again: &Again) -> Condition {
    Condition::all().add(job::Column::UpdatedAt.lt(Instant(again.asked_at)))
}

/// One job of the company.
///
/// # Errors
/// 404 when it is not there.
pub async fn get(scope: &Scope, id: JobId) -> Result<Job> {
    scope.get(scope.find::<job::Entity>().filter(job::Column::Id.eq(id))).await
}

/// Whose job in trouble this is.
///
/// # Errors
/// 404 when there is none.
pub async fn company_of(platform: &Platform, id: JobId) -> Result<CompanyId> {
    let one = platform.find::<job::Entity>().filter(job::Column::Id.eq(id));
    let found = platform.one(in_trouble(one, &Narrowed::default(), None, 1)).await?;
    found.map(|job| job.company_id).ok_or(Error::NOT_FOUND)
}

/// Makes a job in trouble ready at once, with all its tries before it again.
///
/// # Errors
/// 404 when there is no such job; 409 `not_in_trouble` when it runs, is done or was given up.
pub async fn replay(scope: &Scope, id: JobId) -> Result<()> {
    let before = get(scope, id).await?;
    let update = scope
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value(state::READY))
        .col_expr(job::Column::Attempts, Expr::value(0_i64))
        .col_expr(job::Column::RunAt, Expr::value(clock::now()));
    settle(scope, &before, update, dead_letter::Column::ReplayedAt, ("replay", state::READY)).await
}

/// Gives a job in trouble up for good.
///
/// # Errors
/// As [`replay`].
pub async fn discard(scope: &Scope, id: JobId) -> Result<()> {
    let before = get(scope, id).await?;
    let update = scope.update::<job::Entity>().col_expr(job::Column::State, Expr::value(state::DISCARDED));
    settle(scope, &before, update, dead_letter::Column::DiscardedAt, ("discard", state::DISCARDED)).await
}

async fn settle(
    scope: &Scope,
    before: &Job,
    update: sea_orm::UpdateMany<job::Entity>,
    mark: dead_letter::Column,
    (action, after): (&str, &str),
) -> Result<()> {
    let now = clock::now();
    let update = update
        .col_expr(job::Column::UpdatedAt, Expr::value(now))
        .filter(job::Column::Id.eq(before.id))
        .filter(job::Column::Attempts.gt(0))
        .filter(job::Column::State.is_in([state::READY, state::DEAD]));
    if scope.run(update).await? == 0 {
        let facts = json!({ "state": before.state });
        return Err(Error::conflict("not_in_trouble", "this job runs, is done, or was given up", facts));
    }
    let letter = scope
        .update::<dead_letter::Entity>()
        .col_expr(mark, Expr::value(Some(now)))
        .filter(dead_letter::Column::SubjectId.eq(before.subject()))
        .filter(dead_letter::Column::Source.eq(before.source()))
        .filter(dead_letter::Column::ReplayedAt.is_null().and(dead_letter::Column::DiscardedAt.is_null()));
    scope.run(letter).await?;
    let changes = vec![("state", json!(before.state), json!(after)), ("attempts", json!(before.attempts), json!(0))];
    scope.audit(action, "job", before.id, None, changes).await
}

/// Wants everything tried again that is in trouble and fits: a job, since that may be long. Gives how
/// many there are.
///
/// # Errors
/// When the database cannot be reached.
pub async fn ask_again(souk: &Souk, person: &Tenant, narrowed: Narrowed) -> Result<u64> {
    let platform = souk.platform("operations").await?;
    let mut again = Again { narrowed, by: person.actor.id(), asked_at: clock::now().micros(), jobs: 0 };
    again.jobs = left(&platform, &again).await?;
    drop(platform);
    let scope = souk.write(Tenant { company: PLATFORM_COMPANY, ..person.clone() }).await?;
    if again.jobs > 0 {
        super::enqueue(&scope, Kind::ReplayAll, &again.asked_at.to_string(), serde_json::to_value(&again).map_err(Error::internal)?)
            .await?;
    }
    scope.commit().await?;
    Ok(again.jobs)
}

/// How much of what somebody wanted is left.
async fn left(platform: &Platform, again: &Again) -> Result<u64> {
    let rows = of_companies(platform, &again.narrowed);
    let rows =
        fitting(rows, &again.narrowed).filter(untouched(again)).select_only().column_as(ColumnTrait::count(&job::Column::Id), "jobs");
    let found = platform.all_as::<Counted, _>(rows).await?;
    Ok(found.first().map_or(0, |counted| counted.jobs.unsigned_abs()))
}

/// Replays what somebody wanted, on behalf of a person, page by page and each company in a unit of its
/// own; how many there were. Done twice, it is done once.
pub async fn replay_all(souk: &Souk, person: &Tenant, again: &Again) -> Result<u64> {
    let mut replayed = 0;
    let mut before: Option<JobId> = None;
    loop {
        let platform = souk.platform("operations").await?;
        let rows = paged(fitting(of_companies(&platform, &again.narrowed), &again.narrowed), before, PAGE);
        let found = platform.all(rows.filter(untouched(again))).await?;
        drop(platform);
        let Some(last) = found.last() else { return Ok(replayed) };
        before = Some(last.id);
        let mut of: BTreeMap<CompanyId, Vec<JobId>> = BTreeMap::new();
        for job in found {
            of.entry(job.company_id).or_default().push(job.id);
        }
        for (company, ids) in of {
            let scope = souk.write(Tenant { company, ..person.clone() }).await?;
            for id in ids {
                match replay(&scope, id).await {
                    Ok(()) => replayed += 1,
                    // A worker was faster, or somebody else's hand.
                    Err(Error::Conflict { .. } | Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            scope.commit().await?;
        }
    }
}

/// What is being tried again now, because somebody wanted all of it: of how many jobs, and how many
/// of these are left.
///
/// # Errors
/// When the database cannot be reached.
pub async fn tried_again(platform: &Platform) -> Result<Option<(u64, u64)>> {
    let open = platform
        .find::<job::Entity>()
        .filter(job::Column::CompanyId.eq(PLATFORM_COMPANY))
        .filter(job::Column::Queue.eq(Kind::ReplayAll.queue()))
        .filter(job::Column::Kind.eq(Kind::ReplayAll.name()))
        .filter(job::Column::State.is_in([state::READY, state::RUNNING]));
    let (mut jobs, mut rest) = (0, 0);
    for job in platform.all(open).await? {
        let again: Again = serde_json::from_value(job.args).map_err(Error::internal)?;
        rest += left(platform, &again).await?;
        jobs += again.jobs;
    }
    Ok((jobs > 0).then_some((jobs, std::cmp::min(rest, jobs))))
}

/// The recurring tasks, by name.
pub async fn schedules(platform: &Platform) -> Result<Vec<schedule::Model>> {
    platform.all(platform.find::<schedule::Entity>().order_by_asc(schedule::Column::Name)).await
}
