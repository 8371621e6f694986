//! A message on its way through one channel.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, NotificationId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_deliveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub notification_id: NotificationId,
    pub channel: String,
    pub state: String,
    pub recipient: String,
    pub attempts: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

owned!();
