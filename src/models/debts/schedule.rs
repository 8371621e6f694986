//! Instalments: how a debt is cut, and cut again as far as it is unpaid.

use chrono::{Days, Months, NaiveDate};
use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    debt::Model as Debt,
    instalment::{self, Column},
    list, raise,
    settle::{self, hold_debt},
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::DebtId,
    models::companies,
    money::Money,
    tenancy::Scope,
};

const PARTS_MAX: usize = 60;

/// The rhythm of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "InstalmentRhythm")]
pub enum Every {
    Week,
    Month,
}

/// One instalment of a request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PlannedInstalment")]
pub struct PlanPart {
    pub amount: Money,
    pub due_date: NaiveDate,
}

/// How the rest is to be paid: instalments one by one; or so many, or these amounts, in a rhythm
/// from a first day on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "InstalmentPlan")]
pub struct PlanRequest {
    #[serde(default)]
    pub instalments: Vec<PlanPart>,
    pub count: Option<usize>,
    #[serde(default)]
    pub amounts: Vec<Money>,
    pub every: Option<Every>,
    pub first_due_date: Option<NaiveDate>,
}

/// An amount and its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) amount: Money,
    pub(super) due_on: NaiveDate,
}

/// Cuts what is unpaid of a debt into instalments. What is paid stays as it was.
///
/// # Errors
/// 404; 409 `debt_closed`; 412 when `version` is no longer the present one; 422 for a plan that does
/// not add up to what is owed, or begins in the past.
pub async fn plan(scope: &Scope, id: DebtId, request: &PlanRequest, version: Option<i64>) -> Result<Debt> {
    let today = companies::own(scope).await?.today();
    let debt = hold_debt(scope, id, version).await?;
    let parts = parts(request, debt.remaining(), today)?;
    let before = list::live_instalments(scope, &[id]).await?;
    replace_unpaid(scope, id).await?;
    let last = list::last_number(scope, id).await?;
    raise::add_parts(scope, &debt, &parts, last, today).await?;
    let due_on = parts.iter().map(|part| part.due_on).max().unwrap_or(debt.due_on);
    settle::refresh(scope, &debt, due_on, today).await?;
    let told = |parts: Vec<(Money, NaiveDate)>| json!(parts.iter().map(|(amount, day)| json!([amount, day])).collect::<Vec<_>>());
    let old = before.iter().filter(|one| one.paid < one.amount).map(|one| (one.remaining(), one.due_on)).collect();
    let new = parts.iter().map(|part| (part.amount, part.due_on)).collect();
    scope.audit("plan", "debt", id, None, vec![("unpaid", told(old), told(new))]).await?;
    settle::settle(scope, today).await?;
    list::get(scope, id).await
}

/// Takes the unpaid instalments out: one that was begun keeps what was paid of it.
async fn replace_unpaid(scope: &Scope, id: DebtId) -> Result<()> {
    let now = clock::now();
    let live = || scope.update::<instalment::Entity>().filter(Column::DebtId.eq(id)).filter(Column::ReplacedAt.is_null());
    let untouched = live()
        .col_expr(Column::ReplacedAt, Expr::value(Some(now)))
        .col_expr(Column::NextStepOn, Expr::value(None::<NaiveDate>))
        .filter(Column::Paid.eq(Money::ZERO));
    scope.run(untouched).await?;
    let begun = live()
        .col_expr(Column::Amount, Expr::col(Column::Paid))
        .col_expr(Column::NextStepOn, Expr::value(None::<NaiveDate>))
        .col_expr(Column::PaidAt, Expr::value(Some(now)))
        .filter(Expr::col(Column::Paid).lt(Expr::col(Column::Amount)));
    scope.run(begun).await.map(|_| ())
}

