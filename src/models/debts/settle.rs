//! Figures that follow from others: a debt's status, and the company's standing. The order of
//! locks is debts by id, then the subscription, then the company.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{
    debt::{self, Model as Debt},
    instalment::{self, Model as Instalment},
    letters, list, note,
    status::Status,
    step,
    steps::Step,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::DebtId,
    models::{
        companies::{self, Outlook, Standing},
        plans::{self, Lateness, State, Subscription},
    },
    money::Money,
    tenancy::Scope,
};

/// The refusal of an act on a debt that is not owed any more.
pub(super) fn closed(debt: &Debt) -> Error {
    let detail = format!("this debt is {}", debt.status.name().replace('_', " "));
    Error::conflict("debt_closed", detail, json!({ "state": debt.status }))
}

/// An open debt, kept from others until the unit ends.
///
/// # Errors
/// 404; 409 `debt_closed`; 412 when `version` is no longer the present one.
pub(super) async fn hold_debt(scope: &Scope, id: DebtId, version: Option<i64>) -> Result<Debt> {
    use debt::Column;
    let mut take = scope
        .update::<debt::Entity>()
        .col_expr(Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.is_in(Status::OPEN));
    if let Some(version) = version {
        take = take.filter(Column::Version.eq(version));
    }
    if let Some(debt) = scope.run_returning(take).await?.pop() {
        return Ok(debt);
    }
    let now = list::get(scope, id).await?;
    Err(if now.status.is_open() { Error::Stale } else { closed(&now) })
}

/// Writes down how a held debt stands after its instalments changed.
pub(super) async fn refresh(scope: &Scope, held: &Debt, due_on: NaiveDate, today: NaiveDate) -> Result<Status> {
    use debt::Column;
    let instalments = list::live_instalments(scope, &[held.id]).await?;
    let paid = Money::sum(instalments.iter().map(|one| one.paid))?;
    let next_due_on = instalments.iter().filter(|one| one.paid < one.amount).map(|one| one.due_on).min();
    let is_late = next_due_on.is_some_and(|due| due < today);
    let status = held.status.by_figures(paid == held.amount, is_late, paid > Money::ZERO);
    let update = scope
        .update::<debt::Entity>()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::DueOn, Expr::value(due_on))
        .col_expr(Column::NextDueOn, Expr::value(next_due_on.filter(|_| status.is_open())))
        .filter(Column::Id.eq(held.id));
    scope.run(update).await?;
    Ok(status)
}

/// Brings the company's standing and its subscription's state in line with what is owed. The last
/// act of every unit that changes a debt; rivals wait here and then see what the other one did.
/// Whether the standing is another one now, which the admins are told.
pub(super) async fn settle(scope: &Scope, today: NaiveDate) -> Result<bool> {
    let subscription = plans::hold(scope).await?;
    let company = companies::hold(scope).await?;
    let late = scope.all(scope.find::<debt::Entity>().filter(debt::Column::Status.eq(Status::Overdue))).await?;
    let promised = promised(scope, &late, today).await?;
    let in_force = in_force(scope, &late, &promised).await?;
    let overdue = overdue(scope, &late, today).await?;
    let outlook = outlook(&late, &overdue, &promised);
    let mut standing = in_force.iter().map(|(_, standing)| *standing).max().unwrap_or_default();
    if let Some(held) = subscription {
        let state = state_of(&held, &late, &in_force, today);
        if state == State::Lapsed {
            standing = Standing::Lapsed;
        }
        if held.state == State::Lapsed && state != State::Lapsed {
            plans::resume(scope, &held, today).await?;
        }
        if held.state != state {
            plans::set_state(scope, &held, state).await?;
        }
    }
    companies::set_standing(scope, &company, standing, outlook).await?;
    if standing == company.standing {
        return Ok(false);
    }
    letters::tell_standing(scope, company.id, standing, today, &late, &overdue).await?;
    Ok(true)
}

