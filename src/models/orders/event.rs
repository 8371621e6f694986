//! What happened to an order, for its timeline.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, OrderEventId, OrderId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderEventId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub kind: String,
    pub note: String,
    pub by_name: String,
    pub status: Option<String>,
    pub actor_id: Option<Uuid>,
    pub created_at: Instant,
}

owned!(shop);
