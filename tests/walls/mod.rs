//! The walls between companies and around the audit.

mod audit;
mod audited;
mod doors;
mod house;
mod lapsed;
mod matrix;
mod ratchet;
mod rows;
mod schema;
mod steps;
