//! The personal values of an entry, which can be erased: the chain holds without them.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    ids::{AuditId, CompanyId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_values")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
    pub entry_id: AuditId,
    /// Who acted and from where, with a salt; an empty object when erased.
    pub origin: Value,
    /// Personal fields, before and after, with a salt; an empty object when erased.
    pub personal: Value,
}

owned!();
