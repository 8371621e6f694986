//! What variants of goods differ by: colour, size, storage.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{AttributeId, CompanyId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attributes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttributeId,
    pub name: String,
    /// The name as it is compared: `Colour` and `colour` are one attribute.
    pub folded: String,
    pub translations: Value,
    pub created_at: Instant,
    pub version: i64,
}

owned!();
