//! What a company writes into its catalogue: a product comes, changes, and is archived.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Facts, brand, category,
    checks::{Checks, slug_of, taken},
    findable::keep_findable,
    fold, product,
    variants::{self, NewVariant},
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    given::given,
    ids::{BrandId, CategoryId, ProductId, ShopId, VariantId},
    models::{
        plans::{self, Limit},
        shops,
    },
    tenancy::{Change, Scope},
    translated::Translations,
};

/// Words that are addresses of their own below `/api/products`.
const RESERVED: [&str; 4] = ["featured", "suggest", "recommendations", "new"];
const VARIANTS_MAX: usize = 100;
const NAME_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 5_000;

/// A product with all its variants.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("required" = ["name", "variants"]))]
pub struct NewProduct {
    /// Made from the name when absent.
    pub slug: Option<String>,
    #[schemars(length(min = 1, max = NAME_MAX))]
    pub name: String,
    #[schemars(length(max = DESCRIPTION_MAX))]
    pub description: String,
    pub translations: Translations,
    pub tags: Vec<String>,
    pub brand_id: Option<BrandId>,
    pub category_id: Option<CategoryId>,
    /// Sold by this shop alone.
    pub shop_id: Option<ShopId>,
    /// On sale at once unless said otherwise.
    pub is_active: Option<bool>,
    pub is_featured: bool,
    pub facts: Facts,
    #[schemars(length(min = 1, max = VARIANTS_MAX))]
    pub variants: Vec<NewVariant>,
}

/// What may be changed of a product; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductChange {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub translations: Option<Translations>,
    pub tags: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    pub brand_id: Option<Option<BrandId>>,
    #[serde(deserialize_with = "given")]
    pub category_id: Option<Option<CategoryId>>,
    #[serde(deserialize_with = "given")]
    pub shop_id: Option<Option<ShopId>>,
    pub is_active: Option<bool>,
    pub is_featured: Option<bool>,
    pub facts: Option<Facts>,
}

