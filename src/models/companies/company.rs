//! A tenant.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;
use serde_json::Value as Json;

use super::standing::Standing;
use crate::{
    clock::Instant,
    ids::{CompanyId, SubscriptionId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "companies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CompanyId,
    pub slug: String,
    pub name: String,
    pub sort_name: String,
    pub description: String,
    /// ISO 4217; fixed by the first row of money.
    pub currency: String,
    pub zone: String,
    pub language: String,
    /// `active`, `suspended` or `closed`; the platform's own row is `platform`.
    pub status: String,
    /// Why it was stopped, for the platform's people.
    pub status_reason: Option<String>,
    /// How it stands with the platform.
    pub standing: Standing,
    /// The day on which the oldest unpaid instalment that is late was due.
    pub overdue_since: Option<NaiveDate>,
    /// From when nothing new is admitted, if nothing is paid.
    pub limited_on: Option<NaiveDate>,
    /// From when writes are refused, if nothing is paid.
    pub suspended_on: Option<NaiveDate>,
    /// What it subscribes to; nothing means no limits.
    pub subscription_id: Option<SubscriptionId>,
    pub email: String,
    pub phone: String,
    pub address: Option<Json>,
    /// How it is paid; of the platform, what companies read with their debts.
    pub pay_to: Option<String>,
    /// One CSS colour.
    pub brand: String,
    /// The key of its logo's picture, where it has one.
    pub logo: Option<String>,
    /// The host under which its customers reach it, as the platform's people set it.
    pub domain: Option<String>,
    /// Basis points.
    pub tax_rate: i64,
    /// Hours after which an unpaid order is cancelled.
    pub unpaid_hours: i64,
    /// The largest cash-on-delivery order, in minor units.
    pub cod_limit: i64,
    pub tax_included: bool,
    pub epoch: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

impl Model {
    /// Where its logo is served.
    #[must_use]
    pub fn logo_path(&self) -> Option<String> {
        self.logo.as_ref().map(|key| format!("/media/{key}"))
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A company's own row is narrowed by its own id.
impl crate::tenancy::Owned for Entity {
    fn company() -> Column {
        Column::Id
    }
}
