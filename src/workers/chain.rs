//! A door to the audit: looking at a whole chain, because somebody asked.

use crate::{
    errors::Result,
    models::{
        audit,
        jobs::{self, Job},
    },
    tenancy::{Souk, Tenant},
};

/// Looks, and keeps what was found.
pub(super) async fn look(souk: &Souk, job: &Job) -> Result<()> {
    let scope = souk.read(Tenant::system(job.company_id)).await?;
    let state = audit::verify(&scope).await?;
    drop(scope);
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    audit::keep(&scope, &state).await?;
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}
