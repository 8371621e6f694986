//! Push by Firebase Cloud Messaging, HTTP v1, as a service account.

use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Answer, Carrier, Lost, Message, Reply, ask, http};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    settings::Settings,
};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// A token is asked for anew this long before it ends.
const MARGIN: Duration = Duration::from_secs(120);

/// What Google writes into a service account's key file, of what is needed.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    private_key_id: String,
    private_key: String,
    client_email: String,
    token_uri: String,
}

pub(super) struct Fcm {
    http: reqwest::Client,
    url: String,
    account: Account,
    key: EncodingKey,
    /// The access token, and until when it is used.
    token: Mutex<Option<(String, Instant)>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    /// Seconds since 1970.
    iat: i64,
    /// Seconds since 1970.
    exp: i64,
}

impl Fcm {
    pub(super) fn open(settings: &Settings) -> Result<Option<Self>> {
        let ours = &settings.messaging.fcm;
        let Some(path) = &ours.service_account else { return Ok(None) };
        let wrong = |error: &dyn std::fmt::Display| Error::internal(format!("FCM_SERVICE_ACCOUNT {}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let account: Account = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        let key = EncodingKey::from_rsa_pem(account.private_key.as_bytes()).map_err(|error| wrong(&error))?;
        let url = format!("{}/v1/projects/{}/messages:send", ours.url.trim_end_matches('/'), account.project_id);
        Ok(Some(Self { http: http(settings)?, url, account, key, token: Mutex::new(None) }))
    }

    /// An access token: one for all messages until shortly before its end.
    async fn token(&self) -> std::result::Result<String, Answer> {
        // Held over the request, so that a crowd of messages asks once.
        let mut kept = self.token.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && *until > clock::now()
        {
            return Ok(token.clone());
        }
        let now = clock::now();
        let iat = now.micros() / 1_000_000;
        let claims = Claims { iss: &self.account.client_email, scope: SCOPE, aud: &self.account.token_uri, iat, exp: iat + 3_600 };
        let header = Header { kid: Some(self.account.private_key_id.clone()), ..Header::new(Algorithm::RS256) };
        let assertion = encode(&header, &claims, &self.key).map_err(|_| Answer::Later("fcm key".into()))?;
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.as_str())];
        // Nothing of the message has left yet, so whatever goes wrong here can be tried again.
        let reply = ask(self.http.post(&self.account.token_uri).form(&form)).await.map_err(|_| Answer::Later("fcm token".into()))?;
        let Some(token) = reply.body["access_token"].as_str().filter(|_| reply.status == 200) else {
            return Err(Answer::Later(format!("fcm token http {}", reply.status)));
        };
        let seconds = reply.body["expires_in"].as_u64().unwrap_or(3_600);
        *kept = Some((token.to_owned(), now.plus(Duration::from_secs(seconds)).minus(MARGIN)));
        Ok(token.to_owned())
    }

    async fn forget_token(&self) {
        *self.token.lock().await = None;
    }
}

fn body(message: &Message) -> Value {
    // FCM's data holds texts only.
    let data: serde_json::Map<_, _> = message
        .data
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), json!(value.as_str().map_or_else(|| value.to_string(), str::to_owned))))
        .collect();
    let id = message.id.to_string();
    // Under one tag a device shows a message once, also when it comes twice.
    json!({ "message": {
        "token": message.to,
        "notification": { "title": message.subject, "body": message.short },
        "data": data,
        "android": { "notification": { "tag": id } },
        "apns": { "headers": { "apns-collapse-id": id } },
        "webpush": { "notification": { "tag": id } },
    } })
}

/// FCM's own word for an error, before the general one.
fn code(reply: &Reply) -> &str {
    let details = reply.body["error"]["details"].as_array();
    let of_fcm = details.into_iter().flatten().find_map(|detail| detail["errorCode"].as_str());
    of_fcm.or_else(|| reply.body["error"]["status"].as_str()).unwrap_or_default()
}

fn answer(reply: &Reply) -> Answer {
    let code = code(reply);
    let reason = if code.is_empty() { format!("fcm http {}", reply.status) } else { format!("fcm {code}") };
    match (reply.status, code) {
        (200..=299, _) => Answer::Accepted(reply.body["name"].as_str().map(str::to_owned)),
        (404, "UNREGISTERED") | (403, "SENDER_ID_MISMATCH") => Answer::Gone(reason),
        (401 | 403 | 408 | 429 | 500..=599, _) => Answer::Later(reason),
        _ => Answer::Refused(reason),
    }
}

#[async_trait]
impl Carrier for Fcm {
    async fn send(&self, message: &Message) -> Answer {
        let token = match self.token().await {
            Ok(token) => token,
            Err(answer) => return answer,
        };
        match ask(self.http.post(&self.url).bearer_auth(token).json(&body(message))).await {
            Ok(reply) => {
                if reply.status == 401 {
                    self.forget_token().await;
                }
                answer(&reply)
            }
            Err(lost) => lost,
        }
    }

    async fn find(&self, _: &Message, _: Instant) -> Lost {
        Lost::SendAgain
    }
}
