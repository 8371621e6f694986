//! Why stock changed; never altered.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, LocationId, MovementId, OrderId, RowId, ShopId, StockId, VariantId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_movements")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MovementId,
    pub stock_id: StockId,
    pub variant_id: VariantId,
    pub location_id: LocationId,
    pub shop_id: Option<ShopId>,
    pub batch_id: Option<RowId>,
    pub kind: String,
    pub reason: String,
    pub quantity: i64,
    pub on_hand_after: i64,
    pub order_id: Option<OrderId>,
    pub actor_id: Option<Uuid>,
    pub created_at: Instant,
}

owned!(shop);
