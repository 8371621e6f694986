//! Debts as the company and the platform see them.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::{
    models::debts::{Debt, Instalment, Note, Parts, Payment, Status},
    money::Money,
};

/// A debt without its parts, as it stands on a day of its company's calendar.
#[must_use]
pub fn summary(debt: &Debt, today: NaiveDate) -> Value {
    json!({
        "id": debt.id, "companyId": debt.company_id, "type": debt.kind, "status": debt.status_on(today), "currency": debt.currency,
        "amount": debt.amount, "amountPaid": debt.paid, "amountRemaining": debt.remaining(), "dueDate": debt.due_on,
        "nextDueDate": debt.next_due_on, "reference": debt.reference, "note": debt.note, "closedReason": debt.closed_reason,
        "subscriptionId": debt.subscription_id, "createdAt": debt.created_at, "updatedAt": debt.updated_at, "version": debt.version,
    })
}

/// A debt with its instalments, payments and notes.
#[must_use]
pub fn full(debt: &Debt, parts: &Parts, today: NaiveDate) -> Value {
    let mut view = summary(debt, today);
    view["stage"] = json!(parts.stage.filter(|_| debt.status.is_open()));
    view["paymentSchedule"] = parts.instalments.iter().zip(1..).map(|(one, number)| instalment(one, number, today)).collect();
    view["payments"] = parts.payments.iter().map(|one| payment(one, &parts.payments)).collect();
    view["notes"] = parts.notes.iter().map(note).collect();
    view
}

fn instalment(one: &Instalment, number: i64, today: NaiveDate) -> Value {
    json!({
        "id": one.id, "number": number, "amount": one.amount, "amountPaid": one.paid, "amountRemaining": one.remaining(),
        "dueDate": one.due_on, "paidAt": one.paid_at, "status": instalment_status(one, today),
    })
}

/// How an instalment stands, by the same figures as its debt.
#[must_use]
pub fn instalment_status(one: &Instalment, today: NaiveDate) -> Status {
    Status::Pending.by_figures(one.paid == one.amount, one.due_on < today, one.paid > Money::ZERO)
}

/// A payment among the others of its debt.
#[must_use]
pub fn payment(one: &Payment, all: &[Payment]) -> Value {
    json!({
        "id": one.id, "amount": one.amount, "method": one.method, "reference": one.reference, "bookedOn": one.booked_on,
        "by": { "name": one.by_name, "role": one.by_role }, "reversesId": one.reverses_id, "reason": one.reason,
        "isReversed": all.iter().any(|other| other.reverses_id == Some(one.id)), "createdAt": one.created_at,
    })
}

#[must_use]
pub fn note(one: &Note) -> Value {
    json!({
        "id": one.id, "text": one.text, "promisedDate": one.promised_on, "promisedAmount": one.promised_amount,
        "promise": one.promise, "by": one.by_name, "createdAt": one.created_at,
    })
}
