//! A step of collection that was taken; written once, and once for an instalment.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use super::steps::Step;
use crate::{
    clock::Instant,
    ids::{CompanyId, DebtId, InstalmentId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "debt_steps")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub debt_id: DebtId,
    pub instalment_id: InstalmentId,
    pub step: Step,
    /// Whether somebody was told: of steps that are caught up together only the last one is.
    pub is_told: bool,
    pub taken_on: NaiveDate,
    pub created_at: Instant,
}

owned!();
