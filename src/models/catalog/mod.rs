//! The catalogue: categories, brands, products and their variants.

mod brand;
mod category;
mod list;
mod product;
mod variant;
mod word;
mod write;

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};
use unicode_normalization::UnicodeNormalization;

pub use self::{
    brand::Model as Brand,
    category::Model as Category,
    list::{Filter, Page, Position, Sort, list},
    product::Model as Product,
    variant::Model as Variant,
    write::{NewCategory, NewProduct, NewVariant, add_brand, add_category, add_product},
};
use crate::{
    errors::Result,
    ids::{ProductId, VariantId},
    tenancy::Scope,
};

/// Lower case, without accents or punctuation: how texts are compared and looked up.
#[must_use]
pub fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|letter| !is_latin_mark(*letter));
    let folded: String = plain
        .flat_map(char::to_lowercase)
        .map(|letter| if letter.is_alphanumeric() || is_word_mark(letter) { letter } else { ' ' })
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The accents of Latin letters, which people leave out when they search.
const fn is_latin_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Vowel signs of other scripts, which are part of the word.
fn is_word_mark(letter: char) -> bool {
    unicode_normalization::char::is_combining_mark(letter) && !is_latin_mark(letter)
}

/// A product by id or slug, with its variants.
///
/// # Errors
/// 404 when it is not there or archived.
pub async fn product(scope: &Scope, id_or_slug: &str) -> Result<(Product, Vec<Variant>)> {
    let mut key = Condition::any().add(product::Column::Slug.eq(id_or_slug));
    if let Ok(id) = id_or_slug.parse::<ProductId>() {
        key = key.add(product::Column::Id.eq(id));
    }
    let product = scope.get(scope.find::<product::Entity>().filter(key).filter(product::Column::ArchivedAt.is_null())).await?;
    let mut variants = variants_of(scope, &[product.id]).await?;
    Ok((product.clone(), variants.remove(&product.id).unwrap_or_default()))
}

/// The variants of some products, in their order.
pub async fn variants_of(scope: &Scope, products: &[ProductId]) -> Result<BTreeMap<ProductId, Vec<Variant>>> {
    let rows = scope
        .find::<variant::Entity>()
        .filter(variant::Column::ProductId.is_in(products.iter().copied()))
        .filter(variant::Column::ArchivedAt.is_null())
        .order_by_asc(variant::Column::Position);
    let mut by_product: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in scope.all(rows).await? {
        by_product.entry(row.product_id).or_default().push(row);
    }
    Ok(by_product)
}

/// Variants with their products, for pricing what is to be sold; archived ones are left out.
pub async fn to_sell(scope: &Scope, ids: &[VariantId]) -> Result<BTreeMap<VariantId, (Variant, Product)>> {
    let variants = scope
        .find::<variant::Entity>()
        .filter(variant::Column::Id.is_in(ids.iter().copied()))
        .filter(variant::Column::ArchivedAt.is_null());
    let variants = scope.all(variants).await?;
    let products = scope
        .find::<product::Entity>()
        .filter(product::Column::Id.is_in(variants.iter().map(|variant| variant.product_id)))
        .filter(product::Column::ArchivedAt.is_null())
        .filter(product::Column::IsActive.eq(true));
    let products: BTreeMap<_, _> = scope.all(products).await?.into_iter().map(|product| (product.id, product)).collect();
    Ok(variants
        .into_iter()
        .filter_map(|variant| products.get(&variant.product_id).cloned().map(|product| (variant.id, (variant, product))))
        .collect())
}

/// All categories of the company: a tree is small.
pub async fn categories(scope: &Scope) -> Result<Vec<Category>> {
    scope.all(scope.find::<category::Entity>().order_by_asc(category::Column::Slug).limit(2_000)).await
}

/// All brands of the company.
pub async fn brands(scope: &Scope) -> Result<Vec<Brand>> {
    scope.all(scope.find::<brand::Entity>().order_by_asc(brand::Column::Slug).limit(2_000)).await
}
