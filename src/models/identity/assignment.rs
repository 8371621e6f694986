//! A role at the company, or at one shop.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{AssignmentId, CompanyId, MemberId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assignments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AssignmentId,
    pub member_id: MemberId,
    pub shop_id: Option<ShopId>,
    pub role: String,
    pub created_at: Instant,
}

owned!();
