//! Old messages go when their time is over.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};

use super::{delivery, notification};
use crate::{clock::Instant, errors::Result, tenancy::Scope};

/// Messages from before `before`.
fn over(scope: &Scope, before: Instant) -> Select<notification::Entity> {
    scope.find::<notification::Entity>().filter(notification::Column::CreatedAt.lt(before))
}

/// How many messages from before `before` may go.
pub async fn past(scope: &Scope, before: Instant) -> Result<u64> {
    scope.count(over(scope, before)).await
}

/// Lets go of messages from before `before` and of what became of them, up to two thousand; how many
/// there were.
pub async fn let_go(scope: &Scope, before: Instant) -> Result<u64> {
    let ids = over(scope, before).select_only().column(notification::Column::Id).order_by_asc(notification::Column::Id).limit(2_000);
    let ids = ids.into_query();
    let deliveries = scope.delete::<delivery::Entity>().filter(delivery::Column::NotificationId.in_subquery(ids.clone()));
    scope.remove(deliveries).await?;
    scope.remove(scope.delete::<notification::Entity>().filter(notification::Column::Id.in_subquery(ids))).await
}
