//! The catalogue: categories, brands, attributes, products and their variants.
//!
//! A product is changed behind its own row ([`products`]): its version rises with every change of
//! it, its variants and its pictures, and its words and lowest price follow in the same unit.

mod attribute;
mod attribute_value;
mod attributes;
mod brand;
mod category;
mod checks;
mod edit;
mod facets;
mod facts;
mod findable;
mod goods;
mod list;
mod logo;
mod media_file;
mod medium;
mod organise;
mod picture;
mod pictures;
mod popular;
mod product;
mod products;
mod rendition;
mod sight;
mod tax;
mod tree;
mod variant;
mod variant_value;
mod variants;
mod word;

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};

pub use self::{
    attributes::{
        Attribute, AttributeChange, NewAttribute, NewValue, add_attribute, attributes, change_attribute, find_attribute, remove_attribute,
    },
    brand::Model as Brand,
    category::Model as Category,
    edit::{ProductEdit, edit_product, edition},
    facets::{Choice, Facets, Prices, ValueCount, facets},
    facts::Facts,
    findable::rewrite_words,
    goods::{called, coded, costs, goods, look_up, names},
    list::{Filter, Label, Page, Position, Shown, Sort, Standing, count, list, of_variant, these},
    logo::{LOGO_BYTES_MAX, LOGO_SIDE_MAX, remove_logo, set_logo},
    organise::{
        BrandChange, CategoryChange, NewBrand, NewCategory, add_brand, add_category, change_brand, change_category, remove_brand,
        remove_category, tax_rate_of,
    },
    picture::{Picture, SIDE_MAX, WIDTHS, of_pixels, read as read_picture, renditions},
    pictures::{
        NewPicture, PictureChange, Shot, UPLOAD_BYTES_MAX, add_picture, change_picture, companies_with_lonely_files, doomed,
        ensure_room as ensure_room_for_picture, file, forget_file, keep_renditions, remove_picture,
    },
    popular::{popular, set_popularity},
    product::Model as Product,
    products::{NewProduct, ProductChange, add_product, archive, change_product, own, places_taken, restore, viewed},
    sight::knows_cost,
    tax::{TaxRates, tax_rates},
    tree::{Way, dissolve_category, move_category, products_in},
    variant::Model as Variant,
    variants::{NewVariant, SoldBy, VariantChange, add_variant, archive_variant, change_variant, free_sku},
};
pub use crate::words::fold;
use crate::{
    errors::{Error, Result},
    ids::{BrandId, CategoryId, CompanyId, ProductId, VariantId},
    tenancy::{Platform, Scope},
};

/// A product by id or slug. Drafts are there for whoever writes such products.
///
/// # Errors
/// 404 when it is not there, archived, or not on sale.
pub async fn product(scope: &Scope, id_or_slug: &str) -> Result<Shown> {
    let key = match id_or_slug.parse::<ProductId>() {
        Ok(id) => product::Column::Id.eq(id),
        Err(_) => product::Column::Slug.eq(id_or_slug),
    };
    let mut found = scope.find::<product::Entity>().filter(key).filter(product::Column::ArchivedAt.is_null());
    if let Some(visible) = sight::visible(scope) {
        found = found.filter(visible);
    }
    list::shown(scope, found).await
}

/// Whether nothing has a price yet, so that the company may still choose its currency.
///
/// # Errors
/// 409 `currency_fixed`.
pub async fn ensure_unpriced(scope: &Scope) -> Result<()> {
    match scope.one(scope.find::<variant::Entity>().limit(1)).await? {
        None => Ok(()),
        Some(_) => Err(Error::conflict("currency_fixed", "prices are in this currency already", serde_json::json!({}))),
    }
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
    let mut goods = with_products(scope, ids).await?;
    goods.retain(|_, (variant, product)| is_sold(variant, product));
    Ok(goods)
}

/// Whether it is on sale: offered, and neither it nor its product archived.
#[must_use]
pub fn is_sold(variant: &Variant, product: &Product) -> bool {
    product.is_active && variant.archived_at.is_none() && product.archived_at.is_none()
}

