//! WhatsApp by Meta's Cloud API.

use async_trait::async_trait;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Answer, Carrier, Lost, Message, Reply, Report, Word, ask, http, mark, read_mark};
use crate::{clock::Instant, errors::Result, settings::Settings, tenancy::keys};

pub(super) struct CloudApi {
    http: reqwest::Client,
    url: String,
    access_token: String,
    template: Option<String>,
}

impl CloudApi {
    pub(super) fn open(settings: &Settings) -> Result<Option<Self>> {
        let ours = &settings.messaging.whatsapp;
        let (Some(number), Some(access_token)) = (ours.phone_number_id.clone(), ours.access_token.clone()) else { return Ok(None) };
        let url = format!("{}/{number}/messages", ours.url.trim_end_matches('/'));
        Ok(Some(Self { http: http(settings)?, url, access_token, template: ours.template.clone() }))
    }

    fn body(&self, message: &Message) -> Value {
        let mut body = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": message.to.trim_start_matches('+'),
            "biz_opaque_callback_data": mark(message),
        });
        if let Some(template) = &self.template {
            let words = json!([{ "type": "text", "text": message.short }]);
            body["type"] = json!("template");
            body["template"] = json!({
                "name": template, "language": { "code": message.language },
                "components": [{ "type": "body", "parameters": words }],
            });
        } else {
            body["type"] = json!("text");
            body["text"] = json!({ "preview_url": false, "body": message.short });
        }
        body
    }
}

/// Meta's numbers for "too much at once", which come with status 400 too.
const BUSY: [i64; 7] = [1, 2, 4, 80_007, 130_429, 131_048, 131_056];

fn answer(reply: &Reply) -> Answer {
    let code = reply.body["error"]["code"].as_i64().unwrap_or_default();
    let reason = if code == 0 { format!("whatsapp http {}", reply.status) } else { format!("whatsapp {code}") };
    match reply.status {
        200..=299 => Answer::Accepted(reply.body["messages"][0]["id"].as_str().map(str::to_owned)),
        401 | 403 | 429 | 500..=599 => Answer::Later(reason),
        _ if BUSY.contains(&code) => Answer::Later(reason),
        _ => Answer::Refused(reason),
    }
}

#[async_trait]
impl Carrier for CloudApi {
    async fn send(&self, message: &Message) -> Answer {
        match ask(self.http.post(&self.url).bearer_auth(&self.access_token).json(&self.body(message))).await {
            Ok(reply) => answer(&reply),
            Err(lost) => lost,
        }
    }

    /// There is no key that makes two requests one message and no list to look into: Meta's report
    /// may still tell, under the mark that went along.
    async fn find(&self, _: &Message, _: Instant) -> Lost {
        Lost::GiveUp
    }
}

/// Whether a report comes from Meta: HMAC-SHA-256 over the body as it came.
#[must_use]
pub fn is_genuine(app_secret: &str, body: &[u8], signature: &str) -> bool {
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(app_secret.as_bytes()) else { return false };
    mac.update(body);
    keys::is_same(&format!("sha256={}", keys::hex(&mac.finalize().into_bytes())), signature)
}

/// The words about deliveries of ours in one report, in the order in which they stand there.
#[must_use]
pub fn reports(body: &Value) -> Vec<Report> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    list(body, "entry")
        .iter()
        .flat_map(|entry| list(entry, "changes"))
        .flat_map(|change| list(&change["value"], "statuses"))
        .filter_map(|status| {
            let (company, delivery) = read_mark(status["biz_opaque_callback_data"].as_str()?)?;
            let word = match status["status"].as_str()? {
                "sent" => Word::Sent,
                "delivered" | "read" | "played" => Word::Delivered,
                "failed" => Word::Failed(format!("whatsapp {}", status["errors"][0]["code"].as_i64().unwrap_or_default())),
                _ => return None,
            };
            Some(Report { company, delivery, provider_id: status["id"].as_str()?.to_owned(), word })
        })
        .collect()
}
