//! A person's word on one channel for one class of messages.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, CustomerId, MemberId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_choices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub customer_id: Option<CustomerId>,
    pub member_id: Option<MemberId>,
    pub class: String,
    pub channel: String,
    pub is_on: bool,
    pub updated_at: Instant,
}

owned!();
