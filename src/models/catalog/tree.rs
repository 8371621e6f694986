//! The order of the tree: where a category lies among its neighbours, and what becomes of what lay
//! in one that goes.

use std::cmp::Ordering;

use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{Category, categories, category, organise::ensure_above, product, products::tell};
use crate::{
    clock,
    errors::{Error, Result},
    ids::CategoryId,
    tenancy::Scope,
};

/// So many products are hung elsewhere in one unit; whoever has more moves them by the list first.
const PRODUCTS_MAX: u64 = 2_000;

/// Which way a category is moved among its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// As people put them; those that nobody put anywhere come last, by name.
pub(super) fn in_order(one: &Category, other: &Category) -> Ordering {
    let place = |category: &Category| (category.position.unwrap_or(i64::MAX), category.slug.clone());
    place(one).cmp(&place(other))
}

/// Moves a category one place among those that lie beside it; at the end it stays.
///
/// # Errors
/// 404 when it is not there.
pub async fn move_category(scope: &Scope, id: CategoryId, way: Way) -> Result<()> {
    let tree = categories(scope).await?;
    let parent = tree.iter().find(|one| one.id == id).ok_or(Error::NOT_FOUND)?.parent_id;
    let mut beside: Vec<_> = tree.iter().filter(|one| one.parent_id == parent).collect();
    let at = beside.iter().position(|one| one.id == id).ok_or(Error::NOT_FOUND)?;
    let to = match way {
        Way::Up => at.saturating_sub(1),
        Way::Down => std::cmp::min(at + 1, beside.len() - 1),
    };
    if to == at {
        return Ok(());
    }
    beside.swap(at, to);
    for (place, one) in (0_i64..).zip(beside).filter(|(place, one)| one.position != Some(*place)) {
        let update = scope
            .update::<category::Entity>()
            .col_expr(category::Column::Position, Expr::value(Some(place)))
            .filter(category::Column::Id.eq(one.id));
        scope.run(update).await?;
    }
    scope.audit("move", "category", id, None, vec![("position", json!(at), json!(to))]).await
}

/// How many products lie in a category itself, counted no further than can be moved at once.
///
/// # Errors
/// When the database cannot be reached.
pub async fn products_in(scope: &Scope, id: CategoryId) -> Result<u64> {
    scope.count_to(scope.find::<product::Entity>().filter(product::Column::CategoryId.eq(id)), PRODUCTS_MAX + 1).await
}

/// Takes away a category, and hangs its products and the categories below it into another, or with
/// nothing into none.
///
/// # Errors
/// 404; 422 for a target that is not there; 409 `category_cycle` for one that lies below it,
/// `too_many_products` when they are more than one unit can move.
pub async fn dissolve_category(scope: &Scope, id: CategoryId, into: Option<CategoryId>) -> Result<()> {
    let tree = categories(scope).await?;
    let gone = tree.iter().find(|one| one.id == id).ok_or(Error::NOT_FOUND)?;
    if let Some(into) = into {
        ensure_above(&tree, id, into)?;
    }
    if products_in(scope, id).await? > PRODUCTS_MAX {
        return Err(Error::conflict("too_many_products", "too many products lie in it", json!({ "limit": PRODUCTS_MAX })));
    }
    let hang = scope
        .update::<product::Entity>()
        .col_expr(product::Column::CategoryId, Expr::value(into))
        .col_expr(product::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(product::Column::Version, Expr::col(product::Column::Version).add(1))
        .filter(product::Column::CategoryId.eq(id));
    for row in scope.run_returning(hang).await? {
        tell(scope, "update", &row, vec![("categoryId", json!(id), json!(into))]).await?;
    }
    for below in tree.iter().filter(|one| one.parent_id == Some(id)) {
        let hang = scope
            .update::<category::Entity>()
            .col_expr(category::Column::ParentId, Expr::value(into))
            .col_expr(category::Column::Version, Expr::col(category::Column::Version).add(1))
            .filter(category::Column::Id.eq(below.id));
        scope.run(hang).await?;
        scope.audit("update", "category", below.id, None, vec![("parentId", json!(id), json!(into))]).await?;
    }
    scope.remove(scope.delete::<category::Entity>().filter(category::Column::Id.eq(id))).await?;
    scope.audit("delete", "category", id, None, vec![("name", json!(gone.name), json!(null))]).await
}
