//! SMS by Twilio's Messages API.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha1::Sha1;

use super::{Answer, Carrier, Lost, Message, Reply, Report, Word, ask, http, mark, read_mark};
use crate::{
    clock::{self, Instant},
    errors::Result,
    settings::Settings,
    tenancy::keys,
};

/// After so long a request that was given up is not on its way any more, and is in Twilio's list
/// if it is in it ever.
const SETTLED: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) struct Twilio {
    http: reqwest::Client,
    /// Of the account's messages.
    url: String,
    account_sid: String,
    auth_token: String,
    from: String,
    callbacks: Option<String>,
}

impl Twilio {
    pub(super) fn open(settings: &Settings) -> Result<Option<Self>> {
        let ours = &settings.messaging.twilio;
        let (Some(account_sid), Some(auth_token), Some(from)) = (ours.account_sid.clone(), ours.auth_token.clone(), ours.from.clone())
        else {
            return Ok(None);
        };
        let url = format!("{}/2010-04-01/Accounts/{account_sid}/Messages.json", ours.url.trim_end_matches('/'));
        let callbacks = settings.base_url.as_ref().map(|_| format!("{}/api/notifications/callbacks/twilio", settings.url()));
        Ok(Some(Self { http: http(settings)?, url, account_sid, auth_token, from, callbacks }))
    }
}

/// Twilio's numbers for "not now", whatever the status beside them.
const BUSY: [i64; 4] = [14_107, 20_429, 21_611, 30_001];

fn answer(reply: &Reply) -> Answer {
    let code = reply.body["code"].as_i64().unwrap_or_default();
    let reason = if code == 0 { format!("twilio http {}", reply.status) } else { format!("twilio {code}") };
    match reply.status {
        200..=299 => Answer::Accepted(reply.body["sid"].as_str().map(str::to_owned)),
        // Credentials are ours to repair; the message waits meanwhile.
        401 | 403 | 429 | 500..=599 => Answer::Later(reason),
        _ if BUSY.contains(&code) => Answer::Later(reason),
        _ => Answer::Refused(reason),
    }
}

#[async_trait]
impl Carrier for Twilio {
    async fn send(&self, message: &Message) -> Answer {
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let mut form = vec![("To", message.to.clone()), (sender, self.from.clone()), ("Body", message.short.clone())];
        form.extend(self.callbacks.as_ref().map(|url| ("StatusCallback", format!("{url}?delivery={}", mark(message)))));
        let request = self.http.post(&self.url).basic_auth(&self.account_sid, Some(&self.auth_token)).form(&form);
        match ask(request).await {
            Ok(reply) => answer(&reply),
            Err(lost) => lost,
        }
    }

    /// Twilio takes no key that would make two requests one message, so its list is asked for ours.
    async fn find(&self, message: &Message, since: Instant) -> Lost {
        let asked = clock::now();
        let Ok(query) = serde_urlencoded::to_string([("To", message.to.as_str()), ("PageSize", "50")]) else { return Lost::Wait };
        let request = self.http.get(format!("{}?{query}", self.url)).basic_auth(&self.account_sid, Some(&self.auth_token));
        let Ok(reply) = ask(request).await else { return Lost::Wait };
        if reply.status != 200 {
            return Lost::Wait;
        }
        let begun = since.utc() - chrono::Duration::seconds(5);
        let is_ours = |one: &&Value| {
            let made = one["date_created"].as_str().and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok());
            one["body"].as_str() == Some(message.short.as_str()) && made.is_some_and(|made| made >= begun)
        };
        let found = reply.body["messages"].as_array().into_iter().flatten().find(is_ours);
        match found.and_then(|one| one["sid"].as_str()) {
            Some(sid) => Lost::Found(sid.to_owned()),
            None if asked > since.plus(SETTLED) => Lost::SendAgain,
            None => Lost::Wait,
        }
    }
}

/// Whether a callback comes from Twilio: HMAC-SHA1 over the address it was given and the form's
/// fields in the order of their names.
#[must_use]
pub fn is_genuine(auth_token: &str, url: &str, form: &BTreeMap<String, String>, signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) else { return false };
    mac.update(url.as_bytes());
    for (name, value) in form {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    keys::is_same(&STANDARD.encode(mac.finalize().into_bytes()), signature)
}

/// What a callback says; nothing when it is no word about a delivery of ours.
#[must_use]
pub fn report(delivery: &str, form: &BTreeMap<String, String>) -> Option<Report> {
    let (company, delivery) = read_mark(delivery)?;
    let provider_id = form.get("MessageSid").or_else(|| form.get("SmsSid"))?.clone();
    let word = match form.get("MessageStatus").or_else(|| form.get("SmsStatus"))?.as_str() {
        "sent" => Word::Sent,
        "delivered" | "read" => Word::Delivered,
        "failed" | "undelivered" => {
            let code = form.get("ErrorCode").filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
            Word::Failed(code.map_or_else(|| "twilio".into(), |code| format!("twilio {code}")))
        }
        _ => return None,
    };
    Some(Report { company, delivery, provider_id, word })
}
