//! A debt ends without being paid, or its words change.

use chrono::NaiveDate;
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    debt::{self, Model as Debt},
    instalment, list, raise,
    settle::{self, hold_debt},
    status::Status,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::DebtId,
    models::{companies, ledger::Account},
    money::Money,
    tenancy::Scope,
};

/// Why a debt ends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "DebtReason")]
pub struct Reason {
    pub reason: String,
}

/// What may be changed of a debt; how it is paid is a plan's matter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DebtChange {
    pub reference: Option<String>,
    pub note: Option<String>,
}

/// Cancels a debt that should not have been raised.
///
/// # Errors
/// 404; 422 without a reason; 409 `debt_closed`, or `debt_paid_in_part`: take the payments back, or write the rest off.
pub async fn cancel(scope: &Scope, id: DebtId, reason: &Reason) -> Result<Debt> {
    let debt = hold_debt(scope, id, None).await?;
    if debt.paid > Money::ZERO {
        return Err(Error::conflict("debt_paid_in_part", "something was paid of this debt", json!({ "paid": debt.paid })));
    }
    raise::book(scope, &debt, raise::account_of(debt.kind), Account::Payable, debt.amount, "debt_cancelled").await?;
    close(scope, &debt, Status::Cancelled, "cancel", reason).await
}

/// Writes off what is still owed.
///
/// # Errors
/// 404; 422 without a reason; 409 `debt_closed`.
pub async fn write_off(scope: &Scope, id: DebtId, reason: &Reason) -> Result<Debt> {
    let debt = hold_debt(scope, id, None).await?;
    raise::book(scope, &debt, Account::DebtForgiven, Account::Payable, debt.remaining(), "debt_written_off").await?;
    close(scope, &debt, Status::WrittenOff, "write_off", reason).await
}

async fn close(scope: &Scope, held: &Debt, to: Status, action: &str, reason: &Reason) -> Result<Debt> {
    use debt::Column;
    let reason = reason.reason.trim();
    if !(1..=500).contains(&reason.chars().count()) {
        return Err(Error::invalid("reason", "required", "1 to 500 characters"));
    }
    let update = scope
        .update::<debt::Entity>()
        .col_expr(Column::Status, Expr::value(to))
        .col_expr(Column::ClosedReason, Expr::value(Some(reason)))
        .col_expr(Column::ClosedAt, Expr::value(Some(clock::now())))
        .col_expr(Column::NextDueOn, Expr::value(None::<NaiveDate>))
        .filter(Column::Id.eq(held.id));
    scope.run(update).await?;
    let rest = scope
        .update::<instalment::Entity>()
        .col_expr(instalment::Column::NextStepOn, Expr::value(None::<NaiveDate>))
        .filter(instalment::Column::DebtId.eq(held.id));
    scope.run(rest).await?;
    let changes = vec![("status", json!(held.status), json!(to)), ("reason", Value::Null, json!(reason))];
    scope.audit(action, "debt", held.id, None, changes).await?;
    let today = companies::own(scope).await?.today();
    settle::settle(scope, today).await?;
    list::get(scope, held.id).await
}

/// Changes a debt's reference or note.
///
/// # Errors
/// 404; 409 `debt_closed`; 412 when `version` is no longer the present one; 422 for texts that are too long.
pub async fn change(scope: &Scope, id: DebtId, change: &DebtChange, version: Option<i64>) -> Result<Debt> {
    use debt::Column;
    let held = hold_debt(scope, id, version).await?;
    let reference = change.reference.as_ref().map_or(held.reference.as_str(), |text| text.trim());
    let note = change.note.as_ref().map_or(held.note.as_str(), |text| text.trim());
    if !(1..=80).contains(&reference.chars().count()) {
        return Err(Error::invalid("reference", "required", "1 to 80 characters"));
    }
    if note.chars().count() > 1_000 {
        return Err(Error::invalid("note", "too_long", "at most 1000 characters"));
    }
    let update = scope
        .update::<debt::Entity>()
        .col_expr(Column::Reference, Expr::value(reference))
        .col_expr(Column::Note, Expr::value(note))
        .filter(Column::Id.eq(id));
    scope.run(update).await?;
    let changes = vec![("reference", json!(held.reference), json!(reference)), ("note", json!(held.note), json!(note))];
    scope.audit("update", "debt", id, None, changes.into_iter().filter(|(_, before, after)| before != after).collect()).await?;
    list::get(scope, id).await
}
