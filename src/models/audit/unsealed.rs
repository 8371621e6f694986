//! An entry that has no link yet; the schema's trigger writes it, the sealer takes it away.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{AuditId, CompanyId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_unsealed")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
}

owned!();
