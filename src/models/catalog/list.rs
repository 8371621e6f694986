//! Lists of products: filtered, sorted, paged by key, found by the beginnings of words.

use std::collections::BTreeSet;

use sea_orm::{
    ColumnTrait, Condition, DbErr, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, ExprTrait, JoinType, Order, SelectStatement},
};

use super::{
    attributes::having,
    brand, category,
    findable::{asked, matching},
    product, sight, variant,
};
use crate::{
    errors::{Error, Result},
    ids::{BrandId, CategoryId, ProductId, ShopId},
    tenancy::Scope,
};

/// Lists by relevance end here: whoever has not found it by then asks otherwise.
const RELEVANT_MAX: u64 = 1_000;

/// Which products a list is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// What customers can buy.
    #[default]
    OnSale,
    /// Written, and not on sale.
    Draft,
    Archived,
    /// All but the archived.
    Kept,
}

impl Standing {
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "active" => Some(Self::OnSale),
            "inactive" => Some(Self::Draft),
            "archived" => Some(Self::Archived),
            "all" => Some(Self::Kept),
            _ => None,
        }
    }
}

/// What a list is narrowed to; every `None` narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub words: Option<String>,
    /// A category's slug, with all below it.
    pub category: Option<String>,
    /// A brand's slug.
    pub brand: Option<String>,
    /// What this shop sells: its own goods and the company's.
    pub shop: Option<ShopId>,
    /// Only goods that the caller handles: the company's, and those of the shops where they write some.
    pub handled: bool,
    pub price_min: Option<i64>,
    pub price_max: Option<i64>,
    /// Hundredths of a star.
    pub rating_min: Option<i64>,
    pub origin: Option<String>,
    pub organic: Option<bool>,
    pub featured: bool,
    /// Name and value of attributes that one of a product's variants has.
    pub attributes: Vec<(String, String)>,
    /// A question whether a variant is in stock, of whoever counts stock; see [`of_variant`].
    pub in_stock: Option<SelectStatement>,
    /// As `in_stock`, a question that one variant must answer and no variant may.
    pub short: Option<SelectStatement>,
    pub sold_out: Option<SelectStatement>,
    pub standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Newest,
    Name,
    PriceUp,
    PriceDown,
    Popularity,
    Rating,
    /// By the weight of the matched words, then by popularity.
    Relevance,
}

/// Behind which row the next page begins: the sort's figures, then the id.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    figure: i64,
    /// The second figure of relevance, popularity.
    beside: i64,
    /// The sort name, for lists by name.
    name: String,
    id: ProductId,
    /// How many rows lie in front.
    seen: u64,
}

/// A product with what its brand and its category are called.
#[derive(Clone, Debug)]
pub struct Shown {
    pub product: product::Model,
    pub brand: Option<Label<BrandId>>,
    pub category: Option<Label<CategoryId>>,
    figure: i64,
}

/// What something is called, in addresses and on pages.
#[derive(Clone, Debug)]
pub struct Label<Id> {
    pub id: Id,
    pub slug: String,
    pub name: String,
}

impl FromQueryResult for Shown {
    fn from_query_result(row: &QueryResult, prefix: &str) -> std::result::Result<Self, DbErr> {
        let product = product::Model::from_query_result(row, prefix)?;
        let text = |column: &str| row.try_get::<Option<String>>(prefix, column).map(Option::unwrap_or_default);
        let brand = match product.brand_id {
            Some(id) => Some(Label { id, slug: text("brand_slug")?, name: text("brand_name")? }),
            None => None,
        };
        let category = match product.category_id {
            Some(id) => Some(Label { id, slug: text("category_slug")?, name: text("category_name")? }),
            None => None,
        };
        Ok(Self { product, brand, category, figure: row.try_get(prefix, "figure")? })
    }
}

/// A page, and where the next begins.
#[derive(Debug)]
pub struct Page {
    pub products: Vec<Shown>,
    pub next: Option<Position>,
}

