//! `/api/products`, `/api/categories`, `/api/brands`: reading the catalogue.

use axum::{Json as Answer, extract::Path};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{extract::Query, page},
    endpoints::{Endpoint, get},
    errors::{Error, Result},
    ids::{ProductId, ShopId},
    models::{
        catalog::{self, Filter, Position, Sort},
        companies, inventory,
    },
    tenancy::{Access, Scope, roles::ProductsRead},
    views::catalog::product as product_view,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    q: Option<String>,
    category: Option<String>,
    brand: Option<String>,
    shop_id: Option<String>,
    min_price: Option<i64>,
    max_price: Option<i64>,
    in_stock: Option<bool>,
    origin: Option<String>,
    organic: Option<bool>,
    sort: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

fn sort(name: Option<&str>) -> Result<Sort> {
    Ok(match name {
        None | Some("newest") => Sort::Newest,
        Some("price") => Sort::PriceUp,
        Some("-price") => Sort::PriceDown,
        Some("popularity" | "relevance") => Sort::Popularity,
        Some(_) => return Err(Error::invalid("sort", "unknown", "use newest, price, -price, popularity or relevance")),
    })
}

async fn index(access: Access<ProductsRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let sort = sort(list.sort.as_deref())?;
    let shop = list.shop_id.as_deref().map(str::parse::<ShopId>).transpose();
    let shop = shop.map_err(|_| Error::invalid("shopId", "invalid", "that is not an id"))?;
    let scope = access.read().await?;
    let brand = match list.brand.as_deref() {
        None => None,
        Some(slug) => match catalog::brands(&scope).await?.into_iter().find(|brand| brand.slug == slug) {
            Some(brand) => Some(brand.id),
            None => return Ok(Answer(page::envelope(Vec::<Value>::new(), limit, None))),
        },
    };
    let filter = Filter {
        words: list.q.clone(),
        category: list.category.clone(),
        brand,
        shop,
        price_min: list.min_price,
        price_max: list.max_price,
        origin: list.origin.clone(),
        organic: list.organic,
        featured: false,
    };
    let bound = format!("products {filter:?} {sort:?} {:?}", list.in_stock);
    let after = page::open::<(i64, ProductId)>(access.souk(), &bound, list.cursor.as_deref())?;
    let after = after.map(|(figure, id)| Position { figure, id });
    let found = catalog::list(&scope, &filter, sort, after, limit).await?;
    let mut products = views(&scope, found.products).await?;
    if list.in_stock == Some(true) {
        products
            .retain(|product| product["variants"].as_array().is_some_and(|all| all.iter().any(|one| one["available"].as_i64() > Some(0))));
    }
    let next = found.next.map(|next| page::seal(access.souk(), &bound, (next.figure, next.id))).transpose()?;
    Ok(Answer(page::envelope(products, limit, next)))
}

/// Products as clients see them: five statements for a page, however long.
async fn views(scope: &Scope, products: Vec<catalog::Product>) -> Result<Vec<Value>> {
    let ids: Vec<_> = products.iter().map(|product| product.id).collect();
    let mut variants = catalog::variants_of(scope, &ids).await?;
    let variant_ids: Vec<_> = variants.values().flatten().map(|variant| variant.id).collect();
    let stock = inventory::available(scope, &variant_ids).await?;
    let company = companies::own(scope).await?;
    let brands = catalog::brands(scope).await?;
    let categories = catalog::categories(scope).await?;
    Ok(products
        .iter()
        .map(|product| {
            let own = variants.remove(&product.id).unwrap_or_default();
            let brand = brands.iter().find(|brand| Some(brand.id) == product.brand_id);
            let category = categories.iter().find(|category| Some(category.id) == product.category_id);
            product_view(&company.currency, product, &own, brand, category, &stock)
        })
        .collect())
}

async fn featured(access: Access<ProductsRead>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let found = catalog::list(&scope, &Filter { featured: true, ..Filter::default() }, Sort::Popularity, None, 20).await?;
    Ok(Answer(page::envelope(views(&scope, found.products).await?, 20, None)))
}

async fn show(access: Access<ProductsRead>, Path(id): Path<String>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let (product, _) = catalog::product(&scope, &id).await?;
    views(&scope, vec![product]).await?.pop().map(Answer).ok_or(Error::NOT_FOUND)
}

async fn categories(access: Access<ProductsRead>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let rows = catalog::categories(&scope).await?;
    let data: Vec<_> = rows
        .iter()
        .map(|one| json!({ "id": one.id, "slug": one.slug, "name": one.name, "parentId": one.parent_id, "translations": one.translations }))
        .collect();
    Ok(Answer(page::envelope(data, 100, None)))
}

async fn brands(access: Access<ProductsRead>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let data: Vec<_> =
        catalog::brands(&scope).await?.iter().map(|one| json!({ "id": one.id, "slug": one.slug, "name": one.name })).collect();
    Ok(Answer(page::envelope(data, 100, None)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<ProductsRead, _>("/api/products", "Products: filtered, sorted, searched", index),
        get::<ProductsRead, _>("/api/products/featured", "Featured products", featured),
        get::<ProductsRead, _>("/api/products/{id}", "One product by id or slug", show),
        get::<ProductsRead, _>("/api/categories", "The tree of categories", categories),
        get::<ProductsRead, _>("/api/brands", "Brands", brands),
    ]
}
