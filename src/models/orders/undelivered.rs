//! A parcel that could not be handed over: the goods go back on the shelf and the money to the
//! customer, in one unit.

use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};

use super::{
    cancel::{Worth, end, lock_checkout, lock_order, return_money},
    item, list, order,
    status::Status,
};
use crate::{
    errors::{Error, Result},
    models::inventory::{self, Demand},
    tenancy::Scope,
};

/// Takes back an order that was on its way, whole.
///
/// # Errors
/// 409 `invalid_transition` for the loser of a race, `payment_in_progress`; 412 when `version`
/// is no longer the order's.
pub(super) async fn take_back(scope: &Scope, before: &order::Model, reason: &str, version: Option<i64>) -> Result<order::Model> {
    let (id, shop) = (before.id, before.shop_id);
    lock_checkout(scope, before).await?;
    let items = list::items_of(scope, &[id]).await?.remove(&id).unwrap_or_default();
    let variants: Vec<_> = items.iter().map(|item| item.variant_id).collect();
    inventory::lock_of_shop(scope, shop, &variants).await?;
    let held = lock_order(scope, before, Status::Returned).await?;
    if version.is_some_and(|version| held.version != version + 1) {
        return Err(Error::Stale);
    }
    let mut worth = Worth::default();
    let mut back = Vec::new();
    for item in items.iter().filter(|item| item.quantity_shipped > 0) {
        let take = scope
            .update::<item::Entity>()
            .col_expr(item::Column::QuantityReturned, Expr::value(item.quantity_shipped))
            .filter(item::Column::Id.eq(item.id))
            .filter(item::Column::QuantityReturned.eq(0));
        if scope.run(take).await? != 1 {
            return Err(before.status.refuse(Status::Returned));
        }
        worth.add(item, item.quantity_cancelled, item.quantity_cancelled + item.quantity_shipped)?;
        back.push(Demand { variant: item.variant_id, shop, quantity: item.quantity_shipped });
    }
    inventory::restock(scope, id, &back, "return").await?;
    return_money(scope, before, worth, "return", reason).await?;
    end(scope, before, Status::Returned, "take_back", reason).await?;
    list::get(scope, id).await
}
