//! Debts: what a company owes the platform, in instalments, and what follows when it is not paid.
//!
//! Every act here ends by settling: the company's standing and its subscription's state are brought
//! in line with what is owed, in the same unit. So a payment lifts at once what its lack had caused.

mod allocation;
mod bill;
mod close;
mod debt;
mod instalment;
mod letters;
mod list;
mod note;
mod pay;
mod payment;
mod promise;
mod raise;
mod schedule;
mod settle;
mod status;
mod step;
mod steps;
mod sweep;

pub use self::{
    bill::{SubscriptionChange, subscribe},
    close::{DebtChange, Reason, cancel, change, write_off},
    debt::Model as Debt,
    instalment::Model as Instalment,
    list::{
        Bucket, By, Filter, Parts, aged, aging, aging_of_all, company_of, get, list, list_of_all, next_due, overdue, overdue_of_all, parts,
        some_of_all, sorted, sorted_of_all,
    },
    note::{Model as Note, Promise},
    pay::{NewPayment, Reversal, pay, reverse},
    payment::Model as Payment,
    promise::{NewNote, add_note},
    raise::{NewDebt, raise},
    schedule::{Every, PlanPart, PlanRequest, plan},
    status::{Kind, Status},
    steps::Step,
    sweep::{companies_with_work, day},
};
