//! The one payment of a checkout.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CheckoutId, CompanyId, CustomerId, PaymentId, RowId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    pub checkout_id: CheckoutId,
    pub customer_id: CustomerId,
    pub payment_method_id: Option<RowId>,
    pub gateway: String,
    pub status: String,
    pub currency: String,
    pub decline_code: Option<String>,
    pub gateway_reference: Option<String>,
    pub amount: Money,
    pub captured: Money,
    pub refunded: Money,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
