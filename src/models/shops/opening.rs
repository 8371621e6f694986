//! When a shop opens, and for how long: it may run past midnight.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, RowId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "opening_hours")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub shop_id: ShopId,
    /// 0 is Monday.
    pub weekday: i64,
    pub opens_minute: i64,
    pub duration_minutes: i64,
}

owned!();
