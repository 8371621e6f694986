//! Who sees what of the catalogue. What is on sale is everybody's; drafts, archived goods and costs
//! are for those who write goods, and of a shop's own goods for those who do so at that shop.

use sea_orm::{ColumnTrait, Condition};

use super::product;
use crate::{
    ids::ShopId,
    tenancy::{
        Permission, Scope, Tenant,
        roles::{ProductsUpdate, ProductsWrite},
    },
};

/// Goods of the whole company and of the shops where the caller writes goods; nothing when they
/// write those of every shop.
pub(super) fn handled(scope: &Scope) -> Option<Condition> {
    let shops = scope.tenant().shops_where(ProductsUpdate::NAME)?;
    let own = Condition::any();
    let own = if shops.is_empty() { own } else { own.add(product::Column::ShopId.is_null()) };
    Some(own.add(product::Column::ShopId.is_in(shops)))
}

/// What is on sale, and the drafts that the caller handles.
pub(super) fn visible(scope: &Scope) -> Option<Condition> {
    handled(scope).map(|handled| handled.add(product::Column::IsActive.eq(true)))
}

/// Whether somebody may know what the company pays for goods that one shop alone sells, or all do.
#[must_use]
pub fn knows_cost(tenant: &Tenant, shop: Option<ShopId>) -> bool {
    match shop {
        Some(shop) => tenant.may_at(ProductsWrite::NAME, Some(shop)),
        None => tenant.may(ProductsWrite::NAME),
    }
}
