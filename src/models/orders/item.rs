//! One line of an order.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    ids::{CompanyId, OrderId, OrderItemId, ProductId, RowId, ShopId, VariantId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderItemId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub variant_id: VariantId,
    pub product_id: ProductId,
    pub batch_id: Option<RowId>,
    pub name: String,
    pub sku: String,
    pub sold_by: String,
    pub quantity: i64,
    pub quantity_shipped: i64,
    pub quantity_cancelled: i64,
    pub quantity_returned: i64,
    /// Sold, and found not to be on the shelf before it was picked.
    pub quantity_short: i64,
    pub price: Money,
    pub subtotal: Money,
    pub discount: Money,
    pub tax: Money,
    /// Basis points.
    pub tax_rate: i64,
    pub tax_included: bool,
    pub discount_shares: Value,
}

owned!(shop);
