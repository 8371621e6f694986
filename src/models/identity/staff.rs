//! A person of the platform; what they may do hangs on memberships.

use sea_orm::entity::prelude::*;

use crate::{clock::Instant, ids::StaffId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StaffId,
    pub email: String,
    pub name: String,
    pub sort_name: String,
    pub password: String,
    pub language: String,
    pub theme: String,
    pub phone: Option<String>,
    pub is_super_admin: bool,
    /// When the platform shut them out of every company.
    pub banned_at: Option<Instant>,
    pub banned_reason: Option<String>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
