//! How much of a payment went to which instalment; written once.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, DebtPaymentId, InstalmentId, RowId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "debt_allocations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub payment_id: DebtPaymentId,
    pub instalment_id: InstalmentId,
    /// Below zero when a payment was taken back.
    pub amount: Money,
}

owned!();
