//! Doors to the catalogue: what follows a change without holding it up.

use serde::Deserialize;

use crate::{
    errors::{Error, Result},
    gateways::storage,
    ids::{BrandId, CompanyId, FileId},
    models::{
        catalog,
        jobs::{self, Job},
    },
    tenancy::{Souk, Tenant},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RewordArgs {
    brand_id: BrandId,
}

/// Writes the words of a renamed brand's products anew, in units that leave room for others.
pub(super) async fn reword(souk: &Souk, job: &Job) -> Result<()> {
    let args: RewordArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let mut after = None;
    loop {
        let scope = souk.write(Tenant::system(job.company_id)).await?;
        after = catalog::rewrite_words(&scope, args.brand_id, after).await?;
        if after.is_none() {
            return if jobs::done(&scope, job).await? { scope.commit().await } else { Ok(()) };
        }
        scope.commit().await?;
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenditionsArgs {
    file_id: FileId,
}

/// Makes the smaller sizes of a picture; made twice, they are the same bytes under the same keys.
pub(super) async fn renditions(souk: &Souk, job: &Job) -> Result<()> {
    let args: RenditionsArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let storage = storage::of(souk.settings());
    let scope = souk.read(Tenant::system(job.company_id)).await?;
    let key = catalog::file(&scope, args.file_id).await?;
    drop(scope);
    let Some(key) = key else {
        // Taken away meanwhile: there is nothing to do.
        let scope = souk.write(Tenant::system(job.company_id)).await?;
        return if jobs::done(&scope, job).await? { scope.commit().await } else { Ok(()) };
    };
    let original = storage.get(&key).await?.ok_or_else(|| Error::internal(format!("there is no file `{key}`")))?;
    let made = catalog::renditions(job.company_id, original).await?;
    for picture in &made {
        storage.put(&key.at_width(picture.width), &picture.bytes).await?;
    }
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    if catalog::keep_renditions(&scope, job, args.file_id, &key, &made).await? {
        scope.commit().await?;
    }
    Ok(())
}

/// Takes away the files of a company that nobody shows any more.
pub(super) async fn sweep_files(souk: &Souk, company: CompanyId) -> Result<()> {
    let storage = storage::of(souk.settings());
    let scope = souk.write(Tenant::system(company)).await?;
    let doomed = catalog::doomed(&scope).await?;
    scope.commit().await?;
    for (id, key) in doomed {
        for width in catalog::WIDTHS {
            storage.delete(&key.at_width(width)).await?;
        }
        storage.delete(&key).await?;
        let scope = souk.write(Tenant::system(company)).await?;
        catalog::forget_file(&scope, id).await?;
        scope.commit().await?;
    }
    Ok(())
}