/// The column that [`Filter::in_stock`] compares its variant with.
#[must_use]
pub fn of_variant() -> Expr {
    Expr::col((variant::Entity, variant::Column::Id))
}

/// One page of products: one statement, and one more for a category with its subtree.
pub async fn list(scope: &Scope, filter: &Filter, sort: Sort, after: Option<&Position>, limit: u64) -> Result<Page> {
    let words = asked(filter.words.as_deref().unwrap_or_default());
    let seen = after.map_or(0, |after| after.seen);
    let left = if sort == Sort::Relevance { RELEVANT_MAX.saturating_sub(seen) } else { u64::MAX };
    let limit = std::cmp::min(limit, left);
    if limit == 0 {
        return Ok(Page { products: vec![], next: None });
    }
    let mut rows = narrowed(scope, filter, &words).await?;
    named(&mut rows);
    sorted(&mut rows, sort, words.len(), after);
    let mut products: Vec<Shown> = scope.all_as(rows.limit(limit + 1)).await?;
    let more = products.len() as u64 > limit && limit < left;
    products.truncate(usize::try_from(limit).unwrap_or(100));
    let next = products.last().filter(|_| more).map(|last| Position {
        figure: last.figure,
        beside: last.product.popularity,
        name: if sort == Sort::Name { last.product.sort_name.clone() } else { String::new() },
        id: last.product.id,
        seen: seen + limit,
    });
    Ok(Page { products, next })
}

/// How many products the filter leaves, counted to `most` and one more.
pub async fn count(scope: &Scope, filter: &Filter, most: u64) -> Result<u64> {
    let words = asked(filter.words.as_deref().unwrap_or_default());
    scope.count_to(narrowed(scope, filter, &words).await?, most + 1).await
}

/// One found product with its labels.
pub(super) async fn shown(scope: &Scope, mut found: Select<product::Entity>) -> Result<Shown> {
    named(&mut found);
    let found = found.expr_as(Expr::val(0_i64), "figure");
    scope.all_as::<Shown, _>(found.limit(1)).await?.pop().ok_or(Error::NOT_FOUND)
}

/// Some products by id, archived ones too, in the order of their names; those that the caller does
/// not handle are not there.
pub async fn these(scope: &Scope, ids: &[ProductId]) -> Result<Vec<Shown>> {
    let mut found = scope.find::<product::Entity>().filter(product::Column::Id.is_in(ids.iter().copied()));
    if let Some(handled) = sight::handled(scope) {
        found = found.filter(handled);
    }
    named(&mut found);
    let found = found.expr_as(Expr::val(0_i64), "figure").order_by_asc(product::Column::SortName);
    scope.all_as(found).await
}