/// The instalments of a request, which add up to `total`.
pub(super) fn parts(request: &PlanRequest, total: Money, today: NaiveDate) -> Result<Vec<Part>> {
    let parts = match (request.instalments.is_empty(), request.amounts.is_empty(), request.count) {
        (false, true, None) => request.instalments.iter().map(|part| Part { amount: part.amount, due_on: part.due_date }).collect(),
        (true, false, None) => in_rhythm(request, request.amounts.clone(), today)?,
        (true, true, Some(count @ 1..=PARTS_MAX)) => in_rhythm(request, equal_parts(total, count), today)?,
        (true, true, Some(_)) => return Err(Error::invalid("count", "out_of_range", "from 1 to 60")),
        _ => return Err(Error::invalid("instalments", "required", "give `instalments`, or `amounts`, or a `count`, and one of them only")),
    };
    check(&parts, total, today)?;
    Ok(parts)
}

fn check(parts: &[Part], total: Money, today: NaiveDate) -> Result<()> {
    if parts.len() > PARTS_MAX {
        return Err(Error::invalid("instalments", "too_many", "at most 60 instalments"));
    }
    if let Some(index) = parts.iter().position(|part| part.amount < Money(1)) {
        return Err(Error::invalid(format!("instalments[{index}].amount"), "too_small", "an instalment is above zero"));
    }
    if let Some(index) = parts.iter().position(|part| part.due_on < today || !is_plausible(part.due_on)) {
        return Err(Error::invalid(format!("instalments[{index}].dueDate"), "out_of_range", "from today on, in this century"));
    }
    if !parts.is_sorted_by_key(|part| part.due_on) {
        return Err(Error::invalid("instalments", "unordered", "the earlier instalment comes first"));
    }
    if Money::sum(parts.iter().map(|part| part.amount))? != total {
        return Err(Error::invalid("instalments", "sum_mismatch", format!("the instalments must add up to {}", total.0)));
    }
    Ok(())
}

/// Days that a person can mean.
pub(super) fn is_plausible(day: NaiveDate) -> bool {
    use chrono::Datelike;
    (2000..2100).contains(&day.year())
}

fn in_rhythm(request: &PlanRequest, amounts: Vec<Money>, today: NaiveDate) -> Result<Vec<Part>> {
    let every = request.every.unwrap_or(Every::Month);
    let first = request.first_due_date.unwrap_or(today);
    let day = |index: u32| match every {
        Every::Week => first.checked_add_days(Days::new(u64::from(index) * 7)),
        Every::Month => first.checked_add_months(Months::new(index)),
    };
    let late = || Error::invalid("firstDueDate", "out_of_range", "a day of this century");
    amounts.into_iter().zip(0..).map(|(amount, index)| day(index).map(|due_on| Part { amount, due_on }).ok_or_else(late)).collect()
}

/// Equal parts; what is left over goes, unit by unit, to the first ones.
fn equal_parts(total: Money, count: usize) -> Vec<Money> {
    let whole = i64::try_from(count).unwrap_or(1);
    let (each, rest) = (total.0 / whole, total.0 % whole);
    (0..whole).map(|index| Money(each + i64::from(index < rest))).collect()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Every, PlanRequest, equal_parts, parts};
    use crate::money::Money;

    fn day(month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default()
    }

    #[test]
    fn a_split_loses_nothing() {
        assert_eq!(equal_parts(Money(100), 3), [Money(34), Money(33), Money(33)]);
        assert_eq!(equal_parts(Money(101), 3), [Money(34), Money(34), Money(33)]);
    }

    #[test]
    fn months_keep_their_day_where_they_have_it() {
        let request = PlanRequest { count: Some(3), every: Some(Every::Month), first_due_date: Some(day(1, 31)), ..PlanRequest::default() };
        let days: Vec<_> = parts(&request, Money(90), day(1, 1)).unwrap_or_default().iter().map(|part| part.due_on).collect();
        assert_eq!(days, [day(1, 31), day(2, 28), day(3, 31)]);
    }

    #[test]
    fn amounts_must_add_up() {
        let request = PlanRequest { amounts: vec![Money(50), Money(49)], ..PlanRequest::default() };
        assert!(parts(&request, Money(100), day(1, 1)).is_err());
    }
}
