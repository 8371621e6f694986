//! Money comes in for a debt, or is found not to have come.

use chrono::NaiveDate;
use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    allocation,
    debt::{self, Model as Debt},
    instalment::{self, Model as Instalment},
    list, payment, promise, raise,
    settle::{self, closed},
    status::Status,
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{DebtId, DebtPaymentId, RowId},
    models::{companies, ledger::Account},
    money::Money,
    tenancy::Scope,
};

/// A payment as it is recorded.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewDebtPayment")]
pub struct NewPayment {
    pub amount: Money,
    /// How it was paid: `bank_transfer`, `card`, `cheque`, `upi` …
    pub method: String,
    #[serde(default)]
    pub reference: String,
}

/// Records a payment: to the oldest instalments first, never more than is owed.
///
/// # Errors
/// 404; 422 for a field that cannot be; 409 `amount_too_large` with what is left, `debt_closed`.
pub async fn pay(scope: &Scope, id: DebtId, new: &NewPayment) -> Result<(Debt, payment::Model)> {
    use debt::Column;
    check(new)?;
    let today = companies::own(scope).await?.today();
    let take = scope
        .update::<debt::Entity>()
        .col_expr(Column::Paid, Expr::col(Column::Paid).add(new.amount.0))
        .col_expr(Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.is_in(Status::OPEN))
        .filter(Expr::col(Column::Amount).sub(Expr::col(Column::Paid)).gte(new.amount.0));
    let Some(debt) = scope.run_returning(take).await?.pop() else {
        return Err(too_large(&list::get(scope, id).await?));
    };
    let row =
        payment::Model { method: new.method.trim().into(), reference: new.reference.trim().into(), ..entry(scope, id, new.amount, today) };
    scope.insert(row.clone()).await?;
    allocate(scope, &row, list::live_instalments(scope, &[id]).await?).await?;
    raise::book(scope, &debt, Account::Bank, Account::Payable, new.amount, "debt_payment").await?;
    let status = settle::refresh(scope, &debt, debt.due_on, today).await?;
    promise::review(scope, &debt, today).await?;
    let before = debt.paid.minus(new.amount)?;
    let changes = vec![
        ("paid", json!(before), json!(debt.paid)),
        ("method", Value::Null, json!(row.method)),
        ("status", json!(debt.status), json!(status)),
    ];
    scope.audit("pay", "debt", id, None, changes).await?;
    if status == Status::Paid {
        let data = json!({ "type": debt.kind, "amount": debt.amount, "currency": debt.currency });
        scope.emit(Event::new("debt.paid", ("debt", id.0), None, data)).await?;
    }
    settle::settle(scope, today).await?;
    Ok((list::get(scope, id).await?, row))
}

fn check(new: &NewPayment) -> Result<()> {
    if new.amount < Money(1) {
        return Err(Error::invalid("amount", "too_small", "a payment is above zero"));
    }
    if !(1..=40).contains(&new.method.trim().chars().count()) {
        return Err(Error::invalid("method", "required", "1 to 40 characters, such as bank_transfer"));
    }
    if new.reference.chars().count() > 120 {
        return Err(Error::invalid("reference", "too_long", "at most 120 characters"));
    }
    Ok(())
}

fn too_large(debt: &Debt) -> Error {
    if matches!(debt.status, Status::Cancelled | Status::WrittenOff) {
        return closed(debt);
    }
    let facts = json!({ "remaining": debt.remaining(), "currency": debt.currency });
    Error::conflict("amount_too_large", "that is more than is owed", facts)
}

/// A row of the debt's account, before it says how and why.
fn entry(scope: &Scope, debt: DebtId, amount: Money, booked_on: NaiveDate) -> payment::Model {
    payment::Model {
        company_id: scope.company(),
        id: DebtPaymentId::new(),
        debt_id: debt,
        reverses_id: None,
        method: String::new(),
        reference: String::new(),
        reason: String::new(),
        by_name: scope.tenant().name.clone(),
        by_role: scope.tenant().role.name().into(),
        actor_id: scope.tenant().actor.id(),
        amount,
        booked_on,
        created_at: clock::now(),
    }
}

/// Gives a payment to the instalments, the oldest first.
async fn allocate(scope: &Scope, payment: &payment::Model, instalments: Vec<Instalment>) -> Result<()> {
    let mut left = payment.amount;
    let mut rows = vec![];
    for one in instalments {
        let share = std::cmp::min(left, one.remaining());
        if share > Money::ZERO {
            left = left.minus(share)?;
            set_paid(scope, &one, one.paid.plus(share)?).await?;
            rows.push(allocation::Model {
                company_id: scope.company(),
                id: RowId::new(),
                payment_id: payment.id,
                instalment_id: one.id,
                amount: share,
            });
        }
    }
    if left > Money::ZERO {
        return Err(Error::internal(format!("the instalments of {} do not add up to it", payment.debt_id)));
    }
    scope.insert_all(rows).await
}

