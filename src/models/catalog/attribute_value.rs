//! One of the values an attribute has in this company: black, 128 GB.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{AttributeId, AttributeValueId, CompanyId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attribute_values")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttributeValueId,
    pub attribute_id: AttributeId,
    pub value: String,
    pub folded: String,
    pub translations: Value,
    pub created_at: Instant,
}

owned!();
