//! A place in the tree of goods.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CategoryId, CompanyId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "categories")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CategoryId,
    pub parent_id: Option<CategoryId>,
    pub slug: String,
    pub name: String,
    pub translations: Value,
    /// Basis points, or -1 for that of the category above, at last the company's.
    pub tax_rate_set: i64,
    /// Among those beside it, as people put them; nothing for last.
    pub position: Option<i64>,
    pub created_at: Instant,
    pub version: i64,
}

owned!();
