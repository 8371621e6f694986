//! One product: its form, new or written before, and what is done with the whole of it.

use std::collections::BTreeMap;

use axum::{
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::super::{PageResult, Visitor, encode, fields::Fields, has_page, local, shelf::amount},
    Act, LIST, Shelves, paths, pictures, standing_of, with_one, written,
};
use crate::{
    controllers::extract::{Id, Query, Upload, value},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{ProductId, ShopId},
    models::{
        audit,
        catalog::{self, Category, Facts, Product, Shown, Variant},
        companies::{self, Company},
        shops::{self, Shop},
    },
    money::Money,
    tenancy::{
        Access, Permission, Scope,
        roles::{ProductsUpdate, ProductsWrite},
    },
    translated,
    views::templates::{self, LANGUAGES},
};

const PAGE: &str = "company/products/show.html";

fn path_of(id: ProductId) -> String {
    format!("{LIST}/{id}")
}

/// What a new product begins with: what the last one had, or a product that it is like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Begin {
    like: String,
    category: String,
    brand: String,
    shop: String,
    status: String,
}

async fn new_page(visitor: Visitor<ProductsWrite>, Query(begin): Query<Begin>) -> PageResult<Html<String>> {
    let (company, data) = form_of_new(&visitor, &begin, &Fields::default()).await.map_err(|error| visitor.refuse(error))?;
    visitor.page(PAGE, &company, data)
}

async fn form_of_new(visitor: &Visitor<ProductsWrite>, begin: &Begin, typed: &Fields) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let like = match begin.like.parse::<ProductId>() {
        Ok(id) => catalog::these(&scope, &[id]).await?.pop(),
        Err(_) => None,
    };
    let variants = match &like {
        Some(shown) => catalog::variants_of(&scope, &[shown.product.id]).await?.remove(&shown.product.id).unwrap_or_default(),
        None => vec![],
    };
    let mut product = match &like {
        Some(shown) => own_fields(&shown.product),
        None => begun(begin),
    };
    // A copy has an address of its own.
    product["slug"] = json!("");
    product["is_new"] = json!(true);
    let blank: Vec<_> = if variants.is_empty() || !written::new_rows(typed).is_empty() {
        blank_rows(typed, 1)
    } else {
        let copies = variants.iter().zip(0..).map(|(variant, number)| {
            let mut row = variant_row(variant, &format!("new{number}"), true);
            for code in ["sku", "barcode"] {
                row[code] = json!("");
            }
            row
        });
        copies.collect()
    };
    let mut data = json!({
        "product": product, "variants": [], "blank": blank, "pictures": [], "seen": "", "conflict": null, "stock": null,
        "can_edit": true, "can_write": true, "with_cost": true, "is_archived": false, "action": LIST, "title": visitor.text("product.new"),
        "facts_line": "", "stock_href": null,
    });
    extend(&mut data, choices(visitor, &scope, &company, None).await?);
    Ok((company, data))
}

/// The fields of a product of which only its place is known.
fn begun(begin: &Begin) -> Value {
    let status = if begin.status == "draft" { "draft" } else { "active" };
    json!({
        "name": "", "description": "", "slug": "", "tags": "", "brandId": begin.brand, "categoryId": begin.category, "shopId": begin.shop,
        "status": status, "isFeatured": false, "translations": {}, "origin": null, "organic": false, "imported": false, "season": null,
        "freshness": null, "shelfLifeDays": null, "coldChain": false, "taxCode": null, "nutrition": "",
    })
}

/// Rows for new variants: those that were typed, and at least so many.
fn blank_rows(typed: &Fields, least: usize) -> Vec<Value> {
    let rows = written::new_rows(typed);
    let last = rows.iter().filter_map(|row| row.trim_start_matches("new").parse::<usize>().ok()).max();
    let count = std::cmp::max(last.map_or(0, |last| last + 1), least);
    let row = |number| {
        json!({
            "key": format!("new{number}"), "is_new": true, "name": "", "translations.hi.name": "", "attributes": "", "sku": "", "barcode": "", "price": "",
            "compareAtPrice": "", "cost": "", "soldBy": "unit", "margin": null,
        })
    };
    (0..count).map(row).collect()
}

fn extend(data: &mut Value, more: Value) {
    if let (Value::Object(data), Value::Object(more)) = (data, more) {
        data.extend(more);
    }
}

