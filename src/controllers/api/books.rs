//! `/api/payments/books`: what the accounts of the company's ledger came to in a month.

use axum::Json as Answer;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    controllers::extract::Query,
    endpoints::{Endpoint, api::get},
    errors::{Error, Result},
    models::ledger::{self, Month},
    tenancy::{Access, roles::BooksRead},
    views::ledger as view,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Such as `2026-11`; without it the present one, on the company's calendar.
    #[schemars(extend("pattern" = "^\\d{4}-\\d{2}$"))]
    month: Option<String>,
}

/// The month of an address.
///
/// # Errors
/// 422 for what is no month.
pub(in crate::controllers) fn month(text: &str) -> Result<Month> {
    Month::parse(text).ok_or_else(|| Error::invalid("month", "invalid", "a month, such as 2026-11"))
}

async fn books(access: Access<BooksRead>, Query(asked): Query<Asked>) -> Result<Answer<Value>> {
    let month = asked.month.as_deref().map(month).transpose()?;
    let scope = access.read_company().await?;
    Ok(Answer(view::books(&ledger::balances(&scope, month).await?)?))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![get::<BooksRead, _>("/api/payments/books", "The company's accounts in a month", books).answers(200, "Books")]
}
