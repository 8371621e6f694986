//! How much a message matters, and by which ways it goes unless its person says otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::gateways::messaging::Channel;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MessageClass")]
pub enum Class {
    /// Cannot wait and cannot be switched off: an order's confirmation, trouble with a payment.
    Critical,
    /// What became of an order, goods that run low.
    Important,
    /// Good to know.
    Informational,
}

impl Class {
    pub const ALL: [Self; 3] = [Self::Critical, Self::Important, Self::Informational];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Important => "important",
            Self::Informational => "informational",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether messages of this class go this way while their person has not said otherwise.
    #[must_use]
    pub const fn goes_by(self, channel: Channel) -> bool {
        match channel {
            Channel::InApp => true,
            Channel::Email => matches!(self, Self::Critical | Self::Important),
            Channel::Sms => matches!(self, Self::Critical),
            Channel::Push => matches!(self, Self::Important | Self::Informational),
            Channel::WhatsApp => false,
        }
    }
}
