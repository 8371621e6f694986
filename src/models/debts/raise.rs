//! A debt comes to be.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    debt::Model as Debt,
    instalment,
    schedule::{self, Part, PlanRequest},
    settle::settle,
    status::{Kind, Status},
    steps::Step,
};
use crate::{
    clock,
    codes::is_currency,
    errors::{Error, FieldError, Result},
    events::Event,
    ids::{CompanyId, DebtId, InstalmentId},
    models::{
        companies,
        ledger::{self, About, Account, Line},
        plans::Period,
    },
    money::Money,
    tenancy::Scope,
};

/// Days until writes are refused, where no subscription says another number.
const GRACE_DAYS: i64 = 14;

/// A debt as the platform raises it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDebt {
    /// Whose it is, where the request does not name the company otherwise.
    pub company_id: Option<CompanyId>,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub amount: Money,
    /// ISO 4217; the company's own when absent.
    pub currency: Option<String>,
    /// A day of the company's calendar.
    pub due_date: NaiveDate,
    pub reference: Option<String>,
    #[serde(default)]
    pub note: String,
    /// Instalments from the start.
    pub plan: Option<PlanRequest>,
}

/// Raises a debt of the company.
///
/// # Errors
/// 422 for a field that cannot be.
pub async fn raise(scope: &Scope, new: &NewDebt) -> Result<Debt> {
    let debt = raise_for(scope, new, None, GRACE_DAYS).await?;
    settle(scope, companies::own(scope).await?.today()).await?;
    Ok(debt)
}

/// Raises a debt, perhaps for a period of a subscription.
pub(super) async fn raise_for(scope: &Scope, new: &NewDebt, period: Option<&Period>, grace_days: i64) -> Result<Debt> {
    let company = companies::own(scope).await?;
    check(new)?;
    let today = company.today();
    let parts = match &new.plan {
        Some(request) => schedule::parts(request, new.amount, today)?,
        None => vec![Part { amount: new.amount, due_on: new.due_date }],
    };
    let due_on = parts.iter().map(|part| part.due_on).max().unwrap_or(new.due_date);
    let next_due_on = parts.iter().map(|part| part.due_on).min();
    let now = clock::now();
    let id = DebtId::new();
    let debt = Debt {
        company_id: scope.company(),
        id,
        subscription_id: period.map(|period| period.subscription_id),
        period_id: period.map(|period| period.id),
        kind: new.kind,
        status: Status::Pending.by_figures(false, next_due_on.is_some_and(|due| due < today), false),
        currency: new.currency.clone().unwrap_or(company.currency),
        reference: new.reference.clone().filter(|text| !text.trim().is_empty()).unwrap_or_else(|| default_reference(id)),
        note: new.note.clone(),
        closed_reason: None,
        amount: new.amount,
        paid: Money::ZERO,
        grace_days,
        due_on,
        next_due_on,
        closed_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(debt.clone()).await?;
    add_parts(scope, &debt, &parts, 0, today).await?;
    book(scope, &debt, Account::Payable, account_of(debt.kind), debt.amount, "debt").await?;
    let changes = vec![
        ("type", Value::Null, json!(debt.kind)),
        ("amount", Value::Null, json!(debt.amount)),
        ("dueDate", Value::Null, json!(debt.due_on)),
    ];
    scope.audit("create", "debt", debt.id, None, changes).await?;
    let data = json!({ "type": debt.kind, "amount": debt.amount, "currency": debt.currency, "dueDate": debt.due_on });
    scope.emit(Event::new("debt.created", ("debt", debt.id.0), None, data)).await?;
    Ok(debt)
}

fn check(new: &NewDebt) -> Result<()> {
    let mut wrong = vec![];
    let mut refuse =
        |field: &str, code: &str, message: &str| wrong.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
    if !(1..=1_000_000_000_000_000).contains(&new.amount.0) {
        refuse("amount", if new.amount.0 < 1 { "too_small" } else { "too_large" }, "from 1 to 1000000000000000 minor units");
    }
    if !new.currency.as_deref().is_none_or(is_currency) {
        refuse("currency", "invalid", "a currency of ISO 4217 with two decimals, such as INR");
    }
    if new.reference.as_ref().is_some_and(|text| text.chars().count() > 80) {
        refuse("reference", "too_long", "at most 80 characters");
    }
    if new.note.chars().count() > 1_000 {
        refuse("note", "too_long", "at most 1000 characters");
    }
    if !schedule::is_plausible(new.due_date) {
        refuse("dueDate", "out_of_range", "a day of this century");
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// A name to say on the telephone: the id's last letters.
fn default_reference(id: DebtId) -> String {
    let letters = id.0.simple().to_string().to_uppercase();
    format!("D-{}", letters.get(24..).unwrap_or(&letters))
}

/// Adds instalments behind the debt's last number.
pub(super) async fn add_parts(scope: &Scope, debt: &Debt, parts: &[Part], last_number: i64, today: NaiveDate) -> Result<()> {
    let now = clock::now();
    let first_step = |due_on| {
        let begun = !Step::reached(due_on, today, debt.grace_days, None).is_empty();
        if begun { Some(today) } else { Step::next_day(due_on, today, debt.grace_days, None) }
    };
    let rows = parts.iter().zip(last_number + 1..).map(|(part, number)| instalment::Model {
        company_id: scope.company(),
        id: InstalmentId::new(),
        debt_id: debt.id,
        currency: debt.currency.clone(),
        number,
        amount: part.amount,
        paid: Money::ZERO,
        due_on: part.due_on,
        next_step_on: first_step(part.due_on),
        paid_at: None,
        replaced_at: None,
        created_at: now,
    });
    scope.insert_all(rows.collect()).await
}

/// Where the other side of a debt is in the company's books.
pub(super) const fn account_of(kind: Kind) -> Account {
    match kind {
        Kind::Subscription => Account::PlatformFees,
        Kind::Purchase => Account::Purchases,
        // What was lent lies in the company's own bank, which is outside of Souk.
        Kind::Loan => Account::Bank,
    }
}

/// Books an amount of a debt from one account to another.
pub(super) async fn book(scope: &Scope, debt: &Debt, credit: Account, debit: Account, amount: Money, kind: &str) -> Result<()> {
    let about = About { kind, reference: &debt.reference, payment: None, order: None, currency: &debt.currency };
    ledger::post(scope, about, &[Line::debit(debit, None, amount), Line::credit(credit, None, amount)]).await
}
