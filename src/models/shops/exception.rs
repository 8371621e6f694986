//! A day on which a shop is closed, or has other hours than every week.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, RowId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "opening_exceptions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub shop_id: ShopId,
    /// In the shop's zone.
    pub day: Date,
    /// Nothing on a day closed.
    pub opens_minute: Option<i64>,
    pub duration_minutes: Option<i64>,
    pub note: String,
}

owned!();
