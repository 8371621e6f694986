//! What is done from the command line.

pub mod admin;
pub mod demo;
