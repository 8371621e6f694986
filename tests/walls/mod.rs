//! The walls between companies and around the audit.

mod audit;
mod house;
mod matrix;
mod rows;
