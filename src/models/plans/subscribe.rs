//! The life of a subscription: begun, switched, renewed, ended. Every one of these acts holds its row.

use chrono::{Datelike, Days, NaiveDate};
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Value, json};

use super::{
    period,
    plan::Model as Plan,
    subscription::{self, Column, Model as Subscription, State},
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{CompanyId, PeriodId, SubscriptionId},
    models::companies::{self, Company},
    money::Money,
    tenancy::{Platform, Scope},
};

/// The company's subscription, if it has one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn current(scope: &Scope) -> Result<Option<Subscription>> {
    scope.one(scope.find::<subscription::Entity>().filter(Column::State.ne(State::Cancelled))).await
}

/// The company's subscription, kept from others until the unit ends.
///
/// # Errors
/// When the database cannot be reached.
pub async fn hold(scope: &Scope) -> Result<Option<Subscription>> {
    let take = scope
        .update::<subscription::Entity>()
        .col_expr(Column::Version, Expr::col(Column::Version))
        .filter(Column::State.ne(State::Cancelled));
    Ok(scope.run_returning(take).await?.pop())
}

/// What a change of plan does, and when.
#[derive(Clone, Debug)]
pub enum Switch {
    /// Today: the dearer plan's difference for the days left, or nothing during a trial.
    Now(Option<period::Model>),
    /// With the next period.
    Next,
}

