//! What a company owes the platform.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use super::status::{Kind, Status};
use crate::{
    clock::Instant,
    ids::{CompanyId, DebtId, PeriodId, SubscriptionId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "debts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DebtId,
    pub subscription_id: Option<SubscriptionId>,
    /// The period that it bills.
    pub period_id: Option<PeriodId>,
    pub kind: Kind,
    /// As of the last change or the last look at the calendar; see [`Model::status_on`].
    pub status: Status,
    pub currency: String,
    pub reference: String,
    pub note: String,
    /// Why it was cancelled or written off.
    pub closed_reason: Option<String>,
    pub amount: Money,
    pub paid: Money,
    /// Days after which writes are refused.
    pub grace_days: i64,
    /// When all of it is due.
    pub due_on: NaiveDate,
    /// When the next unpaid instalment is due; nothing when none is.
    pub next_due_on: Option<NaiveDate>,
    pub closed_at: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

impl Model {
    /// What is still owed.
    #[must_use]
    pub fn remaining(&self) -> Money {
        if matches!(self.status, Status::Cancelled | Status::WrittenOff) { Money::ZERO } else { Money(self.amount.0 - self.paid.0) }
    }

    /// The status on a day of the company's calendar: the sweep may not have seen that day yet.
    #[must_use]
    pub fn status_on(&self, today: NaiveDate) -> Status {
        let is_late = self.next_due_on.is_some_and(|due| due < today);
        self.status.by_figures(self.paid == self.amount, is_late, self.paid > Money::ZERO)
    }
}

owned!();
