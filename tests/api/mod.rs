//! The contract of the API, as its clients see it.

mod orders;
mod payments;
mod requests;
mod sessions;
