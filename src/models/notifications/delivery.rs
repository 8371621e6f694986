//! A message on its way through one channel.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, DeviceId, NotificationId, RowId},
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
    /// Where it goes, hinted: the address itself is the person's, and read when it is sent.
    pub recipient: String,
    /// Why it is in this state, by a code.
    pub reason: String,
    /// The provider's own id of it.
    pub provider_id: Option<String>,
    pub device_id: Option<DeviceId>,
    pub attempts: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
    /// When the try began of which the answer is not known yet.
    pub begun_at: Option<Instant>,
    pub sent_at: Option<Instant>,
}

owned!();

/// How far a message is on its way.
pub mod state {
    pub const QUEUED: &str = "queued";
    /// Given to the provider; its answer is not known yet.
    pub const SENDING: &str = "sending";
    /// The provider has it.
    pub const SENT: &str = "sent";
    /// The provider says that the person has it.
    pub const DELIVERED: &str = "delivered";
    pub const FAILED: &str = "failed";
    /// There was no way: the channel is not set up, or there is no address.
    pub const SKIPPED: &str = "skipped";
    /// There is nobody at that address.
    pub const BOUNCED: &str = "bounced";

    pub const ALL: [&str; 7] = [QUEUED, SENDING, SENT, DELIVERED, FAILED, SKIPPED, BOUNCED];
}
