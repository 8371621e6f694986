//! What is done from the command line.

pub mod admin;
pub mod demo;
mod drawn;
mod dues;
pub mod large;
pub mod retain;
pub mod witness;
pub mod work;
