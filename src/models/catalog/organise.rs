//! The tree of categories and the brands: how the company orders its goods.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Category, brand, categories, category,
    checks::{Checks, slug_of, taken},
    product,
};
use crate::{
    clock,
    errors::{Error, Result},
    given::given,
    ids::{BrandId, CategoryId},
    models::jobs::{self, Kind},
    tenancy::{Change, Scope},
    translated::{self, Translations},
};

/// What says that a category has no rate of its own: that of the category above holds, at last the company's.
const COMPANY_RATE: i64 = -1;
const CATEGORIES_MAX: usize = 2_000;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("required" = ["name"]))]
pub struct NewCategory {
    /// Made from the name when absent.
    pub slug: Option<String>,
    pub name: String,
    pub translations: Translations,
    pub parent_id: Option<CategoryId>,
    /// Basis points; that of the category above when absent, at last the company's.
    pub tax_rate: Option<i64>,
}

/// What may be changed of a category; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CategoryChange {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub translations: Option<Translations>,
    #[serde(deserialize_with = "given")]
    pub parent_id: Option<Option<CategoryId>>,
    #[serde(deserialize_with = "given")]
    pub tax_rate: Option<Option<i64>>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["name"]))]
pub struct NewBrand {
    /// Made from the name when absent.
    pub slug: Option<String>,
    pub name: String,
    pub translations: Translations,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BrandChange {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub translations: Option<Translations>,
}

impl Category {
    /// What it is called in a language; its own name where nobody translated it.
    #[must_use]
    pub fn name_in(&self, language: &str) -> &str {
        translated::name(&self.translations, language).unwrap_or(&self.name)
    }

