//! What was said about a debt, and what was promised.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::{
    clock::Instant,
    ids::{CompanyId, DebtId, DebtNoteId},
    money::Money,
    tenancy::owned,
};

/// What became of a promise to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    Open,
    Kept,
    Broken,
}

impl Promise {
    /// A promise is kept when as much as was promised came in since; broken when its day is over.
    #[must_use]
    pub const fn of(is_met: bool, is_over: bool) -> Self {
        match (is_met, is_over) {
            (true, _) => Self::Kept,
            (false, true) => Self::Broken,
            (false, false) => Self::Open,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "collection_notes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DebtNoteId,
    pub debt_id: DebtId,
    pub text: String,
    pub by_name: String,
    pub promise: Option<Promise>,
    pub promised_on: Option<NaiveDate>,
    /// The last day on which consequences wait; nothing once that day is over.
    pub defers_until: Option<NaiveDate>,
    pub promised_amount: Option<Money>,
    pub actor_id: Option<Uuid>,
    /// What was paid of the debt when it was written.
    pub paid_before: Money,
    pub created_at: Instant,
}

owned!();
