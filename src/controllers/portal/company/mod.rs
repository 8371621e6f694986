//! The company portal.

mod attributes;
pub(super) mod audit;
mod books;
mod brands;
mod categories;
mod customers;
pub(super) mod debts;
mod home;
mod inventory;
pub(super) mod notifications;
pub(super) mod order;
mod orders;
mod products;
mod roles;
mod settings;
mod shops;
mod staff;

use crate::endpoints::Endpoint;

/// Every page of the company portal.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        home::endpoints(),
        orders::endpoints(),
        order::endpoints(),
        customers::endpoints(),
        products::endpoints(),
        categories::endpoints(),
        brands::endpoints(),
        attributes::endpoints(),
        inventory::endpoints(),
        shops::endpoints(),
        notifications::endpoints(),
        staff::endpoints(),
        roles::endpoints(),
        settings::endpoints(),
        debts::endpoints(),
        books::endpoints(),
        audit::endpoints(),
    ]
    .concat()
}
