//! The tree of categories: in the order people put them, with their tax and their names.

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, export, fields::Fields, lists::Listing},
    products::{paths, percent},
};
use crate::{
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, FieldError, Result},
    ids::CategoryId,
    models::{
        catalog::{self, Category, CategoryChange, NewCategory, Way},
        companies::{self, Company},
    },
    tenancy::{Access, roles::CatalogOrganise},
    translated::{self, with_name},
    views::templates,
};

const LIST: &str = "/company/categories";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct List {
    q: String,
    /// Below which one a new category shall hang.
    parent: String,
}

async fn index(visitor: Visitor<CatalogOrganise>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = tree_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/categories/index.html", &company, data)
}

async fn tree_page(visitor: &Visitor<CatalogOrganise>, list: &List) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let tree = catalog::categories(&scope).await?;
    let rows: Vec<_> = named(&tree, &list.q).into_iter().map(|(one, depth)| row(visitor, &company, &tree, one, depth)).collect();
    let chips = vec![("q", visitor.text("ui.search"), list.q.clone())];
    let listing = Listing { chips, count: rows.len(), ..Listing::default() };
    Ok((
        company,
        json!({
            "rows": rows, "list": visitor.list(&scope, listing).await?, "filter": { "q": list.q, "parent": list.parent },
            "parents": options(&tree, &visitor.language, |_| true), "is_whole": catalog::fold(&list.q).is_empty(),
        }),
    ))
}

/// The tree from the root on, each with how deep it lies.
fn in_order(tree: &[Category], below: Option<CategoryId>, depth: usize) -> Vec<(&Category, usize)> {
    const DEPTH_MAX: usize = 12;
    let here = tree.iter().filter(|one| one.parent_id == below && depth < DEPTH_MAX);
    here.flat_map(|one| std::iter::once((one, depth)).chain(in_order(tree, Some(one.id), depth + 1))).collect()
}

/// Those of the tree whose names or address have these words in them; all without words.
fn named<'a>(tree: &'a [Category], words: &str) -> Vec<(&'a Category, usize)> {
    let words = catalog::fold(words);
    let has = |one: &Category| catalog::fold(&format!("{} {} {}", one.name, one.slug, one.name_in("hi"))).contains(&words);
    in_order(tree, None, 0).into_iter().filter(|(one, _)| words.is_empty() || has(one)).collect()
}

fn row(visitor: &Visitor<CatalogOrganise>, company: &Company, tree: &[Category], one: &Category, depth: usize) -> Value {
    let beside: Vec<_> = tree.iter().filter(|other| other.parent_id == one.parent_id).map(|other| other.id).collect();
    let hindi = one.name_in("hi");
    json!({
        "id": one.id, "name": one.name, "slug": one.slug, "hindi": if hindi == one.name { None } else { Some(hindi) }, "depth": depth,
        "tax": tax_words(visitor, company, tree, one), "own_tax": one.tax_rate().is_some(),
        "is_first": beside.first() == Some(&one.id), "is_last": beside.last() == Some(&one.id),
    })
}

fn tax_words(visitor: &Visitor<CatalogOrganise>, company: &Company, tree: &[Category], one: &Category) -> String {
    match catalog::tax_rate_of(tree, Some(one.id)) {
        Some((rate, of)) if of.id == one.id => percent(rate),
        Some((rate, of)) => {
            templates::filled("product.tax_from", &visitor.language, &[("rate", &percent(rate)), ("from", &of.name_in(&visitor.language))])
        }
        None => templates::filled("product.tax_company", &visitor.language, &[("rate", &percent(company.tax_rate))]),
    }
}

/// The categories that may be chosen, with their way from the root.
fn options(tree: &[Category], language: &str, fits: impl Fn(CategoryId) -> bool) -> Vec<Value> {
    let fitting = paths(tree, language).into_iter().filter(|(one, _)| fits(one.id));
    fitting.map(|(one, path)| json!({ "value": one.id, "label": path })).collect()
}

const COLUMNS: [&str; 5] = ["slug", "name", "name_hi", "parent", "tax_rate_percent"];

