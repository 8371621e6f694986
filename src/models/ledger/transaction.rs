//! One booking, whose entries balance.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, LedgerTransactionId, OrderId, PaymentId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_transactions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerTransactionId,
    pub kind: String,
    pub reference: String,
    pub payment_id: Option<PaymentId>,
    pub order_id: Option<OrderId>,
    pub created_at: Instant,
}

owned!();
