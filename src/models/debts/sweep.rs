//! What the calendar does to debts: reminders, notices, consequences, promises, periods. One look
//! at a company's day; any number of processes may look at once, each step is taken once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde_json::json;

use super::{
    bill,
    debt::Model as Debt,
    instalment::{self, Model as Instalment},
    letters::{self, Told},
    list, note, promise,
    settle::{hold_debt, refresh, settle},
    step::{self, Model as Taken},
    steps::Step,
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{CompanyId, DebtId, RowId},
    models::{companies, plans},
    tenancy::{Platform, Scope, Souk, Tenant},
};

/// Instalments that one unit looks at; the next one takes the rest.
const AT_ONCE: u64 = 200;

/// The companies whose calendar may ask for something. The latest zone decides what day it is, so
/// that none is missed; [`day`] then looks at the company's own.
///
/// # Errors
/// When the database cannot be reached.
pub async fn companies_with_work(platform: &Platform) -> Result<Vec<CompanyId>> {
    let latest = clock::now().date_in("Pacific/Kiritimati");
    let due = platform.find::<instalment::Entity>().filter(instalment::Column::NextStepOn.lte(latest));
    let over = platform.find::<note::Entity>().filter(note::Column::DefersUntil.lt(latest));
    let mut companies = platform.companies(due).await?;
    companies.extend(platform.companies(over).await?);
    companies.extend(plans::companies_at_an_end(platform, latest).await?);
    companies.sort_unstable();
    companies.dedup();
    Ok(companies)
}

/// Does what this day of the company asks for.
///
/// # Errors
/// When the database is away; the next tick looks again.
pub async fn day(souk: &Souk, company: CompanyId) -> Result<()> {
    bill::renew_due(souk, company).await?;
    let scope = souk.read(Tenant::system(company)).await?;
    let today = companies::own(&scope).await?.today();
    let work = Work::find(&scope, today).await?;
    drop(scope);
    if work.is_empty() {
        return Ok(());
    }
    let scope = souk.write(Tenant::system(company)).await?;
    let mut told = vec![];
    for id in work.debts {
        match hold_debt(&scope, id, None).await {
            Ok(debt) => told.extend(step_on(&scope, &debt, today).await?),
            // It was paid or closed meanwhile.
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let is_told = settle(&scope, today).await?;
    letters::tell_steps(&scope, &told, is_told).await?;
    scope.commit().await
}

/// What there is to do on a day: cheap to ask, since it mostly is nothing.
struct Work {
    debts: BTreeSet<DebtId>,
    is_state_due: bool,
}

impl Work {
    async fn find(scope: &Scope, today: NaiveDate) -> Result<Self> {
        let due = scope.find::<instalment::Entity>().filter(instalment::Column::NextStepOn.lte(today));
        let due = scope.all(due.order_by_asc(instalment::Column::NextStepOn).limit(AT_ONCE)).await?;
        let over = scope.find::<note::Entity>().filter(note::Column::DefersUntil.lt(today));
        let over = scope.all(over.limit(AT_ONCE)).await?;
        let subscription = plans::current(scope).await?;
        Ok(Self {
            debts: due.into_iter().map(|one| one.debt_id).chain(over.into_iter().map(|one| one.debt_id)).collect(),
            // A subscription that ends by itself grows late without any debt.
            is_state_due: subscription.is_some_and(|one| one.has_run_out(today)),
        })
    }

    fn is_empty(&self) -> bool {
        self.debts.is_empty() && !self.is_state_due
    }
}

/// Takes the steps that a held debt's instalments have come to.
async fn step_on(scope: &Scope, debt: &Debt, today: NaiveDate) -> Result<Option<Told>> {
    promise::expire(scope, debt, today).await?;
    let deferred = list::deferred_until(scope, debt.id).await?;
    let mut taken: BTreeMap<_, Vec<Step>> = BTreeMap::new();
    for row in scope.all(scope.find::<step::Entity>().filter(step::Column::DebtId.eq(debt.id))).await? {
        taken.entry(row.instalment_id).or_default().push(row.step);
    }
    let mut hardest: Option<(Step, Instalment)> = None;
    for one in list::live_instalments(scope, &[debt.id]).await?.into_iter().filter(|one| one.paid < one.amount) {
        let known = taken.remove(&one.id).unwrap_or_default();
        let reached = Step::reached(one.due_on, today, debt.grace_days, deferred);
        let fresh: Vec<_> = reached.into_iter().filter(|step| !known.contains(step)).collect();
        // Of steps that are late only the last one is told; a milder one than before is not.
        let telling = fresh.last().copied().filter(|last| known.iter().all(|step| step < last));
        scope.insert_all(fresh.iter().map(|step| taken_row(scope, &one, *step, telling == Some(*step), today)).collect()).await?;
        set_next_step(scope, &one, Step::next_day(one.due_on, today, debt.grace_days, deferred)).await?;
        if let Some(step) = telling
            && hardest.as_ref().is_none_or(|(other, _)| step > *other)
        {
            hardest = Some((step, one));
        }
    }
    let status = refresh(scope, debt, debt.due_on, today).await?;
    if status != debt.status {
        scope.audit("status", "debt", debt.id, None, vec![("status", json!(debt.status), json!(status))]).await?;
    }
    let Some((step, one)) = hardest else { return Ok(None) };
    let data = json!({
        "step": step, "instalmentId": one.id, "dueDate": one.due_on, "amount": one.remaining(), "currency": debt.currency,
        "daysOverdue": (today - one.due_on).num_days().max(0),
    });
    scope.emit(Event::new(step.event(), ("debt", debt.id.0), None, data)).await?;
    scope.audit("collect", "debt", debt.id, None, vec![("step", json!(null), json!(step))]).await?;
    let reference = debt.reference.clone();
    Ok(Some(Told { debt: debt.id, step, reference, due_on: one.due_on, amount: one.remaining(), currency: debt.currency.clone() }))
}

fn taken_row(scope: &Scope, one: &Instalment, step: Step, is_told: bool, today: NaiveDate) -> Taken {
    Taken {
        company_id: scope.company(),
        id: RowId::new(),
        debt_id: one.debt_id,
        instalment_id: one.id,
        step,
        is_told,
        taken_on: today,
        created_at: clock::now(),
    }
}

async fn set_next_step(scope: &Scope, one: &Instalment, day: Option<NaiveDate>) -> Result<()> {
    let update = scope
        .update::<instalment::Entity>()
        .col_expr(instalment::Column::NextStepOn, Expr::value(day))
        .filter(instalment::Column::Id.eq(one.id));
    scope.run(update).await.map(|_| ())
}
