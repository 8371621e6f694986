//! A door to the books: closing what is over.

use crate::{
    errors::Result,
    models::{
        jobs::{self, Job},
        ledger,
    },
    tenancy::{Souk, Tenant},
};

/// Closes the months that are over. Each is a unit of its own, and done twice it is done once.
pub(super) async fn close(souk: &Souk, job: &Job) -> Result<()> {
    ledger::close_due(souk, job.company_id).await?;
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}
