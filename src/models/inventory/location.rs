//! Where stock lies: a shop, or a warehouse.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, LocationId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "locations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LocationId,
    pub kind: String,
    pub slug: String,
    pub name: String,
    pub shop_id: Option<ShopId>,
    pub created_at: Instant,
}

owned!(shop);
