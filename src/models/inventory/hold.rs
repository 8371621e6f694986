//! Goods promised to a checkout.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CheckoutId, CompanyId, HoldId, RowId, ShopId, StockId, VariantId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "holds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HoldId,
    pub checkout_id: CheckoutId,
    pub stock_id: StockId,
    pub variant_id: VariantId,
    pub shop_id: Option<ShopId>,
    pub batch_id: Option<RowId>,
    pub state: String,
    pub quantity: i64,
    /// What was promised and turned out not to be there: no longer in `quantity`, nor reserved.
    pub short: i64,
    pub expires_at: Instant,
    pub created_at: Instant,
}

owned!(shop);
