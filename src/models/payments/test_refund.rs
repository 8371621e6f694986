//! What the test gateway has given back.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{AttemptId, CompanyId, RefundId},
    money::Money,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "test_gateway_refunds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefundId,
    pub company_id: CompanyId,
    pub charge_id: AttemptId,
    pub amount: Money,
    pub created_at: Instant,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
