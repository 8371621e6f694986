//! What was expected of a variant, and what was found.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, RowId, ShopId, StockCountId, VariantId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_count_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub count_id: StockCountId,
    pub variant_id: VariantId,
    pub shop_id: Option<ShopId>,
    /// Pieces or grams, with what is sold and not yet picked.
    pub expected: i64,
    pub counted: i64,
}

owned!(shop);