pub(super) async fn narrowed(scope: &Scope, filter: &Filter, words: &[String]) -> Result<Select<product::Entity>> {
    let mut rows = scope.find::<product::Entity>();
    rows = match filter.standing {
        Standing::OnSale => rows.filter(product::Column::ArchivedAt.is_null()).filter(product::Column::IsActive.eq(true)),
        Standing::Draft => rows.filter(product::Column::ArchivedAt.is_null()).filter(product::Column::IsActive.eq(false)),
        Standing::Archived => rows.filter(product::Column::ArchivedAt.is_not_null()),
        Standing::Kept => rows.filter(product::Column::ArchivedAt.is_null()),
    };
    // Whoever asks for signs alone finds nothing, as for any other word that no product has.
    if words.is_empty() && filter.words.as_deref().is_some_and(|asked| !asked.trim().is_empty()) {
        rows = rows.filter(Expr::val(1).eq(0));
    }
    for (index, word) in words.iter().enumerate() {
        let alias = matched(index);
        let here = Expr::col((alias.clone(), Alias::new("product_id"))).equals((product::Entity, product::Column::Id));
        QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, matching(scope, word), alias, here);
    }
    if let Some(slug) = &filter.category {
        rows = rows.filter(product::Column::CategoryId.is_in(subtree(scope, slug).await?));
    }
    if let Some(slug) = &filter.brand {
        let brand = scope.find::<brand::Entity>().select_only().column(brand::Column::Id).filter(brand::Column::Slug.eq(slug.as_str()));
        rows = rows.filter(product::Column::BrandId.in_subquery(brand.into_query()));
    }
    if let Some(shop) = filter.shop {
        rows = rows.filter(Condition::any().add(product::Column::ShopId.is_null()).add(product::Column::ShopId.eq(shop)));
    }
    if let Some(visible) = sight::visible(scope).filter(|_| filter.standing == Standing::Kept) {
        rows = rows.filter(visible);
    }
    let is_secret = matches!(filter.standing, Standing::Draft | Standing::Archived);
    if let Some(handled) = sight::handled(scope).filter(|_| is_secret || filter.handled) {
        rows = rows.filter(handled);
    }
    if let Some(short) = &filter.short {
        rows = rows.filter(Expr::exists(variants_that(scope, short)));
    }
    if let Some(left) = &filter.sold_out {
        rows = rows.filter(Expr::exists(variants_that(scope, left)).not());
    }
    if filter.price_min.is_some() || filter.price_max.is_some() || filter.in_stock.is_some() {
        rows = rows.filter(Expr::exists(sold(scope, filter)));
    }
    if let Some(hundredths) = filter.rating_min {
        let stars = Expr::col((product::Entity, product::Column::RatingSum)).mul(100);
        let least = Expr::col((product::Entity, product::Column::RatingCount)).mul(hundredths);
        rows = rows.filter(product::Column::RatingCount.gt(0)).filter(stars.gte(least));
    }
    if let Some(origin) = &filter.origin {
        rows = rows.filter(product::Column::Origin.eq(origin.as_str()));
    }
    if let Some(organic) = filter.organic {
        rows = rows.filter(product::Column::IsOrganic.eq(organic));
    }
    if filter.featured {
        rows = rows.filter(product::Column::IsFeatured.eq(true));
    }
    for (name, value) in &filter.attributes {
        rows = rows.filter(product::Column::Id.in_subquery(having(scope, name, value)));
    }
    Ok(rows)
}

/// The variants of the product that are sold.
fn variants(scope: &Scope) -> Select<variant::Entity> {
    scope
        .find::<variant::Entity>()
        .select_only()
        .column(variant::Column::Id)
        .filter(Expr::col((variant::Entity, variant::Column::ProductId)).equals((product::Entity, product::Column::Id)))
        .filter(variant::Column::ArchivedAt.is_null())
}

fn variants_that(scope: &Scope, question: &SelectStatement) -> SelectStatement {
    variants(scope).filter(Expr::exists(question.clone())).into_query()
}

/// A variant of the product that is sold, within the prices and in stock where that is asked.
fn sold(scope: &Scope, filter: &Filter) -> SelectStatement {
    let mut variants = variants(scope);
    if let Some(least) = filter.price_min {
        variants = variants.filter(variant::Column::Price.gte(least));
    }
    if let Some(most) = filter.price_max {
        variants = variants.filter(variant::Column::Price.lte(most));
    }
    if let Some(in_stock) = &filter.in_stock {
        variants = variants.filter(Expr::exists(in_stock.clone()));
    }
    variants.into_query()
}

/// Brings in what the brand and the category are called.
fn named(rows: &mut Select<product::Entity>) {
    let same = |theirs: Expr, mine| theirs.equals((product::Entity, mine));
    let brand = Condition::all()
        .add(same(Expr::col((brand::Entity, brand::Column::CompanyId)), product::Column::CompanyId))
        .add(same(Expr::col((brand::Entity, brand::Column::Id)), product::Column::BrandId));
    let category = Condition::all()
        .add(same(Expr::col((category::Entity, category::Column::CompanyId)), product::Column::CompanyId))
        .add(same(Expr::col((category::Entity, category::Column::Id)), product::Column::CategoryId));
    QuerySelect::query(rows)
        .join(JoinType::LeftJoin, brand::Entity, brand)
        .join(JoinType::LeftJoin, category::Entity, category)
        .expr_as(Expr::col((brand::Entity, brand::Column::Slug)), "brand_slug")
        .expr_as(Expr::col((brand::Entity, brand::Column::Name)), "brand_name")
        .expr_as(Expr::col((category::Entity, category::Column::Slug)), "category_slug")
        .expr_as(Expr::col((category::Entity, category::Column::Name)), "category_name");
}

