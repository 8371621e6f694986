//! What reads tell: it is kept in memory and written soon, together, so that a read stays a read.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{Souk, Tenant};
use crate::{errors::Result, events::Event, ids::CompanyId};

/// More than this is let go of: people look faster than the database writes.
const KEPT_MAX: usize = 10_000;

/// What is told and not yet written, by company.
#[derive(Default)]
pub(super) struct Aside(Mutex<BTreeMap<CompanyId, Vec<(Tenant, Event)>>>);

impl Souk {
    /// Tells of something that was only looked at. It is in the log within seconds; a process that
    /// is killed before that has not told it.
    pub fn tell_aside(&self, who: &Tenant, event: Event) {
        let mut kept = self.aside().0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.values().map(Vec::len).sum::<usize>() < KEPT_MAX {
            kept.entry(who.company).or_default().push((who.clone(), event));
        }
    }

    /// Writes what was told aside, each company's in a unit of its own. What cannot be written is said
    /// in the log and lost, since nobody waits for it, and takes nothing of another company along.
    pub async fn write_aside(&self) {
        let kept = std::mem::take(&mut *self.aside().0.lock().unwrap_or_else(PoisonError::into_inner));
        for (company, told) in kept {
            let events = told.len();
            if let Err(error) = self.write_told(company, told).await {
                tracing::warn!(company.id = %company, events, %error, "what was looked at could not be written down");
            }
        }
    }

    async fn write_told(&self, company: CompanyId, told: Vec<(Tenant, Event)>) -> Result<()> {
        let scope = self.write(Tenant::system(company)).await?;
        for (who, event) in told {
            scope.emit_of(&who, event).await?;
        }
        scope.commit().await
    }
}
