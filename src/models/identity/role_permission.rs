//! One permission of a company's own role.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, RoleId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "role_permissions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub role_id: RoleId,
    pub permission: String,
}

owned!();
