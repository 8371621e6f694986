//! Passwords: argon2id on the blocking pool, a few at a time.

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    errors::{Error, Result},
    tenancy::keys,
};

/// Each hash takes 19 MiB and a core; more at once would starve the shop.
static BOUND: Semaphore = Semaphore::const_new(4);

/// The hash of a password that nobody has, checked when there is nobody of that name, so that time
/// tells nothing. It is made by the hasher of all others, so that it always costs the same.
static NOBODY: OnceCell<String> = OnceCell::const_new();

/// Hashes a new password.
///
/// # Errors
/// 422 when it is shorter than 10 or longer than 200 characters, or one everybody tries first.
pub async fn hash(password: &str) -> Result<String> {
    let length = password.chars().count();
    if !(10..=200).contains(&length) {
        return Err(Error::invalid("password", "too_weak", "use 10 to 200 characters"));
    }
    let folded = password.to_lowercase();
    let distinct = folded.chars().collect::<std::collections::BTreeSet<_>>().len();
    if distinct < 4 || ["password", "123456789", "qwertyuiop"].iter().any(|common| folded.starts_with(common)) {
        return Err(Error::invalid("password", "too_weak", "that password is among the first that are tried"));
    }
    hashed(password.to_owned()).await
}

async fn hashed(password: String) -> Result<String> {
    let _turn = BOUND.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        let salt = SaltString::generate(&mut OsRng);
        Argon2::default().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).map_err(Error::internal)
    })
    .await
    .map_err(Error::internal)?
}

/// Whether `password` is the one behind `hash`; as slow when there is no hash.
pub async fn verify(password: &str, hash: Option<&str>) -> Result<bool> {
    let known = hash.is_some();
    let nobody = NOBODY.get_or_try_init(|| hashed(keys::random())).await?;
    let hash = hash.unwrap_or(nobody).to_owned();
    let password: String = password.chars().take(200).collect();
    let _turn = BOUND.acquire().await.map_err(Error::internal)?;
    let same = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
    .map_err(Error::internal)?;
    Ok(known && same)
}
