//! Every prefix on one screen.

pub mod api;
pub mod extract;
mod layers;
pub mod once;
pub mod page;
mod portal;
mod r#static;

use crate::endpoints::Endpoint;

pub use self::{layers::outer, portal::not_found};

/// Every endpoint of the building.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [
        api::operations::endpoints(),    // /health, /api/health/all, /api/openapi.json
        api::auth::endpoints(),          // /api/auth
        api::companies::endpoints(),     // /api/companies
        api::shops::endpoints(),         // /api/shops
        api::catalog::endpoints(),       // /api/products, /api/categories, /api/brands
        api::cart::endpoints(),          // /api/cart
        api::orders::endpoints(),        // /api/orders
        api::payments::endpoints(),      // /api/payments
        api::inventory::endpoints(),     // /api/inventory
        api::notifications::endpoints(), // /api/notifications
        api::audit::endpoints(),         // /api/audit
        portal::endpoints(),             // /, /sign-in, /company, /shop
        r#static::endpoints(),           // /static
    ]
    .concat()
}