/// Begins a subscription, perhaps with days to try; without, its first period begins today.
///
/// # Errors
/// 409 `already_subscribed`, also for the loser of a race.
pub async fn begin(
    scope: &Scope,
    company: &Company,
    plan: &Plan,
    trial_days: i64,
    grace_days: i64,
) -> Result<(Subscription, Option<period::Model>)> {
    let today = company.today();
    let now = clock::now();
    let is_trial = trial_days > 0;
    let anchor_day = i64::from(today.day());
    let ends_on = if is_trial { days_on(today, trial_days) } else { plan.period.end(today, anchor_day) };
    let row = Subscription {
        company_id: scope.company(),
        id: SubscriptionId::new(),
        plan_id: plan.id,
        next_plan_id: None,
        plan_code: plan.code.clone(),
        plan_name: plan.name.clone(),
        state: if is_trial { State::Trial } else { State::Active },
        currency: plan.currency.clone(),
        period: plan.period,
        orders_month: String::new(),
        price: plan.price,
        shops_max: plan.shops_max,
        staff_max: plan.staff_max,
        products_max: plan.products_max,
        orders_max: plan.orders_max,
        starts_on: today,
        ends_on,
        is_trial,
        renews: true,
        anchor_day: if is_trial { i64::from(ends_on.day()) } else { anchor_day },
        grace_days,
        periods: i64::from(!is_trial),
        orders_count: 0,
        cancelled_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(row.clone()).await?;
    if !companies::set_subscription(scope, None, Some(row.id)).await? {
        return Err(Error::conflict("already_subscribed", "the company has a subscription", json!({})));
    }
    let period = if is_trial { None } else { Some(open_period(scope, &row, today, ends_on, row.price).await?) };
    told(scope, &row, "subscribe", vec![("plan", Value::Null, json!(row.plan_code)), ("state", Value::Null, json!(row.state))]).await?;
    Ok((row, period))
}

/// Changes the plan of a held subscription. A dearer plan of the same period and currency begins
/// today, and `(new − old) × days left ÷ days of the period` is charged, rounded half away from
/// zero; so does any plan during a trial, for nothing. Every other one begins with the next period.
///
/// # Errors
/// When the database cannot be reached.
pub async fn switch(scope: &Scope, held: &Subscription, plan: &Plan, today: NaiveDate) -> Result<Switch> {
    let is_alike = plan.period == held.period && plan.currency == held.currency;
    let is_running = today < held.ends_on && held.state != State::Lapsed;
    let at_once = is_running && (held.is_trial || (is_alike && plan.price > held.price));
    if plan.id == held.plan_id || !at_once {
        let next = Some(plan.id).filter(|id| *id != held.plan_id);
        let update = touched(scope, held).col_expr(Column::NextPlanId, Expr::value(next));
        scope.run(update).await?;
        told(scope, held, "change_plan", vec![("nextPlan", Value::Null, json!(plan.code))]).await?;
        return Ok(Switch::Next);
    }
    let mut after = terms_of(held, plan);
    let mut period = None;
    if !held.is_trial {
        after.periods += 1;
        let (left, whole) = ((held.ends_on - today).num_days(), (held.ends_on - held.starts_on).num_days());
        let charge = plan.price.minus(held.price)?.portion(left, whole)?;
        period = Some(open_period(scope, &after, today, held.ends_on, charge).await?);
    }
    keep_terms(scope, held, &after).await?;
    told(scope, &after, "change_plan", vec![("plan", json!(held.plan_code), json!(after.plan_code))]).await?;
    Ok(Switch::Now(period))
}

/// The companies with a subscription whose period is over, and that has not lapsed.
///
/// # Errors
/// When the database cannot be reached.
pub async fn companies_at_an_end(platform: &Platform, today: NaiveDate) -> Result<Vec<CompanyId>> {
    let over = platform.find::<subscription::Entity>().filter(Column::EndsOn.lte(today));
    platform.companies(over.filter(Column::State.is_not_in([State::Lapsed, State::Cancelled]))).await
}

/// Whether the next period of a subscription is to begin. None begins while it has lapsed.
#[must_use]
pub fn is_due(subscription: &Subscription, today: NaiveDate) -> bool {
    subscription.renews && subscription.ends_on <= today && subscription.state != State::Lapsed
}

/// Begins the next period of a held subscription, on the terms its plan has now.
///
/// # Errors
/// When the database cannot be reached.
pub async fn renew(scope: &Scope, held: &Subscription, plan: &Plan) -> Result<period::Model> {
    let mut after = terms_of(held, plan);
    after.is_trial = false;
    after.starts_on = held.ends_on;
    after.ends_on = plan.period.end(held.ends_on, held.anchor_day);
    after.periods += 1;
    let period = open_period(scope, &after, after.starts_on, after.ends_on, after.price).await?;
    keep_terms(scope, held, &after).await?;
    let mut changes = vec![("endsOn", json!(held.ends_on), json!(after.ends_on))];
    if held.plan_id != after.plan_id {
        changes.push(("plan", json!(held.plan_code), json!(after.plan_code)));
    }
    told(scope, &after, "renew", changes).await?;
    Ok(period)
}

/// Ends a held subscription. What was billed stays owed.
///
/// # Errors
/// When the database cannot be reached.
pub async fn cancel(scope: &Scope, held: &Subscription, reason: &str) -> Result<()> {
    let now = clock::now();
    let update =
        touched(scope, held).col_expr(Column::State, Expr::value(State::Cancelled)).col_expr(Column::CancelledAt, Expr::value(Some(now)));
    scope.run(update).await?;
    companies::set_subscription(scope, Some(held.id), None).await?;
    let after = Subscription { state: State::Cancelled, ..held.clone() };
    let changes = vec![("state", json!(held.state), json!(after.state)), ("reason", Value::Null, json!(reason))];
    told(scope, &after, "cancel_subscription", changes).await
}

/// Changes whether a held subscription renews, and its days of grace.
///
/// # Errors
/// When the database cannot be reached.
pub async fn set_terms(scope: &Scope, held: &Subscription, renews: bool, grace_days: i64) -> Result<()> {
    let update = touched(scope, held).col_expr(Column::Renews, Expr::value(renews)).col_expr(Column::GraceDays, Expr::value(grace_days));
    scope.run(update).await?;
    let changes = vec![("renews", json!(held.renews), json!(renews)), ("graceDays", json!(held.grace_days), json!(grace_days))];
    told(scope, held, "change_terms", changes.into_iter().filter(|(_, before, after)| before != after).collect()).await
}

/// Writes down another state of a held subscription.
///
/// # Errors
/// When the database cannot be reached.
pub async fn set_state(scope: &Scope, held: &Subscription, to: State) -> Result<()> {
    scope.run(touched(scope, held).col_expr(Column::State, Expr::value(to))).await?;
    let after = Subscription { state: to, ..held.clone() };
    told(scope, &after, "subscription_state", vec![("state", json!(held.state), json!(to))]).await
}

/// After a lapse the next period begins today, if the last one ended meanwhile: nobody pays for
/// days on which nothing could be done.
///
/// # Errors
/// When the database cannot be reached.
pub async fn resume(scope: &Scope, held: &Subscription, today: NaiveDate) -> Result<()> {
    if held.ends_on >= today {
        return Ok(());
    }
    let update =
        touched(scope, held).col_expr(Column::EndsOn, Expr::value(today)).col_expr(Column::AnchorDay, Expr::value(i64::from(today.day())));
    scope.run(update).await.map(|_| ())
}

fn days_on(from: NaiveDate, days: i64) -> NaiveDate {
    from.checked_add_days(Days::new(days.unsigned_abs())).unwrap_or(from)
}

fn touched(scope: &Scope, held: &Subscription) -> sea_orm::UpdateMany<subscription::Entity> {
    scope
        .update::<subscription::Entity>()
        .col_expr(Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(held.id))
}

fn terms_of(held: &Subscription, plan: &Plan) -> Subscription {
    Subscription {
        plan_id: plan.id,
        next_plan_id: None,
        plan_code: plan.code.clone(),
        plan_name: plan.name.clone(),
        currency: plan.currency.clone(),
        period: plan.period,
        price: plan.price,
        shops_max: plan.shops_max,
        staff_max: plan.staff_max,
        products_max: plan.products_max,
        orders_max: plan.orders_max,
        ..held.clone()
    }
}

async fn keep_terms(scope: &Scope, held: &Subscription, after: &Subscription) -> Result<()> {
    let update = touched(scope, held)
        .col_expr(Column::PlanId, Expr::value(after.plan_id))
        .col_expr(Column::NextPlanId, Expr::value(after.next_plan_id))
        .col_expr(Column::PlanCode, Expr::value(after.plan_code.clone()))
        .col_expr(Column::PlanName, Expr::value(after.plan_name.clone()))
        .col_expr(Column::Currency, Expr::value(after.currency.clone()))
        .col_expr(Column::Period, Expr::value(after.period))
        .col_expr(Column::Price, Expr::value(after.price))
        .col_expr(Column::ShopsMax, Expr::value(after.shops_max))
        .col_expr(Column::StaffMax, Expr::value(after.staff_max))
        .col_expr(Column::ProductsMax, Expr::value(after.products_max))
        .col_expr(Column::OrdersMax, Expr::value(after.orders_max))
        .col_expr(Column::IsTrial, Expr::value(after.is_trial))
        .col_expr(Column::StartsOn, Expr::value(after.starts_on))
        .col_expr(Column::EndsOn, Expr::value(after.ends_on))
        .col_expr(Column::Periods, Expr::value(after.periods))
        .filter(Column::Periods.eq(held.periods));
    if scope.run(update).await? == 1 { Ok(()) } else { Err(Error::internal("a subscription changed while it was held")) }
}

async fn open_period(
    scope: &Scope,
    subscription: &Subscription,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    amount: Money,
) -> Result<period::Model> {
    let row = period::Model {
        company_id: scope.company(),
        id: PeriodId::new(),
        subscription_id: subscription.id,
        plan_id: subscription.plan_id,
        plan_code: subscription.plan_code.clone(),
        currency: subscription.currency.clone(),
        number: subscription.periods,
        amount,
        starts_on,
        ends_on,
        created_at: clock::now(),
    };
    scope.insert(row.clone()).await?;
    Ok(row)
}

async fn told(scope: &Scope, subscription: &Subscription, action: &str, changes: Vec<crate::tenancy::Change>) -> Result<()> {
    scope.audit(action, "subscription", subscription.id, None, changes).await?;
    let data = json!({ "subscriptionId": subscription.id, "planCode": subscription.plan_code, "state": subscription.state, "endsOn": subscription.ends_on });
    scope.emit(Event::new("company.subscription_changed", ("company", scope.company().0), None, data)).await
}
