//! The walls between companies and around the audit.

mod audit;
mod audited;
mod columns;
mod doors;
mod filled;
mod forms;
mod house;
mod lapsed;
mod matrix;
mod production;
mod ratchet;
mod rows;
mod schema;
mod steps;
mod verify;
mod versions;
