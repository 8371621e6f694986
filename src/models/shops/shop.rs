//! A store, a dark store, a stand.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CompanyId, RowId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shops")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShopId,
    pub slug: String,
    pub name: String,
    pub translations: Value,
    pub sort_name: String,
    pub kind: String,
    pub zone: String,
    pub line1: String,
    pub city: String,
    pub state: String,
    pub postal_code: String,
    pub country: String,
    pub phone: String,
    pub email: Option<String>,
    pub lat: Option<String>,
    pub lng: Option<String>,
    pub is_active: bool,
    pub vendor_id: Option<RowId>,
    pub deleted_at: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
