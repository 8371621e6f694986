//! Who did what to which thing.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{AuditId, CompanyId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
    pub actor_id: Option<Uuid>,
    pub shop_id: Option<ShopId>,
    pub actor_role: String,
    pub actor_name: String,
    pub action: String,
    pub resource: String,
    pub resource_id: String,
    pub ip_address: String,
    pub user_agent: String,
    pub request_id: String,
    pub changes: Value,
    pub salt: String,
    pub created_at: Instant,
}

owned!();
