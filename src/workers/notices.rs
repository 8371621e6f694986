//! Doors to notifications: the listener on the log, and the sender.

use serde::Deserialize;

use crate::{
    errors::{Error, Result},
    gateways::mail,
    ids::RowId,
    models::{
        jobs::{self, Job},
        notifications, outbox,
    },
    tenancy::{Souk, Tenant},
};

const NAME: &str = "notices";
/// Events between two looks at the jobs.
const EVENTS: u64 = 50;

/// Reads the log and tells people; false when there was nothing new.
pub(super) async fn listen(souk: &Souk) -> Result<bool> {
    let platform = souk.platform("relay").await?;
    let events = outbox::next(&platform, NAME, EVENTS).await?;
    platform.commit().await?;
    for event in &events {
        if event.aggregate_type != "order" {
            continue;
        }
        let scope = souk.write(Tenant::system(event.company_id)).await?;
        match notifications::tell(&scope, event).await {
            Ok(()) => scope.commit().await?,
            // An event that cannot be told must not hold up those behind it.
            Err(error) => {
                drop(scope);
                let scope = souk.write(Tenant::system(event.company_id)).await?;
                jobs::bury(&scope, NAME, event.id.0, &error.to_string()).await?;
                scope.commit().await?;
            }
        }
    }
    let Some(last) = events.iter().filter_map(|event| event.position).max() else { return Ok(false) };
    let platform = souk.platform("relay").await?;
    outbox::advance(&platform, NAME, last).await?;
    platform.commit().await?;
    Ok(true)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliverArgs {
    delivery_id: RowId,
}

/// Sends one e-mail; at least once, under one message id.
pub(super) async fn deliver(souk: &Souk, job: &Job) -> Result<()> {
    let args: DeliverArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let scope = souk.read(Tenant::system(job.company_id)).await?;
    let (delivery, text) = notifications::delivery(&scope, args.delivery_id).await?;
    drop(scope);
    if delivery.state == "queued" {
        mail::send(souk.settings(), &delivery.id.to_string(), &delivery.recipient, &text.title, &text.body).await?;
    }
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    notifications::mark(&scope, args.delivery_id, "sent").await?;
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}
