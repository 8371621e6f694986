//! A company's logo: a picture as those of goods are, checked by its content and written anew, kept
//! small. The file is stored between two units: one that records it, one that shows it.

use super::{picture::Picture, pictures::record};
use crate::{
    errors::Result,
    gateways::storage::Storage,
    models::companies,
    tenancy::{Scope, Souk, Tenant},
};

/// The largest upload of a logo, in bytes.
pub const LOGO_BYTES_MAX: usize = 2 * 1_024 * 1_024;
/// The longest side that is kept of a logo: it stands small, on dense screens too.
pub const LOGO_SIDE_MAX: u32 = 320;

/// Makes a picture the company's logo.
///
/// # Errors
/// 503 while the same file is being taken away.
pub async fn set_logo(souk: &Souk, storage: &dyn Storage, tenant: &Tenant, picture: &Picture) -> Result<()> {
    let scope = souk.write(tenant.clone()).await?;
    let (_, key) = record(&scope, picture).await?;
    scope.commit().await?;

    storage.put(&key, &picture.bytes).await?;

    let scope = souk.write(tenant.clone()).await?;
    companies::set_logo(&scope, Some(key.as_str())).await?;
    scope.commit().await
}

/// Takes the company's logo away; its file goes when nothing else shows it.
///
/// # Errors
/// When the database cannot be reached.
pub async fn remove_logo(scope: &Scope) -> Result<()> {
    companies::set_logo(scope, None).await.map(|_| ())
}
