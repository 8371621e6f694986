//! The log told to RabbitMQ, in its order: read, published, and only then is the cursor moved. No
//! unit is open while RabbitMQ is spoken to, and nobody waits for it.

use std::time::Duration;

use metrics::counter;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::told;
use crate::{
    errors::{Error, Result},
    gateways::broker::{Address, Away, Broker, Letter},
    models::outbox::{self, BROKER, Logged},
    tenancy::Souk,
};

/// Rings within this time are one batch.
const COALESCE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts to reach RabbitMQ.
const PAUSE: Duration = Duration::from_secs(15);
/// How long it may take to be reached.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells RabbitMQ of the log until told to stop; without an address, a cursor that an earlier one
/// left is forgotten, so that it holds nothing up.
pub(super) async fn carry(souk: Souk, mut stopped: watch::Receiver<bool>) {
    let Some(address) = souk.settings().amqp_url.clone() else { return retire(&souk, &mut stopped).await };
    let mut bell = souk.bell().listen("log");
    let poll = Duration::from_millis(souk.settings().poll_milliseconds);
    let mut line = Line::new(souk, address);
    let mut pause = poll;
    while !*stopped.borrow() {
        match line.attempt().await {
            Some(true) => pause = poll,
            Some(false) => {
                pause = poll;
                let rung = async {
                    let _ = timeout(poll, bell.changed()).await;
                    sleep(COALESCE.min(poll)).await;
                };
                tokio::select! {
                    () = told(&mut stopped) => break,
                    () = rung => {}
                }
            }
            None => {
                pause = (pause * 2).min(PAUSE);
                tokio::select! {
                    () = told(&mut stopped) => break,
                    () = sleep(pause) => {}
                }
            }
        }
    }
    line.leave().await;
}

/// Tells RabbitMQ of all there is, in this task; false when there was nothing, or nobody to tell.
pub(super) async fn turn(souk: &Souk) -> bool {
    let Some(address) = souk.settings().amqp_url.clone() else { return false };
    let mut line = Line::new(souk.clone(), address);
    while line.attempt().await == Some(true) {}
    let published = line.published;
    line.leave().await;
    published > 0
}

async fn retire(souk: &Souk, stopped: &mut watch::Receiver<bool>) {
    let lease = Duration::from_secs(souk.settings().lease_seconds);
    loop {
        match retired(souk).await {
            Ok(true) => return,
            Ok(false) => tracing::debug!("another process still publishes to RabbitMQ"),
            Err(error) => tracing::debug!(%error, "whether anybody still publishes to RabbitMQ is not known"),
        }
        tokio::select! {
            () = told(stopped) => return,
            () = sleep(lease) => {}
        }
    }
}

/// Whether there is no cursor of RabbitMQ, perhaps because it was just forgotten.
async fn retired(souk: &Souk) -> Result<bool> {
    let platform = souk.platform("operations").await?;
    if outbox::stand(&platform, BROKER).await?.is_none() {
        return Ok(true);
    }
    drop(platform);
    let platform = souk.platform("relay").await?;
    let is_gone = outbox::retire(&platform, BROKER).await?;
    platform.commit().await?;
    Ok(is_gone)
}

/// One process's line to RabbitMQ.
struct Line {
    souk: Souk,
    address: Address,
    broker: Option<Broker>,
    /// What the last attempt found, so that it is said once.
    is_there: Option<bool>,
    published: usize,
}

impl Line {
    const fn new(souk: Souk, address: Address) -> Self {
        Self { souk, address, broker: None, is_there: None, published: 0 }
    }

    /// One step; true when there may be more at once, nothing when it failed.
    async fn attempt(&mut self) -> Option<bool> {
        match self.step().await {
            Ok(more) => Some(more),
            // Another process took over, and has told what this one told.
            Err(Error::Stale) => Some(true),
            Err(error) => {
                self.broker = None;
                let is_news = self.is_there.replace(false) != Some(false);
                match &error {
                    Error::Unavailable(reason) if is_news => {
                        tracing::warn!(reason, "RabbitMQ is away: events wait for it, and everything else goes on");
                    }
                    Error::Unavailable(_) => {}
                    other => tracing::warn!(error = %other, "events could not be published for a moment"),
                }
                if let Err(error) = self.write_down_failure().await {
                    tracing::debug!(%error, "a failure could not be written down; the cursor's time runs out");
                }
                None
            }
        }
    }

    async fn step(&mut self) -> Result<bool> {
        let (lease, me) = (self.lease(), self.souk.process());
        let platform = self.souk.platform("operations").await?;
        let stand = outbox::stand(&platform, BROKER).await?;
        if stand.as_ref().is_some_and(|stand| stand.is_taken(me)) {
            drop(platform);
            self.hang_up().await;
            return Ok(false);
        }
        let Some(stand) = stand.filter(|stand| stand.is_ours_for(me, lease / 2)) else {
            drop(platform);
            return self.hold().await;
        };
        let events = outbox::behind(&platform, stand.position).await?;
        drop(platform);
        let broker = self.reach().await?;
        let letters = events.iter().map(letter).collect::<Result<Vec<_>>>()?;
        let (told, outcome) = broker.publish(&letters, lease / 3).await;
        let to = events.iter().take(told).filter_map(|event| event.position).next_back().unwrap_or(stand.position);
        if to > stand.position || stand.failures > 0 {
            let platform = self.souk.platform("relay").await?;
            outbox::published(&platform, BROKER, stand.position, to, lease).await?;
            platform.commit().await?;
            self.published += told;
            counter!("souk_events_published_total").increment(told as u64);
        }
        outcome.map_err(unavailable)?;
        if self.is_there.replace(true) != Some(true) {
            tracing::info!("RabbitMQ is there: events are published");
        }
        Ok(outbox::is_full(events.len()))
    }

    /// Holds the cursor; true when it is ours.
    async fn hold(&self) -> Result<bool> {
        let platform = self.souk.platform("relay").await?;
        let is_ours = outbox::hold(&platform, BROKER, self.lease()).await?;
        platform.commit().await?;
        Ok(is_ours)
    }

    async fn reach(&mut self) -> Result<&Broker> {
        let broker = match self.broker.take().filter(Broker::is_open) {
            Some(broker) => broker,
            None => Broker::open(&self.address, PATIENCE.min(self.lease() / 6)).await.map_err(unavailable)?,
        };
        Ok(self.broker.insert(broker))
    }

    async fn write_down_failure(&self) -> Result<()> {
        let platform = self.souk.platform("relay").await?;
        outbox::failed(&platform, BROKER).await?;
        platform.commit().await
    }

    async fn leave(mut self) {
        self.hang_up().await;
        let left = async {
            let platform = self.souk.platform("relay").await?;
            outbox::leave(&platform, BROKER).await?;
            platform.commit().await
        };
        if let Err(error) = left.await {
            tracing::debug!(%error, "the cursor could not be given back; its time runs out");
        }
    }

    async fn hang_up(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.close().await;
        }
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(self.souk.settings().lease_seconds)
    }
}

fn letter(event: &Logged) -> Result<Letter> {
    Ok(Letter { id: event.id, kind: event.kind.clone(), aggregate: event.aggregate_id, at: event.created_at, body: event.envelope()? })
}

fn unavailable(away: Away) -> Error {
    Error::Unavailable(away.to_string())
}
