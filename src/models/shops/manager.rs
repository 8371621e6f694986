//! Who answers for a shop.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, MemberId, RowId, ShopId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shop_managers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub shop_id: ShopId,
    pub member_id: MemberId,
}

owned!();