async fn export(visitor: Visitor<CatalogOrganise>, Query(list): Query<List>) -> PageResult<Response> {
    let rows = lines(&visitor.access, &list.q).await.map_err(|error| visitor.refuse(error))?;
    export::few("categories", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn export_chosen(visitor: Visitor<CatalogOrganise>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(&visitor.access, &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("categories", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<CatalogOrganise>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let tree = catalog::categories(&scope).await?;
    let ids = fields.chosen();
    Ok(in_order(&tree, None, 0).into_iter().filter(|(one, _)| ids.contains(&one.id)).map(|(one, _)| cells(&tree, one)).collect())
}

async fn lines(access: &Access<CatalogOrganise>, words: &str) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let tree = catalog::categories(&scope).await?;
    Ok(named(&tree, words).into_iter().map(|(one, _)| cells(&tree, one)).collect())
}

fn cells(tree: &[Category], one: &Category) -> Vec<String> {
    let parent = tree.iter().find(|other| Some(other.id) == one.parent_id).map(|other| other.slug.clone());
    let hindi = translated::name(&one.translations, "hi").unwrap_or_default().to_owned();
    let rate = one.tax_rate().map(|rate| percent(rate).trim_end_matches('%').to_owned());
    vec![one.slug.clone(), one.name.clone(), hindi, parent.unwrap_or_default(), rate.unwrap_or_default()]
}

/// What a category's form says.
struct Written {
    name: String,
    slug: Option<String>,
    hindi: Option<String>,
    parent: Option<CategoryId>,
    tax_rate: Option<i64>,
}

fn written(fields: &mut Fields) -> Result<Written> {
    let written = Written {
        name: fields.text("name"),
        slug: fields.optional("slug"),
        hindi: fields.optional("translations.hi.name"),
        parent: fields.maybe("parentId"),
        tax_rate: if fields.raw("taxRate").is_empty() { None } else { fields.fixed("taxRate", 2) },
    };
    fields.end()?;
    Ok(written)
}

async fn create(visitor: Visitor<CatalogOrganise>, mut fields: Fields) -> PageResult<Response> {
    match add(&visitor.access, &mut fields).await {
        Ok(()) => {
            let text = templates::filled("product.saved_one", &visitor.language, &[("name", &fields.raw("name"))]);
            let parent = fields.raw("parentId");
            let to = if parent.is_empty() { LIST.to_owned() } else { format!("{LIST}?parent={parent}") };
            Ok(visitor.tell(&to, "ok", &text, &[]).into_response())
        }
        Err(error) => {
            let visitor = visitor.refused(error.at_field(""), &fields)?;
            let again = tree_page(&visitor, &List::default()).await;
            let (company, data) = again.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/categories/index.html", &company, data)
        }
    }
}

async fn add(access: &Access<CatalogOrganise>, fields: &mut Fields) -> Result<()> {
    let Written { name, slug, hindi, parent, tax_rate } = written(fields)?;
    let scope = access.write().await?;
    let translations = with_name(Value::Null, "hi", hindi);
    catalog::add_category(&scope, NewCategory { slug, name, translations, parent_id: parent, tax_rate }).await?;
    scope.commit().await
}

async fn show(visitor: Visitor<CatalogOrganise>, Id(id): Id<CategoryId>) -> PageResult<Html<String>> {
    let (company, data) = category_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/categories/show.html", &company, data)
}

async fn category_page(visitor: &Visitor<CatalogOrganise>, id: CategoryId) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let tree = catalog::categories(&scope).await?;
    let one = tree.iter().find(|one| one.id == id).ok_or(Error::NOT_FOUND)?;
    let below: Vec<_> = in_order(&tree, Some(id), 0).into_iter().map(|(one, _)| one.id).collect();
    let elsewhere = |other: CategoryId| other != id && !below.contains(&other);
    let products = catalog::products_in(&scope, id).await?;
    let children = tree.iter().filter(|other| other.parent_id == Some(id)).count();
    let data = json!({
        "category": {
            "id": id, "name": one.name, "slug": one.slug, "hindi": one.translations["hi"]["name"], "parent": one.parent_id, "version": one.version,
            "tax": one.tax_rate().map(|rate| percent(rate).trim_end_matches('%').to_owned()),
        },
        "tax_words": tax_words(visitor, &company, &tree, one), "parents": options(&tree, &visitor.language, elsewhere),
        "products": products, "children": children,
    });
    Ok((company, data))
}

async fn save(visitor: Visitor<CatalogOrganise>, Id(id): Id<CategoryId>, mut fields: Fields) -> PageResult<Response> {
    match change(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(LIST, "saved").into_response()),
        Err(error) => category_again(visitor, id, error, &fields).await,
    }
}

/// The category's page with the form that was refused.
async fn category_again(visitor: Visitor<CatalogOrganise>, id: CategoryId, error: Error, fields: &Fields) -> PageResult<Response> {
    let visitor = visitor.refused(error.at_field(""), fields)?;
    let (company, data) = category_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/categories/show.html", &company, data)
}

async fn change(access: &Access<CatalogOrganise>, id: CategoryId, fields: &mut Fields) -> Result<()> {
    let version = fields.parsed("version");
    let Written { name, slug, hindi, parent, tax_rate } = written(fields)?;
    let scope = access.write().await?;
    let before = catalog::category(&scope, id).await?;
    let change = CategoryChange {
        slug,
        name: Some(name),
        translations: Some(with_name(before.translations, "hi", hindi)),
        parent_id: Some(parent),
        tax_rate: Some(tax_rate),
    };
    catalog::change_category(&scope, id, change, version).await?;
    scope.commit().await
}

async fn place(visitor: Visitor<CatalogOrganise>, Id(id): Id<CategoryId>, fields: Fields) -> PageResult<Redirect> {
    let way = if fields.raw("to") == "up" { Way::Up } else { Way::Down };
    match moved(&visitor.access, id, way).await {
        Ok(()) => Ok(visitor.done(&visitor.list_at(LIST), "saved")),
        Err(error) => visitor.back(LIST, error),
    }
}

async fn moved(access: &Access<CatalogOrganise>, id: CategoryId, way: Way) -> Result<()> {
    let scope = access.write().await?;
    catalog::move_category(&scope, id, way).await?;
    scope.commit().await
}

async fn remove(visitor: Visitor<CatalogOrganise>, Id(id): Id<CategoryId>, mut fields: Fields) -> PageResult<Response> {
    let into = fields.maybe::<CategoryId>("into");
    let removed = match fields.end() {
        Ok(()) => removed(&visitor.access, id, into).await.map_err(at_target),
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(visitor.done(LIST, "removed").into_response()),
        Err(error) => category_again(visitor, id, error, &fields).await,
    }
}

/// What cannot be a category's parent cannot take what lies in it either.
fn at_target(error: Error) -> Error {
    match error.at_field("") {
        Error::Invalid(fields) => Error::Invalid(fields.into_iter().map(|one| FieldError { field: "into".into(), ..one }).collect()),
        other => other,
    }
}

async fn removed(access: &Access<CatalogOrganise>, id: CategoryId, into: Option<CategoryId>) -> Result<()> {
    let scope = access.write().await?;
    catalog::dissolve_category(&scope, id, into).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CatalogOrganise, _>("/company/categories", "The tree of categories", index),
        post::<CatalogOrganise, _>("/company/categories", "Puts a category into the tree", create),
        get::<CatalogOrganise, _>("/company/categories/export.csv", "Categories as CSV", export),
        post::<CatalogOrganise, _>("/company/categories/chosen.csv", "Chosen categories as CSV", export_chosen),
        get::<CatalogOrganise, _>("/company/categories/{id}", "One category", show),
        post::<CatalogOrganise, _>("/company/categories/{id}", "Changes a category, or hangs it elsewhere", save),
        post::<CatalogOrganise, _>("/company/categories/{id}/place", "Moves a category among its neighbours", place),
        post::<CatalogOrganise, _>("/company/categories/{id}/remove", "Takes a category away, and hangs what lay in it elsewhere", remove),
    ]
}
