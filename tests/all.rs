//! The tests, in one binary: the API as its clients see it, races, and the walls between companies.
#![expect(clippy::disallowed_methods, reason = "tests stand outside the walls")]

mod api;
mod races;
mod support;
mod walls;
