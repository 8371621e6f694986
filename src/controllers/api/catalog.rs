//! `/api/products`: reading the catalogue.

use axum::{Json as Answer, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    controllers::{
        extract::{AttributedQuery, Id, Json, Query},
        page,
    },
    endpoints::{
        Endpoint,
        api::{get, post},
    },
    errors::{Error, Result},
    ids::ShopId,
    models::{
        catalog::{self, Filter, Position, Product, Sort, Standing},
        companies, inventory,
    },
    tenancy::{Access, Permission, Role, Scope, roles::ProductsRead},
    views::catalog::product as product_view,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    q: Option<String>,
    /// The slug; with what is below it.
    category: Option<String>,
    /// The slug.
    brand: Option<String>,
    #[schemars(with = "Option<ShopId>")]
    shop_id: Option<String>,
    min_price: Option<i64>,
    max_price: Option<i64>,
    /// At least so many stars, from 1 to 5: `4`, `4.5`.
    #[schemars(extend("pattern" = "^([1-4](\\.[0-9]{1,2})?|5(\\.0{1,2})?)$"))]
    rating: Option<String>,
    in_stock: Option<bool>,
    origin: Option<String>,
    organic: Option<bool>,
    #[schemars(extend("enum" = ["active", "inactive", "archived", "all"]))]
    status: Option<String>,
    #[schemars(extend("enum" = ["relevance", "price", "-price", "popularity", "newest", "rating", "name"]))]
    sort: Option<String>,
    total: Option<bool>,
    facets: Option<bool>,
    limit: Option<u64>,
    cursor: Option<String>,
}

impl List {
    fn sort(&self) -> Result<Sort> {
        let has_words = self.q.as_deref().is_some_and(|words| !catalog::fold(words).is_empty());
        Ok(match self.sort.as_deref() {
            None if has_words => Sort::Relevance,
            None | Some("newest") => Sort::Newest,
            Some("name") => Sort::Name,
            Some("price") => Sort::PriceUp,
            Some("-price") => Sort::PriceDown,
            Some("popularity") => Sort::Popularity,
            Some("rating") => Sort::Rating,
            Some("relevance") if has_words => Sort::Relevance,
            Some("relevance") => return Err(Error::invalid("sort", "needs_words", "relevance needs words in q")),
            Some(_) => {
                return Err(Error::invalid("sort", "unknown", "use relevance, price, -price, popularity, newest, rating or name"));
            }
        })
    }

    /// Drafts and archived goods are a matter of those who write them.
    fn standing<P: Permission>(&self, access: &Access<P>) -> Result<Standing> {
        let Some(status) = &self.status else { return Ok(Standing::OnSale) };
        let standing = Standing::named(status);
        let standing = standing.ok_or_else(|| Error::invalid("status", "unknown", "use active, inactive, archived or all"))?;
        if standing != Standing::OnSale && !access.tenant().may("products:update") {
            return Err(Error::NotAllowed { code: "forbidden" });
        }
        Ok(standing)
    }

    fn filter<P: Permission>(&self, access: &Access<P>, attributes: Vec<(String, String)>) -> Result<Filter> {
        let shop = self.shop_id.as_deref().map(str::parse::<ShopId>).transpose();
        let least_is_most = self.min_price.zip(self.max_price).is_none_or(|(least, most)| least <= most);
        if !least_is_most {
            return Err(Error::invalid("maxPrice", "too_small", "not below minPrice"));
        }
        if let Some((name, _)) = attributes.iter().find(|(name, value)| catalog::fold(name).is_empty() || catalog::fold(value).is_empty()) {
            return Err(Error::invalid(format!("attr.{name}"), "invalid", "name an attribute and its value"));
        }
        if attributes.len() > 8 {
            return Err(Error::invalid("attr", "too_many", "at most eight attributes"));
        }
        Ok(Filter {
            words: self.q.clone(),
            category: self.category.clone(),
            brand: self.brand.clone(),
            shop: shop.map_err(|_| Error::invalid("shopId", "invalid", "that is not an id"))?,
            price_min: self.min_price,
            price_max: self.max_price,
            rating_min: self.rating.as_deref().map(stars).transpose()?,
            origin: self.origin.clone(),
            organic: self.organic,
            attributes,
            standing: self.standing(access)?,
            ..Filter::default()
        })
    }
}

/// Hundredths of a star out of `4` or `4.5`.
fn stars(text: &str) -> Result<i64> {
    let wrong = || Error::invalid("rating", "invalid", "from 1 to 5, such as 4 or 4.5");
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    if rest.is_empty() || rest.len() > 2 || !rest.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let rest: i64 = format!("{rest:0<2}").parse().map_err(|_| wrong())?;
    let hundredths = whole.saturating_mul(100).saturating_add(rest);
    if (100..=500).contains(&hundredths) { Ok(hundredths) } else { Err(wrong()) }
}

async fn index(access: Access<ProductsRead>, AttributedQuery(list, attributes): AttributedQuery<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let sort = list.sort()?;
    let mut filter = list.filter(&access, attributes)?;
    let bound = format!("products {filter:?} {sort:?} {:?}", list.in_stock);
    let after = page::open::<Position>(&access, &bound, list.cursor.as_deref())?;
    let scope = access.read_company().await?;
    if list.in_stock == Some(true) {
        filter.in_stock = Some(inventory::in_stock(&scope, filter.shop, catalog::of_variant()));
    }
    let found = catalog::list(&scope, &filter, sort, after.as_ref(), limit).await?;
    let next = found.next.map(|next| page::seal(&access, &bound, next)).transpose()?;
    let total = if list.total == Some(true) { Some(catalog::count(&scope, &filter, page::TOTAL_MAX).await?) } else { None };
    let mut answer = page::with_total(page::envelope(views(&scope, &found.products).await?, limit, next), total);
    if list.facets == Some(true) {
        answer["facets"] = serde_json::to_value(catalog::facets(&scope, &filter).await?).map_err(Error::internal)?;
    }
    Ok(Answer(answer))
}