/// Writes down what is paid of an instalment whose debt is held. One that is open again is looked
/// at by the next sweep.
async fn set_paid(scope: &Scope, one: &Instalment, paid: Money) -> Result<()> {
    use instalment::Column;
    let is_paid = paid == one.amount;
    let next_step_on = if is_paid { None } else { Some(one.next_step_on.unwrap_or(one.due_on)) };
    let update = scope
        .update::<instalment::Entity>()
        .col_expr(Column::Paid, Expr::value(paid))
        .col_expr(Column::PaidAt, Expr::value(is_paid.then(clock::now)))
        .col_expr(Column::NextStepOn, Expr::value(next_step_on))
        .filter(Column::Id.eq(one.id));
    scope.run(update).await.map(|_| ())
}

/// A payment that did not come after all.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "DebtReversal")]
pub struct Reversal {
    pub payment_id: DebtPaymentId,
    pub reason: String,
}

/// Takes a payment back by an entry against it; what it had lifted is in force again at once.
///
/// # Errors
/// 404; 422 without a reason; 409 `already_reversed`, `debt_closed`.
pub async fn reverse(scope: &Scope, id: DebtId, reversal: &Reversal) -> Result<Debt> {
    use debt::Column;
    if !(1..=500).contains(&reversal.reason.trim().chars().count()) {
        return Err(Error::invalid("reason", "required", "1 to 500 characters: why it is taken back"));
    }
    let today = companies::own(scope).await?.today();
    let found = scope.find::<payment::Entity>().filter(payment::Column::Id.eq(reversal.payment_id)).filter(payment::Column::DebtId.eq(id));
    let taken = scope.get(found.filter(payment::Column::ReversesId.is_null())).await?;
    let give_back = scope
        .update::<debt::Entity>()
        .col_expr(Column::Paid, Expr::col(Column::Paid).sub(taken.amount.0))
        .col_expr(Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.is_not_in([Status::Cancelled, Status::WrittenOff]))
        .filter(Column::Paid.gte(taken.amount.0));
    let Some(debt) = scope.run_returning(give_back).await?.pop() else {
        let now = list::get(scope, id).await?;
        return Err(if now.status.is_open() || now.status == Status::Paid { already_reversed() } else { closed(&now) });
    };
    let counter = payment::Model {
        reverses_id: Some(taken.id),
        method: taken.method.clone(),
        reference: taken.reference.clone(),
        reason: reversal.reason.trim().into(),
        ..entry(scope, id, Money(-taken.amount.0), today)
    };
    let key = [payment::Column::CompanyId, payment::Column::ReversesId];
    if !scope.insert_unless_there(counter.clone(), &key).await? {
        return Err(already_reversed());
    }
    take_back(scope, taken.id, counter.id).await?;
    raise::book(scope, &debt, Account::Payable, Account::Bank, taken.amount, "debt_reversal").await?;
    let status = settle::refresh(scope, &debt, debt.due_on, today).await?;
    promise::review(scope, &debt, today).await?;
    let before = debt.paid.plus(taken.amount)?;
    let changes = vec![
        ("paid", json!(before), json!(debt.paid)),
        ("status", json!(debt.status), json!(status)),
        ("reason", Value::Null, json!(counter.reason)),
    ];
    scope.audit("reverse_payment", "debt", id, None, changes).await?;
    settle::settle(scope, today).await?;
    list::get(scope, id).await
}

fn already_reversed() -> Error {
    Error::conflict("already_reversed", "this payment was taken back already", json!({}))
}

/// Takes from each instalment what the payment had given it.
async fn take_back(scope: &Scope, payment: DebtPaymentId, counter: DebtPaymentId) -> Result<()> {
    let given = scope.find::<allocation::Entity>().filter(allocation::Column::PaymentId.eq(payment));
    let mut rows = vec![];
    for share in scope.all(given.order_by_asc(allocation::Column::Id)).await? {
        let one = scope.get(scope.find::<instalment::Entity>().filter(instalment::Column::Id.eq(share.instalment_id))).await?;
        set_paid(scope, &one, one.paid.minus(share.amount)?).await?;
        rows.push(allocation::Model {
            company_id: scope.company(),
            id: RowId::new(),
            payment_id: counter,
            instalment_id: share.instalment_id,
            amount: Money(-share.amount.0),
        });
    }
    scope.insert_all(rows).await
}
