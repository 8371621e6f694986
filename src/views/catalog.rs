//! A product as customers see it, and what only the company's people see of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    ids::{ShopId, VariantId},
    models::catalog::{Attribute, Brand, Category, Facts, Label, Product, Shot, Shown, Variant},
};

/// How much of each variant each shop can sell.
pub type Availability = BTreeMap<VariantId, Vec<(ShopId, i64)>>;

/// `with_cost`: for those who may know what the company pays.
#[must_use]
pub fn product(currency: &str, shown: &Shown, variants: &[Variant], stock: &Availability, with_cost: bool) -> Value {
    let product = &shown.product;
    let variants: Vec<_> = variants.iter().map(|one| variant(one, product.shop_id, stock, with_cost)).collect();
    let average = if product.rating_count > 0 { Some(product.rating_sum * 100 / product.rating_count) } else { None };
    json!({
        "id": product.id, "slug": product.slug, "name": product.name, "description": product.description,
        "translations": product.translations, "brand": shown.brand.as_ref().map(label), "category": shown.category.as_ref().map(label),
        "tags": product.tags, "isActive": product.is_active, "isFeatured": product.is_featured, "shopId": product.shop_id,
        "rating": { "average": average.map(|hundredths| hundredths as f64 / 100.0), "count": product.rating_count },
        "currency": currency, "priceFrom": product.price_from, "variants": variants, "media": media(product), "facts": Facts::of(product),
        "createdAt": product.created_at, "updatedAt": product.updated_at, "version": product.version,
    })
}

fn media(product: &Product) -> Vec<Value> {
    let one = |(position, shot): (usize, Shot)| {
        let renditions: Vec<_> = shot.renditions().iter().map(|(width, url)| json!({ "width": width, "url": url })).collect();
        json!({
            "id": shot.id, "url": shot.url(), "alt": shot.alt, "position": position, "variantId": shot.variant_id,
            "width": shot.width, "height": shot.height, "renditions": renditions,
        })
    };
    product.pictures().into_iter().enumerate().map(one).collect()
}

fn label<Id: serde::Serialize>(label: &Label<Id>) -> Value {
    json!({ "id": label.id, "slug": label.slug, "name": label.name })
}

/// One variant; `only` is the shop that sells it, where one alone does.
#[must_use]
pub fn variant(variant: &Variant, only: Option<ShopId>, stock: &Availability, with_cost: bool) -> Value {
    let by_shop = stock.get(&variant.id).map(Vec::as_slice).unwrap_or_default();
    let by_shop: Vec<_> = by_shop.iter().filter(|(shop, _)| only.is_none_or(|only| only == *shop)).collect();
    let mut view = json!({
        "id": variant.id, "sku": variant.sku, "barcode": variant.barcode, "name": variant.name, "translations": variant.translations, "attributes": variant.attributes,
        "price": variant.price, "compareAtPrice": variant.compare_at_price, "soldBy": variant.sold_by,
        "available": by_shop.iter().map(|(_, left)| left).sum::<i64>(),
        "availability": by_shop.iter().map(|(shop, left)| json!({ "shopId": shop, "available": left })).collect::<Vec<_>>(),
        "version": variant.version,
    });
    if with_cost {
        view["cost"] = json!(variant.cost);
    }
    view
}

#[must_use]
pub fn category(one: &Category) -> Value {
    json!({
        "id": one.id, "slug": one.slug, "name": one.name, "parentId": one.parent_id, "translations": one.translations,
        "taxRate": one.tax_rate(), "version": one.version,
    })
}

#[must_use]
pub fn brand(one: &Brand) -> Value {
    json!({ "id": one.id, "slug": one.slug, "name": one.name, "translations": one.translations, "version": one.version })
}

#[must_use]
pub fn attribute(one: &Attribute) -> Value {
    let values: Vec<_> = one.values.iter().map(|value| json!({ "value": value.value, "translations": value.translations })).collect();
    json!({ "id": one.id, "name": one.name, "translations": one.translations, "values": values, "version": one.version })
}
