//! A time during which goods were low or out at a place.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{AlertId, CompanyId, LocationId, ShopId, StockId, VariantId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_alerts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AlertId,
    pub stock_id: StockId,
    pub variant_id: VariantId,
    pub location_id: LocationId,
    pub shop_id: Option<ShopId>,
    /// `low` or `out`.
    pub kind: String,
    /// The kind while it is open, so that one of a kind is open at a time.
    pub open_kind: Option<String>,
    /// How much lay there when it opened: pieces, or grams.
    pub quantity: i64,
    pub threshold: i64,
    pub created_at: Instant,
    pub closed_at: Option<Instant>,
    pub acknowledged_at: Option<Instant>,
    pub acknowledged_by: Option<Uuid>,
    pub acknowledged_name: Option<String>,
}

owned!(shop);
