//! Links that prove something once: an invitation, a new password, an address that works.
//!
//! Nothing is stored. A link is signed and bound to its purpose, its person, its end and a stamp
//! that changes when it has been used (the password's hash, say), so that it works once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::CompanyId,
    tenancy::{Souk, keys},
};

/// What a link is good for; one of another purpose is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A new member of staff chooses a password.
    Invitation,
    /// Somebody forgot theirs.
    NewPassword,
    /// An e-mail address is the person's own.
    Address,
    /// No more letters of a kind.
    Unsubscribe,
}

/// What a link says; believed only after [`Link::check`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    pub purpose: Purpose,
    /// The company of a customer or an invitation; nothing for a person of the platform.
    pub company: Option<CompanyId>,
    /// The customer, the member, the staff person.
    pub subject: Uuid,
    /// Microseconds since 1970.
    until: i64,
    /// Which secret signed it.
    key: String,
}

impl Link {
    /// The text of a link that works until `until`, while the subject's stamp is `stamp`.
    ///
    /// # Errors
    /// Never for what can be written as JSON.
    pub fn seal(souk: &Souk, purpose: Purpose, company: Option<CompanyId>, subject: Uuid, stamp: &str, until: Instant) -> Result<String> {
        let key = souk.keys().newest();
        let link = Self { purpose, company, subject, until: until.micros(), key: key.id.clone() };
        let said = serde_json::to_string(&link).map_err(Error::internal)?;
        let mac = keys::mac(&key.links, format!("{said}\n{stamp}").as_bytes());
        Ok(format!("{}.{mac}", URL_SAFE_NO_PAD.encode(said)))
    }

    /// Reads what a link says, to find whose stamp it must be checked against.
    ///
    /// # Errors
    /// 422 `link_invalid` for a text that is none, or of another purpose.
    pub fn read(text: &str, purpose: Purpose) -> Result<Self> {
        let said = text.split_once('.').and_then(|(said, _)| URL_SAFE_NO_PAD.decode(said).ok());
        let link = said.and_then(|said| serde_json::from_slice::<Self>(&said).ok());
        link.filter(|link| link.purpose == purpose).ok_or_else(invalid)
    }

    /// Believes the link, or does not.
    ///
    /// # Errors
    /// 422 `link_invalid` when it was forged, is over, or was used.
    pub fn check(&self, souk: &Souk, text: &str, stamp: &str) -> Result<()> {
        if self.is_genuine(souk, text, stamp) && !self.is_over() { Ok(()) } else { Err(invalid()) }
    }

    /// Whether it was made by us while the subject's stamp was `stamp`.
    pub(super) fn is_genuine(&self, souk: &Souk, text: &str, stamp: &str) -> bool {
        let Ok(said) = serde_json::to_string(self) else { return false };
        souk.keys().of(&self.key).is_some_and(|key| {
            text.split_once('.').is_some_and(|(_, mac)| keys::is_same(&keys::mac(&key.links, format!("{said}\n{stamp}").as_bytes()), mac))
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.until <= clock::now().micros()
    }
}

pub(super) fn invalid() -> Error {
    Error::invalid("link", "link_invalid", "this link is over or was used: ask for a new one")
}
