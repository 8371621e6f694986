//! What talks to the world, behind one trait each.

pub mod broker;
pub mod messaging;
pub mod payments;
pub mod storage;

use std::time::Duration;

use crate::errors::{Error, Result};

/// Chooses the cryptography behind `https` for the whole process; the first call decides.
pub fn choose_cryptography() {
    // Already chosen is as good: there is one choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for one provider: every call ends in time, and nobody is followed elsewhere.
///
/// # Errors
/// When the machine has no certificates to trust.
pub fn http(timeout: Duration) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(Error::internal)
}