/// Puts a product into the catalogue.
///
/// # Errors
/// 422 with each field that cannot be; 409 `slug_taken`, `sku_taken`, `barcode_taken`, `plan_limit`.
pub async fn add_product(scope: &Scope, new: NewProduct) -> Result<(ProductId, Vec<VariantId>)> {
    check_new(&new)?;
    ensure_known(scope, new.brand_id, new.category_id).await?;
    ensure_shop(scope, new.shop_id).await?;
    admit(scope).await?;
    let slug = match new.slug {
        Some(slug) => slug,
        None => free_slug(scope, &new.name).await?,
    };
    ensure_slug_is_free(scope, &slug).await?;
    let now = clock::now();
    let id = ProductId::new();
    let row = product::Model {
        company_id: scope.company(),
        id,
        slug,
        sort_name: fold(&new.name),
        name: new.name,
        description: new.description,
        translations: json!(new.translations),
        tags: json!(new.tags),
        facts: new.facts.stored(),
        gallery: None,
        brand_id: new.brand_id,
        category_id: new.category_id,
        shop_id: new.shop_id,
        is_active: new.is_active.unwrap_or(true),
        is_featured: new.is_featured,
        origin: new.facts.origin,
        is_organic: new.facts.organic,
        price_from: new.variants.iter().map(|variant| variant.price).min().unwrap_or_default(),
        rating_sum: 0,
        rating_count: 0,
        popularity: 0,
        archived_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(row.clone()).await.map_err(|error| taken(error, "slug_taken", "another product has this slug"))?;
    let ids = variants::insert_first(scope, id, new.variants).await?;
    keep_findable(scope, &row).await?;
    scope
        .audit("create", "product", id, new.shop_id, facts_of(&row).into_iter().map(|(field, now)| (field, json!(null), now)).collect())
        .await?;
    scope.emit(Event::new("product.created", ("product", id.0), new.shop_id, json!({ "isActive": row.is_active }))).await?;
    Ok((id, ids))
}

/// Whether the company's plan has room for one more product.
async fn admit(scope: &Scope) -> Result<()> {
    plans::admit(scope, Limit::Products, 1, places_taken(scope)).await
}

/// How many products count against the company's plan.
///
/// # Errors
/// When the database cannot be reached.
pub async fn places_taken(scope: &Scope) -> Result<u64> {
    let present = scope.find::<product::Entity>().filter(product::Column::ArchivedAt.is_null());
    scope.count_to(present, plans::LIMIT_MAX).await
}

fn check_new(new: &NewProduct) -> Result<()> {
    let mut checks = Checks::default();
    checks.text("name", &new.name, NAME_MAX);
    checks.text_opt("description", Some(&new.description), DESCRIPTION_MAX);
    check_slug(&mut checks, new.slug.as_deref());
    checks.translations("", &new.translations);
    checks.tags(&new.tags);
    new.facts.check(&mut checks);
    checks.that(!new.variants.is_empty(), "variants", "required", "a product needs at least one variant");
    checks.that(new.variants.len() <= VARIANTS_MAX, "variants", "too_many", "at most 100 variants");
    for (index, variant) in new.variants.iter().enumerate() {
        variant.check(&mut checks, &format!("variants[{index}]."));
    }
    checks.done()
}

fn check_slug(checks: &mut Checks, slug: Option<&str>) {
    if let Some(slug) = slug {
        checks.slug("slug", slug);
        checks.that(!RESERVED.contains(&slug), "slug", "reserved", "this word is an address of its own");
        checks.that(slug.parse::<ProductId>().is_err(), "slug", "reserved", "an id is the address of its own product");
    }
}

/// What is told when somebody looks at a product; for how many seconds, where that is known.
#[must_use]
pub fn viewed(product: &product::Model, duration: Option<u32>) -> Event {
    Event::new("product.viewed", ("product", product.id.0), product.shop_id, json!({ "duration": duration }))
}

/// Changes a product's own fields.
///
/// # Errors
/// 404 when it is not there, archived, or of a shop that is not the caller's; 412 when `version` is
/// no longer the present one; 422; 409 `slug_taken`.
pub async fn change_product(scope: &Scope, id: ProductId, change: ProductChange, version: Option<i64>) -> Result<()> {
    let mut checks = Checks::default();
    change.check(&mut checks);
    checks.done()?;
    let before = take(scope, id, version).await?;
    apply(scope, before, change).await
}

/// Writes a checked change of a product that was taken.
pub(super) async fn apply(scope: &Scope, before: product::Model, change: ProductChange) -> Result<()> {
    ensure_known(scope, change.brand_id.flatten(), change.category_id.flatten()).await?;
    if let Some(shop) = change.shop_id {
        ensure_shop(scope, shop).await?;
    }
    if let Some(slug) = change.slug.as_deref().filter(|slug| *slug != before.slug) {
        ensure_slug_is_free(scope, slug).await?;
    }
    let after = changed(before.clone(), change);
    write(scope, &after).await?;
    if (&before.name, &before.description, &before.translations, &before.tags, before.brand_id)
        != (&after.name, &after.description, &after.translations, &after.tags, after.brand_id)
    {
        keep_findable(scope, &after).await?;
    }
    tell(scope, "update", &after, differences(&before, &after)).await
}

impl ProductChange {
    pub(super) fn check(&self, checks: &mut Checks) {
        if let Some(name) = &self.name {
            checks.text("name", name, NAME_MAX);
        }
        checks.text_opt("description", self.description.as_deref(), DESCRIPTION_MAX);
        check_slug(checks, self.slug.as_deref());
        if let Some(translations) = &self.translations {
            checks.translations("", translations);
        }
        if let Some(tags) = &self.tags {
            checks.tags(tags);
        }
        if let Some(facts) = &self.facts {
            facts.check(checks);
        }
    }

    /// Whether it would leave the product as it is.
    pub(super) fn is_idle(&self, row: &product::Model) -> bool {
        differences(row, &changed(row.clone(), self.clone())).is_empty()
    }
}

fn changed(mut row: product::Model, change: ProductChange) -> product::Model {
    row.slug = change.slug.unwrap_or(row.slug);
    row.name = change.name.unwrap_or(row.name);
    row.sort_name = fold(&row.name);
    row.description = change.description.unwrap_or(row.description);
    row.translations = change.translations.map_or(row.translations, |translations| json!(translations));
    row.tags = change.tags.map_or(row.tags, |tags| json!(tags));
    row.brand_id = change.brand_id.unwrap_or(row.brand_id);
    row.category_id = change.category_id.unwrap_or(row.category_id);
    row.shop_id = change.shop_id.unwrap_or(row.shop_id);
    row.is_active = change.is_active.unwrap_or(row.is_active);
    row.is_featured = change.is_featured.unwrap_or(row.is_featured);
    if let Some(facts) = change.facts {
        row.facts = facts.stored();
        row.origin = facts.origin;
        row.is_organic = facts.organic;
    }
    row
}

/// Writes the fields that people change; the row is ours since [`take`].
async fn write(scope: &Scope, row: &product::Model) -> Result<()> {
    let update = of(scope, row.id)
        .col_expr(product::Column::Slug, Expr::value(row.slug.as_str()))
        .col_expr(product::Column::Name, Expr::value(row.name.as_str()))
        .col_expr(product::Column::SortName, Expr::value(row.sort_name.as_str()))
        .col_expr(product::Column::Description, Expr::value(row.description.as_str()))
        .col_expr(product::Column::Translations, Expr::value(row.translations.clone()))
        .col_expr(product::Column::Tags, Expr::value(row.tags.clone()))
        .col_expr(product::Column::Facts, Expr::value(row.facts.clone()))
        .col_expr(product::Column::BrandId, Expr::value(row.brand_id))
        .col_expr(product::Column::CategoryId, Expr::value(row.category_id))
        .col_expr(product::Column::ShopId, Expr::value(row.shop_id))
        .col_expr(product::Column::IsActive, Expr::value(row.is_active))
        .col_expr(product::Column::IsFeatured, Expr::value(row.is_featured))
        .col_expr(product::Column::Origin, Expr::value(row.origin.clone()))
        .col_expr(product::Column::IsOrganic, Expr::value(row.is_organic));
    let written = scope.run(update).await.map_err(|error| taken(error, "slug_taken", "another product has this slug"))?;
    if written == 1 { Ok(()) } else { Err(Error::internal("a product that was taken is gone")) }
}

/// Takes a product out of the catalogue; orders keep what they say of it.
///
/// # Errors
/// 404 when it is not there, archived already, or of a shop that is not the caller's; 412.
pub async fn archive(scope: &Scope, id: ProductId, version: Option<i64>) -> Result<()> {
    let row = take(scope, id, version).await?;
    let now = clock::now();
    scope.run(of(scope, id).col_expr(product::Column::ArchivedAt, Expr::value(Some(now)))).await?;
    scope.audit("archive", "product", id, row.shop_id, vec![("archivedAt", json!(null), json!(now))]).await?;
    scope.emit(Event::new("product.archived", ("product", id.0), row.shop_id, json!({}))).await
}

/// Puts an archived product back.
///
/// # Errors
/// 404 when there is no such archived product of the caller's; 409 `plan_limit`.
pub async fn restore(scope: &Scope, id: ProductId) -> Result<()> {
    admit(scope).await?;
    let update = theirs(scope, of(scope, id))
        .col_expr(product::Column::ArchivedAt, Expr::value(None::<clock::Instant>))
        .col_expr(product::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(product::Column::Version, Expr::col(product::Column::Version).add(1))
        .filter(product::Column::ArchivedAt.is_not_null());
    let Some(row) = scope.run_returning(update).await?.pop() else { return Err(Error::NOT_FOUND) };
    tell(scope, "restore", &row, vec![]).await
}

/// Takes a product for a change: its version rises, its row is ours until the unit ends, and
/// whoever changes it at the same moment waits. What lies below it (variants, pictures, words) is
/// changed only behind this.
///
/// # Errors
/// 404 when it is not there, archived, or of a shop that is not the caller's; 412 when `version` is
/// no longer the present one.
pub(super) async fn take(scope: &Scope, id: ProductId, version: Option<i64>) -> Result<product::Model> {
    let mut update = theirs(scope, of(scope, id))
        .col_expr(product::Column::Version, Expr::col(product::Column::Version).add(1))
        .col_expr(product::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(product::Column::ArchivedAt.is_null());
    if let Some(version) = version {
        update = update.filter(product::Column::Version.eq(version));
    }
    if let Some(row) = scope.run_returning(update).await?.pop() {
        return Ok(row);
    }
    own(scope, id).await?;
    Err(Error::Stale)
}

/// A product that the caller may write.
///
/// # Errors
/// 404 when it is not there, archived, or of a shop that is not theirs.
pub async fn own(scope: &Scope, id: ProductId) -> Result<product::Model> {
    let there = scope.find::<product::Entity>().filter(product::Column::Id.eq(id)).filter(product::Column::ArchivedAt.is_null());
    let there = scope.get(there).await?;
    let is_theirs = scope.tenant().shops.as_ref().is_none_or(|shops| there.shop_id.is_some_and(|shop| shops.contains(&shop)));
    if is_theirs { Ok(there) } else { Err(Error::NOT_FOUND) }
}

/// The change of one product.
pub(super) fn of(scope: &Scope, id: ProductId) -> UpdateMany<product::Entity> {
    scope.update::<product::Entity>().filter(product::Column::Id.eq(id))
}

/// Shop roles write the products of their shops only; those of the whole company are not theirs.
fn theirs(scope: &Scope, update: UpdateMany<product::Entity>) -> UpdateMany<product::Entity> {
    match &scope.tenant().shops {
        Some(shops) => update.filter(product::Column::ShopId.is_in(shops.iter().copied())),
        None => update,
    }
}

/// Writes down and tells that a product changed.
pub(super) async fn tell(scope: &Scope, act: &str, row: &product::Model, changes: Vec<Change>) -> Result<()> {
    let fields: Vec<_> = changes.iter().map(|(field, _, _)| *field).collect();
    let data = json!({ "fields": fields, "isActive": row.is_active });
    scope.audit(act, "product", row.id, row.shop_id, changes).await?;
    scope.emit(Event::new("product.updated", ("product", row.id.0), row.shop_id, data)).await
}

/// The fields that the audit remembers.
pub(super) fn facts_of(row: &product::Model) -> Vec<(&'static str, Value)> {
    vec![
        ("slug", json!(row.slug)),
        ("name", json!(row.name)),
        ("description", json!(row.description)),
        ("translations", row.translations.clone()),
        ("tags", row.tags.clone()),
        ("facts", row.facts.clone()),
        ("brandId", json!(row.brand_id)),
        ("categoryId", json!(row.category_id)),
        ("shopId", json!(row.shop_id)),
        ("isActive", json!(row.is_active)),
        ("isFeatured", json!(row.is_featured)),
    ]
}

fn differences(before: &product::Model, after: &product::Model) -> Vec<Change> {
    let pairs = facts_of(before).into_iter().zip(facts_of(after));
    pairs.filter(|((_, before), (_, after))| before != after).map(|((field, before), (_, after))| (field, before, after)).collect()
}

async fn ensure_known(scope: &Scope, brand: Option<BrandId>, category: Option<CategoryId>) -> Result<()> {
    if let Some(brand) = brand {
        let found = scope.one(scope.find::<brand::Entity>().filter(brand::Column::Id.eq(brand))).await?;
        found.ok_or_else(|| Error::invalid("brandId", "unknown", "there is no such brand"))?;
    }
    if let Some(category) = category {
        let found = scope.one(scope.find::<category::Entity>().filter(category::Column::Id.eq(category))).await?;
        found.ok_or_else(|| Error::invalid("categoryId", "unknown", "there is no such category"))?;
    }
    Ok(())
}

/// A shop role writes goods of its own shops, and says which.
async fn ensure_shop(scope: &Scope, shop: Option<ShopId>) -> Result<()> {
    match shop {
        None if scope.tenant().shops.is_some() => Err(Error::invalid("shopId", "required", "name the shop of yours that sells it")),
        None => Ok(()),
        Some(shop) => match shops::get(scope, shop).await {
            Err(Error::NotFound { .. }) => Err(Error::invalid("shopId", "unknown", "there is no such shop of yours")),
            other => other.map(|_| ()),
        },
    }
}

async fn ensure_slug_is_free(scope: &Scope, slug: &str) -> Result<()> {
    if has_slug(scope, slug).await? {
        return Err(Error::conflict("slug_taken", "another product has this slug", json!({ "field": "slug", "slug": slug })));
    }
    Ok(())
}

async fn has_slug(scope: &Scope, slug: &str) -> Result<bool> {
    Ok(scope.one(scope.find::<product::Entity>().filter(product::Column::Slug.eq(slug))).await?.is_some())
}

async fn free_slug(scope: &Scope, name: &str) -> Result<String> {
    let slug = slug_of(name, "product");
    if !RESERVED.contains(&slug.as_str()) && !has_slug(scope, &slug).await? {
        return Ok(slug);
    }
    Ok(format!("{slug}-{:06}", rand::random_range(0..1_000_000)))
}
