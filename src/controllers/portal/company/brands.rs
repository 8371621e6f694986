//! Brands: their names, and the goods that bear them.

use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, export, fields::Fields, lists::Listing};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::BrandId,
    models::{
        catalog::{self, Brand, BrandChange, NewBrand},
        companies::{self, Company},
    },
    tenancy::{Access, roles::CatalogOrganise},
    translated::{self, with_name},
    views::templates,
};

const LIST: &str = "/company/brands";
const ROWS: u64 = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct List {
    q: String,
    cursor: Option<String>,
}

/// Its name in Hindi, where somebody wrote it.
fn hindi(one: &Brand) -> &str {
    translated::name(&one.translations, "hi").unwrap_or_default()
}

/// The brands whose name or address has these words in it, in the order of their addresses.
fn named(brands: Vec<Brand>, words: &str) -> Vec<Brand> {
    let words = catalog::fold(words);
    brands.into_iter().filter(|one| catalog::fold(&format!("{} {} {}", one.name, one.slug, hindi(one))).contains(&words)).collect()
}

async fn index(visitor: Visitor<CatalogOrganise>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = brands_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/brands/index.html", &company, data)
}

async fn brands_page(visitor: &Visitor<CatalogOrganise>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let bound = format!("portal brands {}", list.q);
    let after = page::open::<String>(access, &bound, list.cursor.as_deref())?.unwrap_or_default();
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut found = named(catalog::brands(&scope).await?, &list.q);
    found.retain(|one| one.slug > after);
    let next = page::cut(access, &bound, &mut found, ROWS, |one| one.slug.clone())?;
    let chips = vec![("q", visitor.text("ui.search"), list.q.clone())];
    let rows: Vec<_> = found.iter().map(|one| json!({ "id": one.id, "name": one.name, "slug": one.slug, "hindi": hindi(one) })).collect();
    let listing = Listing { chips, count: rows.len(), next, ..Listing::default() };
    Ok((company, json!({ "rows": rows, "list": visitor.list(&scope, listing).await?, "filter": { "q": list.q } })))
}

const COLUMNS: [&str; 3] = ["slug", "name", "name_hi"];

async fn export(visitor: Visitor<CatalogOrganise>, Query(list): Query<List>) -> PageResult<Response> {
    let rows = lines(&visitor.access, &list.q).await.map_err(|error| visitor.refuse(error))?;
    export::few("brands", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn lines(access: &Access<CatalogOrganise>, words: &str) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    Ok(named(catalog::brands(&scope).await?, words).into_iter().map(cells).collect())
}

fn cells(one: Brand) -> Vec<String> {
    let hindi = hindi(&one).to_owned();
    vec![one.slug, one.name, hindi]
}

async fn export_chosen(visitor: Visitor<CatalogOrganise>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(&visitor.access, &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("brands", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<CatalogOrganise>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let ids = fields.chosen();
    Ok(catalog::brands(&scope).await?.into_iter().filter(|one| ids.contains(&one.id)).map(cells).collect())
}

async fn create(visitor: Visitor<CatalogOrganise>, mut fields: Fields) -> PageResult<Response> {
    match add(&visitor.access, &mut fields).await {
        Ok(()) => {
            let text = templates::filled("product.saved_one", &visitor.language, &[("name", &fields.raw("name"))]);
            Ok(visitor.tell(LIST, "ok", &text, &[]).into_response())
        }
        Err(error) => {
            let visitor = visitor.refused(error.at_field(""), &fields)?;
            let again = brands_page(&visitor, &List::default()).await;
            let (company, data) = again.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/brands/index.html", &company, data)
        }
    }
}

async fn add(access: &Access<CatalogOrganise>, fields: &mut Fields) -> Result<()> {
    let translations = with_name(Value::Null, "hi", fields.optional("translations.hi.name"));
    let new = NewBrand { name: fields.text("name"), slug: fields.optional("slug"), translations };
    fields.end()?;
    let scope = access.write().await?;
    catalog::add_brand(&scope, new).await?;
    scope.commit().await
}

async fn show(visitor: Visitor<CatalogOrganise>, Id(id): Id<BrandId>) -> PageResult<Html<String>> {
    let (company, data) = brand_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/brands/show.html", &company, data)
}

async fn brand_page(visitor: &Visitor<CatalogOrganise>, id: BrandId) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let one = catalog::brand(&scope, id).await?;
    Ok((company, json!({ "brand": { "id": id, "name": one.name, "slug": one.slug, "hindi": hindi(&one), "version": one.version } })))
}

/// The brand's page with the form that was refused.
async fn brand_again(visitor: Visitor<CatalogOrganise>, id: BrandId, error: Error, fields: &Fields) -> PageResult<Response> {
    let visitor = visitor.refused(error.at_field(""), fields)?;
    let (company, data) = brand_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/brands/show.html", &company, data)
}

async fn save(visitor: Visitor<CatalogOrganise>, Id(id): Id<BrandId>, mut fields: Fields) -> PageResult<Response> {
    match change(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(LIST, "saved").into_response()),
        Err(error) => brand_again(visitor, id, error, &fields).await,
    }
}

async fn change(access: &Access<CatalogOrganise>, id: BrandId, fields: &mut Fields) -> Result<()> {
    let (name, slug, hindi) = (fields.text("name"), fields.optional("slug"), fields.optional("translations.hi.name"));
    let version = fields.parsed("version");
    fields.end()?;
    let scope = access.write().await?;
    let before = catalog::brand(&scope, id).await?;
    let change = BrandChange { name: Some(name), slug, translations: Some(with_name(before.translations, "hi", hindi)) };
    catalog::change_brand(&scope, id, change, version).await?;
    scope.commit().await
}

async fn remove(visitor: Visitor<CatalogOrganise>, Id(id): Id<BrandId>, fields: Fields) -> PageResult<Response> {
    match removed(&visitor.access, id).await {
        Ok(()) => Ok(visitor.done(LIST, "removed").into_response()),
        Err(error) => brand_again(visitor, id, error, &fields).await,
    }
}

async fn removed(access: &Access<CatalogOrganise>, id: BrandId) -> Result<()> {
    let scope = access.write().await?;
    catalog::remove_brand(&scope, id).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CatalogOrganise, _>("/company/brands", "Brands", index),
        post::<CatalogOrganise, _>("/company/brands", "Adds a brand", create),
        get::<CatalogOrganise, _>("/company/brands/export.csv", "Brands as CSV", export),
        post::<CatalogOrganise, _>("/company/brands/chosen.csv", "Chosen brands as CSV", export_chosen),
        get::<CatalogOrganise, _>("/company/brands/{id}", "One brand", show),
        post::<CatalogOrganise, _>("/company/brands/{id}", "Renames a brand", save),
        post::<CatalogOrganise, _>("/company/brands/{id}/remove", "Takes away a brand that no product has", remove),
    ]
}
