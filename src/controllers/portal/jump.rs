//! The jump box: from any page to a page, an order, a customer or a product, by a few letters; on the platform's
//! pages to a company.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PageResult, Visitor,
    admin::{plans, users},
    has_page,
    nav::{self, Portal},
    shelf::{amount, places},
};
use crate::{
    controllers::extract::{Query, value},
    endpoints::{Endpoint, get},
    errors::Result,
    models::{
        carts::line_name,
        catalog::{self, Sort, Standing},
        companies::{self, Company},
        debts,
        identity::{self, PeopleFilter},
        inventory, jobs, orders,
    },
    tenancy::{
        PLATFORM_COMPANY, Scope, Souk,
        roles::{DebtsRead, InventoryRead, OrdersRead, PlatformRead, ProductsUpdate, SignedIn, UsersRead},
    },
};

/// How many of a kind are shown.
const EACH: u64 = 6;

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    /// The page the box was opened on: its portal's places are shown.
    #[serde(default)]
    from: String,
}

/// For the script as JSON, without it as a page of its own.
async fn jump(visitor: Visitor<SignedIn>, headers: HeaderMap, Query(asked): Query<Asked>) -> PageResult<Response> {
    let found = found(&visitor, &asked).await;
    let (company, groups) = found.map_err(|error| visitor.refuse(error))?;
    if value(&headers, header::ACCEPT.as_str()).is_some_and(|accept| accept.starts_with("application/json")) {
        return Ok(axum::Json(json!({ "groups": groups })).into_response());
    }
    Ok(visitor.page("public/jump.html", &company, json!({ "groups": groups, "q": asked.q }))?.into_response())
}

async fn found(visitor: &Visitor<SignedIn>, asked: &Asked) -> Result<(Company, Vec<Value>)> {
    let tenant = visitor.access.tenant();
    let words = asked.q.trim();
    let mut groups = vec![("jump.pages", pages(visitor, &asked.from, words))];
    if let Some(access) = visitor.access.also::<PlatformRead>().filter(|_| tenant.company == PLATFORM_COMPANY) {
        groups.push(("jump.companies", companies_named(access.souk(), words).await?));
        if words.chars().count() >= 2 {
            groups.push(("jump.users", users::named(access.souk(), words, &visitor.language, EACH).await?));
            groups.push(("jump.plans", plans::named(access.souk(), words).await?));
        }
        groups.push(("jump.debts", debts_of_all(access.souk(), words).await?));
        groups.push(("jump.jobs", job_of_id(access.souk(), words).await?));
    }
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    if tenant.company != PLATFORM_COMPANY && words.chars().count() >= 2 {
        if let Some(access) = visitor.access.also::<OrdersRead>() {
            groups.push(("jump.orders", orders_named(&access.read().await?, &company, words).await?));
        }
        if let Some(access) = visitor.access.also::<UsersRead>() {
            groups.push(("jump.customers", customers_named(&access.read().await?, words).await?));
        }
        if let Some(access) = visitor.access.also::<InventoryRead>() {
            groups.push(("jump.stock", stock_named(&access.read().await?, words).await?));
        }
        if let Some(access) = visitor.access.also::<DebtsRead>() {
            groups.push(("jump.debts", debts_named(&access.read().await?, words).await?));
        }
        if let Some(access) = visitor.access.also::<ProductsUpdate>().filter(|_| has_page("/company/products/{id}")) {
            groups.push(("jump.products", products_named(&access.read().await?, &company, words).await?));
        }
    }
    let shown = groups.into_iter().filter(|(_, items)| !items.is_empty());
    Ok((company, shown.map(|(title, items)| json!({ "title": visitor.text(title), "items": items })).collect()))
}

fn pages(visitor: &Visitor<SignedIn>, from: &str, words: &str) -> Vec<Value> {
    let tenant = visitor.access.tenant();
    let places = nav::named(Portal::of(from, tenant), tenant, words, &visitor.language);
    let keys = |go: &str| if go.is_empty() { String::new() } else { format!("G {}", go.to_uppercase()) };
    places.into_iter().map(|(name, href, go)| json!({ "text": name, "note": keys(go), "href": href })).collect()
}

async fn companies_named(souk: &Souk, words: &str) -> Result<Vec<Value>> {
    let platform = souk.platform("all-companies").await?;
    let search = companies::Search { words: Some(words.into()), ..companies::Search::default() };
    let found = companies::search(&platform, &search, None, EACH).await?;
    let shown = found.iter().map(|one| json!({ "text": one.name, "note": one.slug, "href": format!("/admin/companies/{}", one.id) }));
    Ok(shown.collect())
}

