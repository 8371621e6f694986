//! How far a consumer has read the log.

use sea_orm::entity::prelude::*;

use crate::{clock::Instant, ids::RowId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consumer_cursors")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub name: String,
    pub position: i64,
    pub failures: i64,
    pub updated_at: Instant,
    /// The process that publishes from here, while its time has not run out.
    pub holder: Option<RowId>,
    pub held_until: Option<Instant>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