fn state_of(held: &Subscription, late: &[Debt], in_force: &[(DebtId, Standing)], today: NaiveDate) -> State {
    let of_debt = |debt: &Debt| {
        let is_suspended = in_force.iter().any(|(id, standing)| *id == debt.id && *standing == Standing::Lapsed);
        if is_suspended { Lateness::Beyond } else { Lateness::WithinGrace }
    };
    let of_debts = late.iter().filter(|debt| debt.subscription_id == Some(held.id)).map(of_debt).max();
    let lateness = of_debts.unwrap_or(Lateness::InTime).max(held.lateness(today));
    State::of(false, held.is_trial, lateness)
}

/// Of late debts, until when a promise that is running holds consequences off.
async fn promised(scope: &Scope, late: &[Debt], today: NaiveDate) -> Result<BTreeMap<DebtId, NaiveDate>> {
    if late.is_empty() {
        return Ok(BTreeMap::new());
    }
    let running = scope
        .find::<note::Entity>()
        .filter(note::Column::DebtId.is_in(late.iter().map(|debt| debt.id)))
        .filter(note::Column::DefersUntil.gte(today))
        .order_by_asc(note::Column::DefersUntil);
    Ok(scope.all(running).await?.into_iter().filter_map(|note| Some((note.debt_id, note.defers_until?))).collect())
}

/// The instalments of late debts whose day is over.
async fn overdue(scope: &Scope, late: &[Debt], today: NaiveDate) -> Result<Vec<Instalment>> {
    if late.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<_> = late.iter().map(|debt| debt.id).collect();
    let mut overdue = list::live_instalments(scope, &ids).await?;
    overdue.retain(|one| one.paid < one.amount && one.due_on < today);
    Ok(overdue)
}

/// Since when something is late, and on which days the consequences come.
fn outlook(late: &[Debt], overdue: &[Instalment], promised: &BTreeMap<DebtId, NaiveDate>) -> Outlook {
    let grace: BTreeMap<_, _> = late.iter().map(|debt| (debt.id, debt.grace_days)).collect();
    let mut outlook = Outlook::default();
    let earlier = |known: Option<NaiveDate>, day: NaiveDate| Some(known.map_or(day, |known| std::cmp::min(known, day)));
    for one in overdue {
        let Some(grace_days) = grace.get(&one.debt_id) else { continue };
        let day = |step: Step| step.day_deferred(one.due_on, *grace_days, promised.get(&one.debt_id).copied());
        outlook.overdue_since = earlier(outlook.overdue_since, one.due_on);
        outlook.limited_on = earlier(outlook.limited_on, day(Step::Limit));
        outlook.suspended_on = earlier(outlook.suspended_on, day(Step::Suspension));
    }
    outlook
}

/// The consequences in force: taken for an instalment that is still unpaid, of a debt about which
/// no promise is running.
async fn in_force(scope: &Scope, late: &[Debt], promised: &BTreeMap<DebtId, NaiveDate>) -> Result<Vec<(DebtId, Standing)>> {
    if late.is_empty() {
        return Ok(vec![]);
    }
    let pressed: Vec<_> = late.iter().map(|debt| debt.id).filter(|id| !promised.contains_key(id)).collect();
    let taken = scope
        .find::<step::Entity>()
        .filter(step::Column::DebtId.is_in(pressed.iter().copied()))
        .filter(step::Column::Step.is_in([Step::Limit, Step::Suspension]));
    let taken = scope.all(taken).await?;
    let unpaid = scope
        .find::<instalment::Entity>()
        .filter(instalment::Column::Id.is_in(taken.iter().map(|step| step.instalment_id)))
        .filter(instalment::Column::ReplacedAt.is_null())
        .filter(Expr::col(instalment::Column::Paid).lt(Expr::col(instalment::Column::Amount)));
    let unpaid: BTreeSet<_> = scope.all(unpaid).await?.into_iter().map(|one| one.id).collect();
    let in_force = taken.into_iter().filter(|step| unpaid.contains(&step.instalment_id));
    Ok(in_force.map(|step| (step.debt_id, step.step.consequence())).collect())
}
