//! Messages as the API shows them.

use serde_json::{Value, json};

use crate::models::notifications::{Choices, Delivery, Line, Notification, Text};

/// A message as its person sees it.
#[must_use]
pub fn message(one: &Notification) -> Value {
    json!({
        "id": one.id, "class": one.class, "template": one.template, "title": one.title, "body": one.body, "language": one.language,
        "translations": one.translations, "subjectId": one.subject_id, "data": one.data, "createdAt": one.due_at, "readAt": one.read_at,
    })
}

/// A way of a message, and how far it came.
#[must_use]
pub fn delivery(one: &Delivery) -> Value {
    json!({
        "id": one.id, "channel": one.channel, "state": one.state, "recipient": one.recipient, "reason": one.reason,
        "providerId": one.provider_id, "attempts": one.attempts, "createdAt": one.created_at, "updatedAt": one.updated_at,
        "sentAt": one.sent_at,
    })
}

/// A message with its ways.
#[must_use]
pub fn with_ways(one: &Notification, ways: &[Delivery]) -> Value {
    let mut shown = message(one);
    shown["deliveries"] = ways.iter().map(delivery).collect();
    shown
}

/// A line of the company's log.
#[must_use]
pub fn line(line: &Line) -> Value {
    let mut shown = delivery(&line.delivery);
    let message = &line.message;
    shown["notification"] = json!({
        "id": message.id, "class": message.class, "template": message.template, "title": message.title,
        "customerId": message.customer_id, "memberId": message.member_id, "dueAt": message.due_at,
    });
    shown
}

/// A text, and whether it is the company's own.
#[must_use]
pub fn text(one: &Text) -> Value {
    let own = one.own.as_ref();
    json!({
        "id": own.map(|own| own.id), "name": one.name, "language": one.language, "isOwn": own.is_some(), "subject": one.draft.subject,
        "body": one.draft.body, "html": one.draft.html, "short": one.draft.short, "version": own.map(|own| own.version),
        "updatedAt": own.map(|own| own.updated_at),
    })
}

/// What a person wants by which way.
#[must_use]
pub fn choices(choices: &Choices) -> Value {
    json!(choices)
}
