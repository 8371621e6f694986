//! What a person wrote into a product's form, read into what the catalogue takes. The names of the
//! fields are those that the catalogue refuses by; a variant's begin with its id, or with its row
//! when it is new.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::super::fields::Fields;
use crate::{
    errors::{Error, FieldError, Result},
    ids::{BrandId, CategoryId, ShopId, VariantId},
    models::catalog::{self, Facts, NewProduct, NewVariant, Product, ProductChange, ProductEdit, SoldBy, Variant, VariantChange},
    money::Money,
    tenancy::Scope,
    translated::{Translation, Translations, with_name},
    views::templates::LANGUAGES,
};

/// The product's own fields.
struct Own {
    slug: Option<String>,
    name: String,
    description: String,
    translations: Translations,
    tags: Vec<String>,
    brand: Option<BrandId>,
    category: Option<CategoryId>,
    shop: Option<ShopId>,
    is_active: bool,
    is_featured: bool,
    facts: Facts,
}

/// A text of any length: the catalogue says how long it may be.
fn long(fields: &Fields, name: &str) -> String {
    fields.raw(name).replace("\r\n", "\n")
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `known` are the words in languages that the form does not show: they stay.
fn own(fields: &mut Fields, known: Translations) -> Own {
    let mut translations = known;
    for language in LANGUAGES.iter().skip(1) {
        let words = Translation {
            name: given(fields.raw(&format!("translations.{language}.name"))),
            description: given(&long(fields, &format!("translations.{language}.description"))),
        };
        if words == Translation::default() {
            translations.remove(*language);
        } else {
            translations.insert((*language).to_owned(), words);
        }
    }
    let mut tags: Vec<String> = Vec::new();
    for tag in fields.raw("tags").split(',').filter_map(given) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Own {
        slug: given(fields.raw("slug")),
        name: fields.raw("name").to_owned(),
        description: long(fields, "description"),
        translations,
        tags,
        brand: fields.maybe("brandId"),
        category: fields.maybe("categoryId"),
        shop: fields.maybe("shopId"),
        is_active: fields.raw("status") != "draft",
        is_featured: fields.is_on("isFeatured"),
        facts: facts(fields),
    }
}

fn facts(fields: &mut Fields) -> Facts {
    let nutrition = pairs(fields, "facts.nutrition", '\n');
    Facts {
        origin: given(fields.raw("facts.origin")),
        organic: fields.is_on("facts.organic"),
        imported: fields.is_on("facts.imported"),
        season: given(fields.raw("facts.season")),
        freshness: given(fields.raw("facts.freshness")),
        shelf_life_days: fields.maybe("facts.shelfLifeDays"),
        cold_chain: fields.is_on("facts.coldChain"),
        tax_code: given(fields.raw("facts.taxCode")),
        nutrition: nutrition.into_iter().collect(),
    }
}

/// `Colour: Blue, Memory: 128 GB`: names with values, parted by `between`.
fn pairs(fields: &mut Fields, name: &str, between: char) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in long(fields, name).split(between).filter_map(given) {
        match part.split_once(':') {
            Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                found.push((key.trim().to_owned(), value.trim().to_owned()));
            }
            _ => fields.refuse(name, "pairs", "write a name, a colon and its value, such as Colour: Blue"),
        }
    }
    found
}

