//! Every prefix on one screen.

pub mod api;
mod described;
pub mod export;
pub mod extract;
mod layers;
mod media;
mod objects;
pub mod once;
pub mod page;
pub mod portal;
mod r#static;
mod steward;

use crate::endpoints::Endpoint;

pub use self::{layers::outer, portal::not_found};

/// Every endpoint of the building.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [
        api::operations::endpoints(),    // /health, /api/health/all, /api/openapi.json
        api::auth::endpoints(),          // /api/auth
        api::account::endpoints(),       // /api/auth/profile, addresses, preferences
        api::companies::endpoints(),     // /api/companies
        api::plans::endpoints(),         // /api/companies/plans, /api/companies/{id}/subscription
        api::shops::endpoints(),         // /api/shops
        api::users::endpoints(),         // /api/users
        api::roles::endpoints(),         // /api/roles
        api::catalog::endpoints(),       // /api/products, read
        api::products::endpoints(),      // /api/products, written
        api::organise::endpoints(),      // /api/categories, /api/brands, /api/attributes
        api::cart::endpoints(),          // /api/cart
        api::wishlist::endpoints(),      // /api/wishlist
        api::orders::endpoints(),        // /api/orders
        api::payments::endpoints(),      // /api/payments
        api::books::endpoints(),         // /api/payments/books
        api::debts::endpoints(),         // /api/debts
        api::inventory::endpoints(),     // /api/inventory
        api::shelf::endpoints(),         // /api/stock-counts, goods that come in, losses
        api::notifications::endpoints(), // /api/notifications
        api::audit::endpoints(),         // /api/audit
        media::endpoints(),              // /media
        portal::endpoints(),             // /, /sign-in, /company, /shop
        r#static::endpoints(),           // /static
    ]
    .concat()
}
