//! What leaves the building: the shapes of JSON, and pages.

pub mod account;
pub mod answers;
pub mod audit;
pub mod audited;
pub mod catalog;
pub mod charts;
pub mod companies;
pub mod dates;
pub mod debts;
pub mod docs;
pub mod inventory;
pub mod ledger;
pub mod mail;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod personal;
pub mod plans;
pub mod shops;
pub mod templates;
pub mod users;
