//! `souk task create_admin email:…`.

use std::io::BufRead;

use crate::{
    errors::{Error, Result},
    models::identity,
    settings,
    tenancy::Souk,
};

/// Makes a super admin; the password comes from `SOUK_ADMIN_PASSWORD` or is asked for.
///
/// # Errors
/// When the address or the password cannot be, or is taken.
pub async fn create(souk: &Souk, email: &str) -> Result<()> {
    let password = match settings::admin_password() {
        Some(password) => password,
        None => {
            eprintln!("Password for {email} (it is shown as you type):");
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map_err(Error::internal)?;
            line.trim_end().to_owned()
        }
    };
    let hash = identity::hash_password(&password).await?;
    identity::add_staff(souk, email, "Administrator", hash, None).await.map(|_| ())
}