    /// Basis points, when it has a rate of its own.
    #[must_use]
    pub fn tax_rate(&self) -> Option<i64> {
        (self.tax_rate_set >= 0).then_some(self.tax_rate_set)
    }
}

/// The rate at which goods of a category are taxed, and the category that says so: the nearest one
/// upwards. Nothing where none does: then it is the company's.
#[must_use]
pub fn tax_rate_of(tree: &[Category], category: Option<CategoryId>) -> Option<(i64, &Category)> {
    let mut seen = BTreeSet::new();
    let mut at = category;
    while let Some(here) = at.and_then(|id| tree.iter().find(|one| one.id == id)).filter(|one| seen.insert(one.id)) {
        if let Some(rate) = here.tax_rate() {
            return Some((rate, here));
        }
        at = here.parent_id;
    }
    None
}

fn check_rate(checks: &mut Checks, rate: Option<i64>) {
    checks.that(rate.is_none_or(|rate| (0..=10_000).contains(&rate)), "taxRate", "out_of_range", "basis points, from 0 to 10000");
}

/// Puts a category into the tree.
///
/// # Errors
/// 422; 409 `slug_taken`, `too_many_categories`.
pub async fn add_category(scope: &Scope, new: NewCategory) -> Result<CategoryId> {
    let slug = new.slug.unwrap_or_else(|| slug_of(&new.name, "category"));
    let mut checks = Checks::default();
    checks.text("name", &new.name, 120);
    checks.slug("slug", &slug);
    checks.translations("", &new.translations);
    check_rate(&mut checks, new.tax_rate);
    checks.done()?;
    let tree = categories(scope).await?;
    if tree.len() >= CATEGORIES_MAX {
        return Err(Error::conflict("too_many_categories", "the tree is full", json!({ "limit": CATEGORIES_MAX })));
    }
    if new.parent_id.is_some_and(|parent| tree.iter().all(|one| one.id != parent)) {
        return Err(Error::invalid("parentId", "unknown", "there is no such category"));
    }
    let row = category::Model {
        company_id: scope.company(),
        id: CategoryId::new(),
        parent_id: new.parent_id,
        slug,
        name: new.name,
        translations: json!(new.translations),
        tax_rate_set: new.tax_rate.unwrap_or(COMPANY_RATE),
        position: None,
        created_at: clock::now(),
        version: 1,
    };
    scope.insert(row.clone()).await.map_err(|error| taken(error, "slug_taken", "another category has this slug"))?;
    let changes = category_facts(&row).into_iter().map(|(field, now)| (field, json!(null), now)).collect();
    scope.audit("create", "category", row.id, None, changes).await?;
    Ok(row.id)
}

/// Changes a category, or hangs it elsewhere in the tree.
///
/// # Errors
/// 404; 412; 422; 409 `slug_taken`, `category_cycle` when it would lie below itself.
pub async fn change_category(scope: &Scope, id: CategoryId, change: CategoryChange, version: Option<i64>) -> Result<()> {
    let mut checks = Checks::default();
    if let Some(name) = &change.name {
        checks.text("name", name, 120);
    }
    if let Some(slug) = &change.slug {
        checks.slug("slug", slug);
    }
    if let Some(translations) = &change.translations {
        checks.translations("", translations);
    }
    check_rate(&mut checks, change.tax_rate.flatten());
    checks.done()?;
    let tree = categories(scope).await?;
    let before = tree.iter().find(|one| one.id == id).ok_or(Error::NOT_FOUND)?.clone();
    if let Some(Some(parent)) = change.parent_id {
        ensure_above(&tree, id, parent)?;
    }
    let mut after = before.clone();
    after.slug = change.slug.unwrap_or(after.slug);
    after.name = change.name.unwrap_or(after.name);
    after.translations = change.translations.map_or(after.translations, |translations| json!(translations));
    after.parent_id = change.parent_id.unwrap_or(after.parent_id);
    after.tax_rate_set = change.tax_rate.map_or(after.tax_rate_set, |rate| rate.unwrap_or(COMPANY_RATE));
    let update = scope
        .update::<category::Entity>()
        .col_expr(category::Column::Slug, Expr::value(after.slug.as_str()))
        .col_expr(category::Column::Name, Expr::value(after.name.as_str()))
        .col_expr(category::Column::Translations, Expr::value(after.translations.clone()))
        .col_expr(category::Column::ParentId, Expr::value(after.parent_id))
        .col_expr(category::Column::TaxRateSet, Expr::value(after.tax_rate_set))
        .col_expr(category::Column::Version, Expr::col(category::Column::Version).add(1))
        .filter(category::Column::Id.eq(id))
        .filter(category::Column::Version.eq(version.unwrap_or(before.version)));
    let written = scope.run(update).await.map_err(|error| taken(error, "slug_taken", "another category has this slug"))?;
    if written == 0 {
        return Err(Error::Stale);
    }
    let pairs = category_facts(&before).into_iter().zip(category_facts(&after));
    let changes: Vec<Change> =
        pairs.filter(|((_, before), (_, after))| before != after).map(|((field, before), (_, after))| (field, before, after)).collect();
    scope.audit("update", "category", id, None, changes).await
}

fn category_facts(row: &category::Model) -> Vec<(&'static str, Value)> {
    vec![
        ("slug", json!(row.slug)),
        ("name", json!(row.name)),
        ("translations", row.translations.clone()),
        ("parentId", json!(row.parent_id)),
        ("taxRate", json!(row.tax_rate())),
    ]
}

/// `parent` is there and does not lie below `id`.
pub(super) fn ensure_above(tree: &[Category], id: CategoryId, parent: CategoryId) -> Result<()> {
    let mut seen = BTreeSet::new();
    let mut at = Some(parent);
    while let Some(here) = at {
        if here == id || !seen.insert(here) {
            return Err(Error::conflict("category_cycle", "a category cannot lie below itself", json!({ "field": "parentId" })));
        }
        let found = tree.iter().find(|one| one.id == here);
        at = found.ok_or_else(|| Error::invalid("parentId", "unknown", "there is no such category"))?.parent_id;
    }
    Ok(())
}

/// Takes away a category that holds nothing.
///
/// # Errors
/// 404; 409 `in_use` while products or categories lie in it.
pub async fn remove_category(scope: &Scope, id: CategoryId) -> Result<()> {
    let gone = scope.get(scope.find::<category::Entity>().filter(category::Column::Id.eq(id))).await?;
    let goods = scope.one(scope.find::<product::Entity>().filter(product::Column::CategoryId.eq(id))).await?;
    let below = scope.one(scope.find::<category::Entity>().filter(category::Column::ParentId.eq(id))).await?;
    if goods.is_some() || below.is_some() {
        let facts = json!({ "products": goods.is_some(), "categories": below.is_some() });
        return Err(Error::conflict("in_use", "products or categories lie in it: move them first", facts));
    }
    scope.remove(scope.delete::<category::Entity>().filter(category::Column::Id.eq(id))).await?;
    scope.audit("delete", "category", id, None, vec![("name", json!(gone.name), json!(null))]).await
}

/// # Errors
/// 422; 409 `slug_taken`.
pub async fn add_brand(scope: &Scope, new: NewBrand) -> Result<BrandId> {
    let slug = new.slug.unwrap_or_else(|| slug_of(&new.name, "brand"));
    let mut checks = Checks::default();
    checks.text("name", &new.name, 120);
    checks.slug("slug", &slug);
    checks.translations("", &new.translations);
    checks.done()?;
    let row = brand::Model {
        company_id: scope.company(),
        id: BrandId::new(),
        slug,
        name: new.name,
        translations: json!(new.translations),
        created_at: clock::now(),
        version: 1,
    };
    scope.insert(row.clone()).await.map_err(|error| taken(error, "slug_taken", "another brand has this slug"))?;
    let changes = brand_facts(&row).into_iter().map(|(field, now)| (field, json!(null), now)).collect();
    scope.audit("create", "brand", row.id, None, changes).await?;
    Ok(row.id)
}

/// Renames a brand; its products are found under the new name as soon as a job has been through them.
///
/// # Errors
/// 404; 412; 422; 409 `slug_taken`.
pub async fn change_brand(scope: &Scope, id: BrandId, change: BrandChange, version: Option<i64>) -> Result<()> {
    let before = scope.get(scope.find::<brand::Entity>().filter(brand::Column::Id.eq(id))).await?;
    let after = brand::Model {
        slug: change.slug.unwrap_or_else(|| before.slug.clone()),
        name: change.name.unwrap_or_else(|| before.name.clone()),
        translations: change.translations.as_ref().map_or_else(|| before.translations.clone(), |translations| json!(translations)),
        ..before.clone()
    };
    let mut checks = Checks::default();
    if let Some(translations) = &change.translations {
        checks.translations("", translations);
    }
    checks.text("name", &after.name, 120);
    checks.slug("slug", &after.slug);
    checks.done()?;
    let update = scope
        .update::<brand::Entity>()
        .col_expr(brand::Column::Slug, Expr::value(after.slug.as_str()))
        .col_expr(brand::Column::Name, Expr::value(after.name.as_str()))
        .col_expr(brand::Column::Translations, Expr::value(after.translations.clone()))
        .col_expr(brand::Column::Version, Expr::col(brand::Column::Version).add(1))
        .filter(brand::Column::Id.eq(id))
        .filter(brand::Column::Version.eq(version.unwrap_or(before.version)));
    let written = scope.run(update).await.map_err(|error| taken(error, "slug_taken", "another brand has this slug"))?;
    if written == 0 {
        return Err(Error::Stale);
    }
    if before.name != after.name {
        jobs::enqueue(scope, Kind::Reword, &format!("{id}:{}", before.version + 1), json!({ "brandId": id })).await?;
    }
    let pairs = brand_facts(&before).into_iter().zip(brand_facts(&after));
    let changes: Vec<Change> =
        pairs.filter(|((_, before), (_, after))| before != after).map(|((field, before), (_, after))| (field, before, after)).collect();
    scope.audit("update", "brand", id, None, changes).await
}

fn brand_facts(row: &brand::Model) -> [(&'static str, Value); 3] {
    [("slug", json!(row.slug)), ("name", json!(row.name)), ("translations", row.translations.clone())]
}

/// Takes away a brand that no product has.
///
/// # Errors
/// 404; 409 `in_use`.
pub async fn remove_brand(scope: &Scope, id: BrandId) -> Result<()> {
    let gone = scope.get(scope.find::<brand::Entity>().filter(brand::Column::Id.eq(id))).await?;
    if scope.one(scope.find::<product::Entity>().filter(product::Column::BrandId.eq(id))).await?.is_some() {
        return Err(Error::conflict("in_use", "products have this brand", json!({})));
    }
    scope.remove(scope.delete::<brand::Entity>().filter(brand::Column::Id.eq(id))).await?;
    scope.audit("delete", "brand", id, None, vec![("name", json!(gone.name), json!(null))]).await
}