/// What can be chosen in the form, and the tax that a category brings.
async fn choices<P: Permission>(visitor: &Visitor<P>, scope: &Scope, company: &Company, product: Option<&Product>) -> Result<Value> {
    let categories = catalog::categories(scope).await?;
    let brands = catalog::brands(scope).await?;
    let mine = shops::list(scope).await?;
    let attributes = catalog::attributes(scope).await?;
    let option = |value: String, label: &str| json!({ "value": value, "label": label });
    let keyed = |values: &[&str], group: &str| -> Vec<Value> {
        values.iter().map(|value| json!({ "value": value, "label_key": format!("{group}.{value}") })).collect()
    };
    let names: Vec<_> = attributes.iter().map(|one| one.name.as_str()).collect();
    Ok(json!({
        "categories": paths(&categories, &visitor.language).iter().map(|(one, path)| option(one.id.to_string(), path)).collect::<Vec<_>>(),
        "brands": brands.iter().map(|brand| option(brand.id.to_string(), &brand.name)).collect::<Vec<_>>(),
        "shops": mine.iter().map(|shop| option(shop.id.to_string(), &shop.name)).collect::<Vec<_>>(),
        "statuses": keyed(&["active", "draft"], "products.status"), "sold_bys": keyed(&["unit", "weight"], "product.sold_by"),
        "attributes": names.join(", "), "whole_company": scope.tenant().shops.is_none(),
        "languages": LANGUAGES.iter().skip(1).map(|code| json!({ "code": code, "name": name_of_language(code) }))
            .collect::<Vec<_>>(),
        "tax": tax_of(visitor, company, &categories, product), "symbol": symbol(&company.currency),
    }))
}

/// A language in its own words.
fn name_of_language(code: &str) -> String {
    templates::text(if code == "hi" { "language.hindi" } else { "language.english" }, code)
}

/// The sign of a currency, as it stands before an amount.
fn symbol(currency: &str) -> String {
    Money::ZERO.display(currency).trim_end_matches("0.00").trim().to_owned()
}

/// The rate by which a product is taxed and whose that is, in words.
fn tax_of<P: Permission>(visitor: &Visitor<P>, company: &Company, categories: &[Category], product: Option<&Product>) -> String {
    let category = product.and_then(|product| product.category_id);
    match catalog::tax_rate_of(categories, category) {
        Some((rate, of)) => {
            let from = of.name_in(&visitor.language);
            templates::filled("product.tax_from", &visitor.language, &[("rate", &percent(rate)), ("from", &from)])
        }
        None => templates::filled("product.tax_company", &visitor.language, &[("rate", &percent(company.tax_rate))]),
    }
}

/// Basis points as people write them: `5%`, `12.5%`.
pub(in crate::controllers::portal::company) fn percent(basis_points: i64) -> String {
    let text = format!("{}.{:02}", basis_points / 100, basis_points % 100);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

async fn create(visitor: Visitor<ProductsWrite>, headers: HeaderMap, upload: Result<Upload>) -> PageResult<Response> {
    let upload = upload.map_err(|error| visitor.refuse(error))?;
    let mut fields = Fields::of(upload.texts);
    let id = match add(&visitor.access, &mut fields).await {
        Ok(id) => id,
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let again = form_of_new(&visitor, &Begin::default(), &fields).await;
            let (company, data) = again.map_err(|error| visitor.refuse(error))?;
            return visitor.again(PAGE, &company, data);
        }
    };
    let refused = pictures::store_all(&visitor, id, upload.files).await.map_err(|error| visitor.refuse(error))?;
    let next = next_of(&visitor, id, &fields, &refused);
    if value(&headers, header::ACCEPT.as_str()).is_some_and(|accept| accept.starts_with("application/json")) {
        return Ok(
            axum::Json(json!({ "pictures": format!("{}/media", path_of(id)), "product": path_of(id), "next": next })).into_response()
        );
    }
    Ok(Redirect::to(&next).into_response())
}

/// Where a saved product leads: to its own page, or to the next one, which begins as this one was filed.
fn next_of(visitor: &Visitor<ProductsWrite>, id: ProductId, fields: &Fields, refused: &[String]) -> String {
    let text = templates::filled("product.saved_one", &visitor.language, &[("name", &fields.raw("name"))]);
    let tone = if refused.is_empty() { "ok" } else { "warn" };
    if fields.raw("next") != "another" {
        return visitor.told(&path_of(id), tone, &text, refused);
    }
    let kept = ["categoryId", "brandId", "shopId", "status"].iter().zip(["category", "brand", "shop", "status"]);
    let kept: Vec<_> = kept.map(|(field, name)| format!("{name}={}", encode(fields.raw(field)))).collect();
    visitor.told(&format!("{LIST}/new?{}", kept.join("&")), tone, &text, refused)
}

