//! A queue at work in this process: its places, the jobs taken ahead, and their leases.
#![expect(clippy::disallowed_methods, reason = "the workers' home is where tasks begin")]

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{counter, histogram};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use uuid::Uuid;

use super::{guarded, perform, told};
use crate::{
    clock,
    errors::{Error, Result},
    ids::CompanyId,
    models::jobs::{self, Job, Queue},
    tenancy::{Souk, Tenant},
};

/// So many jobs are taken for each place, so that one claim serves several.
const AHEAD: usize = 4;

/// Works in a queue until told to stop; then what was begun is ended, and what was taken ahead given back.
pub(super) async fn work(souk: Souk, queue: Queue, mut stopped: watch::Receiver<bool>) {
    let mut bell = souk.bell().listen(queue.name);
    let mut look = interval(Duration::from_millis(souk.settings().poll_milliseconds));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewal = interval(Duration::from_millis(souk.settings().lease_seconds * 1_000 / 3));
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lane = Lane::new(souk, queue);
    loop {
        let has_room = lane.has_room();
        let looks = tokio::select! {
            biased;
            () = told(&mut stopped) => break,
            Some(ended) = lane.at_work.join_next() => {
                lane.ended(ended.ok());
                lane.may_be_more
            }
            _ = renewal.tick(), if !lane.leases.is_empty() => {
                lane.renew().await;
                false
            }
            _ = bell.changed(), if has_room => true,
            _ = look.tick(), if has_room => true,
        };
        if looks && lane.has_room() {
            lane.take().await;
        }
    }
    lane.finish().await;
}

/// Does what is due in a queue now, in this task; false when there was nothing.
pub(super) async fn turn(souk: &Souk, queue: Queue) -> Result<bool> {
    let claim = jobs::claim(souk, queue.name, None, 20).await?;
    for job in &claim.jobs {
        attempt(souk, queue, job).await;
    }
    Ok(!claim.jobs.is_empty())
}

struct Lane {
    souk: Souk,
    queue: Queue,
    places: Arc<Semaphore>,
    /// Each ends with its lease, and with the job when it was not begun.
    at_work: JoinSet<(Uuid, Option<Job>)>,
    /// How many jobs are still at work under each lease.
    leases: BTreeMap<Uuid, usize>,
    last: Option<CompanyId>,
    may_be_more: bool,
}

impl Lane {
    fn new(souk: Souk, queue: Queue) -> Self {
        Self {
            souk,
            queue,
            places: Arc::new(Semaphore::new(queue.places)),
            at_work: JoinSet::new(),
            leases: BTreeMap::new(),
            last: None,
            may_be_more: false,
        }
    }

    /// Jobs are taken while the last ones are at work, so that the places do not wait for a claim.
    fn has_room(&self) -> bool {
        self.at_work.len() <= self.queue.places
    }

    async fn take(&mut self) {
        let room = self.queue.places * AHEAD - self.at_work.len();
        let claim = match jobs::claim(&self.souk, self.queue.name, self.last, room as u64).await {
            Ok(claim) => claim,
            Err(error) => {
                tracing::warn!(%error, queue = self.queue.name, "due jobs could not be taken; the next look tries again");
                sleep(Duration::from_millis(500)).await;
                return;
            }
        };
        self.last = claim.last;
        self.may_be_more = !claim.jobs.is_empty();
        if !claim.jobs.is_empty() {
            self.leases.insert(claim.lease, claim.jobs.len());
        }
        for job in claim.jobs {
            let (souk, queue, places) = (self.souk.clone(), self.queue, Arc::clone(&self.places));
            self.at_work.spawn(clock::carried(async move {
                let Ok(_place) = places.acquire().await else { return (claim.lease, Some(job)) };
                attempt(&souk, queue, &job).await;
                (claim.lease, None)
            }));
        }
    }

    fn ended(&mut self, ended: Option<(Uuid, Option<Job>)>) {
        let Some((lease, _)) = ended else { return };
        if let Some(left) = self.leases.get_mut(&lease) {
            *left -= 1;
            if *left == 0 {
                self.leases.remove(&lease);
            }
        }
    }

    async fn renew(&self) {
        let leases: Vec<_> = self.leases.keys().copied().collect();
        if let Err(error) = jobs::renew(&self.souk, self.queue.name, &leases).await {
            tracing::warn!(%error, queue = self.queue.name, "leases could not be renewed");
        }
    }

    async fn finish(mut self) {
        self.places.close();
        while let Some(ended) = self.at_work.join_next().await {
            let Ok((_, Some(job))) = ended else { continue };
            if let Err(error) = give_back(&self.souk, &job).await {
                tracing::warn!(%error, job.id = %job.id, "a job could not be given back; its lease runs out");
            }
        }
    }
}

async fn give_back(souk: &Souk, job: &Job) -> Result<()> {
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    jobs::give_back(&scope, job).await?;
    scope.commit().await
}

/// Does one job, however it ends.
async fn attempt(souk: &Souk, queue: Queue, job: &Job) {
    let began = Instant::now();
    let limit = Duration::from_secs(queue.minutes * 60);
    let outcome = timeout(limit, guarded(perform(souk, job))).await.unwrap_or_else(|_| Err(Error::internal("it took too long")));
    histogram!("souk_job_seconds", "kind" => job.kind.clone()).record(began.elapsed().as_secs_f64());
    counter!("souk_jobs_total", "kind" => job.kind.clone(), "outcome" => if outcome.is_ok() { "done" } else { "failed" }).increment(1);
    let Err(error) = outcome else { return };
    tracing::warn!(%error, job.id = %job.id, job.kind, job.attempts, "a job failed");
    if let Err(error) = write_down(souk, job, &error).await {
        tracing::warn!(%error, job.id = %job.id, "a failure could not be written down; the job's lease runs out");
    }
}

async fn write_down(souk: &Souk, job: &Job, error: &Error) -> Result<()> {
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    jobs::failed(&scope, job, &error.to_string()).await?;
    scope.commit().await
}
