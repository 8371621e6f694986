//! The bell: a commit rings it, so that work need not wait until somebody looks. It only wakes;
//! what there is to do is read from the rows.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{Notify, watch};

/// Where work waits: the log of events, then the queues of jobs, the most urgent first.
pub const LANES: [&str; 7] = ["log", "payments", "debts", "notifications", "audit", "default", "bulk"];

/// Some of the lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lanes(u8);

impl Lanes {
    pub const NONE: Self = Self(0);
    pub const LOG: Self = Self(1);

    /// The lane of a name; none when nobody knows it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        LANES.iter().position(|lane| *lane == name).map_or(Self::NONE, |place| Self(1 << place))
    }

    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        LANES.into_iter().enumerate().filter(|(place, _)| self.0 >> place & 1 == 1).map(|(_, lane)| lane).collect()
    }
}

/// Lanes to be rung when a unit is kept.
#[derive(Debug, Default)]
pub struct Pending(AtomicU8);

impl Pending {
    pub fn add(&self, lanes: Lanes) {
        self.0.fetch_or(lanes.0, Ordering::Relaxed);
    }

    /// What was added, once.
    #[must_use]
    pub fn take(&self) -> Lanes {
        Lanes(self.0.swap(0, Ordering::Relaxed))
    }
}

/// How the bell is heard in other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In this process only; others find due rows by looking.
    Embedded,
    /// Through Redis.
    Connected,
    /// Redis is configured and away: due rows are found by looking.
    Away,
}

/// One bell of each process.
pub struct Bell {
    lanes: [watch::Sender<()>; LANES.len()],
    calls: Pending,
    called: Notify,
    reach: watch::Sender<Reach>,
}

impl Bell {
    /// A bell that other processes hear, or will hear once Redis has been reached.
    #[must_use]
    pub fn new(reaches_others: bool) -> Self {
        let reach = if reaches_others { Reach::Away } else { Reach::Embedded };
        Self {
            lanes: LANES.map(|_| watch::Sender::new(())),
            calls: Pending::default(),
            called: Notify::new(),
            reach: watch::Sender::new(reach),
        }
    }

    /// Rings in this process, and asks the messenger to ring in the others; never waits.
    pub fn ring(&self, lanes: Lanes) {
        if lanes == Lanes::NONE {
            return;
        }
        self.ring_inside(lanes);
        self.calls.add(lanes);
        self.called.notify_one();
    }

    /// Rings in this process alone.
    pub fn ring_inside(&self, lanes: Lanes) {
        for (place, lane) in self.lanes.iter().enumerate() {
            if lanes.0 >> place & 1 == 1 {
                lane.send_replace(());
            }
        }
    }

    /// Hears a lane's rings from now on.
    #[must_use]
    pub fn listen(&self, lane: &str) -> watch::Receiver<()> {
        let place = LANES.iter().position(|known| *known == lane).unwrap_or_default();
        self.lanes[place].subscribe()
    }

    /// The lanes that other processes are to hear of, all that were rung since the last time.
    pub async fn calls(&self) -> Lanes {
        loop {
            let lanes = self.calls.take();
            if lanes != Lanes::NONE {
                return lanes;
            }
            self.called.notified().await;
        }
    }

    /// Writes down whether others can be reached; true when that is news.
    pub fn reaches(&self, reach: Reach) -> bool {
        self.reach.send_if_modified(|known| std::mem::replace(known, reach) != reach)
    }

    #[must_use]
    pub fn reach(&self) -> Reach {
        *self.reach.borrow()
    }

    /// Hears when Redis comes and goes.
    #[must_use]
    pub fn reach_changes(&self) -> watch::Receiver<Reach> {
        self.reach.subscribe()
    }
}
