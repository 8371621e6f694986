//! Attributes and their values: made as variants name them, translated by people, filtered by.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    attribute, attribute_value,
    checks::{Checks, taken},
    fold, variant, variant_value,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{AttributeId, AttributeValueId, RowId},
    tenancy::Scope,
    translated::Translations,
};

/// A value that people may choose from, with its words in other languages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AttributeValue")]
pub struct NewValue {
    pub value: String,
    #[serde(default)]
    pub translations: Translations,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttribute {
    pub name: String,
    #[serde(default)]
    pub translations: Translations,
    #[serde(default)]
    pub values: Vec<NewValue>,
}

/// What may be changed of an attribute. Values that are named are added or translated anew; the
/// name stays, since the goods carry it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeChange {
    pub translations: Option<Translations>,
    pub values: Vec<NewValue>,
}

/// Links variants to the values their attributes name, and makes those that nobody named before.
pub(super) async fn keep_values(scope: &Scope, variants: &[variant::Model]) -> Result<()> {
    let named = |variant: &variant::Model| -> Vec<(String, String)> {
        let pairs = variant.attributes.as_object().into_iter().flatten();
        pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let all: Vec<_> = variants.iter().flat_map(named).collect();
    let ids = values_named(scope, &all).await?;
    let known = scope.find::<variant_value::Entity>();
    let known = scope.all(known.filter(variant_value::Column::VariantId.is_in(variants.iter().map(|variant| variant.id)))).await?;
    let mut wanted = BTreeMap::new();
    for variant in variants {
        for (name, value) in named(variant) {
            if let Some(id) = ids.get(&(fold(&name), fold(&value))) {
                wanted.insert((variant.id, *id), variant.product_id);
            }
        }
    }
    let gone: Vec<_> =
        known.iter().filter(|one| !wanted.contains_key(&(one.variant_id, one.attribute_value_id))).map(|one| one.id).collect();
    if !gone.is_empty() {
        scope.remove(scope.delete::<variant_value::Entity>().filter(variant_value::Column::Id.is_in(gone))).await?;
    }
    for one in &known {
        wanted.remove(&(one.variant_id, one.attribute_value_id));
    }
    let fresh = wanted.into_iter().map(|((variant_id, attribute_value_id), product_id)| variant_value::Model {
        company_id: scope.company(),
        id: RowId::new(),
        variant_id,
        product_id,
        attribute_value_id,
    });
    scope.insert_all(fresh.collect()).await
}

/// The ids of values by folded name and value.
async fn values_named(scope: &Scope, pairs: &[(String, String)]) -> Result<BTreeMap<(String, String), AttributeValueId>> {
    let mut found = BTreeMap::new();
    if pairs.is_empty() {
        return Ok(found);
    }
    let attributes = attributes_named(scope, pairs).await?;
    let values = scope
        .find::<attribute_value::Entity>()
        .filter(attribute_value::Column::AttributeId.is_in(attributes.values().copied()))
        .filter(attribute_value::Column::Folded.is_in(pairs.iter().map(|(_, value)| fold(value))));
    let known: BTreeMap<_, _> = scope.all(values).await?.into_iter().map(|value| ((value.attribute_id, value.folded), value.id)).collect();
    for (name, value) in pairs {
        let (name, folded) = (fold(name), fold(value));
        let Some(attribute) = attributes.get(&name).copied() else { continue };
        if found.contains_key(&(name.clone(), folded.clone())) {
            continue;
        }
        let id = match known.get(&(attribute, folded.clone())) {
            Some(id) => *id,
            None => add_value(scope, attribute, value).await?,
        };
        found.insert((name, folded), id);
    }
    Ok(found)
}

async fn attributes_named(scope: &Scope, pairs: &[(String, String)]) -> Result<BTreeMap<String, AttributeId>> {
    let find = || {
        let names = pairs.iter().map(|(name, _)| fold(name));
        scope.find::<attribute::Entity>().filter(attribute::Column::Folded.is_in(names))
    };
    let mut known: BTreeMap<_, _> = scope.all(find()).await?.into_iter().map(|row| (row.folded, row.id)).collect();
    let mut met_a_rival = false;
    for (name, _) in pairs {
        if !known.contains_key(&fold(name)) {
            let row = attribute_row(scope, name, json!({}));
            known.insert(row.folded.clone(), row.id);
            met_a_rival |= !scope.insert_unless_there(row, &[attribute::Column::CompanyId, attribute::Column::Folded]).await?;
        }
    }
    // Somebody else made one of them at the same moment: theirs count.
    if met_a_rival {
        known.extend(scope.all(find()).await?.into_iter().map(|row| (row.folded, row.id)));
    }
    Ok(known)
}

fn attribute_row(scope: &Scope, name: &str, translations: Value) -> attribute::Model {
    attribute::Model {
        company_id: scope.company(),
        id: AttributeId::new(),
        name: name.trim().into(),
        folded: fold(name),
        translations,
        created_at: clock::now(),
        version: 1,
    }
}

/// A value of an attribute, or the one that is there under the same letters.
async fn add_value(scope: &Scope, attribute: AttributeId, value: &str) -> Result<AttributeValueId> {
    let row = attribute_value::Model {
        company_id: scope.company(),
        id: AttributeValueId::new(),
        attribute_id: attribute,
        value: value.trim().into(),
        folded: fold(value),
        translations: json!({}),
        created_at: clock::now(),
    };
    let (id, folded) = (row.id, row.folded.clone());
    let key = [attribute_value::Column::CompanyId, attribute_value::Column::AttributeId, attribute_value::Column::Folded];
    if scope.insert_unless_there(row, &key).await? {
        return Ok(id);
    }
    let there = scope.find::<attribute_value::Entity>().filter(attribute_value::Column::AttributeId.eq(attribute));
    Ok(scope.get(there.filter(attribute_value::Column::Folded.eq(folded))).await?.id)
}

/// The products of which a variant has this value, as a filter: `colour`, `black`.
pub(super) fn having(scope: &Scope, name: &str, value: &str) -> SelectStatement {
    let attribute =
        scope.find::<attribute::Entity>().select_only().column(attribute::Column::Id).filter(attribute::Column::Folded.eq(fold(name)));
    let value = scope
        .find::<attribute_value::Entity>()
        .select_only()
        .column(attribute_value::Column::Id)
        .filter(attribute_value::Column::AttributeId.in_subquery(attribute.into_query()))
        .filter(attribute_value::Column::Folded.eq(fold(value)));
    let sold = scope
        .find::<variant::Entity>()
        .select_only()
        .column(variant::Column::Id)
        .filter(Expr::col((variant::Entity, variant::Column::Id)).equals((variant_value::Entity, variant_value::Column::VariantId)))
        .filter(variant::Column::ArchivedAt.is_null());
    scope
        .find::<variant_value::Entity>()
        .select_only()
        .column(variant_value::Column::ProductId)
        .filter(variant_value::Column::AttributeValueId.in_subquery(value.into_query()))
        .filter(Expr::exists(sold.into_query()))
        .into_query()
}

/// An attribute with its values, in the order of their names.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub id: AttributeId,
    pub name: String,
    pub translations: Value,
    pub version: i64,
    pub values: Vec<attribute_value::Model>,
}

