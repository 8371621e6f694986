//! A company's books as programs and spreadsheets see them.

use serde_json::{Value, json};

use crate::{
    errors::Result,
    models::ledger::{Balance, Books},
};

/// The columns of a file.
pub const COLUMNS: [&str; 7] = ["month", "account", "currency", "opening", "debit", "credit", "closing"];

/// A month of the books.
///
/// # Errors
/// When a sum leaves 64 bits.
pub fn books(books: &Books) -> Result<Value> {
    Ok(json!({
        "month": books.month.to_string(), "from": books.from, "until": books.until,
        "isClosed": books.closed_at.is_some(), "closedAt": books.closed_at,
        "accounts": books.balances.iter().map(account).collect::<Result<Vec<_>>>()?,
    }))
}

/// An account in a month; a balance below zero is a credit.
///
/// # Errors
/// When the sum leaves 64 bits.
pub fn account(balance: &Balance) -> Result<Value> {
    Ok(json!({
        "account": balance.account, "currency": balance.currency, "opening": balance.opening,
        "debit": balance.debit, "credit": balance.credit, "closing": balance.closing()?,
    }))
}

/// The same as a row of a file.
///
/// # Errors
/// When the sum leaves 64 bits.
pub fn cells(month: &str, balance: &Balance) -> Result<Vec<String>> {
    let figures = [balance.opening, balance.debit, balance.credit, balance.closing()?];
    let named = [month.to_owned(), balance.account.name().to_owned(), balance.currency.clone()];
    Ok(named.into_iter().chain(figures.map(crate::money::Money::plain)).collect())
}
