//! The JSON API. Handlers ask, act, answer.

pub mod account;
pub mod audit;
pub mod auth;
pub mod books;
pub mod cart;
pub mod catalog;
pub mod companies;
pub mod debts;
pub mod inventory;
pub mod notifications;
pub mod operations;
pub mod orders;
pub mod organise;
pub mod payments;
pub mod plans;
pub mod products;
pub mod roles;
pub mod shelf;
pub mod shops;
pub mod users;
pub mod wishlist;