async fn add(access: &Access<ProductsWrite>, fields: &mut Fields) -> Result<ProductId> {
    let scope = access.write().await?;
    let (new, rows) = written::new_product(&scope, fields).await?;
    let (id, _) = catalog::add_product(&scope, new).await.map_err(|error| written::at_the_form(error, &rows))?;
    scope.commit().await?;
    Ok(id)
}

async fn show(visitor: Visitor<ProductsUpdate>, Id(id): Id<ProductId>) -> PageResult<Html<String>> {
    let read = product_page(&visitor, id, &Fields::default(), false).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page(PAGE, &company, data)
}

/// A product's page, for whoever may write it or see that they may not.
pub(super) async fn product_page<P: Permission>(
    visitor: &Visitor<P>,
    id: ProductId,
    typed: &Fields,
    is_stale: bool,
) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let shown = catalog::these(&scope, &[id]).await?.pop().ok_or(Error::NOT_FOUND)?;
    let product = &shown.product;
    let shelves = Shelves::of(&scope, std::slice::from_ref(&shown), product.shop_id).await?;
    let variants = shelves.variants(id);
    let mine = shops::list(&scope).await?;
    let tenant = scope.tenant();
    let is_theirs = tenant.shops.as_ref().is_none_or(|shops| product.shop_id.is_some_and(|shop| shops.contains(&shop)));
    let is_archived = product.archived_at.is_some();
    let can_edit = is_theirs && !is_archived;
    let can_write = is_theirs && tenant.may_at(ProductsWrite::NAME, product.shop_id);
    let with_cost = catalog::knows_cost(tenant, product.shop_id);
    let mut of_product = own_fields(product);
    of_product["id"] = json!(id);
    of_product["status"] = json!(standing_of(product));
    let conflict = if is_stale { Some(conflict(visitor, &scope, &company, &shown, variants, typed).await?) } else { None };
    let skus: Vec<_> = variants.iter().map(|variant| variant.sku.as_str()).collect();
    let stock_href = has_page("/company/inventory").then(|| format!("/company/inventory?q={}", encode(skus.first().unwrap_or(&""))));
    let mut data = json!({
        "product": of_product, "seen": catalog::edition(product, variants), "conflict": conflict,
        "variants": variants.iter().map(|variant| variant_row(variant, &variant.id.to_string(), with_cost)).collect::<Vec<_>>(),
        "blank": if can_write && can_edit { blank_rows(typed, 1) } else { vec![] },
        "pictures": pictures::shown(product), "stock": stock_of(visitor, variants, &shelves, &mine, product.shop_id),
        "stock_href": stock_href, "can_edit": can_edit, "can_write": can_write, "with_cost": with_cost, "is_archived": is_archived,
        "action": path_of(id), "title": product.name, "facts_line": facts_line(visitor, &shown, &company),
    });
    extend(&mut data, choices(visitor, &scope, &company, Some(product)).await?);
    Ok((company, data))
}

/// One line about a product: when it changed, and where it hangs.
fn facts_line<P: Permission>(visitor: &Visitor<P>, shown: &Shown, company: &Company) -> String {
    let at = local(shown.product.updated_at, &company.zone, &visitor.language);
    templates::filled("product.changed_at", &visitor.language, &[("at", &at)])
}

/// A product's own fields as the form shows them.
fn own_fields(product: &Product) -> Value {
    let facts = Facts::of(product);
    let tags: Vec<_> = product.tags.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let nutrition: Vec<_> = facts.nutrition.iter().map(|(name, amount)| format!("{name}: {amount}")).collect();
    json!({
        "name": product.name, "description": product.description, "slug": product.slug, "tags": tags.join(", "),
        "brandId": product.brand_id, "categoryId": product.category_id, "shopId": product.shop_id,
        "status": if product.is_active { "active" } else { "draft" }, "isFeatured": product.is_featured,
        "translations": product.translations, "origin": facts.origin, "organic": facts.organic, "imported": facts.imported,
        "season": facts.season, "freshness": facts.freshness, "shelfLifeDays": facts.shelf_life_days, "coldChain": facts.cold_chain,
        "taxCode": facts.tax_code, "nutrition": nutrition.join("\n"),
    })
}

/// A variant's row in the form.
fn variant_row(variant: &Variant, key: &str, with_cost: bool) -> Value {
    let plain = |money: Money| money.plain();
    let margin = (with_cost && variant.cost > Money::ZERO).then(|| margin(variant)).flatten();
    json!({
        "key": key, "id": variant.id, "is_new": key.starts_with("new"), "name": variant.name,
        "translations.hi.name": translated::name(&variant.translations, "hi").unwrap_or_default(), "attributes": options_text(variant),
        "sku": variant.sku, "barcode": variant.barcode, "price": plain(variant.price), "compareAtPrice": variant.compare_at_price.map(plain),
        "cost": if with_cost { Some(plain(variant.cost)) } else { None }, "soldBy": variant.sold_by, "margin": margin,
    })
}

