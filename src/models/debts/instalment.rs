//! A part of a debt with a day of its own. A debt without a plan has one.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, DebtId, InstalmentId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instalments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InstalmentId,
    pub debt_id: DebtId,
    pub currency: String,
    /// Counted within the debt, replaced ones too.
    pub number: i64,
    pub amount: Money,
    pub paid: Money,
    pub due_on: NaiveDate,
    /// When the collection's next step is to be looked at; nothing when there is none.
    pub next_step_on: Option<NaiveDate>,
    pub paid_at: Option<Instant>,
    /// When another plan took its place; it counts no more.
    pub replaced_at: Option<Instant>,
    pub created_at: Instant,
}

impl Model {
    #[must_use]
    pub fn remaining(&self) -> Money {
        Money(self.amount.0 - self.paid.0)
    }
}

owned!();
