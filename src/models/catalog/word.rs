//! A folded word by which a product is found.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, ProductId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_words")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub product_id: ProductId,
    pub word: String,
    pub weight: i64,
}

owned!();
