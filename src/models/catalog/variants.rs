//! What a product is sold as: a variant comes, changes, and is archived, always behind its product.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, Condition, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    attributes::keep_values,
    checks::{Checks, slug_of, taken},
    findable::{keep_findable, keep_price},
    products::{take, tell},
    variant,
};
use crate::{
    clock,
    errors::{Error, Result},
    given::given,
    ids::{ProductId, VariantId},
    money::Money,
    tenancy::{Change, Scope},
    translated::Translations,
};

/// By the piece, or by weight: grams at a price per kilogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SoldBy {
    #[default]
    Unit,
    Weight,
}

impl SoldBy {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Weight => "weight",
        }
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewVariant {
    pub sku: String,
    pub barcode: Option<String>,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub translations: Translations,
    #[serde(default)]
    pub attributes: Map<String, Value>,
    pub price: Money,
    pub compare_at_price: Option<Money>,
    /// What the company pays for it; only its people see it.
    #[serde(default)]
    pub cost: Money,
    #[serde(default)]
    pub sold_by: SoldBy,
}

/// What may be changed of a variant; what is left out stays. How it is sold stays for good: its
/// stock is counted in that.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VariantChange {
    pub sku: Option<String>,
    #[serde(deserialize_with = "given")]
    pub barcode: Option<Option<String>>,
    pub name: Option<String>,
    pub translations: Option<Translations>,
    pub attributes: Option<Map<String, Value>>,
    pub price: Option<Money>,
    #[serde(deserialize_with = "given")]
    pub compare_at_price: Option<Option<Money>>,
    pub cost: Option<Money>,
    pub position: Option<i64>,
}

impl NewVariant {
    pub(super) fn check(&self, checks: &mut Checks, at: &str) {
        check_codes(checks, at, Some(&self.sku), self.barcode.as_deref());
        checks.text_opt(&format!("{at}name"), Some(&self.name), 120);
        checks.translations(at, &self.translations);
        checks.attributes(&format!("{at}attributes"), &self.attributes);
        check_prices(checks, at, Some(self.price), self.compare_at_price, Some(self.cost));
    }
}

impl VariantChange {
    pub(super) fn check(&self, checks: &mut Checks, at: &str) {
        check_codes(checks, at, self.sku.as_deref(), self.barcode.as_ref().and_then(Option::as_deref));
        checks.text_opt(&format!("{at}name"), self.name.as_deref(), 120);
        if let Some(translations) = &self.translations {
            checks.translations(at, translations);
        }
        if let Some(attributes) = &self.attributes {
            checks.attributes(&format!("{at}attributes"), attributes);
        }
        check_prices(checks, at, self.price, self.compare_at_price.flatten(), self.cost);
        let fits = self.position.is_none_or(|position| (0..10_000).contains(&position));
        checks.that(fits, &format!("{at}position"), "out_of_range", "from 0 to 9999");
    }
}

fn check_codes(checks: &mut Checks, at: &str, sku: Option<&str>, barcode: Option<&str>) {
    if let Some(sku) = sku {
        let field = format!("{at}sku");
        checks.text(&field, sku, 64);
        checks.that(sku.trim() == sku, &field, "invalid", "no blanks at its ends");
    }
    if let Some(barcode) = barcode {
        let fits = (4..=48).contains(&barcode.len()) && barcode.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        checks.that(fits, &format!("{at}barcode"), "invalid", "4 to 48 letters, digits or hyphens");
    }
}

fn check_prices(checks: &mut Checks, at: &str, price: Option<Money>, compare_at: Option<Money>, cost: Option<Money>) {
    checks.price(&format!("{at}price"), price);
    checks.price(&format!("{at}compareAtPrice"), compare_at);
    checks.price(&format!("{at}cost"), cost);
}

/// A SKU for goods that nobody gave one: made of their names, with a number where that is taken.
///
/// # Errors
/// When the database cannot be reached.
pub async fn free_sku(scope: &Scope, product: &str, name: &str) -> Result<String> {
    let code = slug_of(&format!("{product} {name}"), "item").to_uppercase();
    let taken = scope.one(scope.find::<variant::Entity>().filter(variant::Column::Sku.eq(code.as_str()))).await?;
    Ok(if taken.is_some() { format!("{code}-{:06}", rand::random_range(0..1_000_000)) } else { code })
}

/// The variants a product comes with, in their order.
pub(super) async fn insert_first(scope: &Scope, product: ProductId, new: Vec<NewVariant>) -> Result<Vec<VariantId>> {
    ensure_codes_are_free(scope, &new.iter().map(|one| (one.sku.as_str(), one.barcode.as_deref())).collect::<Vec<_>>(), None).await?;
    let rows: Vec<_> = new.into_iter().zip(0..).map(|(one, position)| row_of(scope, product, one, position)).collect();
    let ids = rows.iter().map(|row| row.id).collect();
    scope.insert_all(rows.clone()).await.map_err(codes_taken)?;
    keep_values(scope, &rows).await?;
    Ok(ids)
}

