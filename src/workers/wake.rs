//! Wake-ups between processes: a lane's name travels through the queue, the rows say what to do.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use loco_rs::{
    app::AppContext,
    bgworker::{BackgroundWorker, Queue},
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::told;
use crate::{
    bell::{Lanes, Reach},
    tenancy::Souk,
};

/// Rings within this time are one wake-up.
const COALESCE: Duration = Duration::from_millis(20);
/// How often the queue is asked whether it is there when there is nothing to say.
const QUIET: Duration = Duration::from_secs(3);
/// How long Redis may take for a word.
const PATIENCE: Duration = Duration::from_secs(4);

/// Rings the bell of this process: the one class of job that travels.
pub struct Wake {
    souk: Option<Souk>,
}

/// Whom to wake.
#[derive(Debug, Deserialize, Serialize)]
pub struct WakeArgs {
    pub lane: String,
}

#[async_trait]
impl BackgroundWorker<WakeArgs> for Wake {
    fn build(ctx: &AppContext) -> Self {
        Self { souk: ctx.shared_store.get::<Souk>() }
    }

    async fn perform(&self, args: WakeArgs) -> loco_rs::Result<()> {
        if let Some(souk) = &self.souk {
            souk.bell().ring_inside(Lanes::named(&args.lane));
        }
        Ok(())
    }
}

/// Carries this process's rings to the others, until told to stop. While Redis is away they add
/// up to one ring of each lane; the others look by themselves meanwhile.
pub(super) async fn carry(souk: Souk, queue: Arc<Queue>, mut stopped: watch::Receiver<bool>) {
    let bell = souk.bell();
    let mut first = true;
    loop {
        let reached = match reach(&queue, Lanes::NONE).await {
            Ok(()) => loop {
                let lanes = tokio::select! {
                    () = told(&mut stopped) => return,
                    lanes = timeout(QUIET, bell.calls()) => lanes.unwrap_or(Lanes::NONE),
                };
                if bell.reaches(Reach::Connected) {
                    tracing::info!("Redis is there: wake-ups travel");
                }
                if let Err(error) = reach(&queue, lanes).await {
                    // Not lost: told again when Redis is back.
                    bell.ring(lanes);
                    break error;
                }
                sleep(COALESCE).await;
            },
            Err(error) => error,
        };
        if bell.reaches(Reach::Away) || first {
            tracing::warn!(error = %reached, "Redis is away: due work is found by looking every {} ms", souk.settings().poll_milliseconds);
        }
        first = false;
        tokio::select! {
            () = told(&mut stopped) => return,
            () = sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Says what there is to say, or only whether anybody is there.
async fn reach(queue: &Queue, lanes: Lanes) -> Result<(), String> {
    let said = async {
        if lanes == Lanes::NONE {
            return queue.ping().await;
        }
        for lane in lanes.names() {
            let args = WakeArgs { lane: lane.into() };
            queue.enqueue(Wake::class_name(), Some(lane.into()), args, None, None).await?;
        }
        Ok(())
    };
    match timeout(PATIENCE, said).await {
        Ok(said) => said.map_err(|error| error.to_string()),
        Err(_) => Err("no answer in time".into()),
    }
}

/// Hears the rings of the other processes until the queue is shut down.
pub(super) async fn hear(queue: Arc<Queue>) {
    if let Err(error) = queue.run(vec![]).await {
        tracing::warn!(%error, "wake-ups are no longer heard: due work is found by looking");
    }
}
