//! What leaves the building: the shapes of JSON, and pages.

pub mod audit;
pub mod catalog;
pub mod companies;
pub mod inventory;
pub mod mail;
pub mod orders;
pub mod payments;
pub mod shops;
pub mod templates;
