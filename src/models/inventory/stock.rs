//! How much of a variant lies at a location, and how much of that is promised.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, LocationId, ShopId, StockId, VariantId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_levels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockId,
    pub variant_id: VariantId,
    pub location_id: LocationId,
    pub shop_id: Option<ShopId>,
    pub on_hand: i64,
    pub reserved: i64,
    pub reorder_point: i64,
    /// `low` or `out`, as it was last written down.
    pub alert: Option<String>,
    pub updated_at: Instant,
    pub version: i64,
}

owned!(shop);
