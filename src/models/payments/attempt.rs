//! One try to take the money; its id is the gateway's idempotency key.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{AttemptId, CompanyId, PaymentId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttemptId,
    pub payment_id: PaymentId,
    pub state: String,
    pub method: String,
    pub decline_code: Option<String>,
    pub redirect_url: Option<String>,
    pub amount: Money,
    pub created_at: Instant,
    pub updated_at: Instant,
}

owned!();
