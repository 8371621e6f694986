//! One act of buying: its orders share a payment and its holds.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CheckoutId, CompanyId, CustomerId, RowId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "checkouts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CheckoutId,
    pub customer_id: CustomerId,
    pub state: String,
    pub gateway: String,
    pub currency: String,
    pub total: Money,
    pub reserved_until: Option<Instant>,
    pub coupon_id: Option<RowId>,
    pub delivery_slot_id: Option<RowId>,
    pub customer_group_id: Option<RowId>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
