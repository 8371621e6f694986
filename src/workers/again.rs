//! A door to the jobs themselves: trying everything again that one of the platform's people wanted.

use crate::{
    errors::{Error, Result},
    ids::StaffId,
    models::{
        identity,
        jobs::{self, Again, Job},
    },
    tenancy::{Actor, Role, Souk, Tenant},
};

/// Tries again what is left of it, in the name of whoever wanted it.
pub(super) async fn replay_all(souk: &Souk, job: &Job) -> Result<()> {
    let again: Again = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let by = again.by.map(StaffId).ok_or(Error::NOT_FOUND)?;
    let platform = souk.platform("operations").await?;
    let name = identity::person_of(&platform, by).await?.name;
    drop(platform);
    let person = Tenant { actor: Actor::Platform(by), role: Role::SuperAdmin, name, ..Tenant::system(job.company_id) };
    let replayed = jobs::replay_all(souk, &person, &again).await?;
    tracing::info!(jobs = replayed, "tried everything again that somebody wanted");
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}
