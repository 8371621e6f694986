//! The log at work: events get their positions, and listeners hear them in order.

use std::time::{Duration, Instant};

use metrics::counter;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{LISTENERS, guarded, tell, told};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, EventId},
    models::{
        jobs::{self, Job, Kind},
        outbox::{self, Logged},
    },
    tenancy::{Platform, Souk, Tenant},
};

/// On SQLite a batch is the one writer's: after so long it lets the shop's own writes through.
const TURN: Duration = Duration::from_millis(100);
/// The longest pause of a listener that cannot hear at the moment.
const PAUSE: Duration = Duration::from_secs(15);

/// Makes sure that each listener has its cursor, and each schedule its row.
pub(super) async fn introduce(souk: &Souk) -> Result<()> {
    let platform = souk.platform("schedules").await?;
    jobs::know_schedules(&platform, super::SCHEDULES).await?;
    for (listener, _) in LISTENERS {
        outbox::know_listener(&platform, listener).await?;
    }
    platform.commit().await
}

/// Gives events their positions until told to stop.
pub(super) async fn number(souk: Souk, mut stopped: watch::Receiver<bool>) {
    let mut bell = souk.bell().listen("log");
    let poll = Duration::from_millis(souk.settings().poll_milliseconds);
    while !*stopped.borrow() {
        match outbox::relay(&souk).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "events got no positions for a moment"),
        }
        tokio::select! {
            () = told(&mut stopped) => return,
            _ = timeout(poll, bell.changed()) => {}
        }
    }
}

/// Lets a listener hear the log until told to stop.
pub(super) async fn listen(souk: Souk, listener: &'static str, mut stopped: watch::Receiver<bool>) {
    let mut bell = souk.bell().listen("log");
    let poll = Duration::from_millis(souk.settings().poll_milliseconds);
    let mut pause = poll;
    while !*stopped.borrow() {
        match hear(&souk, listener).await {
            Ok(true) => {
                pause = poll;
                // The shop's own writes go first.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(false) => pause = poll,
            Err(error) => {
                tracing::warn!(%error, listener, "a listener cannot hear for a moment");
                pause = (pause * 2).min(PAUSE);
                tokio::select! {
                    () = told(&mut stopped) => return,
                    () = sleep(pause) => continue,
                }
            }
        }
        tokio::select! {
            () = told(&mut stopped) => return,
            _ = timeout(pause, bell.changed()) => {}
        }
    }
}

/// Tells a listener of its next events, in one transaction; each in its company's unit. One that
/// cannot be heard becomes a job of its own, so that those behind it need not wait; when the
/// listener itself is not ready, they do. False when there was nothing to hear.
pub(super) async fn hear(souk: &Souk, listener: &'static str) -> Result<bool> {
    let platform = souk.platform("operations").await?;
    if !outbox::has_news(&platform, listener).await? {
        return Ok(false);
    }
    drop(platform);
    let platform = souk.platform("relay").await?;
    let Some((from, events)) = outbox::next(&platform, listener).await? else { return Ok(false) };
    let began = Instant::now();
    let mut heard = from;
    let mut not_ready = None;
    for event in &events {
        if let Err(error) = hear_one(&platform, listener, event).await? {
            not_ready = Some(error);
            break;
        }
        heard = event.position.unwrap_or(heard);
        if souk.settings().is_sqlite() && began.elapsed() > TURN {
            break;
        }
    }
    if heard > from {
        outbox::advance(&platform, listener, from, heard).await?;
        platform.commit().await?;
        counter!("souk_events_heard_total", "listener" => listener).increment(u64::try_from(heard - from).unwrap_or_default());
    }
    match not_ready {
        Some(error) => Err(error),
        None => Ok(heard > from),
    }
}

/// The inner error says that the listener is not ready for any event at all.
async fn hear_one(platform: &Platform, listener: &'static str, event: &Logged) -> Result<Result<()>> {
    if !LISTENERS.iter().any(|(name, hears)| *name == listener && hears(&event.kind)) {
        return Ok(Ok(()));
    }
    let scope = platform.scope(Tenant::system(event.company_id)).await?;
    let error = match guarded(tell(listener, &scope, event)).await {
        Ok(()) => return scope.keep().await.map(Ok),
        Err(error) => error,
    };
    scope.undo().await?;
    if matches!(error, Error::Unavailable(_)) {
        return Ok(Err(error));
    }
    tracing::warn!(%error, listener, event.id = %event.id, "an event could not be heard and is told again by a job");
    let scope = platform.scope(Tenant::system(event.company_id)).await?;
    let args = json!(Redelivery { consumer: listener.into(), event_id: event.id });
    jobs::enqueue(&scope, Kind::Redeliver, &format!("{listener}:{}", event.id), args).await?;
    scope.keep().await.map(Ok)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Redelivery {
    consumer: String,
    event_id: EventId,
}

/// Tells a listener of one event again.
pub(super) async fn redeliver(souk: &Souk, job: &Job) -> Result<()> {
    let args: Redelivery = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    let event = outbox::event(&scope, args.event_id).await?;
    tell(&args.consumer, &scope, &event).await?;
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}

/// Forgets a company's work that is over and older than the settings keep it.
pub(super) async fn forget(souk: &Souk, company: CompanyId) -> Result<()> {
    let platform = souk.platform("operations").await?;
    let mut listeners: Vec<_> = LISTENERS.iter().map(|(name, _)| *name).collect();
    // What RabbitMQ has not been told stays, whichever process is to tell it.
    if souk.settings().amqp_url.is_some() || outbox::stand(&platform, outbox::BROKER).await?.is_some() {
        listeners.push(outbox::BROKER);
    }
    let heard = outbox::heard_by_all(&platform, &listeners).await?;
    drop(platform);
    let before = clock::now().minus(Duration::from_secs(souk.settings().keep_days * 86_400));
    loop {
        let scope = souk.write(Tenant::system(company)).await?;
        let jobs = jobs::forget(&scope, before).await?;
        let events = outbox::forget(&scope, before, heard).await?;
        jobs::forget_letters(&scope, before).await?;
        scope.commit().await?;
        if jobs < 1_000 && events < 1_000 {
            return Ok(());
        }
    }
}
