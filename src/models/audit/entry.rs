//! What was done to which thing, without a person in it: their values lie apart.

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
    pub action: String,
    pub resource: String,
    pub resource_id: String,
    pub request_id: String,
    pub salt: String,
    /// What commits to the name, address and agent of whoever acted; empty for Souk itself.
    pub origin_hash: String,
    /// What commits to the personal values among the changes; empty when there are none.
    pub personal_hash: String,
    pub changes: Value,
    pub created_at: Instant,
}

owned!();
