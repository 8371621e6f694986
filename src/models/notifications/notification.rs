//! A message to a person.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CompanyId, CustomerId, MemberId, NotificationId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NotificationId,
    pub customer_id: Option<CustomerId>,
    pub member_id: Option<MemberId>,
    pub class: String,
    pub template: String,
    pub title: String,
    pub body: String,
    pub data: Value,
    pub created_at: Instant,
    pub read_at: Option<Instant>,
}

owned!();
