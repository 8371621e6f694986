//! A role of the company's own: a name for some permissions.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CompanyId, RoleId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "roles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RoleId,
    pub name: String,
    pub translations: Value,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
