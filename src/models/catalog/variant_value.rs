//! That a variant has a value, with the product beside it: what a filter by attribute reads.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{AttributeValueId, CompanyId, ProductId, RowId, VariantId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variant_attribute_values")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub variant_id: VariantId,
    pub product_id: ProductId,
    pub attribute_value_id: AttributeValueId,
}

owned!();
