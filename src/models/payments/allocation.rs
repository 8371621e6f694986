//! The share of a payment that one order has.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{AllocationId, CompanyId, OrderId, PaymentId, ShopId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_allocations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AllocationId,
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub amount: Money,
    pub refunded: Money,
}

owned!(shop);
