//! The ways by which a message leaves the building, behind one trait.
//!
//! A carrier is given a message that is ready, and says one of five things of it. It decides
//! nothing about trying again: that is the sender's business.

mod email;
mod push;
mod sms;
mod whatsapp;

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    sms::{is_genuine as is_twilio, report as twilio_report},
    whatsapp::{is_genuine as is_whatsapp, reports as whatsapp_reports},
};
use crate::{
    clock::Instant,
    errors::Result,
    ids::{CompanyId, RowId},
    settings::Settings,
};

/// A way to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
    Sms,
    Push,
    #[serde(rename = "whatsapp")]
    WhatsApp,
    /// The list of messages in our own pages and API: it needs no carrier.
    InApp,
}

impl Channel {
    pub const ALL: [Self; 5] = [Self::Email, Self::Sms, Self::Push, Self::WhatsApp, Self::InApp];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::WhatsApp => "whatsapp",
            Self::InApp => "in_app",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// A message that is ready to leave.
#[derive(Clone, Debug)]
pub struct Message {
    pub company: CompanyId,
    /// The delivery: the message's id wherever a provider takes one.
    pub id: RowId,
    /// An e-mail address, a number in E.164, a device's token.
    pub to: String,
    /// The company's name, as the sender's.
    pub from: String,
    /// Where an answer goes.
    pub reply_to: Option<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// For ways with little room.
    pub short: String,
    /// Two letters.
    pub language: String,
    /// Where one click ends letters of this class.
    pub unsubscribe: Option<String>,
    /// Ids, for the app that gets a push.
    pub data: Value,
}

/// What a provider says of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it, perhaps under an id of its own.
    Accepted(Option<String>),
    /// It will never take it.
    Refused(String),
    /// It will never take it, and nothing else to this address.
    Gone(String),
    /// It does not have it, and may take it later.
    Later(String),
    /// It has it or not: the answer was lost.
    Unknown(String),
}

/// What to do with a message of which nobody knows whether it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It can be sent again: by its id the receiver can tell.
    SendAgain,
    /// The provider has it.
    Found(String),
    /// It is too early to tell.
    Wait,
    /// It must not be sent again, and the provider cannot be asked.
    GiveUp,
}

/// One provider of one channel.
#[async_trait]
pub trait Carrier: Send + Sync {
    async fn send(&self, message: &Message) -> Answer;

    /// Finds out about a message whose sending was begun at `since` and whose answer was lost.
    async fn find(&self, message: &Message, since: Instant) -> Lost;
}

/// What a provider reports later, on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub company: CompanyId,
    pub delivery: RowId,
    pub provider_id: String,
    pub word: Word,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    Sent,
    Delivered,
    Failed(String),
}

/// The carriers that are configured.
pub struct Carriers {
    email: Option<email::Smtp>,
    sms: Option<sms::Twilio>,
    push: Option<push::Fcm>,
    whatsapp: Option<whatsapp::CloudApi>,
}

impl Carriers {
    /// # Errors
    /// When a setting cannot be used: a URL that is none, a key file that cannot be read.
    pub fn open(settings: &Settings) -> Result<Self> {
        Ok(Self {
            email: email::Smtp::open(settings)?,
            sms: sms::Twilio::open(settings)?,
            push: push::Fcm::open(settings)?,
            whatsapp: whatsapp::CloudApi::open(settings)?,
        })
    }

    /// The carrier of a channel, if it is configured.
    #[must_use]
    pub fn of(&self, channel: Channel) -> Option<&dyn Carrier> {
        match channel {
            Channel::Email => self.email.as_ref().map(|carrier| carrier as &dyn Carrier),
            Channel::Sms => self.sms.as_ref().map(|carrier| carrier as &dyn Carrier),
            Channel::Push => self.push.as_ref().map(|carrier| carrier as &dyn Carrier),
            Channel::WhatsApp => self.whatsapp.as_ref().map(|carrier| carrier as &dyn Carrier),
            Channel::InApp => None,
        }
    }
}

fn http(settings: &Settings) -> Result<reqwest::Client> {
    super::http(Duration::from_secs(settings.messaging.timeout_seconds))
}

/// A provider's answer over HTTP, read whole.
struct Reply {
    status: u16,
    body: Value,
}

/// Sends a request; an error says whether anything can have arrived.
async fn ask(request: reqwest::RequestBuilder) -> std::result::Result<Reply, Answer> {
    let lost = |error: reqwest::Error| {
        // What could not connect has sent nothing.
        if error.is_connect() || error.is_builder() {
            Answer::Later("unreachable".into())
        } else {
            Answer::Unknown(if error.is_timeout() { "timeout" } else { "answer_lost" }.into())
        }
    };
    let answer = request.send().await.map_err(lost)?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(lost)?;
    Ok(Reply { status, body: serde_json::from_str(&text).unwrap_or_default() })
}

/// The pair of ids that a provider hands back to us with its reports.
fn mark(message: &Message) -> String {
    format!("{}.{}", message.company, message.id)
}

fn read_mark(text: &str) -> Option<(CompanyId, RowId)> {
    let (company, delivery) = text.split_once('.')?;
    Some((company.parse().ok()?, delivery.parse().ok()?))
}
