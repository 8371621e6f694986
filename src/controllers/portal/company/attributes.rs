//! Attributes: what variants differ in, the values people choose from, and their words in other languages.

use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, export, fields::Fields, lists::Listing};
use crate::{
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, FieldError, Result},
    ids::AttributeId,
    models::{
        catalog::{self, Attribute, AttributeChange, NewAttribute, NewValue},
        companies::{self, Company},
    },
    tenancy::{Access, roles::CatalogOrganise},
    translated::{self, Translations, with_name},
};

const LIST: &str = "/company/attributes";
/// How many values a row of the list names.
const NAMED: usize = 6;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct List {
    q: String,
}

/// The attributes that have these words in their name or in one of their values.
fn named(attributes: Vec<Attribute>, words: &str) -> Vec<Attribute> {
    let words = catalog::fold(words);
    let has = |text: &str| catalog::fold(text).contains(&words);
    attributes.into_iter().filter(|one| has(&one.name) || one.values.iter().any(|value| has(&value.value))).collect()
}

fn hindi(translations: &Value) -> &str {
    translated::name(translations, "hi").unwrap_or_default()
}

async fn index(visitor: Visitor<CatalogOrganise>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = attributes_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/attributes/index.html", &company, data)
}

async fn attributes_page(visitor: &Visitor<CatalogOrganise>, list: &List) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let found = named(catalog::attributes(&scope).await?, &list.q);
    let rows: Vec<_> = found
        .iter()
        .map(|one| {
            let values: Vec<_> = one.values.iter().take(NAMED).map(|value| value.value.as_str()).collect();
            json!({
                "id": one.id, "name": one.name, "hindi": hindi(&one.translations), "values": values.join(", "), "count": one.values.len(),
                "more": one.values.len().saturating_sub(NAMED),
            })
        })
        .collect();
    let chips = vec![("q", visitor.text("ui.search"), list.q.clone())];
    let listing = Listing { chips, count: rows.len(), ..Listing::default() };
    Ok((company, json!({ "rows": rows, "list": visitor.list(&scope, listing).await?, "filter": { "q": list.q } })))
}

const COLUMNS: [&str; 4] = ["attribute", "attribute_hi", "value", "value_hi"];

