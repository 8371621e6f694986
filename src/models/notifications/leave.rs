//! Leaves a message for a person: in their list, and with one delivery for each way it goes.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    choices,
    class::{Channel, Class},
    delivery::{self, state},
    device, notification,
    person::{self, Person},
};
use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::{NotificationId, RowId},
    models::jobs,
    tenancy::Scope,
    views::mail::Words,
};

/// A message before it has an id.
pub struct Note<'a> {
    pub to: &'a Person,
    /// Names what is told; with the person it makes the message one.
    pub origin: String,
    pub class: Class,
    pub template: &'a str,
    pub language: String,
    pub words: Words,
    pub translations: Value,
    pub subject: Option<Uuid>,
    pub data: Value,
    pub due: Instant,
    /// Goes these ways alone, whatever the person chose.
    pub only: Option<&'static [Channel]>,
}

/// Leaves the message, once; nothing when it was left before.
pub async fn leave(scope: &Scope, note: Note<'_>) -> Result<Option<NotificationId>> {
    let id = NotificationId::new();
    let row = notification::Model {
        company_id: scope.company(),
        id,
        customer_id: note.to.customer(),
        member_id: note.to.member(),
        origin: format!("{}:{}", note.origin, note.to.id()),
        class: note.class.name().into(),
        template: note.template.into(),
        language: note.language,
        title: note.words.title,
        body: note.words.body,
        translations: note.translations,
        subject_id: note.subject,
        data: note.data,
        created_at: clock::now(),
        due_at: note.due,
        read_at: None,
    };
    if !scope.insert_unless_there(row, &[notification::Column::CompanyId, notification::Column::Origin]).await? {
        return Ok(None);
    }
    let channels: Vec<_> = match note.only {
        Some(only) => only.to_vec(),
        None => choices::channels(scope, note.to, note.class).await?,
    };
    for channel in channels {
        for way in ways(scope, note.to, channel).await? {
            set_out(scope, id, channel, way, note.due).await?;
        }
    }
    Ok(Some(id))
}

/// One way of a message: where it goes, or why it does not.
struct Way {
    recipient: String,
    device: Option<device::Model>,
    skipped: Option<&'static str>,
}

async fn ways(scope: &Scope, to: &Person, channel: Channel) -> Result<Vec<Way>> {
    let skipped = |reason| vec![Way { recipient: String::new(), device: None, skipped: Some(reason) }];
    if channel == Channel::InApp {
        return Ok(vec![Way { recipient: String::new(), device: None, skipped: None }]);
    }
    if scope.souk().carriers().of(channel).is_none() {
        return Ok(skipped("not_configured"));
    }
    if channel == Channel::Push {
        let devices =
            scope.all(person::theirs(scope.find::<device::Entity>(), to, device::Column::CustomerId, device::Column::MemberId)).await?;
        if devices.is_empty() {
            return Ok(skipped("no_device"));
        }
        let way = |device: device::Model| Way { recipient: device.platform.clone(), device: Some(device), skipped: None };
        return Ok(devices.into_iter().map(way).collect());
    }
    Ok(match (to, to.address(channel)) {
        (_, Some(address)) => vec![Way { recipient: person::hint(&address), device: None, skipped: None }],
        // Their address is read when the letter is written: the platform's people are not the company's.
        (Person::Staff(_), None) if channel == Channel::Email => vec![Way { recipient: String::new(), device: None, skipped: None }],
        _ => skipped("no_address"),
    })
}

async fn set_out(scope: &Scope, message: NotificationId, channel: Channel, way: Way, due: Instant) -> Result<()> {
    let now = clock::now();
    let id = RowId::new();
    let state = match (channel, way.skipped) {
        (_, Some(_)) => state::SKIPPED,
        (Channel::InApp, None) => state::DELIVERED,
        _ => state::QUEUED,
    };
    scope
        .insert(delivery::Model {
            company_id: scope.company(),
            id,
            notification_id: message,
            channel: channel.name().into(),
            state: state.into(),
            recipient: way.recipient,
            reason: way.skipped.unwrap_or_default().into(),
            provider_id: None,
            device_id: way.device.map(|device| device.id),
            attempts: 0,
            created_at: now,
            updated_at: now,
            begun_at: None,
            sent_at: None,
        })
        .await?;
    if state == state::QUEUED {
        jobs::enqueue_at(scope, jobs::Kind::Deliver, &id.0.simple().to_string(), json!({ "deliveryId": id }), due).await?;
    }
    Ok(())
}

/// The deliveries of some messages, in the order in which they were made.
pub async fn deliveries(scope: &Scope, of: &[NotificationId]) -> Result<BTreeMap<NotificationId, Vec<delivery::Model>>> {
    use sea_orm::QueryOrder;
    let rows = scope.find::<delivery::Entity>().filter(delivery::Column::NotificationId.is_in(of.iter().copied()));
    let mut by_message: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in scope.all(rows.order_by_asc(delivery::Column::Id)).await? {
        by_message.entry(row.notification_id).or_default().push(row);
    }
    Ok(by_message)
}
