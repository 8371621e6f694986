//! One folder per domain; its `mod.rs` is its face. A domain calls lower tiers only:
//! who (`identity`, `companies`, `plans`, `shops`), what (`catalog`), about what (`inventory`, `ledger`),
//! how (`carts`, `payments`, `debts`), the deal (`orders`), listeners (`notifications`).
//! `audit`, `outbox`, `jobs` and `idempotency` belong to the kernel.

pub mod audit;
pub mod carts;
pub mod catalog;
pub mod companies;
pub mod debts;
pub mod figures;
pub mod health;
pub mod idempotency;
pub mod identity;
pub mod inventory;
pub mod jobs;
pub mod ledger;
pub mod notifications;
pub mod orders;
pub mod outbox;
pub mod payments;
pub mod personal;
pub mod plans;
pub mod saved_views;
pub mod shops;
pub mod verify;
