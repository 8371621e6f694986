//! A stretch of a subscription that was paid for as one; written once.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, PeriodId, PlanId, SubscriptionId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription_periods")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PeriodId,
    pub subscription_id: SubscriptionId,
    pub plan_id: PlanId,
    pub plan_code: String,
    pub currency: String,
    /// Counted from 1 within the subscription, so that each is begun once.
    pub number: i64,
    pub amount: Money,
    pub starts_on: NaiveDate,
    /// The first day behind it.
    pub ends_on: NaiveDate,
    pub created_at: Instant,
}

owned!();
