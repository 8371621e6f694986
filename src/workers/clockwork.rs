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
    let mut at_work: JoinSet<&'static str> = JoinSet::new();
    let mut running: Vec<&str> = Vec::new();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(ended) = at_work.join_next() => {
                if let Ok(name) = ended {
                    running.retain(|one| *one != name);
                }
                continue;
            }
            _ = pace.tick() => {}
        }
        for &(name, seconds) in SCHEDULES {
            if running.contains(&name) || next.get(&name).is_some_and(|next| *next > Instant::now()) {
                continue;
            }
            next.insert(name, Instant::now() + Duration::from_secs(seconds));
            running.push(name);
            let souk = souk.clone();
            at_work.spawn(clock::carried(async move {
                if let Err(error) = tick(&souk, name, seconds).await {
                    tracing::warn!(%error, schedule = name, "a recurring task stopped for a moment");
                }
                name
            }));
        }
    }
    while at_work.join_next().await.is_some() {}
}

/// Runs a recurring task if it is due and there is something to do; of several processes one does.
pub(super) async fn tick(souk: &Souk, name: &'static str, seconds: u64) -> Result<()> {
    let platform = souk.platform("operations").await?;
    let companies = due(&platform, name).await?;
    drop(platform);
    if companies.is_empty() {
        return Ok(());
    }
    let platform = souk.platform("schedules").await?;
    let is_ours = jobs::tick(&platform, name, Duration::from_secs(seconds)).await?;
    platform.commit().await?;
    if !is_ours {
        return Ok(());
    }
    for company in companies {
        if let Err(error) = guarded(run_for(souk, name, company)).await {
            tracing::warn!(%error, schedule = name, company.id = %company, "a task failed and will be tried again");
        }
    }
    Ok(())
}
