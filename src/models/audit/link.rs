//! A sealed entry's place in the chain.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{AuditId, CompanyId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
    pub hash: String,
    pub previous: String,
    pub number: i64,
    pub created_at: Instant,
}

owned!();