async fn export(visitor: Visitor<CatalogOrganise>, Query(list): Query<List>) -> PageResult<Response> {
    let rows = lines(&visitor.access, &list.q).await.map_err(|error| visitor.refuse(error))?;
    export::few("attributes", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn lines(access: &Access<CatalogOrganise>, words: &str) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    Ok(named(catalog::attributes(&scope).await?, words).iter().flat_map(cells).collect())
}

/// An attribute's values, each as a row of a file.
fn cells(one: &Attribute) -> Vec<Vec<String>> {
    let own = [one.name.clone(), hindi(&one.translations).to_owned()];
    let values = one.values.iter().map(|value| [value.value.clone(), hindi(&value.translations).to_owned()]);
    values.map(|value| own.iter().cloned().chain(value).collect()).collect()
}

async fn export_chosen(visitor: Visitor<CatalogOrganise>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(&visitor.access, &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("attributes", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<CatalogOrganise>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let ids = fields.chosen();
    Ok(catalog::attributes(&scope).await?.iter().filter(|one| ids.contains(&one.id)).flat_map(cells).collect())
}

/// New values, one a line.
fn new_values(fields: &Fields) -> Vec<NewValue> {
    let lines = fields.raw("values").lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| NewValue { value: line.to_owned(), translations: Translations::new() }).collect()
}

/// A refusal at the form's fields: `values[3].value` is a line of the values.
fn at_the_form(error: Error) -> Error {
    match error.at_field("") {
        Error::Invalid(fields) => {
            let whole = |field: String| field.split('[').next().unwrap_or_default().to_owned();
            Error::Invalid(fields.into_iter().map(|one| FieldError { field: whole(one.field.clone()), ..one }).collect())
        }
        other => other,
    }
}

async fn create(visitor: Visitor<CatalogOrganise>, mut fields: Fields) -> PageResult<Response> {
    match add(&visitor.access, &mut fields).await {
        Ok(()) => Ok(visitor.done(LIST, "saved").into_response()),
        Err(error) => {
            let visitor = visitor.refused(at_the_form(error), &fields)?;
            let again = attributes_page(&visitor, &List::default()).await;
            let (company, data) = again.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/attributes/index.html", &company, data)
        }
    }
}

async fn add(access: &Access<CatalogOrganise>, fields: &mut Fields) -> Result<()> {
    let name = fields.text("name");
    let translations = with_name(Value::Null, "hi", fields.optional("translations.hi.name"));
    let values = new_values(fields);
    fields.end()?;
    let scope = access.write().await?;
    catalog::add_attribute(&scope, NewAttribute { name, translations, values }).await?;
    scope.commit().await
}

async fn show(visitor: Visitor<CatalogOrganise>, Id(id): Id<AttributeId>) -> PageResult<Html<String>> {
    let (company, data) = attribute_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/attributes/show.html", &company, data)
}

async fn attribute_page(visitor: &Visitor<CatalogOrganise>, id: AttributeId) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let one = catalog::find_attribute(&scope, id).await?;
    let values = one.values.iter().map(|value| json!({ "id": value.id, "value": value.value, "hindi": hindi(&value.translations) }));
    let attribute = json!({
        "id": id, "name": one.name, "hindi": hindi(&one.translations), "version": one.version, "values": values.collect::<Vec<_>>(),
    });
    Ok((company, json!({ "attribute": attribute })))
}

/// The attribute's page with the form that was refused.
async fn attribute_again(visitor: Visitor<CatalogOrganise>, id: AttributeId, error: Error, fields: &Fields) -> PageResult<Response> {
    let visitor = visitor.refused(at_the_form(error), fields)?;
    let (company, data) = attribute_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/attributes/show.html", &company, data)
}

async fn save(visitor: Visitor<CatalogOrganise>, Id(id): Id<AttributeId>, mut fields: Fields) -> PageResult<Response> {
    match change(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{LIST}/{id}"), "saved").into_response()),
        Err(error) => attribute_again(visitor, id, error, &fields).await,
    }
}

async fn change(access: &Access<CatalogOrganise>, id: AttributeId, fields: &mut Fields) -> Result<()> {
    let version = fields.parsed("version");
    let name = fields.optional("translations.hi.name");
    let scope = access.write().await?;
    let before = catalog::find_attribute(&scope, id).await?;
    let mut values = Vec::new();
    for value in &before.values {
        let field = format!("value.{}", value.id);
        if fields.has(&field) && fields.raw(&field) != hindi(&value.translations) {
            let translations = with_name(value.translations.clone(), "hi", fields.optional(&field));
            values.push(NewValue { value: value.value.clone(), translations });
        }
    }
    values.extend(new_values(fields));
    fields.end()?;
    let translations = Some(with_name(before.translations.clone(), "hi", name));
    catalog::change_attribute(&scope, id, AttributeChange { translations, values }, version).await?;
    scope.commit().await
}

async fn remove(visitor: Visitor<CatalogOrganise>, Id(id): Id<AttributeId>, fields: Fields) -> PageResult<Response> {
    match removed(&visitor.access, id).await {
        Ok(()) => Ok(visitor.done(LIST, "removed").into_response()),
        Err(error) => attribute_again(visitor, id, error, &fields).await,
    }
}

async fn removed(access: &Access<CatalogOrganise>, id: AttributeId) -> Result<()> {
    let scope = access.write().await?;
    catalog::remove_attribute(&scope, id).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CatalogOrganise, _>("/company/attributes", "Attributes of goods", index),
        post::<CatalogOrganise, _>("/company/attributes", "Makes an attribute", create),
        get::<CatalogOrganise, _>("/company/attributes/export.csv", "Attributes and their values as CSV", export),
        post::<CatalogOrganise, _>("/company/attributes/chosen.csv", "Chosen attributes with their values as CSV", export_chosen),
        get::<CatalogOrganise, _>("/company/attributes/{id}", "One attribute with its values", show),
        post::<CatalogOrganise, _>("/company/attributes/{id}", "Translates an attribute, and adds values", save),
        post::<CatalogOrganise, _>("/company/attributes/{id}/remove", "Takes away an attribute that no goods have", remove),
    ]
}
