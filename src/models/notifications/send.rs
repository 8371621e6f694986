//! Messages that somebody of the company writes to people: now, or at a time.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    class::Class,
    kinds::{About, Kind},
    leave::{Note, leave},
    person::Person,
    text,
};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::{CustomerId, MemberId, NotificationId},
    models::{companies, identity},
    tenancy::Scope,
    views::mail::{self, Words},
};

/// People in one sending.
const PEOPLE_MAX: usize = 200;
const TITLE_MAX: usize = 200;
const TEXT_MAX: usize = 5_000;
/// What a text of the company's own making is given; it is kept with each person's message.
const WORDS_BYTES_MAX: usize = 20_000;
/// A message is scheduled for at most so long ahead.
const AHEAD: std::time::Duration = std::time::Duration::from_secs(366 * 24 * 3_600);

/// A message as somebody of the company writes it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMessage {
    #[serde(default)]
    pub customer_ids: Vec<CustomerId>,
    #[serde(default)]
    pub member_ids: Vec<MemberId>,
    pub class: Class,
    /// A text of the company's own making; or title and text.
    pub template: Option<String>,
    /// What such a text says as `words.…`.
    #[serde(default)]
    pub words: Map<String, Value>,
    pub title: Option<String>,
    pub text: Option<String>,
    /// RFC 3339, for a message that waits.
    pub send_at: Option<String>,
}

/// Sends a message to people, at `due` or now. Gives the messages in the order of the people.
///
/// # Errors
/// 422 for people, words or a time that cannot be; nothing is kept then.
pub async fn send(scope: &Scope, new: &NewMessage, due: Option<Instant>) -> Result<Vec<NotificationId>> {
    let now = clock::now();
    let due = due.unwrap_or(now);
    if due < now || due > now.plus(AHEAD) {
        return Err(Error::invalid("sendAt", "out_of_range", "a time within the next year"));
    }
    let people = people(scope, new).await?;
    let company = companies::own(scope).await?;
    let own = match &new.template {
        Some(name) => text::own(scope, name).await?,
        None => text::Own::default(),
    };
    check_words(new, &own)?;
    let data = json!({ "words": new.words });
    let facts = text::facts(scope, About::Words, &company, None, &data).await?;
    let sending = Uuid::now_v7();
    let mut left = Vec::with_capacity(people.len());
    for to in &people {
        let language = match to {
            Person::Customer(customer) => mail::language(&customer.language),
            Person::Member(_) | Person::Staff(_) => mail::language(&company.language),
        };
        let words = match &new.template {
            Some(name) => text::write(name, language, &own, &text::with_person(&company, &facts, to.name()))?,
            None => Words {
                title: new.title.clone().unwrap_or_default().trim().into(),
                body: mail::tidy(&new.text.clone().unwrap_or_default()),
                ..Words::default()
            },
        };
        let note = Note {
            to,
            origin: sending.to_string(),
            class: new.class,
            template: new.template.as_deref().unwrap_or_default(),
            language: language.into(),
            words,
            translations: json!({}),
            subject: None,
            data: data.clone(),
            due,
            only: None,
        };
        left.extend(leave(scope, note).await?);
    }
    let changes = vec![
        ("people", json!(null), json!(people.iter().map(Person::id).collect::<Vec<_>>())),
        ("class", json!(null), json!(new.class)),
        ("template", json!(null), json!(new.template)),
        ("title", json!(null), json!(new.title)),
        ("dueAt", json!(null), json!(due)),
    ];
    scope.audit("send", "notification", sending, None, changes).await?;
    Ok(left)
}

async fn people(scope: &Scope, new: &NewMessage) -> Result<Vec<Person>> {
    let count = new.customer_ids.len() + new.member_ids.len();
    if count == 0 || count > PEOPLE_MAX {
        return Err(Error::invalid("customerIds", "out_of_range", format!("from 1 to {PEOPLE_MAX} people")));
    }
    let customers = identity::find_customers(scope, &new.customer_ids).await?;
    let members = identity::find_members(scope, &new.member_ids).await?;
    let mut people = Vec::with_capacity(count);
    for (index, id) in new.customer_ids.iter().enumerate() {
        let found = customers.iter().find(|one| one.id == *id && !one.is_banned);
        let found = found.ok_or_else(|| Error::invalid(format!("customerIds[{index}]"), "unknown", "there is no such customer"))?;
        people.push(Person::Customer(found.clone()));
    }
    for (index, id) in new.member_ids.iter().enumerate() {
        let found = members.iter().find(|one| one.id == *id && one.is_active);
        let found = found.ok_or_else(|| Error::invalid(format!("memberIds[{index}]"), "unknown", "there is no such member of staff"))?;
        people.push(Person::Member(found.clone()));
    }
    Ok(people)
}

fn check_words(new: &NewMessage, own: &text::Own) -> Result<()> {
    let length = |text: &Option<String>| text.as_deref().map_or(0, |text| text.trim().chars().count());
    if json!(new.words).to_string().len() > WORDS_BYTES_MAX {
        return Err(Error::invalid("words", "too_long", format!("at most {WORDS_BYTES_MAX} bytes")));
    }
    match &new.template {
        None if !new.words.is_empty() => Err(Error::invalid("words", "not_here", "words are for a template; here are a title and a text")),
        Some(_) if new.title.is_some() || new.text.is_some() => {
            Err(Error::invalid("template", "not_both", "either a template, or a title and a text"))
        }
        Some(name) if Kind::named(name).is_some() || own.is_empty() => {
            Err(Error::invalid("template", "unknown", "there is no text of your own making with this name"))
        }
        Some(_) => Ok(()),
        None if !(1..=TITLE_MAX).contains(&length(&new.title)) => {
            Err(Error::invalid("title", "out_of_range", format!("from 1 to {TITLE_MAX} characters")))
        }
        None if !(1..=TEXT_MAX).contains(&length(&new.text)) => {
            Err(Error::invalid("text", "out_of_range", format!("from 1 to {TEXT_MAX} characters")))
        }
        None => Ok(()),
    }
}