/// `Colour: Blue, Memory: 128 GB`.
fn options_text(variant: &Variant) -> String {
    let pairs = variant.attributes.as_object().into_iter().flatten();
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())).collect();
    pairs.join(", ")
}

/// What is left of the price, as a share of it.
fn margin(variant: &Variant) -> Option<Value> {
    let (price, cost) = (variant.price.0, variant.cost.0);
    let thousandths = price.checked_sub(cost)?.checked_mul(1_000)?.checked_div(price)?;
    let sign = if thousandths < 0 { "−" } else { "" };
    let size = thousandths.unsigned_abs();
    Some(json!({ "text": format!("{sign}{}.{}%", size / 10, size % 10), "bad": thousandths < 0 }))
}

/// What is left in each shop that one sees: rows of variants, columns of shops.
fn stock_of<P: Permission>(visitor: &Visitor<P>, variants: &[Variant], shelves: &Shelves, mine: &[Shop], only: Option<ShopId>) -> Value {
    let columns: Vec<_> = mine.iter().filter(|shop| only.is_none_or(|only| only == shop.id)).collect();
    let mut sums: BTreeMap<ShopId, i64> = BTreeMap::new();
    let mut reserved = 0;
    let rows: Vec<_> = variants
        .iter()
        .map(|variant| {
            let by_weight = variant.sold_by == "weight";
            let cells: Vec<_> = columns
                .iter()
                .map(|shop| {
                    let Some(row) = shelves.rows(variant.id).find(|row| row.shop_id == Some(shop.id)) else {
                        return json!({ "text": null });
                    };
                    let left = row.on_hand - row.reserved;
                    reserved += row.reserved;
                    *sums.entry(shop.id).or_default() += left;
                    let state = if left <= 0 { "out" } else { row.level().map_or("in", |_| "low") };
                    json!({ "text": amount(left, by_weight), "state": state })
                })
                .collect();
            let name = if variant.name.is_empty() { &variant.sku } else { &variant.name };
            json!({ "name": name, "cells": cells, "total": amount(shelves.available(variant.id), by_weight) })
        })
        .collect();
    let by_weight = variants.iter().all(|variant| variant.sold_by == "weight");
    // Pieces and kilograms are never one sum.
    let is_alike = by_weight || variants.iter().all(|variant| variant.sold_by != "weight");
    let foot = (variants.len() > 1 && is_alike).then(|| {
        let of_shops: Vec<_> = columns.iter().map(|shop| amount(sums.get(&shop.id).copied().unwrap_or_default(), by_weight)).collect();
        json!({ "cells": of_shops, "total": amount(sums.values().sum(), by_weight) })
    });
    let note = if reserved > 0 && is_alike {
        templates::filled("product.stock_reserved", &visitor.language, &[("n", &amount(reserved, by_weight))])
    } else {
        visitor.text("product.stock_note")
    };
    json!({ "shops": columns.iter().map(|shop| &shop.name).collect::<Vec<_>>(), "rows": rows, "foot": foot, "note": note })
}

async fn save(visitor: Visitor<ProductsUpdate>, Id(id): Id<ProductId>, mut fields: Fields) -> PageResult<Response> {
    match write(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&path_of(id), "saved").into_response()),
        Err(error) => {
            let is_stale = matches!(error, Error::Stale);
            let visitor = visitor.refused(error, &fields)?;
            let again = product_page(&visitor, id, &fields, is_stale).await;
            let (company, data) = again.map_err(|error| visitor.refuse(error))?;
            visitor.again(PAGE, &company, data)
        }
    }
}

async fn write(access: &Access<ProductsUpdate>, id: ProductId, fields: &mut Fields) -> Result<()> {
    let scope = access.write().await?;
    let product = catalog::own(&scope, id).await?;
    let variants = catalog::variants_of(&scope, &[id]).await?.remove(&id).unwrap_or_default();
    let may_write = scope.tenant().may_at(ProductsWrite::NAME, product.shop_id);
    let edit = written::edit(&scope, fields, &product, &variants, may_write).await?;
    catalog::edit_product(&scope, id, edit, fields.raw("seen")).await.map_err(|error| written::at_the_form(error, &[]))?;
    scope.commit().await
}

