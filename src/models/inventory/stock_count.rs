//! One count of some goods at a place.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, LocationId, ShopId, StockCountId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_counts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockCountId,
    pub location_id: LocationId,
    pub shop_id: Option<ShopId>,
    pub note: String,
    pub by_name: String,
    pub actor_id: Option<Uuid>,
    pub created_at: Instant,
}

owned!(shop);
