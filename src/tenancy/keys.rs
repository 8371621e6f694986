//! One secret, a key for each purpose (HKDF), a key id beside everything signed.

use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::errors::{Error, Result};

/// The keys of every purpose, newest secret first.
pub struct Keys {
    newest: Generation,
    older: Vec<Generation>,
}

/// What one secret gives.
pub struct Generation {
    /// Names the secret without giving it away.
    pub id: String,
    pub tokens: [u8; 32],
    pub cursors: [u8; 32],
    pub checkpoints: [u8; 32],
    pub links: [u8; 32],
    pub codes: [u8; 32],
}

impl Keys {
    /// # Errors
    /// When there is no secret.
    pub fn derive(secrets: &str) -> Result<Self> {
        let mut listed = secrets.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Generation::of);
        let newest = listed.next().ok_or_else(|| Error::internal("SOUK_SECRET is missing"))??;
        Ok(Self { newest, older: listed.collect::<Result<_>>()? })
    }

    /// The keys that sign.
    #[must_use]
    pub const fn newest(&self) -> &Generation {
        &self.newest
    }

    /// The keys of `id`, while that secret is still listed.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<&Generation> {
        self.all().find(|one| one.id == id)
    }

    /// The keys of every secret that is listed, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Generation> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl Generation {
    fn of(secret: &str) -> Result<Self> {
        let hkdf = Hkdf::<Sha256>::new(Some(b"souk"), secret.as_bytes());
        let key = |purpose: &str| {
            let mut key = [0; 32];
            hkdf.expand(purpose.as_bytes(), &mut key).map_err(Error::internal)?;
            Ok::<_, Error>(key)
        };
        let id = hex(&key("id")?).chars().take(8).collect();
        let (tokens, cursors, checkpoints) = (key("tokens")?, key("cursors")?, key("checkpoints")?);
        Ok(Self { id, tokens, cursors, checkpoints, links: key("links")?, codes: key("codes")? })
    }
}

/// HMAC-SHA-256 in hexadecimal.
#[must_use]
pub fn mac(key: &[u8; 32], message: &[u8]) -> String {
    // HMAC takes a key of any length, so this cannot fail; an empty answer would verify nothing.
    <Hmac<Sha256> as Mac>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(message);
            hex(&mac.finalize().into_bytes())
        },
    )
}

/// Whether two texts are the same, in a time that does not tell how much of them is.
#[must_use]
pub fn is_same(left: &str, right: &str) -> bool {
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn hash(message: &[u8]) -> String {
    hex(&Sha256::digest(message))
}

/// 256 random bits in hexadecimal: what sessions and refresh tokens are made of.
#[must_use]
pub fn random() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
