//! The door to notifications: the sender.

use serde::Deserialize;

use crate::{
    errors::{Error, Result},
    ids::RowId,
    models::{jobs::Job, notifications},
    tenancy::Souk,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliverArgs {
    delivery_id: RowId,
}

/// Sends one message by one channel.
pub(super) async fn deliver(souk: &Souk, job: &Job) -> Result<()> {
    let args: DeliverArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    notifications::deliver(souk, job, args.delivery_id).await
}
