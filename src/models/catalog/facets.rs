//! What a list could be narrowed to next, with how many products each choice leaves.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, FromQueryResult, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, ExprTrait, JoinType, Order, SelectStatement},
};
use serde::Serialize;

use super::{
    attribute, attribute_value, brand, category,
    findable::asked,
    list::{Filter, narrowed},
    product, variant_value,
};
use crate::{errors::Result, tenancy::Scope};

/// The most choices of one kind.
const CHOICES_MAX: u64 = 50;

/// One choice: its key in a filter, its name for people, and how many products have it.
#[derive(Clone, Debug, Serialize, FromQueryResult)]
pub struct Choice {
    pub slug: String,
    pub name: String,
    pub count: i64,
}

#[derive(Clone, Debug, Serialize)]
pub struct ValueCount {
    pub value: String,
    pub count: i64,
}

#[derive(FromQueryResult)]
struct AttributeCount {
    name: String,
    value: String,
    count: i64,
}

/// The lowest and the highest price among the products.
#[derive(Clone, Copy, Debug, Serialize, FromQueryResult)]
pub struct Prices {
    pub min: Option<i64>,
    pub max: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Facets {
    pub brands: Vec<Choice>,
    pub categories: Vec<Choice>,
    /// By attribute, its values.
    pub attributes: BTreeMap<String, Vec<ValueCount>>,
    pub price: Option<Prices>,
}

/// The choices within a filter.
pub async fn facets(scope: &Scope, filter: &Filter) -> Result<Facets> {
    let words = asked(filter.words.as_deref().unwrap_or_default());
    let rows = narrowed(scope, filter, &words).await?;
    let ids = ids(rows.clone());
    let same = |theirs: Expr, mine| theirs.equals((product::Entity, mine));
    let brands =
        choices(rows.clone(), Expr::col((brand::Entity, brand::Column::Slug)), Expr::col((brand::Entity, brand::Column::Name)), |query| {
            let here = same(Expr::col((brand::Entity, brand::Column::CompanyId)), product::Column::CompanyId)
                .and(same(Expr::col((brand::Entity, brand::Column::Id)), product::Column::BrandId));
            query.join(JoinType::InnerJoin, brand::Entity, here);
        });
    let categories = choices(
        rows.clone(),
        Expr::col((category::Entity, category::Column::Slug)),
        Expr::col((category::Entity, category::Column::Name)),
        |query| {
            let here = same(Expr::col((category::Entity, category::Column::CompanyId)), product::Column::CompanyId)
                .and(same(Expr::col((category::Entity, category::Column::Id)), product::Column::CategoryId));
            query.join(JoinType::InnerJoin, category::Entity, here);
        },
    );
    let prices = rows.select_only().column_as(product::Column::PriceFrom.min(), "min").column_as(product::Column::PriceFrom.max(), "max");
    Ok(Facets {
        brands: scope.all_as(brands).await?,
        categories: scope.all_as(categories).await?,
        attributes: attributes(scope, ids).await?,
        price: scope.all_as(prices).await?.pop(),
    })
}

fn ids(rows: Select<product::Entity>) -> SelectStatement {
    rows.select_only().column(product::Column::Id).into_query()
}

/// Counts the rows by a label that `join` brings in.
fn choices(mut rows: Select<product::Entity>, slug: Expr, name: Expr, join: impl FnOnce(&mut SelectStatement)) -> Select<product::Entity> {
    let query = QuerySelect::query(&mut rows);
    query.clear_selects();
    join(query);
    query
        .expr_as(slug.clone(), "slug")
        .expr_as(name.clone(), "name")
        .expr_as(Expr::col((product::Entity, product::Column::Id)).count(), "count")
        .add_group_by([slug.clone(), name])
        .order_by(Alias::new("count"), Order::Desc)
        .order_by_expr(slug, Order::Asc)
        .limit(CHOICES_MAX);
    rows
}

async fn attributes(scope: &Scope, ids: SelectStatement) -> Result<BTreeMap<String, Vec<ValueCount>>> {
    let column = |column| Expr::col((attribute_value::Entity, column));
    let mut rows = scope.find::<variant_value::Entity>().filter(variant_value::Column::ProductId.in_subquery(ids));
    let value = column(attribute_value::Column::Id)
        .equals((variant_value::Entity, variant_value::Column::AttributeValueId))
        .and(column(attribute_value::Column::CompanyId).equals((variant_value::Entity, variant_value::Column::CompanyId)));
    let of =
        Expr::col((attribute::Entity, attribute::Column::Id)).equals((attribute_value::Entity, attribute_value::Column::AttributeId)).and(
            Expr::col((attribute::Entity, attribute::Column::CompanyId))
                .equals((attribute_value::Entity, attribute_value::Column::CompanyId)),
        );
    let name = Expr::col((attribute::Entity, attribute::Column::Name));
    QuerySelect::query(&mut rows)
        .clear_selects()
        .join(JoinType::InnerJoin, attribute_value::Entity, value)
        .join(JoinType::InnerJoin, attribute::Entity, of)
        .expr_as(name.clone(), "name")
        .expr_as(column(attribute_value::Column::Value), "value")
        .expr_as(Expr::col((variant_value::Entity, variant_value::Column::ProductId)).count_distinct(), "count")
        .add_group_by([name.clone(), column(attribute_value::Column::Value)])
        .order_by_expr(name, Order::Asc)
        .order_by(Alias::new("count"), Order::Desc)
        .order_by_expr(column(attribute_value::Column::Value), Order::Asc)
        .limit(CHOICES_MAX * 10);
    let mut found: BTreeMap<String, Vec<ValueCount>> = BTreeMap::new();
    for one in scope.all_as::<AttributeCount, _>(rows).await? {
        found.entry(one.name).or_default().push(ValueCount { value: one.value, count: one.count });
    }
    Ok(found)
}
