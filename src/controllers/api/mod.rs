//! The JSON API. Handlers ask, act, answer.

pub mod audit;
pub mod auth;
pub mod cart;
pub mod catalog;
pub mod companies;
pub mod inventory;
pub mod notifications;
pub mod operations;
pub mod orders;
pub mod payments;
pub mod shops;
