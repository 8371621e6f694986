//! What the test gateway has taken, in its own books.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{AttemptId, CompanyId, PaymentId},
    money::Money,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "test_gateway_charges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttemptId,
    pub company_id: CompanyId,
    pub payment_id: PaymentId,
    pub state: String,
    pub method: String,
    pub amount: Money,
    pub refunded: Money,
    pub created_at: Instant,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
