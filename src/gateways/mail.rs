//! E-mail by SMTP; without a server configured, messages are written to the log of development.

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox};

use crate::{
    errors::{Error, Result},
    settings::Settings,
};

/// Sends one text.
///
/// # Errors
/// When the server is away or refuses: the job tries again.
pub async fn send(settings: &Settings, id: &str, to: &str, subject: &str, body: &str) -> Result<()> {
    let Some(url) = &settings.smtp_url else {
        tracing::info!(message.id = id, subject, "no SMTP_URL is set: the mail is not sent");
        return Ok(());
    };
    let from: Mailbox = settings.mail_from.parse().map_err(Error::internal)?;
    let to: Mailbox = to.parse().map_err(Error::internal)?;
    let message = Message::builder()
        .from(from)
        .to(to)
        // The same id at every try: whoever gets it twice can tell.
        .message_id(Some(format!("<{id}@souk>")))
        .subject(subject)
        .body(body.to_owned())
        .map_err(Error::internal)?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(Error::internal)?.build();
    transport.send(message).await.map(|_| ()).map_err(|error| Error::Unavailable(error.to_string()))
}
