//! Taking jobs: a few of each company in turn, under a lease that fences off whoever held them.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use uuid::Uuid;

use super::{QUEUES, job, job::Model as Job, lost, state};
use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::CompanyId,
    tenancy::{PLATFORM_COMPANY, Platform, Souk, Tenant},
};

/// At most so many jobs of a company in one claim: one tenant's flood leaves room for the others.
const PER_COMPANY: u64 = 10;

/// What one worker took.
#[derive(Debug, Default)]
pub struct Claim {
    pub jobs: Vec<Job>,
    /// All of them are held under it.
    pub lease: Uuid,
    /// The company whose turn was last; the next claim begins behind it.
    pub last: Option<CompanyId>,
}

/// The companies with due jobs in a queue, from behind `after` and round again. It hops from
/// company to company in the index, so a company with ten thousand jobs costs as much as one with one.
pub async fn due_companies(platform: &Platform, queue: &str, after: Option<CompanyId>, limit: u64) -> Result<Vec<CompanyId>> {
    let hop = |after: &str| {
        format!("(SELECT company_id FROM jobs WHERE queue = $1 AND state = 'ready' AND company_id {after} ORDER BY company_id LIMIT 1)")
    };
    let question = format!(
        "WITH RECURSIVE turn (company_id) AS (SELECT * FROM {} AS first UNION ALL SELECT {} FROM turn WHERE turn.company_id IS NOT NULL) \
         SELECT company_id FROM turn WHERE company_id IS NOT NULL AND (SELECT run_at FROM jobs WHERE queue = $1 AND state = 'ready' \
         AND jobs.company_id = turn.company_id ORDER BY run_at LIMIT 1) <= $2 LIMIT $4",
        hop("{from} $3"),
        hop("> turn.company_id"),
    );
    // Behind the last one first, then round from the least id, which is the platform's own.
    let rounds = after.map(|company| (">", company.0)).into_iter().chain([(">=", PLATFORM_COMPANY.0)]);
    let mut due = Vec::new();
    for (begins, from) in rounds {
        let question = question.replace("{from}", begins);
        let values = vec![queue.into(), clock::now().micros().into(), from.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        for row in platform.ask(&question, values).await? {
            let company = CompanyId(row.try_get("", "company_id")?);
            if !due.contains(&company) && (due.len() as u64) < limit {
                due.push(company);
            }
        }
        if due.len() as u64 >= limit {
            break;
        }
    }
    Ok(due)
}

/// Takes up to `limit` due jobs of a queue: the companies in rotation, at most ten jobs of each.
pub async fn claim(souk: &Souk, queue: &str, after: Option<CompanyId>, limit: u64) -> Result<Claim> {
    let platform = souk.platform("operations").await?;
    let companies = due_companies(&platform, queue, after, limit).await?;
    drop(platform);
    let mut claim = Claim { lease: Uuid::now_v7(), last: after, ..Claim::default() };
    if companies.is_empty() {
        return Ok(claim);
    }
    let share = limit.div_ceil(companies.len() as u64).clamp(1, PER_COMPANY);
    let platform = souk.platform("jobs").await?;
    let until = clock::now().plus(Duration::from_secs(souk.settings().lease_seconds));
    for company in companies {
        let room = std::cmp::min(limit.saturating_sub(claim.jobs.len() as u64), share);
        if room == 0 {
            break;
        }
        claim.jobs.extend(take(&platform, queue, company, room, (claim.lease, until)).await?);
        claim.last = Some(company);
    }
    platform.commit().await?;
    Ok(claim)
}

/// A company's oldest due jobs: looked for, passing by those that a rival is taking this moment
/// where the database can, then taken by one conditional update.
#[expect(clippy::disallowed_methods, reason = "rival workers pass each other by; the update below decides")]
async fn take(platform: &Platform, queue: &str, company: CompanyId, room: u64, lease: (Uuid, Instant)) -> Result<Vec<Job>> {
    let now = clock::now();
    let oldest = platform
        .find::<job::Entity>()
        .filter(job::Column::CompanyId.eq(company))
        .filter(job::Column::Queue.eq(queue))
        .filter(job::Column::State.eq(state::READY))
        .filter(job::Column::RunAt.lte(now))
        .order_by_asc(job::Column::RunAt)
        .limit(room)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let oldest = platform.all(oldest).await?;
    let update = platform
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value(state::RUNNING))
        .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
        .col_expr(job::Column::Lease, Expr::value(Some(lease.0)))
        .col_expr(job::Column::LeaseUntil, Expr::value(Some(lease.1)))
        .col_expr(job::Column::UpdatedAt, Expr::value(now))
        .filter(job::Column::CompanyId.eq(company))
        .filter(job::Column::State.eq(state::READY))
        .filter(job::Column::Id.is_in(oldest.iter().map(|job| job.id)));
    platform.run_returning(update).await
}

/// Keeps the leases of a queue's jobs that are still at work.
pub async fn renew(souk: &Souk, queue: &str, leases: &[Uuid]) -> Result<()> {
    let platform = souk.platform("jobs").await?;
    let until = clock::now().plus(Duration::from_secs(souk.settings().lease_seconds));
    let update = platform
        .update::<job::Entity>()
        .col_expr(job::Column::LeaseUntil, Expr::value(Some(until)))
        .filter(job::Column::Queue.eq(queue))
        .filter(job::Column::State.eq(state::RUNNING))
        .filter(job::Column::Lease.is_in(leases.iter().copied()));
    platform.run(update).await?;
    platform.commit().await
}

/// The companies with jobs whose worker was not heard of until the end of its lease.
pub async fn companies_with_lost(platform: &Platform) -> Result<Vec<CompanyId>> {
    platform.companies(silent(platform.find::<job::Entity>())).await
}

/// Puts such jobs of a company back. What kills its worker each time ends among the dead like any
/// other failure.
pub async fn free_lost(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.read(Tenant::system(company)).await?;
    let silent = scope.all(silent(scope.find::<job::Entity>()).limit(500)).await?;
    drop(scope);
    for job in silent {
        let scope = souk.write(Tenant::system(company)).await?;
        lost(&scope, &job).await?;
        scope.commit().await?;
    }
    Ok(())
}

/// Queues are named one by one, as the index begins with them.
fn silent(jobs: Select<job::Entity>) -> Select<job::Entity> {
    jobs.filter(job::Column::Queue.is_in(QUEUES.map(|queue| queue.name)))
        .filter(job::Column::State.eq(state::RUNNING))
        .filter(job::Column::LeaseUntil.lte(clock::now()))
}
