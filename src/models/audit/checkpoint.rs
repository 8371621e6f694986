//! The chain's head at a moment, or where it begins since older entries were let go, authenticated; the file outside the database is the witness, this is a copy.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_checkpoints")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    /// `head` or `start`.
    pub kind: String,
    pub hash: String,
    pub mac: String,
    pub number: i64,
    pub created_at: Instant,
}

owned!();
