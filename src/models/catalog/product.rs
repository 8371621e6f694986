//! What a shop offers.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{BrandId, CategoryId, CompanyId, ProductId, ShopId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProductId,
    pub slug: String,
    pub name: String,
    pub sort_name: String,
    pub description: String,
    pub translations: Value,
    pub tags: Value,
    pub facts: Value,
    /// What a list shows of its pictures; written with every change of them.
    pub gallery: Option<Value>,
    pub brand_id: Option<BrandId>,
    pub category_id: Option<CategoryId>,
    /// Sold by this shop alone; nothing for the whole company.
    pub shop_id: Option<ShopId>,
    pub is_active: bool,
    pub is_featured: bool,
    pub origin: Option<String>,
    pub is_organic: bool,
    pub price_from: Money,
    pub rating_sum: i64,
    pub rating_count: i64,
    /// In how many orders of the last thirty days it was bought.
    pub popularity: i64,
    pub archived_at: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
