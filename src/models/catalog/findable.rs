//! What makes a product findable: its words and its lowest price, written with every change.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, SelectStatement},
};

use super::{brand, fold, product, variant, word};
use crate::{
    errors::Result,
    ids::{BrandId, ProductId, RowId},
    tenancy::Scope,
};

/// A name counts most, then the codes on the goods, then brand, tags and description.
const NAME: i64 = 4;
const CODE: i64 = 3;
const LABEL: i64 = 2;
const TEXT: i64 = 1;
/// Longer than any word, shorter than what an index takes.
const LETTERS_MAX: usize = 60;
/// Products of a renamed brand that are written in one unit.
const BATCH: u64 = 100;

/// Writes down the words of a product; those that are there already stay as they are.
pub(super) async fn keep_findable(scope: &Scope, product: &product::Model) -> Result<()> {
    let wanted = words(scope, product).await?;
    let known = scope.all(scope.find::<word::Entity>().filter(word::Column::ProductId.eq(product.id))).await?;
    let gone: Vec<_> = known.iter().filter(|one| wanted.get(&one.word) != Some(&one.weight)).map(|one| one.id).collect();
    if !gone.is_empty() {
        scope.remove(scope.delete::<word::Entity>().filter(word::Column::Id.is_in(gone))).await?;
    }
    let is_known = |word: &str, weight: i64| known.iter().any(|one| one.word == word && one.weight == weight);
    let fresh = wanted.into_iter().filter(|(word, weight)| !is_known(word, *weight)).map(|(word, weight)| word::Model {
        company_id: scope.company(),
        id: RowId::new(),
        product_id: product.id,
        word,
        weight,
    });
    scope.insert_all(fresh.collect()).await
}

/// Each word with the highest weight it has anywhere.
async fn words(scope: &Scope, product: &product::Model) -> Result<BTreeMap<String, i64>> {
    let brand = match product.brand_id {
        Some(id) => scope.one(scope.find::<brand::Entity>().filter(brand::Column::Id.eq(id))).await?,
        None => None,
    };
    let variants = scope.find::<variant::Entity>().filter(variant::Column::ProductId.eq(product.id));
    let variants = scope.all(variants.filter(variant::Column::ArchivedAt.is_null())).await?;
    let mut found = BTreeMap::new();
    let mut add = |text: &str, weight: i64| {
        for word in fold(text).split(' ').filter(|word| !word.is_empty()) {
            let word: String = word.chars().take(LETTERS_MAX).collect();
            let known: &mut i64 = found.entry(word).or_default();
            *known = std::cmp::max(weight, *known);
        }
    };
    add(&product.name, NAME);
    for words in product.translations.as_object().into_iter().flat_map(|languages| languages.values()) {
        add(words["name"].as_str().unwrap_or_default(), NAME);
        add(words["description"].as_str().unwrap_or_default(), TEXT);
    }
    for variant in &variants {
        // A code is found whole, however it is punctuated, and by its parts.
        add(&variant.sku.replace(|letter: char| !letter.is_alphanumeric(), ""), CODE);
        add(&variant.sku, CODE);
        add(variant.barcode.as_deref().unwrap_or_default(), CODE);
    }
    add(brand.as_ref().map_or("", |brand| brand.name.as_str()), LABEL);
    for tag in product.tags.as_array().into_iter().flatten() {
        add(tag.as_str().unwrap_or_default(), LABEL);
    }
    add(&product.description, TEXT);
    Ok(found)
}

/// Writes down the lowest price of what is sold.
pub(super) async fn keep_price(scope: &Scope, product: ProductId) -> Result<()> {
    let lowest = scope
        .find::<variant::Entity>()
        .filter(variant::Column::ProductId.eq(product))
        .filter(variant::Column::ArchivedAt.is_null())
        .order_by_asc(variant::Column::Price)
        .limit(1);
    let Some(lowest) = scope.one(lowest).await? else { return Ok(()) };
    let update = scope
        .update::<product::Entity>()
        .col_expr(product::Column::PriceFrom, Expr::value(lowest.price))
        .filter(product::Column::Id.eq(product));
    scope.run(update).await.map(|_| ())
}

/// Writes the words of a brand's next products anew, behind `after`; the last one written, or
/// nothing when there are no more.
pub async fn rewrite_words(scope: &Scope, brand: BrandId, after: Option<ProductId>) -> Result<Option<ProductId>> {
    let mut rows = scope.find::<product::Entity>().filter(product::Column::BrandId.eq(brand));
    if let Some(after) = after {
        rows = rows.filter(product::Column::Id.gt(after));
    }
    let rows = scope.all(rows.order_by_asc(product::Column::Id).limit(BATCH)).await?;
    for row in &rows {
        keep_findable(scope, row).await?;
    }
    Ok(rows.last().map(|row| row.id))
}

/// The words that somebody typed, folded; at most six.
pub(super) fn asked(text: &str) -> Vec<String> {
    fold(text).split(' ').filter(|word| !word.is_empty()).take(6).map(|word| word.chars().take(LETTERS_MAX).collect()).collect()
}

/// The products that have a word beginning with `prefix`, each with the weight of its best one.
/// A prefix is a range, which stays an index scan behind row-level security where LIKE does not.
pub(super) fn matching(scope: &Scope, prefix: &str) -> SelectStatement {
    let mut found = scope
        .find::<word::Entity>()
        .select_only()
        .column(word::Column::ProductId)
        .column_as(word::Column::Weight.max(), "weight")
        .filter(word::Column::Word.gte(prefix))
        .filter(word::Column::Word.lt(format!("{prefix}\u{10ffff}")))
        .group_by(word::Column::ProductId);
    QuerySelect::query(&mut found).take()
}