/// Products as the caller sees them: three statements for a page, however long.
pub(super) async fn views(scope: &Scope, products: &[catalog::Shown]) -> Result<Vec<Value>> {
    let ids: Vec<_> = products.iter().map(|shown| shown.product.id).collect();
    let variants = catalog::variants_of(scope, &ids).await?;
    let variant_ids: Vec<_> = variants.values().flatten().map(|variant| variant.id).collect();
    let stock = inventory::available(scope, &variant_ids).await?;
    let currency = companies::own(scope).await?.currency;
    let of = |shown: &catalog::Shown| variants.get(&shown.product.id).map(Vec::as_slice).unwrap_or_default();
    let with_cost = |shown: &catalog::Shown| catalog::knows_cost(scope.tenant(), shown.product.shop_id);
    Ok(products.iter().map(|shown| product_view(&currency, shown, of(shown), &stock, with_cost(shown))).collect())
}

/// One product as the caller sees it.
pub(super) async fn view(scope: &Scope, id_or_slug: &str) -> Result<Value> {
    let shown = catalog::product(scope, id_or_slug).await?;
    views(scope, &[shown]).await?.pop().ok_or(Error::NOT_FOUND)
}

async fn featured(access: Access<ProductsRead>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    let found = catalog::list(&scope, &Filter { featured: true, ..Filter::default() }, Sort::Popularity, None, 20).await?;
    Ok(Answer(page::envelope(views(&scope, &found.products).await?, 20, None)))
}

async fn show(access: Access<ProductsRead>, Id(id): Id<String>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    let shown = catalog::product(&scope, &id).await?;
    tell_of_view(&access, &shown.product, None);
    views(&scope, &[shown]).await?.pop().map(Answer).ok_or(Error::NOT_FOUND)
}

/// What customers look at is told; the company's own people look for other reasons.
fn tell_of_view(access: &Access<ProductsRead>, product: &Product, duration: Option<u32>) {
    if access.tenant().role <= Role::Customer {
        access.souk().tell_aside(access.tenant(), catalog::viewed(product, duration));
    }
}

/// How long somebody looked at a product.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProductLook")]
struct Look {
    /// Seconds, at most a day.
    #[schemars(range(max = LOOK_MAX))]
    duration: u32,
}

const LOOK_MAX: u32 = 86_400;

async fn look(access: Access<ProductsRead>, Id(id): Id<String>, Json(look, _): Json<Look>) -> Result<StatusCode> {
    if look.duration > LOOK_MAX {
        return Err(Error::invalid("duration", "too_large", "seconds, at most a day"));
    }
    let scope = access.read_company().await?;
    tell_of_view(&access, &catalog::product(&scope, &id).await?.product, Some(look.duration));
    Ok(StatusCode::NO_CONTENT)
}

/// Others of the same category, or else of the same brand.
async fn related(access: Access<ProductsRead>, Id(id): Id<String>) -> Result<Answer<Value>> {
    const SHOWN: u64 = 12;
    let scope = access.read_company().await?;
    let of = catalog::product(&scope, &id).await?;
    let filter = Filter {
        category: of.category.as_ref().map(|category| category.slug.clone()),
        brand: of.brand.as_ref().filter(|_| of.category.is_none()).map(|brand| brand.slug.clone()),
        ..Filter::default()
    };
    let mut found = catalog::list(&scope, &filter, Sort::Popularity, None, SHOWN + 1).await?.products;
    found.retain(|shown| shown.product.id != of.product.id);
    found.truncate(usize::try_from(SHOWN).unwrap_or_default());
    Ok(Answer(page::envelope(views(&scope, &found).await?, SHOWN, None)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Typed {
    q: String,
}

/// What somebody may mean while they type.
async fn suggest(access: Access<ProductsRead>, Query(typed): Query<Typed>) -> Result<Answer<Value>> {
    const SHOWN: u64 = 8;
    if catalog::fold(&typed.q).is_empty() {
        return Err(Error::invalid("q", "required", "at least one letter or digit"));
    }
    let scope = access.read_company().await?;
    let filter = Filter { words: Some(typed.q), ..Filter::default() };
    let found = catalog::list(&scope, &filter, Sort::Relevance, None, SHOWN).await?;
    let data: Vec<_> = found
        .products
        .iter()
        .map(|shown| {
            serde_json::json!({
                "id": shown.product.id, "slug": shown.product.slug, "name": shown.product.name,
                "category": shown.category.as_ref().map(|category| &category.name), "priceFrom": shown.product.price_from,
            })
        })
        .collect();
    Ok(Answer(page::envelope(data, SHOWN, None)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<ProductsRead, _>("/api/products", "Products: filtered, sorted, searched", index).answers(200, "ProductPage"),
        get::<ProductsRead, _>("/api/products/featured", "Featured products", featured).answers(200, "[Product]"),
        get::<ProductsRead, _>("/api/products/suggest", "Products whose words begin as typed", suggest).answers(200, "[Suggestion]"),
        get::<ProductsRead, _>("/api/products/{id}", "One product by id or slug", show).answers(200, "Product"),
        get::<ProductsRead, _>("/api/products/{id}/related", "Products beside this one", related).answers(200, "[Product]"),
        post::<ProductsRead, _>("/api/products/{id}/views", "Somebody looked at a product for so long", look).empty(204),
    ]
}
