//! Forgetting what was written to a customer, and to others about their orders.

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{choice, delivery, device, notification};
use crate::{
    errors::Result,
    ids::{CustomerId, OrderId},
    tenancy::Scope,
};

/// What was written to a customer, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn written_to(scope: &Scope, id: CustomerId, limit: u64) -> Result<Vec<notification::Model>> {
    let rows = scope.find::<notification::Entity>().filter(notification::Column::CustomerId.eq(id));
    scope.all(rows.order_by_desc(notification::Column::DueAt).order_by_desc(notification::Column::Id).limit(limit)).await
}

/// # Errors
/// When the database cannot be reached.
pub async fn forget_customer(scope: &Scope, id: CustomerId, orders: &[OrderId]) -> Result<()> {
    remove(scope, Condition::all().add(notification::Column::CustomerId.eq(id))).await?;
    for some in orders.chunks(500) {
        let about = notification::Column::SubjectId.is_in(some.iter().map(|order| order.0));
        remove(scope, Condition::all().add(about)).await?;
    }
    scope.remove(scope.delete::<choice::Entity>().filter(choice::Column::CustomerId.eq(id))).await?;
    scope.remove(scope.delete::<device::Entity>().filter(device::Column::CustomerId.eq(id))).await.map(|_| ())
}

async fn remove(scope: &Scope, these: Condition) -> Result<()> {
    let ids = scope.find::<notification::Entity>().filter(these.clone()).select_only().column(notification::Column::Id).into_query();
    scope.remove(scope.delete::<delivery::Entity>().filter(delivery::Column::NotificationId.in_subquery(ids))).await?;
    scope.remove(scope.delete::<notification::Entity>().filter(these)).await.map(|_| ())
}
