//! The shop terminal.

mod alerts;
mod orders;
mod stock;

use crate::{
    endpoints::Endpoint,
    errors::{Error, Result},
    ids::ShopId,
    models::shops::{self, Shop},
    tenancy::Scope,
};

/// The shop a screen is about: the one asked for, or the person's first; with those they may change to.
async fn shop_of(scope: &Scope, asked: Option<ShopId>) -> Result<(Vec<Shop>, Shop)> {
    let shops = shops::list(scope).await?;
    let shop = match asked {
        Some(id) => shops.iter().find(|shop| shop.id == id),
        None => shops.first(),
    };
    let shop = shop.cloned().ok_or(Error::NOT_FOUND)?;
    Ok((shops, shop))
}

/// Every screen of the shop terminal.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [orders::endpoints(), stock::endpoints(), alerts::endpoints()].concat()
}
