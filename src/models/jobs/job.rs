//! Work with its own retry.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CompanyId, JobId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    pub queue: String,
    pub kind: String,
    pub state: String,
    pub unique_key: String,
    pub last_error: String,
    pub args: Value,
    pub attempts: i64,
    pub run_at: Instant,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub lease: Option<Uuid>,
    pub lease_until: Option<Instant>,
}

owned!();