/// As [`to_sell`], with what is not offered at present: shelves hold that too.
pub async fn with_products(scope: &Scope, ids: &[VariantId]) -> Result<BTreeMap<VariantId, (Variant, Product)>> {
    let variants = scope.all(of_ids(scope.find::<variant::Entity>(), ids)).await?;
    let products = scope.all(of_variants(scope.find::<product::Entity>(), &variants)).await?;
    Ok(paired(variants, products))
}

/// As [`with_products`], of several companies.
///
/// # Errors
/// When the database cannot be reached.
pub async fn with_products_of_all(
    platform: &Platform,
    companies: &[CompanyId],
    ids: &[VariantId],
) -> Result<BTreeMap<VariantId, (Variant, Product)>> {
    let variants = platform.find::<variant::Entity>().filter(variant::Column::CompanyId.is_in(companies.iter().copied()));
    let variants = platform.all(of_ids(variants, ids)).await?;
    let products = platform.find::<product::Entity>().filter(product::Column::CompanyId.is_in(companies.iter().copied()));
    let products = platform.all(of_variants(products, &variants)).await?;
    Ok(paired(variants, products))
}

fn of_ids(rows: Select<variant::Entity>, ids: &[VariantId]) -> Select<variant::Entity> {
    rows.filter(variant::Column::Id.is_in(ids.iter().copied())).filter(variant::Column::ArchivedAt.is_null())
}

fn of_variants(rows: Select<product::Entity>, variants: &[Variant]) -> Select<product::Entity> {
    let ids = variants.iter().map(|variant| variant.product_id);
    rows.filter(product::Column::Id.is_in(ids)).filter(product::Column::ArchivedAt.is_null())
}

fn paired(variants: Vec<Variant>, products: Vec<Product>) -> BTreeMap<VariantId, (Variant, Product)> {
    let products: BTreeMap<_, _> = products.into_iter().map(|product| (product.id, product)).collect();
    let pair = |variant: Variant| products.get(&variant.product_id).cloned().map(|product| (variant.id, (variant, product)));
    variants.into_iter().filter_map(pair).collect()
}

/// Whose variant it is.
///
/// # Errors
/// 404 when there is none.
pub async fn company_of_variant(platform: &Platform, id: VariantId) -> Result<CompanyId> {
    let variant = platform.one(platform.find::<variant::Entity>().filter(variant::Column::Id.eq(id))).await?;
    variant.map(|variant| variant.company_id).ok_or(Error::NOT_FOUND)
}

/// All categories of the company, those beside each other in their order: a tree is small.
pub async fn categories(scope: &Scope) -> Result<Vec<Category>> {
    let mut tree = scope.all(scope.find::<category::Entity>().order_by_asc(category::Column::Slug).limit(2_000)).await?;
    tree.sort_by(tree::in_order);
    Ok(tree)
}

/// # Errors
/// 404 when it is not there.
pub async fn category(scope: &Scope, id: CategoryId) -> Result<Category> {
    scope.get(scope.find::<category::Entity>().filter(category::Column::Id.eq(id))).await
}

/// All brands of the company.
pub async fn brands(scope: &Scope) -> Result<Vec<Brand>> {
    scope.all(scope.find::<brand::Entity>().order_by_asc(brand::Column::Slug).limit(2_000)).await
}

/// # Errors
/// 404 when it is not there.
pub async fn brand(scope: &Scope, id: BrandId) -> Result<Brand> {
    scope.get(scope.find::<brand::Entity>().filter(brand::Column::Id.eq(id))).await
}

/// A variant that is not archived, whatever its product.
///
/// # Errors
/// 404 when it is not there.
pub async fn variant(scope: &Scope, id: VariantId) -> Result<Variant> {
    let found = scope.find::<variant::Entity>().filter(variant::Column::Id.eq(id)).filter(variant::Column::ArchivedAt.is_null());
    scope.one(found).await?.ok_or(Error::NOT_FOUND)
}
