//! A debt as the pages of both portals show it.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{Visitor, local};
use crate::{
    models::debts::{Debt, Instalment, Kind, NewPayment, Note, Parts, Payment, Status, Step},
    money::Money,
    tenancy::Permission,
    views::{dates, debts::instalment_status},
};

use super::fields::Fields;

/// How a payment can have been made; the API takes other words too.
pub(super) const METHODS: [&str; 5] = ["bank_transfer", "upi", "card", "cheque", "cash"];

/// The ways of paying, to choose from.
pub(super) fn methods() -> Vec<Value> {
    METHODS.iter().map(|method| json!({ "value": method, "label_key": format!("debts.method.{method}") })).collect()
}

/// What debts are for, to choose from.
pub(super) fn kinds() -> Vec<Value> {
    Kind::ALL.iter().map(|kind| json!({ "value": kind, "label_key": format!("debts.kind.{}", kind.name()) })).collect()
}

/// How debts stand, to choose from.
pub(super) fn statuses() -> Vec<Value> {
    Status::ALL.iter().map(|status| json!({ "value": status, "label_key": format!("debts.status.{}", status.name()) })).collect()
}

/// A debt as a row of a list.
pub(super) fn row(debt: &Debt, today: NaiveDate, zone: &str, language: &str) -> Value {
    let days_late = debt.next_due_on.map_or(0, |due| (today - due).num_days()).max(0);
    json!({
        "id": debt.id, "reference": debt.reference, "kind": debt.kind, "status": debt.status_on(today),
        "amount": debt.amount.display(&debt.currency), "paid": debt.paid.display(&debt.currency),
        "remaining": debt.remaining().display(&debt.currency), "next_due": debt.next_due_on.map(|day| dates::day(day, language)), "days_late": days_late,
        "raised": dates::day(debt.created_at.date_in(zone), language),
    })
}

/// All that a debt's page shows of it.
pub(super) fn page<P: Permission>(visitor: &Visitor<P>, debt: &Debt, parts: &Parts, today: NaiveDate, zone: &str) -> Value {
    let language = visitor.language.as_str();
    let shown = |day: NaiveDate| dates::day(day, language);
    let next = parts.instalments.iter().find(|one| one.paid < one.amount);
    let instalments: Vec<_> = parts.instalments.iter().zip(1..).map(|(one, number)| instalment(one, number, today, language)).collect();
    let payments: Vec<_> = parts.payments.iter().map(|one| payment(visitor, one, &parts.payments)).collect();
    let notes: Vec<_> = parts.notes.iter().map(|one| note(one, &debt.currency, zone, language)).collect();
    let calendar = next.filter(|_| debt.status.is_open());
    let calendar = calendar.map_or_else(Vec::new, |one| Step::calendar(one.due_on, debt.grace_days, parts.deferred_until));
    let steps = calendar.into_iter().map(|(step, day)| {
        json!({
            "what": visitor.text(&format!("debts.step.{}", step.name())), "tone": tone(step, day <= today),
            "at": shown(day), "note": "", "by": "", "is_over": day <= today,
        })
    });
    let is_open = debt.status.is_open();
    json!({
        "currency": debt.currency,
        "debt": {
            "id": debt.id, "reference": debt.reference, "kind": debt.kind, "status": debt.status_on(today), "note": debt.note,
            "amount": debt.amount, "paid": debt.paid, "remaining": debt.remaining(), "due": shown(debt.due_on),
            "next_due": debt.next_due_on.map(shown), "next_amount": next.map(Instalment::remaining),
            "closed_reason": debt.closed_reason, "closed_at": debt.closed_at.map(|at| local(at, zone, language)), "version": debt.version,
            "created": local(debt.created_at, zone, language), "is_open": is_open, "is_begun": debt.paid > Money::ZERO,
            "stage": parts.stage.filter(|_| is_open), "promised_until": parts.deferred_until.filter(|_| is_open).map(shown),
        },
        "instalments": instalments, "payments": payments, "notes": notes, "steps": steps.collect::<Vec<_>>(),
        "methods": methods(), "today": today,
        // What is usually paid next, as people write it.
        "suggested": next.map(|one| one.remaining().plain()),
    })
}

/// A step that is still to come is grey.
const fn tone(step: Step, is_over: bool) -> &'static str {
    match (step, is_over) {
        (_, false) => "none",
        (Step::Limit | Step::Suspension, true) => "bad",
        (Step::DayAfter | Step::Notice, true) => "warn",
        _ => "info",
    }
}

fn instalment(one: &Instalment, number: i64, today: NaiveDate, language: &str) -> Value {
    json!({
        "number": number, "due": dates::day(one.due_on, language), "amount": one.amount, "paid": one.paid, "remaining": one.remaining(),
        "status": instalment_status(one, today),
    })
}

fn payment<P: Permission>(visitor: &Visitor<P>, one: &Payment, all: &[Payment]) -> Value {
    let is_known = METHODS.contains(&one.method.as_str());
    let method = if is_known { visitor.text(&format!("debts.method.{}", one.method)) } else { one.method.clone() };
    json!({
        "id": one.id, "at": dates::day(one.booked_on, &visitor.language), "amount": one.amount, "method": method, "reference": one.reference,
        "by": one.by_name, "reason": one.reason, "is_reversal": one.reverses_id.is_some(),
        "is_reversed": all.iter().any(|other| other.reverses_id == Some(one.id)),
    })
}

fn note(one: &Note, currency: &str, zone: &str, language: &str) -> Value {
    json!({
        "text": one.text, "by": one.by_name, "at": local(one.created_at, zone, language), "promise": one.promise,
        "promised_on": one.promised_on.map(|day| dates::day(day, language)), "promised_amount": one.promised_amount.map(|amount| amount.display(currency)),
    })
}

/// A payment as a form says it.
pub(super) fn payment_of(fields: &mut Fields) -> NewPayment {
    let amount = fields.money("amount").unwrap_or_default();
    let method = fields.text("method");
    let reference = fields.optional("reference").unwrap_or_default();
    NewPayment { amount, method, reference }
}
