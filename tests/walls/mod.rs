//! The walls between companies and around the audit.

mod audit;
mod matrix;
mod rows;
