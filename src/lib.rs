//! Souk: a multi-tenant commerce and inventory platform. `ARCHITECTURE.md` is the map.

pub mod app;
pub mod bell;
pub mod clock;
pub mod codes;
pub mod controllers;
pub mod endpoints;
pub mod errors;
pub mod events;
pub mod failpoint;
pub mod figures;
pub mod gateways;
pub mod given;
pub mod ids;
pub mod keyset;
pub mod models;
pub mod money;
pub mod settings;
pub mod tasks;
pub mod tenancy;
pub mod translated;
pub mod views;
pub mod words;
pub mod workers;
