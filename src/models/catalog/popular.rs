//! How much goods are asked for: a figure that whoever counts sales writes beside each product.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, FromQueryResult, QueryFilter, QuerySelect, sea_query::Expr};

use super::product;
use crate::{errors::Result, ids::ProductId, tenancy::Scope};

#[derive(FromQueryResult)]
struct Figure {
    id: ProductId,
    popularity: i64,
}

/// The products that have a figure.
///
/// # Errors
/// When the database cannot be reached.
pub async fn popular(scope: &Scope) -> Result<BTreeMap<ProductId, i64>> {
    let rows = scope.find::<product::Entity>().filter(product::Column::Popularity.gt(0)).select_only();
    let rows = rows.column(product::Column::Id).column(product::Column::Popularity);
    Ok(scope.all_as::<Figure, _>(rows).await?.into_iter().map(|row| (row.id, row.popularity)).collect())
}

/// Writes one figure beside some products. It is no change of theirs: their version stays.
///
/// # Errors
/// When the database cannot be reached.
pub async fn set_popularity(scope: &Scope, products: &[ProductId], figure: i64) -> Result<()> {
    let update = scope
        .update::<product::Entity>()
        .col_expr(product::Column::Popularity, Expr::value(figure))
        .filter(product::Column::Id.is_in(products.iter().copied()));
    scope.run(update).await.map(|_| ())
}
