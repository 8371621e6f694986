//! A person's place in one company.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, MemberId, StaffId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MemberId,
    pub staff_id: StaffId,
    pub kind: String,
    pub name: String,
    pub email: String,
    pub is_active: bool,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
