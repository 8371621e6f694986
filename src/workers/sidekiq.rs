//! Loco's queue over the Sidekiq protocol on Redis. It carries wake-ups, nothing that may not be
//! lost: Sidekiq's own retry is off, and a wake-up that already waits is not said twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use loco_rs::{
    Error as LocoError, Result as LocoResult,
    bgworker::{Job, JobHandler, JobStatus, QueueProvider},
};
use serde_json::Value;
use sidekiq::{Processor, ProcessorConfig, RedisConnectionManager, RedisPool, UnitOfWork, Worker};
use tokio::sync::{Notify, watch};

use super::told;
use crate::{
    bell::LANES,
    errors::{Error, Result},
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long the last wake-ups may take when the process stops.
const LAST: Duration = Duration::from_secs(3);

type Handlers = Arc<Mutex<BTreeMap<String, Arc<JobHandler>>>>;

pub(super) struct Sidekiq {
    pool: RedisPool,
    manager: RedisConnectionManager,
    handlers: Handlers,
    is_away: AtomicBool,
    is_back: Notify,
    stop: watch::Sender<bool>,
}

impl Sidekiq {
    /// # Errors
    /// When the address cannot be understood; Redis itself may be away.
    pub(super) fn new(url: &str) -> Result<Self> {
        let manager = RedisConnectionManager::new(url).map_err(|error| Error::internal(format!("REDIS_URL: {error}")))?;
        Ok(Self {
            pool: pool(&manager),
            manager,
            handlers: Handlers::default(),
            is_away: AtomicBool::new(false),
            is_back: Notify::new(),
            stop: watch::Sender::new(false),
        })
    }

    async fn say(&self, class: String, queue: &str, args: Value) -> sidekiq::Result<Option<String>> {
        let mut redis = self.pool.get().await?;
        let ask = redis.cmd_with_key("LLEN", format!("queue:{queue}"));
        let waiting: u64 = ask.query_async(redis.unnamespaced_borrow_mut()).await?;
        drop(redis);
        // Whoever takes the one that waits will look at the rows after this moment.
        if waiting > 0 {
            return Ok(None);
        }
        let job = sidekiq::opts().queue(queue).retry(false).create_job(class, args)?;
        let id = job.jid.clone();
        UnitOfWork::from_job(job).enqueue(&self.pool).await?;
        Ok(Some(id))
    }

    async fn is_there(&self) -> sidekiq::Result<()> {
        // A connection is tried by PING before it is handed out.
        self.pool.get().await?;
        Ok(())
    }

    fn notice(&self, is_there: bool) {
        if !is_there {
            self.is_away.store(true, Ordering::Relaxed);
        } else if self.is_away.swap(false, Ordering::Relaxed) {
            self.is_back.notify_waiters();
        }
    }
}

fn pool(manager: &RedisConnectionManager) -> RedisPool {
    bb8::Pool::builder().max_size(4).connection_timeout(CONNECT).build_unchecked(manager.clone())
}

/// The one class that Sidekiq knows; the arguments say which lane.
struct Bridge(Handlers);

#[async_trait]
impl Worker<Value> for Bridge {
    fn class_name() -> String {
        "Wake".into()
    }

    async fn perform(&self, args: Value) -> sidekiq::Result<()> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&Self::class_name()).cloned();
        let Some(handler) = known else { return Ok(()) };
        // Loco catches a panic in there; without that it would end Sidekiq's worker.
        handler(String::new(), args).await.map_err(|error| sidekiq::Error::Message(error.to_string()))
    }
}

#[async_trait]
impl QueueProvider for Sidekiq {
    async fn enqueue(
        &self,
        class: String,
        queue: Option<String>,
        args: Value,
        _: Option<Vec<String>>,
        _: Option<i32>,
    ) -> LocoResult<Option<String>> {
        let said = self.say(class, queue.as_deref().unwrap_or("default"), args).await;
        self.notice(said.is_ok());
        said.map_err(unreached)
    }

    async fn register_handler(&self, name: String, handler: JobHandler) -> LocoResult<()> {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::new(handler));
        Ok(())
    }

    /// Hears wake-ups until shut down. When Redis was away, everything begins anew: a connection
    /// that died without a word would never be heard of again.
    async fn run(&self, _: Vec<String>) -> LocoResult<()> {
        let mut stopped = self.stop.subscribe();
        let lanes: Vec<String> = LANES.iter().map(|lane| (*lane).to_owned()).collect();
        loop {
            let mut processor = Processor::new(pool(&self.manager), lanes.clone()).with_config(ProcessorConfig::default().num_workers(1));
            processor.register(Bridge(Arc::clone(&self.handlers)));
            let stop = processor.get_cancellation_token();
            let run = processor.run();
            tokio::pin!(run);
            tokio::select! {
                () = &mut run => {}
                () = self.is_back.notified() => {}
                () = told(&mut stopped) => {
                    stop.cancel();
                    let _ = tokio::time::timeout(LAST, run).await;
                    return Ok(());
                }
            }
        }
    }

    async fn setup(&self) -> LocoResult<()> {
        Ok(())
    }

    async fn clear(&self) -> LocoResult<()> {
        Err(rows_only())
    }

    async fn ping(&self) -> LocoResult<()> {
        let there = self.is_there().await;
        self.notice(there.is_ok());
        there.map_err(unreached)
    }

    async fn get_jobs(&self, _: Option<&Vec<JobStatus>>, _: Option<i64>) -> LocoResult<Vec<Job>> {
        Err(rows_only())
    }

    async fn cancel_jobs_by_name(&self, _: &str) -> LocoResult<()> {
        Err(rows_only())
    }

    async fn clear_by_status(&self, _: Vec<JobStatus>) -> LocoResult<()> {
        Err(rows_only())
    }

    async fn clear_jobs_older_than(&self, _: i64, _: Option<&Vec<JobStatus>>) -> LocoResult<()> {
        Err(rows_only())
    }

    async fn requeue(&self, _: &i64) -> LocoResult<()> {
        Err(rows_only())
    }

    async fn retry_failed(&self, _: Option<&str>) -> LocoResult<u64> {
        Err(rows_only())
    }

    fn describe(&self) -> String {
        "wake-ups by the Sidekiq protocol on Redis".into()
    }

    fn shutdown(&self) -> LocoResult<()> {
        self.stop.send_replace(true);
        Ok(())
    }
}

fn unreached(error: sidekiq::Error) -> LocoError {
    LocoError::string(&error.to_string())
}

fn rows_only() -> LocoError {
    LocoError::string("the jobs are rows of the database; this queue only wakes workers")
}
