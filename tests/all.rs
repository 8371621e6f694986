//! The tests, in one binary: the API as its clients see it, races, and the walls between companies.
#![expect(clippy::disallowed_methods, reason = "tests stand outside the walls")]
#![expect(clippy::expect_used, reason = "a test that is surprised has failed")]

mod admin;
mod api;
mod books;
mod catalog;
mod cost;
mod debts;
mod hostile;
mod inventory;
mod notifications;
mod people;
mod portals;
mod races;
mod support;
mod walls;
mod work;
