//! The address of a list, under the name that somebody gave it.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, MemberId, SavedViewId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "saved_views")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SavedViewId,
    pub member_id: MemberId,
    /// The list's page.
    pub path: String,
    /// Its filters, as in the address.
    pub query: String,
    pub name: String,
    pub created_at: Instant,
}

owned!();