/// What somebody else saved while this form was open: who and when, and where it says something
/// else now than what was typed here.
async fn conflict<P: Permission>(
    visitor: &Visitor<P>,
    scope: &Scope,
    company: &Company,
    shown: &Shown,
    variants: &[Variant],
    typed: &Fields,
) -> Result<Value> {
    let product = &shown.product;
    let filter = audit::Filter { resource: Some("product".into()), resource_id: Some(product.id.to_string()), ..audit::Filter::default() };
    let last = audit::list(scope, &filter, None, 1).await?.pop();
    let choices = choices(visitor, scope, company, Some(product)).await?;
    let named = |list: &str, value: &str| {
        let options = choices[list].as_array().into_iter().flatten();
        let mut named = options.filter(|option| option["value"] == value).filter_map(|option| option["label"].as_str());
        named.next().map_or_else(|| value.to_owned(), str::to_owned)
    };
    let mut rows = Vec::new();
    let mut compare = |label: String, now: String, typed: String| {
        if now.trim() != typed.trim() {
            rows.push(json!({ "label": label, "now": now, "typed": typed }));
        }
    };
    let own = own_fields(product);
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    for (field, key) in [("name", "name"), ("description", "description"), ("slug", "slug"), ("tags", "tags"), ("facts.taxCode", "taxCode")]
    {
        compare(visitor.text(&format!("product.{key}")), text(&own[key]), typed.raw(field).replace("\r\n", "\n"));
    }
    for (field, key, list) in [("brandId", "brand", "brands"), ("categoryId", "category", "categories"), ("shopId", "shop", "shops")] {
        compare(visitor.text(&format!("product.{key}")), named(list, &text(&own[field])), named(list, typed.raw(field)));
    }
    let status = |name: &str| visitor.text(&format!("products.status.{name}"));
    compare(visitor.text("product.status"), status(standing_of(product)), status(typed.raw("status")));
    for language in LANGUAGES.iter().skip(1) {
        for part in ["name", "description"] {
            let label = format!("{} ({language})", visitor.text(&format!("product.{part}")));
            let field = format!("translations.{language}.{part}");
            compare(label, text(&own["translations"][language][part]), typed.raw(&field).replace("\r\n", "\n"));
        }
    }
    for variant in variants {
        let at = format!("variants.{}.", variant.id);
        if !typed.has(&format!("{at}sku")) {
            compare(visitor.text("product.variant"), variant.sku.clone(), String::new());
            continue;
        }
        let row = variant_row(variant, "", true);
        for field in ["name", "translations.hi.name", "attributes", "sku", "barcode", "price", "compareAtPrice", "cost"] {
            let name = format!("{at}{field}");
            if typed.has(&name) {
                let label = format!("{}: {}", variant.sku, visitor.text(&format!("product.{field}")));
                compare(label, text(&row[field]), amount_or_text(field, typed.raw(&name)));
            }
        }
    }
    Ok(json!({
        "rows": rows, "by": last.as_ref().map(|entry| entry.actor_name.as_str()), "at": last.as_ref().map(|entry| local(entry.created_at, &company.zone, &visitor.language)),
    }))
}

/// What was typed; an amount as amounts are shown, so that `1,250` and `1250.00` are no difference.
fn amount_or_text(field: &str, typed: &str) -> String {
    let is_amount = ["price", "compareAtPrice", "cost"].contains(&field);
    let amount = Fields::of([(field.to_owned(), typed.to_owned())]).maybe_money(field).filter(|_| is_amount);
    amount.map_or_else(|| typed.to_owned(), Money::plain)
}

async fn archive(visitor: Visitor<ProductsWrite>, Id(id): Id<ProductId>) -> PageResult<Redirect> {
    act(&visitor, id, Act::Archive, "product_archived").await
}

async fn restore(visitor: Visitor<ProductsWrite>, Id(id): Id<ProductId>) -> PageResult<Redirect> {
    act(&visitor, id, Act::Restore, "product_restored").await
}

async fn act(visitor: &Visitor<ProductsWrite>, id: ProductId, act: Act, said: &str) -> PageResult<Redirect> {
    match with_one(&visitor.access, id, act).await {
        Ok(()) => Ok(visitor.done(&path_of(id), said)),
        Err(error) => visitor.back(&path_of(id), error),
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<ProductsWrite, _>("/company/products/new", "A new product", new_page),
        post::<ProductsWrite, _>("/company/products", "Puts a product into the catalogue", create),
        get::<ProductsUpdate, _>("/company/products/{id}", "One product", show),
        post::<ProductsUpdate, _>("/company/products/{id}", "Writes a product's form", save),
        post::<ProductsWrite, _>("/company/products/{id}/archive", "Archives a product", archive),
        post::<ProductsWrite, _>("/company/products/{id}/restore", "Puts an archived product back", restore),
    ]
}
