//! E-mail by SMTP, over connections that are kept.

use std::time::Duration;

use async_trait::async_trait;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::Error as SmtpError,
};

use super::{Answer, Carrier, Lost, Message};
use crate::{
    clock::Instant,
    errors::{Error, Result},
    settings::Settings,
};

/// A letter has so long from the greeting to the last answer.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Address,
}

impl Smtp {
    pub(super) fn open(settings: &Settings) -> Result<Option<Self>> {
        let Some(url) = &settings.smtp_url else { return Ok(None) };
        let wrong = |error: &dyn std::fmt::Display| Error::internal(format!("SMTP_URL: {error}"));
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|error| wrong(&error))?.timeout(Some(TIMEOUT)).build();
        let sender: Mailbox = settings.mail_from.parse().map_err(|error| Error::internal(format!("mail_from: {error}")))?;
        Ok(Some(Self { transport, sender: sender.email }))
    }

    fn letter(&self, message: &Message) -> Result<Mail> {
        let to: Address = message.to.parse().map_err(Error::internal)?;
        let from = Mailbox::new(Some(one_line(&message.from)), self.sender.clone());
        let mut mail = Mail::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            // The same id at every try: whoever gets it twice can tell.
            .message_id(Some(format!("<{}@{}>", message.id, self.sender.domain())))
            .subject(one_line(&message.subject));
        if let Some(reply_to) = message.reply_to.as_ref().and_then(|address| address.parse().ok()) {
            mail = mail.reply_to(Mailbox::new(None, reply_to));
        }
        if let Some(url) = &message.unsubscribe {
            let header = |name, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
            // One click without a question, by RFC 8058.
            mail = mail
                .raw_header(header("List-Unsubscribe", format!("<{url}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
        mail.multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone())).map_err(Error::internal)
    }
}

/// A header is one line, whatever a person is called.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

/// Reads a refusal; only codes are kept, as servers repeat addresses in their words.
fn refusal(error: &SmtpError) -> Answer {
    let Some(code) = error.status() else { return Answer::Later(if error.is_timeout() { "timeout" } else { "unreachable" }.into()) };
    let code = code.to_string();
    // A server that does not know us refuses every letter alike: that is ours to repair.
    let is_about_us = ["421", "454", "530", "534", "535", "538"].contains(&code.as_str());
    if error.is_permanent() && !is_about_us { Answer::Gone(format!("smtp {code}")) } else { Answer::Later(format!("smtp {code}")) }
}

#[async_trait]
impl Carrier for Smtp {
    async fn send(&self, message: &Message) -> Answer {
        let letter = match self.letter(message) {
            Ok(letter) => letter,
            Err(error) => {
                tracing::warn!(delivery.id = %message.id, %error, "a letter could not be made");
                return Answer::Refused("not_a_letter".into());
            }
        };
        match tokio::time::timeout(TIMEOUT, self.transport.send(letter)).await {
            Ok(Ok(_)) => Answer::Accepted(None),
            Ok(Err(error)) => refusal(&error),
            Err(_) => Answer::Unknown("timeout".into()),
        }
    }

    async fn find(&self, _: &Message, _: Instant) -> Lost {
        Lost::SendAgain
    }
}
