//! Subscriptions bill themselves: each period raises its own debt, in the unit that begins it.

use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    raise::{NewDebt, raise_for},
    settle::settle,
    status::Kind,
};
use crate::{
    errors::{Error, Result},
    ids::CompanyId,
    models::{
        companies,
        plans::{self, Period, Plan, Subscription, Switch},
    },
    money::Money,
    tenancy::{Scope, Souk, Tenant},
};

/// Days to pay a period in, from its first day.
const DUE_DAYS: u64 = 7;
const GRACE_DAYS: i64 = 14;
/// Periods that one look may catch up.
const CATCH_UP: usize = 24;

/// What the platform changes of a company's subscription.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscriptionChange {
    /// A plan's code: the first one, or another one.
    pub plan: Option<String>,
    /// Days to try it, when it begins; without, as many as the plan offers.
    pub trial_days: Option<i64>,
    /// Days from the due day until writes are refused.
    pub grace_days: Option<i64>,
    /// Whether another period follows the present one.
    pub renews: Option<bool>,
    /// Ends it today.
    #[serde(default)]
    pub cancel: bool,
    #[serde(default)]
    pub reason: String,
}

/// Begins, changes or ends the company's subscription. `plan` is the one that the change names.
///
/// # Errors
/// 422 for a field that cannot be; 409 `not_subscribed`, `already_subscribed`.
pub async fn subscribe(scope: &Scope, change: &SubscriptionChange, plan: Option<&Plan>) -> Result<Option<Subscription>> {
    check(change, plan)?;
    let company = companies::own(scope).await?;
    let today = company.today();
    let held = plans::hold(scope).await?;
    match (held, plan) {
        (Some(held), _) if change.cancel => plans::cancel(scope, &held, change.reason.trim()).await?,
        (Some(held), plan) => {
            set_terms(scope, &held, change).await?;
            if let Some(plan) = plan
                && let Switch::Now(Some(period)) = plans::switch(scope, &held, plan, today).await?
            {
                bill(scope, &period, held.grace_days, today).await?;
            }
        }
        (None, Some(plan)) if !change.cancel => {
            let grace_days = change.grace_days.unwrap_or(GRACE_DAYS);
            let (_, period) = plans::begin(scope, &company, plan, change.trial_days.or(plan.trial_days).unwrap_or(0), grace_days).await?;
            if let Some(period) = period {
                bill(scope, &period, grace_days, today).await?;
            }
        }
        (None, _) => return Err(Error::conflict("not_subscribed", "the company has no subscription", json!({}))),
    }
    settle(scope, today).await?;
    plans::current(scope).await
}

fn check(change: &SubscriptionChange, plan: Option<&Plan>) -> Result<()> {
    if plan.is_some_and(|plan| !plan.is_active) {
        return Err(Error::invalid("plan", "inactive", "this plan is not offered any more"));
    }
    if change.trial_days.is_some_and(|days| !(0..=365).contains(&days)) {
        return Err(Error::invalid("trialDays", "out_of_range", "from 0 to 365"));
    }
    if change.grace_days.is_some_and(|days| !(1..=90).contains(&days)) {
        return Err(Error::invalid("graceDays", "out_of_range", "from 1 to 90"));
    }
    if change.cancel && !(1..=500).contains(&change.reason.trim().chars().count()) {
        return Err(Error::invalid("reason", "required", "1 to 500 characters: why it ends"));
    }
    if !change.cancel && plan.is_none() && change.grace_days.is_none() && change.renews.is_none() {
        return Err(Error::invalid("plan", "required", "name a plan, or what else is to change"));
    }
    Ok(())
}

async fn set_terms(scope: &Scope, held: &Subscription, change: &SubscriptionChange) -> Result<()> {
    let renews = change.renews.unwrap_or(held.renews);
    let grace_days = change.grace_days.unwrap_or(held.grace_days);
    if (renews, grace_days) == (held.renews, held.grace_days) {
        return Ok(());
    }
    plans::set_terms(scope, held, renews, grace_days).await
}

/// Raises the debt of a period; one that costs nothing has none.
async fn bill(scope: &Scope, period: &Period, grace_days: i64, today: NaiveDate) -> Result<()> {
    if period.amount == Money::ZERO {
        return Ok(());
    }
    // A period that is billed late is not overdue for that.
    let from = period.starts_on.max(today);
    let new = NewDebt {
        company_id: None,
        kind: Kind::Subscription,
        amount: period.amount,
        currency: Some(period.currency.clone()),
        due_date: from.checked_add_days(Days::new(DUE_DAYS)).unwrap_or(from),
        reference: Some(format!("{} {}", period.plan_code, period.starts_on)),
        note: String::new(),
        plan: None,
    };
    raise_for(scope, &new, Some(period), grace_days).await.map(|_| ())
}

/// Begins the periods whose time has come, each in a unit of its own.
pub(super) async fn renew_due(souk: &Souk, company: CompanyId) -> Result<()> {
    for _ in 0..CATCH_UP {
        let scope = souk.read(Tenant::system(company)).await?;
        let today = companies::own(&scope).await?.today();
        let due = plans::current(&scope).await?.filter(|one| plans::is_due(one, today));
        drop(scope);
        let Some(due) = due else { return Ok(()) };
        let platform = souk.platform("plans").await?;
        let plan = plans::by_id(&platform, due.next_plan_id.unwrap_or(due.plan_id)).await?;
        drop(platform);
        let scope = souk.write(Tenant::system(company)).await?;
        // Somebody may have been faster, or another plan may have been chosen meanwhile.
        let held = plans::hold(&scope).await?.filter(|held| held.version == due.version && plans::is_due(held, today));
        let Some(held) = held else { continue };
        let period = plans::renew(&scope, &held, &plan).await?;
        bill(&scope, &period, held.grace_days, today).await?;
        settle(&scope, today).await?;
        scope.commit().await?;
    }
    Ok(())
}
