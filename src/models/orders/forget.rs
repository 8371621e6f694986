//! Forgetting whose orders they were: what was sold, and for how much, stays.

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, sea_query::Expr};
use serde_json::json;

use super::{event, order};
use crate::{
    errors::Result,
    ids::{CustomerId, OrderId},
    tenancy::Scope,
};

/// Empties what a customer's orders say of them; gives the orders.
///
/// # Errors
/// When the database cannot be reached.
pub async fn forget_customer(scope: &Scope, id: CustomerId) -> Result<Vec<OrderId>> {
    let ids = scope.find_company_wide::<order::Entity>().filter(order::Column::CustomerId.eq(id)).select_only().column(order::Column::Id);
    let ids: Vec<_> = scope.all_as::<Row, _>(ids).await?.into_iter().map(|row| row.id).collect();
    let update = scope
        .update::<order::Entity>()
        .col_expr(order::Column::CustomerName, Expr::value("Erased customer"))
        .col_expr(order::Column::SearchText, Expr::value(""))
        .col_expr(order::Column::ShippingAddress, Expr::value(json!({})))
        .col_expr(order::Column::BillingAddress, Expr::value(json!({})))
        .col_expr(order::Column::Notes, Expr::value(""))
        .filter(order::Column::CustomerId.eq(id));
    scope.run(update).await?;
    for some in ids.chunks(500) {
        // What people wrote beside an order may name whom it was for.
        let notes = scope.update::<event::Entity>().col_expr(event::Column::Note, Expr::value(""));
        scope.run(notes.filter(event::Column::OrderId.is_in(some.iter().copied()))).await?;
    }
    let theirs = scope.update::<event::Entity>().col_expr(event::Column::ByName, Expr::value(""));
    scope.run(theirs.filter(event::Column::ActorId.eq(id.0))).await?;
    Ok(ids)
}

#[derive(sea_orm::FromQueryResult)]
struct Row {
    id: OrderId,
}
