//! When a recurring task is next due.

use sea_orm::entity::prelude::*;

use crate::{clock::Instant, ids::RowId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "schedules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub name: String,
    pub every_seconds: i64,
    pub next_at: Instant,
    /// When it last had something to do.
    pub last_at: Option<Instant>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
