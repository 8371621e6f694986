//! What a customer asked one shop for, at the prices of that moment.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use super::status::Status;
use crate::{
    clock::Instant,
    ids::{CheckoutId, CompanyId, CustomerId, OrderId, PaymentId, RowId, ShopId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    pub checkout_id: CheckoutId,
    pub shop_id: ShopId,
    pub customer_id: CustomerId,
    pub order_number: String,
    pub status: Status,
    pub payment_status: String,
    pub currency: String,
    pub notes: String,
    pub customer_name: String,
    /// Number and customer, folded, for prefix search.
    pub search_text: String,
    pub tracking_number: Option<String>,
    pub shipping_address: Value,
    pub billing_address: Value,
    pub subtotal: Money,
    pub discount: Money,
    pub tax: Money,
    pub shipping: Money,
    pub total: Money,
    pub tax_included: bool,
    pub is_short: bool,
    pub payment_id: Option<PaymentId>,
    pub delivery_slot_id: Option<RowId>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!(shop);
