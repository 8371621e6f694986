//! A device that takes push messages for a person.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, CustomerId, DeviceId, MemberId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "push_devices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeviceId,
    pub customer_id: Option<CustomerId>,
    pub member_id: Option<MemberId>,
    /// FCM's registration token: the address of the app on the device.
    pub token: String,
    pub platform: String,
    pub created_at: Instant,
    pub updated_at: Instant,
}

owned!();