/// The company's attributes.
pub async fn attributes(scope: &Scope) -> Result<Vec<Attribute>> {
    let rows = scope.find::<attribute::Entity>().order_by_asc(attribute::Column::Folded).limit(500);
    with_values(scope, scope.all(rows).await?).await
}

/// # Errors
/// 404 when it is not there.
pub async fn find_attribute(scope: &Scope, id: AttributeId) -> Result<Attribute> {
    let row = scope.get(scope.find::<attribute::Entity>().filter(attribute::Column::Id.eq(id))).await?;
    with_values(scope, vec![row]).await?.pop().ok_or(Error::NOT_FOUND)
}

async fn with_values(scope: &Scope, rows: Vec<attribute::Model>) -> Result<Vec<Attribute>> {
    let values = scope
        .find::<attribute_value::Entity>()
        .filter(attribute_value::Column::AttributeId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(attribute_value::Column::Folded)
        .limit(10_000);
    let mut by_attribute: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for value in scope.all(values).await? {
        by_attribute.entry(value.attribute_id).or_default().push(value);
    }
    let filled = rows.into_iter().map(|row| Attribute {
        id: row.id,
        name: row.name,
        translations: row.translations,
        version: row.version,
        values: by_attribute.remove(&row.id).unwrap_or_default(),
    });
    Ok(filled.collect())
}

/// Makes an attribute with the values people may choose from.
///
/// # Errors
/// 422; 409 `attribute_taken`.
pub async fn add_attribute(scope: &Scope, new: NewAttribute) -> Result<AttributeId> {
    let mut checks = Checks::default();
    checks.text("name", &new.name, 40);
    checks.that(!fold(&new.name).is_empty(), "name", "invalid", "letters or digits are needed");
    checks.translations("", &new.translations);
    check_values(&mut checks, &new.values);
    checks.done()?;
    let row = attribute_row(scope, &new.name, json!(new.translations));
    scope.insert(row.clone()).await.map_err(|error| taken(error, "attribute_taken", "there is an attribute of this name"))?;
    write_values(scope, row.id, new.values).await?;
    scope.audit("create", "attribute", row.id, None, vec![("name", json!(null), json!(row.name))]).await?;
    Ok(row.id)
}

fn check_values(checks: &mut Checks, values: &[NewValue]) {
    checks.that(values.len() <= 500, "values", "too_many", "at most 500 values");
    for (index, value) in values.iter().enumerate() {
        let field = format!("values[{index}].value");
        checks.text(&field, &value.value, 80);
        checks.that(!fold(&value.value).is_empty(), &field, "invalid", "letters or digits are needed");
        checks.translations("", &value.translations);
    }
}

async fn write_values(scope: &Scope, attribute: AttributeId, values: Vec<NewValue>) -> Result<()> {
    for value in values {
        let id = add_value(scope, attribute, &value.value).await?;
        let update = scope
            .update::<attribute_value::Entity>()
            .col_expr(attribute_value::Column::Translations, Expr::value(json!(value.translations)))
            .filter(attribute_value::Column::Id.eq(id));
        scope.run(update).await?;
    }
    Ok(())
}

/// Translates an attribute, and adds or translates values.
///
/// # Errors
/// 404; 412; 422.
pub async fn change_attribute(scope: &Scope, id: AttributeId, change: AttributeChange, version: Option<i64>) -> Result<()> {
    let mut checks = Checks::default();
    if let Some(translations) = &change.translations {
        checks.translations("", translations);
    }
    check_values(&mut checks, &change.values);
    checks.done()?;
    let before = find_attribute(scope, id).await?;
    let translations = change.translations.map_or_else(|| before.translations.clone(), |translations| json!(translations));
    let update = scope
        .update::<attribute::Entity>()
        .col_expr(attribute::Column::Translations, Expr::value(translations.clone()))
        .col_expr(attribute::Column::Version, Expr::col(attribute::Column::Version).add(1))
        .filter(attribute::Column::Id.eq(id))
        .filter(attribute::Column::Version.eq(version.unwrap_or(before.version)));
    if scope.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let values: Vec<_> = change.values.iter().map(|value| value.value.clone()).collect();
    write_values(scope, id, change.values).await?;
    let changes = vec![("translations", before.translations, translations), ("values", json!(null), json!(values))];
    scope.audit("update", "attribute", id, None, changes.into_iter().filter(|(_, before, after)| before != after).collect()).await
}

/// Takes away an attribute that no goods have.
///
/// # Errors
/// 404; 409 `in_use`.
pub async fn remove_attribute(scope: &Scope, id: AttributeId) -> Result<()> {
    let gone = find_attribute(scope, id).await?;
    let values: Vec<_> = gone.values.iter().map(|value| value.id).collect();
    let used = scope.find::<variant_value::Entity>().filter(variant_value::Column::AttributeValueId.is_in(values));
    if scope.one(used).await?.is_some() {
        return Err(Error::conflict("in_use", "goods have this attribute", json!({})));
    }
    scope.remove(scope.delete::<attribute_value::Entity>().filter(attribute_value::Column::AttributeId.eq(id))).await?;
    scope.remove(scope.delete::<attribute::Entity>().filter(attribute::Column::Id.eq(id))).await?;
    scope.audit("delete", "attribute", id, None, vec![("name", json!(gone.name), json!(null))]).await
}
