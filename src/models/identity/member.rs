//! A person's place in one company.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, MemberId, StaffId},
    tenancy::owned,
};

/// Somebody of the company's staff.
pub const STAFF: &str = "staff";
/// One of the platform's people who acted in the company: what they changed points here.
pub const PLATFORM: &str = "platform";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MemberId,
    pub staff_id: StaffId,
    /// [`STAFF`] or [`PLATFORM`].
    pub kind: String,
    pub name: String,
    pub sort_name: String,
    pub email: String,
    pub is_active: bool,
    /// When they first came; nothing while an invitation waits.
    pub joined_at: Option<Instant>,
    /// Sessions begun before are over.
    pub sessions_from: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
