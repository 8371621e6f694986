//! A signed-in browser or client of a staff person.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, MemberId, SessionId, StaffId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub staff_id: StaffId,
    pub company_id: Option<CompanyId>,
    pub kind: String,
    /// SHA-256 of the cookie.
    pub token: String,
    pub ip_address: String,
    pub user_agent: String,
    pub created_at: Instant,
    pub expires_at: Instant,
    pub revoked_at: Option<Instant>,
    /// The company that a super admin acts in with this session, in which admin's place, until when and why.
    pub acting_company_id: Option<CompanyId>,
    pub acting_member_id: Option<MemberId>,
    pub acting_until: Option<Instant>,
    pub acting_reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
