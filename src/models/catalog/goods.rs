//! Goods as those ask for them who count them: by code or by name, on sale or not.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, JoinType, SelectStatement},
};

use super::{Product, Variant, findable, list, product, variant};
use crate::{errors::Result, ids::VariantId, tenancy::Scope};

/// Variants with their products, those too that are archived: they may still lie somewhere.
///
/// # Errors
/// When the database cannot be reached.
pub async fn goods(scope: &Scope, ids: &[VariantId]) -> Result<BTreeMap<VariantId, (Variant, Product)>> {
    let variants = scope.all(scope.find::<variant::Entity>().filter(variant::Column::Id.is_in(ids.iter().copied()))).await?;
    let products = scope.find::<product::Entity>().filter(product::Column::Id.is_in(variants.iter().map(|one| one.product_id)));
    let products: BTreeMap<_, _> = scope.all(products).await?.into_iter().map(|product| (product.id, product)).collect();
    Ok(variants
        .into_iter()
        .filter_map(|variant| products.get(&variant.product_id).cloned().map(|product| (variant.id, (variant, product))))
        .collect())
}

/// The variants whose barcode or SKU this is.
///
/// # Errors
/// When the database cannot be reached.
pub async fn coded(scope: &Scope, code: &str, limit: u64) -> Result<Vec<VariantId>> {
    let code = code.trim();
    if code.is_empty() {
        return Ok(vec![]);
    }
    let exact =
        Condition::any().add(variant::Column::Barcode.eq(code)).add(variant::Column::Sku.is_in([code.to_owned(), code.to_uppercase()]));
    let exact = scope.find::<variant::Entity>().filter(exact).filter(variant::Column::ArchivedAt.is_null());
    Ok(scope.all(exact.order_by_asc(variant::Column::Id).limit(limit)).await?.into_iter().map(|variant| variant.id).collect())
}

/// The variants behind a code: a barcode or SKU names one, else the beginnings of a product's words
/// name some, what is asked for most first. What is not on sale at present is found too: it lies there.
///
/// # Errors
/// When the database cannot be reached.
pub async fn look_up(scope: &Scope, code: &str, limit: u64) -> Result<Vec<VariantId>> {
    let exact = coded(scope, code, limit).await?;
    if !exact.is_empty() || code.trim().is_empty() {
        return Ok(exact);
    }
    let filter = list::Filter { words: Some(code.into()), standing: list::Standing::Kept, ..list::Filter::default() };
    let found = list::list(scope, &filter, list::Sort::Popularity, None, limit).await?;
    let products: Vec<_> = found.products.iter().map(|shown| shown.product.id).collect();
    let mut variants = super::variants_of(scope, &products).await?;
    let ids = products.iter().flat_map(|id| variants.remove(id).unwrap_or_default()).map(|variant| variant.id);
    Ok(ids.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
}

/// The question which variants have these words, in a category and all below it: for lists of what
/// lies somewhere.
///
/// # Errors
/// When the database cannot be reached.
pub async fn called(scope: &Scope, words: &str, category: Option<&str>) -> Result<SelectStatement> {
    let filter = list::Filter { category: category.map(str::to_owned), standing: list::Standing::Kept, ..list::Filter::default() };
    let products = list::narrowed(scope, &filter, &findable::asked(words)).await?.select_only().column(product::Column::Id);
    let variants = scope.find::<variant::Entity>().select_only().column(variant::Column::Id);
    Ok(variants.filter(variant::Column::ProductId.in_subquery(products.into_query())).into_query())
}

/// What each variant costs the company: `id`, `cost` and `sold_by`, for sums over what lies somewhere.
#[must_use]
pub fn costs(scope: &Scope) -> SelectStatement {
    scope
        .find::<variant::Entity>()
        .select_only()
        .column(variant::Column::Id)
        .column(variant::Column::Cost)
        .column(variant::Column::SoldBy)
        .into_query()
}

/// By what each variant stands in a list by name: `id` and `sort_name`.
#[must_use]
pub fn names(scope: &Scope) -> SelectStatement {
    let products = scope.find::<product::Entity>().select_only().column(product::Column::Id).column(product::Column::SortName);
    let same = Expr::col((variant::Entity, variant::Column::ProductId)).equals(("products", "id"));
    let mut variants = scope.find::<variant::Entity>().select_only().column(variant::Column::Id);
    let query = QuerySelect::query(&mut variants);
    query.join_subquery(JoinType::InnerJoin, products.into_query(), "products", same).column(("products", "sort_name"));
    query.take()
}
