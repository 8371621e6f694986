//! What a company puts into its catalogue.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::{Value, json};

use super::{brand, category, fold, product, variant, word};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{BrandId, CategoryId, ProductId, RowId, ShopId, VariantId},
    money::Money,
    tenancy::Scope,
};

#[derive(Clone, Debug)]
pub struct NewCategory {
    pub slug: String,
    pub name: String,
    pub translations: Value,
    pub parent: Option<CategoryId>,
}

/// A product with all its variants.
#[derive(Clone, Debug)]
pub struct NewProduct {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub translations: Value,
    pub tags: Vec<String>,
    pub brand: Option<BrandId>,
    pub brand_name: String,
    pub category: Option<CategoryId>,
    pub shop: Option<ShopId>,
    pub is_featured: bool,
    pub origin: Option<String>,
    pub is_organic: bool,
    pub variants: Vec<NewVariant>,
}

#[derive(Clone, Debug)]
pub struct NewVariant {
    pub sku: String,
    pub barcode: Option<String>,
    pub name: String,
    pub attributes: Value,
    pub price: Money,
    pub compare_at_price: Option<Money>,
    pub cost: Money,
    pub by_weight: bool,
}

pub async fn add_brand(scope: &Scope, slug: &str, name: &str) -> Result<BrandId> {
    let id = BrandId::new();
    let row = brand::Model { company_id: scope.company(), id, slug: slug.into(), name: name.into(), created_at: clock::now(), version: 1 };
    scope.insert(row).await?;
    Ok(id)
}

pub async fn add_category(scope: &Scope, new: NewCategory) -> Result<CategoryId> {
    let id = CategoryId::new();
    let row = category::Model {
        company_id: scope.company(),
        id,
        parent_id: new.parent,
        slug: new.slug,
        name: new.name,
        translations: new.translations,
        tax_rate_set: -1,
        created_at: clock::now(),
        version: 1,
    };
    scope.insert(row).await?;
    Ok(id)
}

/// Puts a product into the catalogue.
///
/// # Errors
/// 422 without a variant or with a price below zero; 409 `slug_taken`.
pub async fn add_product(scope: &Scope, new: NewProduct) -> Result<(ProductId, Vec<VariantId>)> {
    if new.variants.is_empty() {
        return Err(Error::invalid("variants", "required", "a product needs at least one variant"));
    }
    if let Some(index) = new.variants.iter().position(|variant| variant.price < Money::ZERO) {
        return Err(Error::invalid(format!("variants[{index}].price"), "too_small", "a price is not below zero"));
    }
    let taken = scope.find_company_wide::<product::Entity>().filter(product::Column::Slug.eq(new.slug.as_str()));
    if scope.one(taken).await?.is_some() {
        return Err(Error::conflict("slug_taken", "another product has this slug", json!({})));
    }
    let now = clock::now();
    let id = ProductId::new();
    let row = product::Model {
        company_id: scope.company(),
        id,
        slug: new.slug,
        sort_name: fold(&new.name),
        name: new.name.clone(),
        description: new.description.clone(),
        translations: new.translations,
        tags: json!(new.tags),
        facts: json!({}),
        brand_id: new.brand,
        category_id: new.category,
        shop_id: new.shop,
        is_active: true,
        is_featured: new.is_featured,
        origin: new.origin,
        is_organic: new.is_organic,
        price_from: new.variants.iter().map(|variant| variant.price).min().unwrap_or_default(),
        rating_sum: 0,
        rating_count: 0,
        popularity: 0,
        archived_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(row).await?;
    let mut ids = Vec::with_capacity(new.variants.len());
    let mut texts = vec![(new.name, 3), (new.brand_name, 1), (new.tags.join(" "), 1), (new.description, 1)];
    let mut rows = Vec::with_capacity(new.variants.len());
    for (position, variant) in new.variants.into_iter().enumerate() {
        let variant_id = VariantId::new();
        ids.push(variant_id);
        texts.push((variant.sku.clone(), 2));
        texts.push((variant.barcode.clone().unwrap_or_default(), 2));
        rows.push(variant::Model {
            company_id: scope.company(),
            id: variant_id,
            product_id: id,
            sku: variant.sku,
            name: variant.name,
            sold_by: if variant.by_weight { "weight" } else { "unit" }.into(),
            barcode: variant.barcode,
            attributes: variant.attributes,
            price: variant.price,
            cost: variant.cost,
            position: i64::try_from(position).unwrap_or_default(),
            compare_at_price: variant.compare_at_price,
            archived_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        });
    }
    scope.insert_all(rows).await?;
    let mut seen = BTreeSet::new();
    let mut words = Vec::new();
    for (text, weight) in texts {
        for found in fold(&text).split(' ').filter(|found| !found.is_empty()) {
            if seen.insert(found.to_owned()) {
                words.push(word::Model { company_id: scope.company(), id: RowId::new(), product_id: id, word: found.into(), weight });
            }
        }
    }
    scope.insert_all(words).await?;
    scope.emit(Event::new("product.created", ("product", id.0), new.shop, json!({}))).await?;
    Ok((id, ids))
}
