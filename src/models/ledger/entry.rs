//! One side of a booking.

use sea_orm::entity::prelude::*;

use super::Account;
use crate::{
    clock::Instant,
    ids::{CompanyId, LedgerEntryId, LedgerTransactionId, ShopId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerEntryId,
    pub transaction_id: LedgerTransactionId,
    pub account: Account,
    pub currency: String,
    pub shop_id: Option<ShopId>,
    pub debit: Money,
    pub credit: Money,
    pub created_at: Instant,
}

owned!(shop);
