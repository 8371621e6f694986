//! The contract of the API, as its clients see it.

mod account;
mod audit;
mod cart;
mod codes;
mod description;
mod docs;
mod hosts;
mod limits;
mod orders;
mod oversight;
mod payments;
mod requests;
mod sessions;
mod shelf;
mod tax;
mod translated;
