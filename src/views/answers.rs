//! What the JSON API answers: the shapes by name, and the words that the domains choose from.

use crate::{
    models::{companies, debts, identity::Presence, inventory, ledger, notifications, orders, shops},
    tenancy::Role,
};

/// The shapes, in the notation of `src/endpoints/notation.rs`.
pub const SHAPES: &str = include_str!("answers.yaml");

/// Words of the domains that the shapes name.
#[must_use]
pub fn words() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("CompanyStatus", companies::STATES.to_vec()),
        ("DebtStage", debts::Step::ALL.map(debts::Step::name).to_vec()),
        ("DebtStatus", debts::Status::ALL.map(debts::Status::name).to_vec()),
        ("DeliveryState", notifications::state::ALL.to_vec()),
        ("LedgerAccount", ledger::Account::ALL.map(ledger::Account::name).to_vec()),
        ("MovementKind", inventory::KINDS.to_vec()),
        ("OrderPaymentStatus", orders::PAYMENT_STATES.to_vec()),
        ("PersonState", Presence::ALL.map(Presence::name).to_vec()),
        ("Role", Role::ALL.map(Role::name).to_vec()),
        ("ShopKind", shops::KINDS.to_vec()),
    ]
}
