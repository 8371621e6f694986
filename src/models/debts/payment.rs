//! Money that came in for a debt, or was found not to have come; written once.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, DebtId, DebtPaymentId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "debt_payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DebtPaymentId,
    pub debt_id: DebtId,
    /// The payment that this one takes back.
    pub reverses_id: Option<DebtPaymentId>,
    pub method: String,
    pub reference: String,
    /// Why it was taken back.
    pub reason: String,
    pub by_name: String,
    pub by_role: String,
    pub actor_id: Option<Uuid>,
    /// Below zero when it takes another back.
    pub amount: Money,
    pub booked_on: NaiveDate,
    pub created_at: Instant,
}

owned!();
