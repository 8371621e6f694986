//! Lists of products: filtered, sorted, paged by key, found by the beginnings of words.

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{category, fold, product, variant, word};
use crate::{
    errors::Result,
    ids::{BrandId, CategoryId, ProductId, ShopId},
    tenancy::Scope,
};

/// What a list is narrowed to; every `None` narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub words: Option<String>,
    pub category: Option<String>,
    pub brand: Option<BrandId>,
    pub shop: Option<ShopId>,
    pub price_min: Option<i64>,
    pub price_max: Option<i64>,
    pub origin: Option<String>,
    pub organic: Option<bool>,
    pub featured: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Newest,
    PriceUp,
    PriceDown,
    Popularity,
}

/// Behind which row the next page begins: the sort's figure, then the id.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub figure: i64,
    pub id: ProductId,
}

/// A page, and where the next begins.
#[derive(Debug)]
pub struct Page {
    pub products: Vec<product::Model>,
    pub next: Option<Position>,
}

/// One page of products.
pub async fn list(scope: &Scope, filter: &Filter, sort: Sort, after: Option<Position>, limit: u64) -> Result<Page> {
    let mut rows = scope.find::<product::Entity>().filter(product::Column::ArchivedAt.is_null()).filter(product::Column::IsActive.eq(true));
    for prefix in fold(filter.words.as_deref().unwrap_or_default()).split(' ').filter(|word| !word.is_empty()).take(6) {
        // A prefix is a range, which stays an index scan behind row-level security where LIKE does not.
        let found = scope
            .find_company_wide::<word::Entity>()
            .select_only()
            .column(word::Column::ProductId)
            .filter(word::Column::Word.gte(prefix))
            .filter(word::Column::Word.lt(format!("{prefix}\u{10ffff}")));
        rows = rows.filter(product::Column::Id.in_subquery(found.into_query()));
    }
    if let Some(slug) = &filter.category {
        rows = rows.filter(product::Column::CategoryId.is_in(subtree(scope, slug).await?));
    }
    if let Some(brand) = filter.brand {
        rows = rows.filter(product::Column::BrandId.eq(brand));
    }
    if let Some(shop) = filter.shop {
        rows = rows.filter(Condition::any().add(product::Column::ShopId.is_null()).add(product::Column::ShopId.eq(shop)));
    }
    if filter.price_min.is_some() || filter.price_max.is_some() {
        let priced = scope
            .find_company_wide::<variant::Entity>()
            .select_only()
            .column(variant::Column::ProductId)
            .filter(variant::Column::ArchivedAt.is_null())
            .filter(variant::Column::Price.gte(filter.price_min.unwrap_or(0)))
            .filter(variant::Column::Price.lte(filter.price_max.unwrap_or(i64::MAX)));
        rows = rows.filter(product::Column::Id.in_subquery(priced.into_query()));
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
    let (column, descending) = match sort {
        Sort::Newest => (product::Column::CreatedAt, true),
        Sort::PriceUp => (product::Column::PriceFrom, false),
        Sort::PriceDown => (product::Column::PriceFrom, true),
        Sort::Popularity => (product::Column::Popularity, true),
    };
    if let Some(after) = after {
        let (beyond, id_beyond) = if descending {
            (column.lt(after.figure), product::Column::Id.lt(after.id))
        } else {
            (column.gt(after.figure), product::Column::Id.gt(after.id))
        };
        rows = rows.filter(Condition::any().add(beyond).add(Condition::all().add(column.eq(after.figure)).add(id_beyond)));
    }
    rows = if descending {
        rows.order_by_desc(column).order_by_desc(product::Column::Id)
    } else {
        rows.order_by_asc(column).order_by_asc(product::Column::Id)
    };
    let mut products = scope.all(rows.limit(limit + 1)).await?;
    let more = products.len() as u64 > limit;
    products.truncate(usize::try_from(limit).unwrap_or(100));
    let next = products.last().filter(|_| more).map(|last| Position {
        figure: match sort {
            Sort::Newest => last.created_at.micros(),
            Sort::PriceUp | Sort::PriceDown => last.price_from.0,
            Sort::Popularity => last.popularity,
        },
        id: last.id,
    });
    Ok(Page { products, next })
}

/// A category and all below it.
async fn subtree(scope: &Scope, slug: &str) -> Result<Vec<CategoryId>> {
    let all = scope.all(scope.find::<category::Entity>()).await?;
    let mut inside: Vec<_> = all.iter().filter(|one| one.slug == slug).map(|one| one.id).collect();
    let mut level = inside.clone();
    while !level.is_empty() {
        level = all.iter().filter(|one| one.parent_id.is_some_and(|parent| level.contains(&parent))).map(|one| one.id).collect();
        inside.extend(&level);
    }
    Ok(inside)
}
