//! A product as customers see it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    ids::{ShopId, VariantId},
    models::catalog::{Brand, Category, Product, Variant},
};

#[must_use]
pub fn product(
    currency: &str,
    product: &Product,
    variants: &[Variant],
    brand: Option<&Brand>,
    category: Option<&Category>,
    stock: &BTreeMap<VariantId, Vec<(ShopId, i64)>>,
) -> Value {
    let variants: Vec<_> = variants
        .iter()
        .map(|variant| {
            let by_shop = stock.get(&variant.id).map(Vec::as_slice).unwrap_or_default();
            let by_shop: Vec<_> = by_shop.iter().filter(|(shop, _)| product.shop_id.is_none_or(|only| only == *shop)).collect();
            json!({
                "id": variant.id, "sku": variant.sku, "barcode": variant.barcode, "name": variant.name, "attributes": variant.attributes,
                "price": variant.price, "compareAtPrice": variant.compare_at_price, "soldBy": variant.sold_by,
                "available": by_shop.iter().map(|(_, left)| left).sum::<i64>(),
                "availability": by_shop.iter().map(|(shop, left)| json!({ "shopId": shop, "available": left })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let average = if product.rating_count > 0 { Some(product.rating_sum * 100 / product.rating_count) } else { None };
    json!({
        "id": product.id, "slug": product.slug, "name": product.name, "description": product.description,
        "translations": product.translations,
        "brand": brand.map(|one| json!({ "id": one.id, "slug": one.slug, "name": one.name })),
        "category": category.map(|one| json!({ "id": one.id, "slug": one.slug, "name": one.name })),
        "tags": product.tags, "isActive": product.is_active, "isFeatured": product.is_featured, "shopId": product.shop_id,
        "rating": { "average": average.map(|hundredths| hundredths as f64 / 100.0), "count": product.rating_count },
        "currency": currency, "priceFrom": product.price_from, "variants": variants, "media": [],
        "facts": { "origin": product.origin, "organic": product.is_organic },
        "createdAt": product.created_at, "updatedAt": product.updated_at, "version": product.version,
    })
}
