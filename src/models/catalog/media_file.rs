//! A stored file of the company, however many products show it.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, FileId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_files")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FileId,
    pub storage_key: String,
    /// `jpg` or `webp`.
    pub kind: String,
    /// `kept`, or `dying` while nobody shows it any more and it is being taken away.
    pub state: String,
    pub bytes: i64,
    pub width: i64,
    pub height: i64,
    pub created_at: Instant,
    /// When somebody last uploaded it.
    pub touched_at: Instant,
}

owned!();
