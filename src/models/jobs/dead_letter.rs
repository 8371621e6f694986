//! What could not be done, kept to be looked at and replayed.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dead_letters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub source: String,
    pub error: String,
    pub subject_id: Uuid,
    pub created_at: Instant,
    pub replayed_at: Option<Instant>,
    pub discarded_at: Option<Instant>,
}

owned!();