async fn orders_named(scope: &Scope, company: &Company, words: &str) -> Result<Vec<Value>> {
    let filter = orders::Filter { words: Some(words.into()), ..orders::Filter::default() };
    let found = orders::list(scope, &filter, None, EACH).await?.orders;
    let shown = found.iter().map(|order| {
        let text = format!("{}, {}", order.order_number, order.customer_name);
        json!({ "text": text, "note": order.total.display(&company.currency), "href": format!("/company/orders/{}", order.id) })
    });
    Ok(shown.collect())
}

async fn customers_named(scope: &Scope, words: &str) -> Result<Vec<Value>> {
    let filter = PeopleFilter { words: Some(words.into()), ..PeopleFilter::default() };
    let found = identity::list_customers(scope, &filter, orders::bought_here(scope), None, EACH).await?;
    let shown = found.iter().map(|one| json!({ "text": one.name, "note": one.email, "href": format!("/company/customers/{}", one.id) }));
    Ok(shown.collect())
}

/// Goods by their code or name, at each place that the person sees.
async fn stock_named(scope: &Scope, words: &str) -> Result<Vec<Value>> {
    let ids = catalog::look_up(scope, words, EACH).await?;
    let goods = catalog::goods(scope, &ids).await?;
    let places = places(scope).await?;
    let rows = inventory::of_variants(scope, &ids).await?;
    let rows = ids.iter().filter_map(|id| Some((goods.get(id)?, rows.get(id)?)));
    let shown = rows.flat_map(|((variant, product), rows)| {
        rows.iter().map(|row| {
            let place = places.get(&row.location_id).map_or("", String::as_str);
            let left = amount(row.on_hand - row.reserved, variant.sold_by == "weight");
            let text = format!("{}, {place}", line_name(product, variant));
            json!({ "text": text, "note": left, "href": format!("/company/inventory/{}", row.id) })
        })
    });
    Ok(shown.take(usize::try_from(EACH).unwrap_or_default()).collect())
}

async fn debts_of_all(souk: &Souk, words: &str) -> Result<Vec<Value>> {
    if words.chars().count() < 2 {
        return Ok(vec![]);
    }
    let platform = souk.platform("debts").await?;
    let filter = debts::Filter { words: Some(words.into()), ..debts::Filter::default() };
    let found = debts::list_of_all(&platform, &filter, None, EACH).await?;
    let shown = found.iter().map(|debt| {
        json!({ "text": debt.reference, "note": debt.remaining().display(&debt.currency), "href": format!("/admin/debts/{}", debt.id) })
    });
    Ok(shown.collect())
}

/// A job in trouble, by the id that a log or a message names.
async fn job_of_id(souk: &Souk, words: &str) -> Result<Vec<Value>> {
    let Ok(id) = words.parse() else { return Ok(vec![]) };
    let platform = souk.platform("operations").await?;
    let narrowed = jobs::Narrowed { id: Some(id), ..jobs::Narrowed::default() };
    let found = jobs::troubles(&platform, &narrowed, None, 1).await?;
    let shown = found
        .iter()
        .map(|job| json!({ "text": job.source(), "note": job.queue, "href": format!("/admin/jobs/{}/{}", job.company_id, job.id) }));
    Ok(shown.collect())
}

async fn debts_named(scope: &Scope, words: &str) -> Result<Vec<Value>> {
    let filter = debts::Filter { words: Some(words.into()), ..debts::Filter::default() };
    let found = debts::list(scope, &filter, None, EACH).await?;
    let shown = found.iter().map(|debt| {
        json!({ "text": debt.reference, "note": debt.remaining().display(&debt.currency), "href": format!("/company/debts/{}", debt.id) })
    });
    Ok(shown.collect())
}

async fn products_named(scope: &Scope, company: &Company, words: &str) -> Result<Vec<Value>> {
    let filter = catalog::Filter { words: Some(words.into()), handled: true, standing: Standing::Kept, ..catalog::Filter::default() };
    let found = catalog::list(scope, &filter, Sort::Relevance, None, EACH).await?.products;
    let shown = found.iter().map(|found| {
        let product = &found.product;
        json!({ "text": product.name, "note": product.price_from.display(&company.currency), "href": format!("/company/products/{}", product.id) })
    });
    Ok(shown.collect())
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get::<SignedIn, _>("/jump", "Finds pages, orders, customers and products by a few letters", jump)]
}
