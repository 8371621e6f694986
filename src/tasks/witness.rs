//! `souk task witness`: completes the audit's witness from its copies in the database, as after a
//! backup that came back without the file, or with an older one.

use crate::{
    errors::Result,
    models::{
        audit::{self, Lacking},
        companies,
    },
    tenancy::{Souk, Tenant},
};

/// What one company's witness lacks.
#[derive(Clone, Debug)]
pub struct Line {
    pub company: String,
    pub lacking: Lacking,
}

/// The companies whose witness is not whole; with `apply` it is made so, as far as its copies are genuine.
///
/// # Errors
/// When the database is away, or the data folder cannot be written.
pub async fn run(souk: &Souk, apply: bool) -> Result<Vec<Line>> {
    let platform = souk.platform("operations").await?;
    let ids = companies::all_ids(&platform).await?;
    let names = companies::named(&platform, &ids).await?;
    drop(platform);
    let mut lines = Vec::new();
    for id in ids {
        let tenant = Tenant::system(id);
        let lacking = if apply {
            let scope = souk.write(tenant).await?;
            let lacking = audit::renew(&scope, true).await?;
            scope.commit().await?;
            lacking
        } else {
            audit::renew(&souk.read(tenant).await?, false).await?
        };
        if lacking != Lacking::default() {
            let company = names.iter().find(|one| one.id == id).map_or_else(|| id.to_string(), |one| one.slug.clone());
            lines.push(Line { company, lacking });
        }
    }
    Ok(lines)
}
