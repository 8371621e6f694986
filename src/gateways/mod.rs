//! What talks to the world, behind one trait each.

pub mod mail;
pub mod payments;