fn matched(index: usize) -> Alias {
    Alias::new(format!("matched{index}"))
}

/// What a sort compares first.
fn figure(sort: Sort, words: usize) -> Expr {
    let column = |column| Expr::col((product::Entity, column));
    match sort {
        Sort::Newest => column(product::Column::CreatedAt),
        Sort::PriceUp | Sort::PriceDown => column(product::Column::PriceFrom),
        Sort::Popularity => column(product::Column::Popularity),
        Sort::Name => Expr::val(0_i64),
        Sort::Rating => Expr::case(
            column(product::Column::RatingCount).gt(0),
            column(product::Column::RatingSum).mul(1_000).div(column(product::Column::RatingCount)),
        )
        .finally(0_i64)
        .into(),
        Sort::Relevance => {
            let weight = |index| Expr::col((matched(index), Alias::new("weight")));
            (1..words).fold(if words == 0 { Expr::val(0_i64) } else { weight(0) }, |sum, index| sum.add(weight(index)))
        }
    }
}

/// Orders the rows, and begins behind `after`.
fn sorted(rows: &mut Select<product::Entity>, sort: Sort, words: usize, after: Option<&Position>) {
    let upwards = matches!(sort, Sort::PriceUp | Sort::Name);
    let order = if upwards { Order::Asc } else { Order::Desc };
    let beyond = |left: Expr, right: Expr| if upwards { left.gt(right) } else { left.lt(right) };
    let mut keys = vec![];
    match sort {
        Sort::Name => {
            keys.push((Expr::col((product::Entity, product::Column::SortName)), after.map(|after| Expr::val(after.name.as_str()))))
        }
        Sort::Relevance => {
            keys.push((figure(sort, words), after.map(|after| Expr::val(after.figure))));
            keys.push((Expr::col((product::Entity, product::Column::Popularity)), after.map(|after| Expr::val(after.beside))));
        }
        _ => keys.push((figure(sort, words), after.map(|after| Expr::val(after.figure)))),
    }
    keys.push((Expr::col((product::Entity, product::Column::Id)), after.map(|after| Expr::val(after.id))));
    let query = QuerySelect::query(rows);
    query.expr_as(figure(sort, words), "figure");
    for (key, _) in &keys {
        query.order_by_expr(key.clone(), order.clone());
    }
    let mut behind: Option<Condition> = None;
    for (key, value) in keys.iter().rev() {
        let Some(value) = value else { return };
        let further = Condition::any().add(beyond(key.clone(), value.clone()));
        behind = Some(match behind {
            Some(rest) => further.add(Condition::all().add(key.clone().eq(value.clone())).add(rest)),
            None => further,
        });
    }
    if let (Some(behind), Some((first, Some(value)))) = (behind, keys.first()) {
        // The first key alone is a range, which lets the index begin where the last page ended.
        let range = if upwards { first.clone().gte(value.clone()) } else { first.clone().lte(value.clone()) };
        query.cond_where(Condition::all().add(range).add(behind));
    }
}

/// A category and all below it.
pub(super) async fn subtree(scope: &Scope, slug: &str) -> Result<Vec<CategoryId>> {
    let all = super::categories(scope).await?;
    let mut level: Vec<_> = all.iter().filter(|one| one.slug == slug).map(|one| one.id).collect();
    let mut inside = BTreeSet::new();
    while !level.is_empty() {
        inside.extend(level.iter().copied());
        let below = all.iter().filter(|one| one.parent_id.is_some_and(|parent| level.contains(&parent)) && !inside.contains(&one.id));
        level = below.map(|one| one.id).collect();
    }
    Ok(inside.into_iter().collect())
}
