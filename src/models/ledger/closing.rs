//! What an account came to in a month that is closed.

use sea_orm::entity::prelude::*;

use super::Account;
use crate::{
    clock::Instant,
    ids::{CompanyId, RowId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_closings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub account: Account,
    pub currency: String,
    /// `2026-11`, on the company's calendar.
    pub month: String,
    /// What was booked in the month.
    pub debit: Money,
    pub credit: Money,
    /// All debits until its end, less all credits.
    pub balance: Money,
    /// The first moment after it, in the zone that the company had when it was closed: whatever
    /// becomes of the zone, the next month begins here.
    pub ends_at: Instant,
    pub created_at: Instant,
}

owned!();
