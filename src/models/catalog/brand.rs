//! Who makes it.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{BrandId, CompanyId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "brands")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BrandId,
    pub slug: String,
    pub name: String,
    pub translations: Value,
    pub created_at: Instant,
    pub version: i64,
}

owned!();