fn options(fields: &mut Fields, at: &str) -> Map<String, Value> {
    pairs(fields, &format!("{at}attributes"), ',').into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

/// The rows of variants that are new, in their order; empty ones say nothing.
pub(super) fn new_rows(fields: &Fields) -> Vec<String> {
    const WRITTEN: [&str; 8] = ["name", "translations.hi.name", "attributes", "sku", "barcode", "price", "compareAtPrice", "cost"];
    let mut rows: BTreeMap<usize, String> = BTreeMap::new();
    for name in fields.names() {
        let Some((row, _)) = name.strip_prefix("variants.").and_then(|rest| rest.split_once('.')) else { continue };
        if let Some(number) = row.strip_prefix("new").and_then(|number| number.parse().ok()) {
            rows.insert(number, row.to_owned());
        }
    }
    let is_written = |row: &String| WRITTEN.iter().any(|field| !fields.raw(&format!("variants.{row}.{field}")).is_empty());
    rows.into_values().filter(is_written).collect()
}

fn new_variant(fields: &mut Fields, row: &str) -> NewVariant {
    let at = format!("variants.{row}.");
    let field = |name: &str| format!("{at}{name}");
    NewVariant {
        sku: fields.raw(&field("sku")).to_owned(),
        barcode: given(fields.raw(&field("barcode"))),
        name: fields.raw(&field("name")).to_owned(),
        translations: with_name(Value::Null, "hi", given(fields.raw(&field("translations.hi.name")))),
        attributes: options(fields, &at),
        price: fields.money(&field("price")).unwrap_or_default(),
        compare_at_price: fields.maybe_money(&field("compareAtPrice")),
        cost: fields.maybe_money(&field("cost")).unwrap_or_default(),
        sold_by: if fields.raw(&field("soldBy")) == SoldBy::Weight.name() { SoldBy::Weight } else { SoldBy::Unit },
    }
}

/// The new variants of a form; one without a SKU gets one of the product's name.
async fn new_variants(scope: &Scope, fields: &mut Fields, name: &str) -> Result<Vec<(String, NewVariant)>> {
    let mut found = Vec::new();
    for row in new_rows(fields) {
        let mut new = new_variant(fields, &row);
        if new.sku.is_empty() {
            new.sku = catalog::free_sku(scope, name, &new.name).await?;
        }
        found.push((row, new));
    }
    Ok(found)
}

/// Reads a new product; with the rows its variants stood in, for a refusal.
///
/// # Errors
/// 422 with the fields that cannot be read.
pub(super) async fn new_product(scope: &Scope, fields: &mut Fields) -> Result<(NewProduct, Vec<String>)> {
    let own = own(fields, Translations::new());
    let variants = new_variants(scope, fields, &own.name).await?;
    if variants.is_empty() {
        fields.refuse("variants.new0.price", "required", "a product needs a price");
    }
    fields.end()?;
    let (rows, variants) = variants.into_iter().unzip();
    let new = NewProduct {
        slug: own.slug,
        name: own.name,
        description: own.description,
        translations: own.translations,
        tags: own.tags,
        brand_id: own.brand,
        category_id: own.category,
        shop_id: own.shop,
        is_active: Some(own.is_active),
        is_featured: own.is_featured,
        facts: own.facts,
        variants,
    };
    Ok((new, rows))
}

/// Reads the form of a product that is there. Who may not `write` goods as a whole changes what is
/// there, and knows no cost.
///
/// # Errors
/// 422 with the fields that cannot be read; 403 for new or retired variants of who may not.
pub(super) async fn edit(scope: &Scope, fields: &mut Fields, product: &Product, variants: &[Variant], write: bool) -> Result<ProductEdit> {
    let known = serde_json::from_value(product.translations.clone()).unwrap_or_default();
    let own = own(fields, known);
    let shown: Vec<_> = variants.iter().filter(|one| fields.has(&format!("variants.{}.sku", one.id))).collect();
    let changes = shown.iter().map(|one| (one.id, change(fields, one, write))).collect();
    let retired: Vec<VariantId> = shown.iter().map(|one| one.id).filter(|id| fields.is_on(&format!("variants.{id}.retire"))).collect();
    let added = new_variants(scope, fields, &own.name).await?;
    let alts = product.pictures().into_iter().filter_map(|shot| {
        let name = format!("pictures.{}.alt", shot.id);
        fields.has(&name).then(|| (shot.id, fields.raw(&name).to_owned()))
    });
    let alts = alts.collect();
    fields.end()?;
    let is_more = !added.is_empty() || !retired.is_empty();
    if is_more && !write {
        return Err(Error::NotAllowed { code: "forbidden" });
    }
    let product = ProductChange {
        slug: own.slug,
        name: Some(own.name),
        description: Some(own.description),
        translations: Some(own.translations),
        tags: Some(own.tags),
        brand_id: Some(own.brand),
        category_id: Some(own.category),
        shop_id: Some(own.shop),
        is_active: Some(own.is_active),
        is_featured: Some(own.is_featured),
        facts: Some(own.facts),
    };
    Ok(ProductEdit { product, variants: changes, added, retired, alts })
}

fn change(fields: &mut Fields, variant: &Variant, write: bool) -> VariantChange {
    let at = format!("variants.{}.", variant.id);
    let field = |name: &str| format!("{at}{name}");
    VariantChange {
        sku: Some(fields.raw(&field("sku")).to_owned()),
        barcode: Some(given(fields.raw(&field("barcode")))),
        name: Some(fields.raw(&field("name")).to_owned()),
        translations: Some(with_name(variant.translations.clone(), "hi", given(fields.raw(&field("translations.hi.name"))))),
        attributes: Some(options(fields, &at)),
        price: fields.money(&field("price")),
        compare_at_price: Some(fields.maybe_money(&field("compareAtPrice"))),
        cost: write.then(|| fields.maybe_money(&field("cost")).unwrap_or(Money::ZERO)),
        position: None,
    }
}

/// A refusal at the fields of the form: the catalogue counts tags, options and new variants.
#[must_use]
pub(super) fn at_the_form(error: Error, rows: &[String]) -> Error {
    match error {
        Error::Invalid(fields) => {
            Error::Invalid(fields.into_iter().map(|one| FieldError { field: in_form(&one.field, rows), ..one }).collect())
        }
        Error::Conflict { ref facts, .. } => {
            let index = facts.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let at = index.and_then(|index| rows.get(index)).map(|row| format!("variants.{row}."));
            error.at_field(&at.unwrap_or_default())
        }
        other => other,
    }
}

fn in_form(field: &str, rows: &[String]) -> String {
    if let Some((index, rest)) = field.strip_prefix("variants[").and_then(|rest| rest.split_once("].")) {
        let row = index.parse().ok().and_then(|index: usize| rows.get(index)).map_or("new0", String::as_str);
        return in_form(&format!("variants.{row}.{rest}"), rows);
    }
    for whole in [".attributes.", ".nutrition."] {
        if let Some((before, _)) = field.split_once(whole) {
            return format!("{before}{}", whole.trim_end_matches('.'));
        }
    }
    field.split('[').next().unwrap_or(field).to_owned()
}

#[cfg(test)]
mod tests {
    use super::in_form;

    #[test]
    fn what_the_catalogue_counts_is_a_field_of_the_form() {
        let rows = ["new0".to_owned(), "new3".to_owned()];
        for (field, expected) in [
            ("name", "name"),
            ("tags[2]", "tags"),
            ("variants[1].sku", "variants.new3.sku"),
            ("variants[0].attributes.Colour", "variants.new0.attributes"),
            ("facts.nutrition.energy", "facts.nutrition"),
            ("variants.0198.attributes.Size", "variants.0198.attributes"),
            ("translations.hi.name", "translations.hi.name"),
        ] {
            assert_eq!(in_form(field, &rows), expected);
        }
    }
}
