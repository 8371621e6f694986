//! A picture of a product, or of one of its variants.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, FileId, MediaId, ProductId, VariantId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MediaId,
    pub product_id: ProductId,
    pub variant_id: Option<VariantId>,
    pub file_id: FileId,
    /// What is to be seen, for those who cannot.
    pub alt: String,
    pub position: i64,
    pub created_at: Instant,
}

owned!();
