//! A tenant.

use sea_orm::entity::prelude::*;

use crate::{clock::Instant, ids::CompanyId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "companies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CompanyId,
    pub slug: String,
    pub name: String,
    pub description: String,
    /// ISO 4217; fixed by the first row of money.
    pub currency: String,
    pub zone: String,
    pub language: String,
    pub status: String,
    pub email: String,
    pub phone: String,
    /// One CSS colour.
    pub brand: String,
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

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A company's own row is narrowed by its own id.
impl crate::tenancy::Owned for Entity {
    fn company() -> Column {
        Column::Id
    }
}
