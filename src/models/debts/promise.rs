//! Notes of collection, and promises to pay. A promise puts consequences off until its day is over.

use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    debt::Model as Debt,
    note::{self, Column, Promise},
    settle::{self, hold_debt},
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{DebtId, DebtNoteId},
    models::companies,
    money::Money,
    tenancy::Scope,
};

/// How far ahead a promise may lie.
const PROMISE_DAYS_MAX: u64 = 90;

/// A note, perhaps with a promise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewDebtNote")]
pub struct NewNote {
    pub text: String,
    /// A day of the company's calendar.
    pub promised_date: Option<NaiveDate>,
    /// All that is owed when absent.
    pub promised_amount: Option<Money>,
}

/// Writes a note on an open debt.
///
/// # Errors
/// 404; 409 `debt_closed`; 422 for a field that cannot be.
pub async fn add_note(scope: &Scope, id: DebtId, new: &NewNote) -> Result<note::Model> {
    if !(1..=2_000).contains(&new.text.trim().chars().count()) {
        return Err(Error::invalid("text", "required", "1 to 2000 characters"));
    }
    let today = companies::own(scope).await?.today();
    let debt = hold_debt(scope, id, None).await?;
    let promised_amount = promised(new, &debt, today)?;
    let row = note::Model {
        company_id: scope.company(),
        id: DebtNoteId::new(),
        debt_id: id,
        text: new.text.trim().into(),
        by_name: scope.tenant().name.clone(),
        promise: new.promised_date.map(|_| Promise::Open),
        promised_on: new.promised_date,
        defers_until: new.promised_date,
        promised_amount,
        actor_id: scope.tenant().actor.id(),
        paid_before: debt.paid,
        created_at: clock::now(),
    };
    scope.insert(row.clone()).await?;
    let changes = vec![("promisedDate", Value::Null, json!(row.promised_on)), ("promisedAmount", Value::Null, json!(row.promised_amount))];
    scope.audit("note", "debt", id, None, changes.into_iter().filter(|(_, _, after)| !after.is_null()).collect()).await?;
    settle::settle(scope, today).await?;
    Ok(row)
}

fn promised(new: &NewNote, debt: &Debt, today: NaiveDate) -> Result<Option<Money>> {
    let Some(day) = new.promised_date else {
        let alone = new.promised_amount.map(|_| Error::invalid("promisedDate", "required", "a promise has a day"));
        return alone.map_or(Ok(None), Err);
    };
    if day < today || today.checked_add_days(Days::new(PROMISE_DAYS_MAX)).is_some_and(|last| day > last) {
        return Err(Error::invalid("promisedDate", "out_of_range", "from today to 90 days ahead"));
    }
    let amount = new.promised_amount.unwrap_or_else(|| debt.remaining());
    if amount < Money(1) || amount > debt.remaining() {
        return Err(Error::invalid("promisedAmount", "out_of_range", format!("from 1 to {}, which is owed", debt.remaining().0)));
    }
    Ok(Some(amount))
}

/// Looks at the promises of a held debt again, after something was paid or taken back. A broken one stays broken.
pub(super) async fn review(scope: &Scope, debt: &Debt, today: NaiveDate) -> Result<()> {
    let known =
        scope.find::<note::Entity>().filter(Column::DebtId.eq(debt.id)).filter(Column::Promise.is_in([Promise::Open, Promise::Kept]));
    for one in scope.all(known).await? {
        decide(scope, &one, debt.paid, today).await?;
    }
    Ok(())
}

/// Ends what is over on a held debt: promises whose day has passed, and the waiting for them.
pub(super) async fn expire(scope: &Scope, debt: &Debt, today: NaiveDate) -> Result<()> {
    review(scope, debt, today).await?;
    let over = scope
        .update::<note::Entity>()
        .col_expr(Column::DefersUntil, Expr::value(None::<NaiveDate>))
        .filter(Column::DebtId.eq(debt.id))
        .filter(Column::DefersUntil.lt(today));
    scope.run(over).await.map(|_| ())
}

async fn decide(scope: &Scope, one: &note::Model, paid: Money, today: NaiveDate) -> Result<()> {
    let (Some(was), Some(amount), Some(day)) = (one.promise, one.promised_amount, one.promised_on) else { return Ok(()) };
    let now = Promise::of(paid.minus(one.paid_before)? >= amount, day < today);
    if now == was {
        return Ok(());
    }
    let update = scope.update::<note::Entity>().col_expr(Column::Promise, Expr::value(Some(now))).filter(Column::Id.eq(one.id));
    scope.run(update).await?;
    scope.audit("promise", "debt", one.debt_id, None, vec![("promise", json!(was), json!(now))]).await
}
