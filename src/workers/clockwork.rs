//! The recurring tasks at work: each has its own pace, none waits for another.
#![expect(clippy::disallowed_methods, reason = "the workers' home is where tasks begin")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{SCHEDULES, due, guarded, run_for, told};
use crate::{clock, errors::Result, models::jobs, tenancy::Souk};

/// Runs the recurring tasks until told to stop.
pub(super) async fn run(souk: Souk, mut stopped: watch::Receiver<bool>) {
    let mut pace = interval(Duration::from_millis(souk.settings().poll_milliseconds));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next: BTreeMap<&str, Instant> = SCHEDULES.iter().map(|(name, _)| (*name, Instant::now())).collect();
    let mut at_work: JoinSet<(&'static str, Duration)> = JoinSet::new();
    let mut running: Vec<&str> = Vec::new();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(ended) = at_work.join_next() => {
                if let Ok((name, pause)) = ended {
                    running.retain(|one| *one != name);
                    next.insert(name, Instant::now() + pause);
                }
                continue;
            }
            _ = pace.tick() => {}
        }
        for &(name, seconds) in SCHEDULES {
            if running.contains(&name) || next.get(&name).is_some_and(|next| *next > Instant::now()) {
                continue;
            }
            let every = Duration::from_secs(seconds);
            // Whoever panics looks again at this pace.
            next.insert(name, Instant::now() + every);
            running.push(name);
            let souk = souk.clone();
            at_work.spawn(clock::carried(async move {
                let pause = tick(&souk, name, every).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, schedule = name, "a recurring task stopped for a moment");
                    every
                });
                (name, pause)
            }));
        }
    }
    while at_work.join_next().await.is_some() {}
}

/// Runs a recurring task if it is due and there is something to do; of several processes one does.
/// How long to wait until it may be due again: for the others that is what is left of the pause.
pub(super) async fn tick(souk: &Souk, name: &'static str, every: Duration) -> Result<Duration> {
    let platform = souk.platform("operations").await?;
    let companies = due(&platform, name).await?;
    drop(platform);
    if companies.is_empty() {
        return Ok(every);
    }
    let platform = souk.platform("schedules").await?;
    let left = jobs::tick(&platform, name, every).await?;
    platform.commit().await?;
    if let Some(left) = left {
        return Ok(left);
    }
    let began = Instant::now();
    for company in companies {
        if let Err(error) = guarded(run_for(souk, name, company)).await {
            tracing::warn!(%error, schedule = name, company.id = %company, "a task failed and will be tried again");
        }
    }
    Ok(every.saturating_sub(began.elapsed()))
}