fn row_of(scope: &Scope, product: ProductId, new: NewVariant, position: i64) -> variant::Model {
    let now = clock::now();
    variant::Model {
        company_id: scope.company(),
        id: VariantId::new(),
        product_id: product,
        sku: new.sku,
        name: new.name,
        translations: json!(new.translations),
        sold_by: new.sold_by.name().into(),
        barcode: new.barcode,
        attributes: Value::Object(new.attributes),
        price: new.price,
        cost: new.cost,
        position,
        compare_at_price: new.compare_at_price,
        archived_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Adds a variant behind the others.
///
/// # Errors
/// 404; 422; 409 `sku_taken`, `barcode_taken`, `too_many_variants`.
pub async fn add_variant(scope: &Scope, product: ProductId, new: NewVariant) -> Result<VariantId> {
    const VARIANTS_MAX: usize = 100;
    let mut checks = Checks::default();
    new.check(&mut checks, "");
    checks.done()?;
    let owner = take(scope, product, None).await?;
    let others = scope.all(scope.find::<variant::Entity>().filter(variant::Column::ProductId.eq(product))).await?;
    if others.iter().filter(|one| one.archived_at.is_none()).count() >= VARIANTS_MAX {
        return Err(Error::conflict("too_many_variants", "a product has at most 100 variants", json!({ "limit": VARIANTS_MAX })));
    }
    ensure_codes_are_free(scope, &[(&new.sku, new.barcode.as_deref())], None).await?;
    let position = others.iter().map(|one| one.position + 1).max().unwrap_or_default();
    let row = row_of(scope, product, new, position);
    scope.insert(row.clone()).await.map_err(codes_taken)?;
    keep_values(scope, std::slice::from_ref(&row)).await?;
    keep_price(scope, product).await?;
    keep_findable(scope, &owner).await?;
    let changes = facts_of(&row).into_iter().map(|(field, now)| (field, json!(null), now)).collect();
    scope.audit("create", "variant", row.id, owner.shop_id, changes).await?;
    tell(scope, "update", &owner, vec![("variants", json!(null), json!(row.sku))]).await?;
    Ok(row.id)
}

/// Changes a variant.
///
/// # Errors
/// 404; 412 when `version` is no longer the variant's; 422; 409 `sku_taken`, `barcode_taken`.
pub async fn change_variant(scope: &Scope, product: ProductId, id: VariantId, change: VariantChange, version: Option<i64>) -> Result<()> {
    let mut checks = Checks::default();
    change.check(&mut checks, "");
    checks.done()?;
    let owner = take(scope, product, None).await?;
    let before = present(scope, product, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let after = changed(before.clone(), change);
    let differences = differences(&before, &after);
    if differences.is_empty() {
        return Ok(());
    }
    ensure_codes_are_free(scope, &[(&after.sku, after.barcode.as_deref())], Some(id)).await?;
    write(scope, &after).await?;
    if before.attributes != after.attributes {
        keep_values(scope, std::slice::from_ref(&after)).await?;
    }
    keep_price(scope, product).await?;
    if (&before.sku, &before.barcode) != (&after.sku, &after.barcode) {
        keep_findable(scope, &owner).await?;
    }
    scope.audit("update", "variant", id, owner.shop_id, differences.clone()).await?;
    tell(scope, "update", &owner, vec![("variants", json!(before.sku), json!(after.sku))]).await
}

fn changed(mut row: variant::Model, change: VariantChange) -> variant::Model {
    row.sku = change.sku.unwrap_or(row.sku);
    row.barcode = change.barcode.unwrap_or(row.barcode);
    row.name = change.name.unwrap_or(row.name);
    row.translations = change.translations.map_or(row.translations, |translations| json!(translations));
    row.attributes = change.attributes.map_or(row.attributes, Value::Object);
    row.price = change.price.unwrap_or(row.price);
    row.compare_at_price = change.compare_at_price.unwrap_or(row.compare_at_price);
    row.cost = change.cost.unwrap_or(row.cost);
    row.position = change.position.unwrap_or(row.position);
    row
}

async fn write(scope: &Scope, row: &variant::Model) -> Result<()> {
    let update = scope
        .update::<variant::Entity>()
        .col_expr(variant::Column::Sku, Expr::value(row.sku.as_str()))
        .col_expr(variant::Column::Barcode, Expr::value(row.barcode.clone()))
        .col_expr(variant::Column::Name, Expr::value(row.name.as_str()))
        .col_expr(variant::Column::Translations, Expr::value(row.translations.clone()))
        .col_expr(variant::Column::Attributes, Expr::value(row.attributes.clone()))
        .col_expr(variant::Column::Price, Expr::value(row.price))
        .col_expr(variant::Column::CompareAtPrice, Expr::value(row.compare_at_price))
        .col_expr(variant::Column::Cost, Expr::value(row.cost))
        .col_expr(variant::Column::Position, Expr::value(row.position))
        .col_expr(variant::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(variant::Column::Version, Expr::col(variant::Column::Version).add(1))
        .filter(variant::Column::Id.eq(row.id))
        .filter(variant::Column::Version.eq(row.version));
    if scope.run(update).await.map_err(codes_taken)? == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Takes a variant out of sale; its stock and its orders stay.
///
/// # Errors
/// 404; 412; 409 `last_variant` when nothing would be left to sell.
pub async fn archive_variant(scope: &Scope, product: ProductId, id: VariantId, version: Option<i64>) -> Result<()> {
    let owner = take(scope, product, None).await?;
    let gone = present(scope, product, id).await?;
    if version.is_some_and(|version| version != gone.version) {
        return Err(Error::Stale);
    }
    let left = scope.find::<variant::Entity>().filter(variant::Column::ProductId.eq(product)).filter(variant::Column::Id.ne(id));
    if scope.one(left.filter(variant::Column::ArchivedAt.is_null())).await?.is_none() {
        return Err(Error::conflict("last_variant", "a product keeps one variant at least: archive the product", json!({})));
    }
    let now = clock::now();
    let update = scope
        .update::<variant::Entity>()
        .col_expr(variant::Column::ArchivedAt, Expr::value(Some(now)))
        .col_expr(variant::Column::UpdatedAt, Expr::value(now))
        .col_expr(variant::Column::Version, Expr::col(variant::Column::Version).add(1))
        .filter(variant::Column::Id.eq(id));
    scope.run(update).await?;
    keep_price(scope, product).await?;
    keep_findable(scope, &owner).await?;
    scope.audit("archive", "variant", id, owner.shop_id, vec![("archivedAt", json!(null), json!(now))]).await?;
    tell(scope, "update", &owner, vec![("variants", json!(gone.sku), json!(null))]).await
}

async fn present(scope: &Scope, product: ProductId, id: VariantId) -> Result<variant::Model> {
    let found = scope.find::<variant::Entity>().filter(variant::Column::ProductId.eq(product)).filter(variant::Column::Id.eq(id));
    scope.get(found.filter(variant::Column::ArchivedAt.is_null())).await
}

fn facts_of(row: &variant::Model) -> Vec<(&'static str, Value)> {
    vec![
        ("sku", json!(row.sku)),
        ("barcode", json!(row.barcode)),
        ("name", json!(row.name)),
        ("translations", row.translations.clone()),
        ("attributes", row.attributes.clone()),
        ("price", json!(row.price)),
        ("compareAtPrice", json!(row.compare_at_price)),
        ("cost", json!(row.cost)),
        ("position", json!(row.position)),
    ]
}

fn differences(before: &variant::Model, after: &variant::Model) -> Vec<Change> {
    let pairs = facts_of(before).into_iter().zip(facts_of(after));
    pairs.filter(|((_, before), (_, after))| before != after).map(|((field, before), (_, after))| (field, before, after)).collect()
}

/// Codes are looked up before they are written, so that the refusal can say which one it is.
async fn ensure_codes_are_free(scope: &Scope, codes: &[(&str, Option<&str>)], except: Option<VariantId>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (index, (sku, barcode)) in codes.iter().enumerate() {
        for (name, code) in [("sku", Some(*sku)), ("barcode", *barcode)] {
            if code.is_some_and(|code| !seen.insert((name, code))) {
                return Err(Error::invalid(format!("variants[{index}].{name}"), "repeated", "another variant here has the same"));
            }
        }
    }
    let rivals = scope.find::<variant::Entity>().filter(
        Condition::any()
            .add(variant::Column::Sku.is_in(codes.iter().map(|(sku, _)| *sku)))
            .add(variant::Column::Barcode.is_in(codes.iter().filter_map(|(_, barcode)| *barcode))),
    );
    let rivals = scope.all(rivals).await?;
    let Some(rival) = rivals.iter().find(|rival| Some(rival.id) != except) else { return Ok(()) };
    let facts = |index: usize, field: &str, code: &str| json!({ "index": index, "field": field, field: code, "productId": rival.product_id, "variantId": rival.id, "isArchived": rival.archived_at.is_some() });
    if let Some(index) = codes.iter().position(|(sku, _)| *sku == rival.sku) {
        return Err(Error::conflict("sku_taken", "another variant has this SKU", facts(index, "sku", &rival.sku)));
    }
    let barcode = rival.barcode.as_deref().unwrap_or_default();
    let index = codes.iter().position(|(_, code)| *code == Some(barcode)).unwrap_or_default();
    Err(Error::conflict("barcode_taken", "another variant has this barcode", facts(index, "barcode", barcode)))
}

fn codes_taken(error: Error) -> Error {
    let is_barcode = matches!(&error, Error::Db(database) if database.to_string().contains("barcode"));
    if is_barcode {
        taken(error, "barcode_taken", "another variant has this barcode")
    } else {
        taken(error, "sku_taken", "another variant has this SKU")
    }
}
