//! Tells people what happened.

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    class::Class,
    kinds::{About, Audience, Kind},
    leave::{Note, leave},
    notification,
    person::{self, Person},
    text,
};
use crate::{
    clock,
    errors::Result,
    ids::{CustomerId, OrderId, PaymentId},
    models::{
        companies::{self, Company},
        identity, orders,
        outbox::Logged,
        payments,
    },
    tenancy::Scope,
    views::{mail, templates::LANGUAGES},
};

/// Whether anybody is told after such an event.
#[must_use]
pub fn hears(event: &str) -> bool {
    event == "notification.requested" || Kind::after(event).next().is_some()
}

/// Tells whom an event concerns. Read twice, it is told once.
///
/// # Errors
/// When what the event is about is not there any more.
pub async fn tell(scope: &Scope, event: &Logged) -> Result<()> {
    if event.kind == "notification.requested" {
        return tell_asked(scope, event).await;
    }
    for kind in Kind::after(&event.kind) {
        tell_kind(scope, kind, event).await?;
    }
    Ok(())
}

/// One thing that is told, read once for everybody who hears it.
struct Story<'a> {
    kind: &'static Kind,
    class: Class,
    event: &'a Logged,
    subject: Uuid,
    company: Company,
    facts: Value,
    own: text::Own,
}

impl<'a> Story<'a> {
    async fn read(scope: &Scope, kind: &'static Kind, class: Class, subject: Option<Uuid>, event: &'a Logged) -> Result<Self> {
        let company = companies::own(scope).await?;
        let facts = text::facts(scope, kind.about, &company, subject, &event.data).await?;
        let subject = subject.unwrap_or(event.aggregate_id);
        Ok(Self { kind, class, event, subject, company, facts, own: text::own(scope, kind.name).await? })
    }

    async fn tell(&self, scope: &Scope, to: &Person) -> Result<()> {
        let facts = text::with_person(&self.company, &self.facts, to.name());
        // A member chooses a language when they read; a customer has one.
        let language = match to {
            Person::Customer(customer) => mail::language(&customer.language),
            Person::Member(_) | Person::Staff(_) => mail::language(&self.company.language),
        };
        let mut translations = Map::new();
        if let Person::Member(_) = to {
            for other in LANGUAGES.into_iter().filter(|other| *other != language) {
                let words = text::write(self.kind.name, other, &self.own, &facts)?;
                translations.insert(other.into(), json!({ "title": words.title, "body": words.body }));
            }
        }
        let note = Note {
            to,
            origin: format!("{}:{}", self.event.id, self.kind.name),
            class: self.class,
            template: self.kind.name,
            language: language.into(),
            words: text::write(self.kind.name, language, &self.own, &facts)?,
            translations: Value::Object(translations),
            subject: Some(self.subject),
            data: self.data(),
            due: clock::now(),
            only: self.kind.ways(),
        };
        leave(scope, note).await.map(|_| ())
    }
}

impl Story<'_> {
    /// What a program can go on with: what the event said, and which order it was about.
    fn data(&self) -> Value {
        let mut data = self.event.data.clone();
        if let (About::Order, Value::Object(said)) = (self.kind.about, &mut data) {
            said.insert("orderId".into(), json!(self.subject));
        }
        data
    }
}

async fn tell_kind(scope: &Scope, kind: &'static Kind, event: &Logged) -> Result<()> {
    if is_quiet(scope, kind, event.aggregate_id).await? {
        return Ok(());
    }
    let people = audience(scope, kind, event).await?;
    if people.is_empty() {
        return Ok(());
    }
    let story = Story::read(scope, kind, kind.class, Some(event.aggregate_id), event).await?;
    for to in &people {
        story.tell(scope, to).await?;
    }
    Ok(())
}

/// A letter that another domain asks for by name.
async fn tell_asked(scope: &Scope, event: &Logged) -> Result<()> {
    let Some(kind) = event.data["template"].as_str().and_then(Kind::named) else {
        tracing::warn!(event.id = %event.id, "a message was asked for that there is no text for");
        return Ok(());
    };
    let Some(to) = person::in_event(scope, &event.data).await? else { return Ok(()) };
    let class = event.data["class"].as_str().and_then(Class::named).unwrap_or(kind.class);
    Story::read(scope, kind, class, subject_of(kind.about, &event.data), event).await?.tell(scope, &to).await
}

fn subject_of(about: About, data: &Value) -> Option<Uuid> {
    let key = match about {
        About::Order => "orderId",
        About::Payment => "paymentId",
        About::Code => "codeId",
        _ => return None,
    };
    data[key].as_str()?.parse().ok()
}

/// Whether the same was said of the same thing a short while ago.
async fn is_quiet(scope: &Scope, kind: &Kind, subject: Uuid) -> Result<bool> {
    let Some(quiet) = kind.quiet else { return Ok(false) };
    let said = scope
        .find::<notification::Entity>()
        .filter(notification::Column::SubjectId.eq(subject))
        .filter(notification::Column::Template.eq(kind.name))
        .filter(notification::Column::CreatedAt.gt(clock::now().minus(quiet)))
        .limit(1);
    Ok(scope.one(said).await?.is_some())
}

async fn audience(scope: &Scope, kind: &Kind, event: &Logged) -> Result<Vec<Person>> {
    match kind.audience {
        Audience::Customer => Ok(customer(scope, kind.about, event).await?.map(Person::Customer).into_iter().collect()),
        Audience::ShopPeople => match event.shop_id {
            Some(shop) => person::shop_people(scope, shop).await,
            None => Ok(vec![]),
        },
        Audience::Managers => person::managers(scope, event.shop_id).await,
        Audience::Admins => person::admins(scope).await,
        Audience::Named => Ok(person::in_event(scope, &event.data).await?.into_iter().collect()),
    }
}

/// The customer that an event concerns; none when it concerns somebody of the staff.
async fn customer(scope: &Scope, about: About, event: &Logged) -> Result<Option<identity::Customer>> {
    let id = match about {
        About::Order => orders::get(scope, OrderId(event.aggregate_id)).await?.customer_id,
        About::Payment => payments::get(scope, PaymentId(event.aggregate_id)).await?.customer_id,
        _ => CustomerId(event.aggregate_id),
    };
    match identity::find_customer(scope, id).await {
        Ok(customer) => Ok(Some(customer)),
        Err(crate::errors::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
