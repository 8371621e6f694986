//! What is sold: one SKU, one price.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CompanyId, ProductId, VariantId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "variants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VariantId,
    pub product_id: ProductId,
    pub sku: String,
    pub name: String,
    pub translations: Value,
    /// `unit`, or `weight`: quantity in grams, price per kilogram.
    pub sold_by: String,
    pub barcode: Option<String>,
    pub attributes: Value,
    pub price: Money,
    pub cost: Money,
    pub position: i64,
    pub compare_at_price: Option<Money>,
    pub archived_at: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
