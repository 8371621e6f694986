//! Takes one message to its carrier, and writes down what became of it.
//!
//! Three steps, as with money: a unit that says "sending", the call outside of any unit, a unit
//! with the answer. Whoever finds "sending" without a living try does not know whether the message
//! left, and asks the carrier before anything is sent again.

use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::{
    class::{Channel, Class},
    delivery::{self, state},
    device,
    kinds::{About, Kind},
    links, notification,
    person::{self, Person},
    text,
};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    gateways::messaging::{Answer, Lost, Message, Report, Word},
    ids::RowId,
    models::{
        companies, identity,
        jobs::{self, Job},
    },
    tenancy::{Souk, Tenant},
    views::mail::{self, Words},
};

/// Sends a message that is due by its one channel.
///
/// # Errors
/// When it may be tried again later.
pub async fn deliver(souk: &Souk, job: &Job, id: RowId) -> Result<()> {
    let Some((delivery, begun_before)) = begin(souk, job, id).await? else { return Ok(()) };
    let answer = match compose(souk, &delivery).await {
        Ok(message) => carry(souk, &delivery, &message, begun_before).await,
        Err(Error::NotFound { code: code @ "code_over" }) => Some(Answer::Refused(code.into())),
        // Whom or what it was about is gone: there is nobody to write to.
        Err(Error::NotFound { .. }) => Some(Answer::Refused("no_address".into())),
        Err(error) => {
            tracing::warn!(delivery.id = %id, %error, "a message could not be written");
            Some(Answer::Later("not_written".into()))
        }
    };
    record(souk, job, &delivery, answer).await
}

/// Marks the delivery as being sent, and says when a try began whose end nobody knows.
async fn begin(souk: &Souk, job: &Job, id: RowId) -> Result<Option<(delivery::Model, Option<Instant>)>> {
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    let before = scope.get(scope.find::<delivery::Entity>().filter(delivery::Column::Id.eq(id))).await?;
    let now = clock::now();
    let begun_before = before.begun_at.filter(|_| before.state == state::SENDING);
    // A job that a person made ready again finds its delivery failed.
    let begin = scope
        .update::<delivery::Entity>()
        .col_expr(delivery::Column::State, Expr::value(state::SENDING))
        .col_expr(delivery::Column::Attempts, Expr::col(delivery::Column::Attempts).add(1))
        .col_expr(delivery::Column::BegunAt, Expr::value(begun_before.or(Some(now))))
        .col_expr(delivery::Column::UpdatedAt, Expr::value(now))
        .filter(delivery::Column::Id.eq(id))
        .filter(delivery::Column::State.is_in([state::QUEUED, state::SENDING, state::FAILED]));
    let Some(delivery) = scope.run_returning(begin).await?.pop() else {
        // It has ended, and the job was lost before it could say so.
        if jobs::done(&scope, job).await? {
            scope.commit().await?;
        }
        return Ok(None);
    };
    scope.commit().await?;
    Ok(Some((delivery, begun_before)))
}

/// Gives the message to its carrier; nothing is said when it is too early to know.
async fn carry(souk: &Souk, delivery: &delivery::Model, message: &Message, begun_before: Option<Instant>) -> Option<Answer> {
    let carrier = Channel::named(&delivery.channel).and_then(|channel| souk.carriers().of(channel));
    let Some(carrier) = carrier else { return Some(Answer::Refused("not_configured".into())) };
    if let Some(since) = begun_before {
        match carrier.find(message, since).await {
            Lost::SendAgain => {
                if let Err(error) = begin_anew(souk, delivery).await {
                    return Some(Answer::Later(error.code().into()));
                }
            }
            Lost::Found(id) => return Some(Answer::Accepted(Some(id))),
            Lost::Wait => return None,
            Lost::GiveUp => return Some(Answer::Refused(ANSWER_LOST.into())),
        }
    }
    Some(carrier.send(message).await)
}

/// Another try begins now: if its answer is lost too, it is this one that is asked about.
async fn begin_anew(souk: &Souk, delivery: &delivery::Model) -> Result<()> {
    let scope = souk.write(Tenant::system(delivery.company_id)).await?;
    let update = scope
        .update::<delivery::Entity>()
        .col_expr(delivery::Column::BegunAt, Expr::value(Some(clock::now())))
        .filter(delivery::Column::Id.eq(delivery.id))
        .filter(delivery::Column::State.eq(state::SENDING));
    scope.run(update).await?;
    scope.commit().await
}

/// The reason of a message of which nobody knows whether it left: a report may still tell.
const ANSWER_LOST: &str = "answer_lost";

async fn record(souk: &Souk, job: &Job, delivery: &delivery::Model, answer: Option<Answer>) -> Result<()> {
    let scope = souk.write(Tenant::system(job.company_id)).await?;
    let last = jobs::is_last_try(job);
    let (to, reason, again) = match &answer {
        Some(Answer::Accepted(_)) => (state::SENT, String::new(), false),
        Some(Answer::Gone(reason)) => (state::BOUNCED, reason.clone(), false),
        Some(Answer::Refused(reason)) => (state::FAILED, reason.clone(), false),
        Some(Answer::Later(reason)) if last => (state::FAILED, reason.clone(), true),
        Some(Answer::Later(reason)) => (state::QUEUED, reason.clone(), true),
        Some(Answer::Unknown(_)) | None if last => (state::FAILED, ANSWER_LOST.into(), true),
        Some(Answer::Unknown(reason)) => (state::SENDING, reason.clone(), true),
        None => (state::SENDING, delivery.reason.clone(), true),
    };
    let now = clock::now();
    let mut update = scope
        .update::<delivery::Entity>()
        .col_expr(delivery::Column::State, Expr::value(to))
        .col_expr(delivery::Column::Reason, Expr::value(reason.as_str()))
        .col_expr(delivery::Column::UpdatedAt, Expr::value(now))
        .filter(delivery::Column::Id.eq(delivery.id));
    if to != state::SENDING {
        update = update.col_expr(delivery::Column::BegunAt, Expr::value(None::<Instant>));
    }
    if let Some(Answer::Accepted(provider)) = &answer {
        update = update
            .col_expr(delivery::Column::ProviderId, Expr::value(provider.clone()))
            .col_expr(delivery::Column::SentAt, Expr::value(Some(now)));
    }
    // The provider's own report may have been faster, and it knows better.
    if scope.run(update.filter(delivery::Column::State.eq(state::SENDING))).await? == 0 {
        tracing::debug!(delivery.id = %delivery.id, "a delivery was reported on while it was being sent");
    }
    if let (Some(Answer::Gone(_)), Some(device)) = (&answer, delivery.device_id) {
        scope.remove(scope.delete::<device::Entity>().filter(device::Column::Id.eq(device))).await?;
    }
    if again {
        scope.commit().await?;
        return Err(Error::Unavailable(format!("{}: {reason}", delivery.channel)));
    }
    if jobs::done(&scope, job).await? {
        scope.commit().await?;
    }
    Ok(())
}

/// Writes the message as it leaves: in the person's language, with the links and codes that are kept nowhere.
async fn compose(souk: &Souk, delivery: &delivery::Model) -> Result<Message> {
    let channel = Channel::named(&delivery.channel).ok_or(Error::NOT_FOUND)?;
    let scope = souk.read(Tenant::system(delivery.company_id)).await?;
    let message = scope.get(scope.find::<notification::Entity>().filter(notification::Column::Id.eq(delivery.notification_id))).await?;
    let company = companies::own(&scope).await?;
    let person = person::of(&scope, &message).await?;
    let kind = Kind::named(&message.template);
    let about = kind.map_or(About::Words, |kind| kind.about);
    let code = match (about, message.subject_id) {
        (About::Code, Some(id)) => Some(identity::code_to_send(&scope, RowId(id)).await?),
        _ => None,
    };
    let address = match (&code, delivery.device_id) {
        // It proves the number that was asked for, whatever the profile says by now.
        (Some((phone, _)), _) => Some(phone.clone()),
        (None, Some(device)) => Some(scope.get(scope.find::<device::Entity>().filter(device::Column::Id.eq(device))).await?.token),
        (None, None) => person.address(channel),
    };
    let facts = text::facts(&scope, about, &company, message.subject_id, &message.data).await;
    let own = text::own(&scope, &message.template).await?;
    drop(scope);

    let staff = match &person {
        Person::Staff(id) => Some(identity::find_staff(souk, *id).await?),
        Person::Member(member) => Some(identity::find_staff(souk, member.staff_id).await?),
        Person::Customer(_) => None,
    };
    let language = match (&person, &staff) {
        (Person::Customer(customer), _) => mail::language(&customer.language),
        (_, Some(staff)) => mail::language(&staff.language),
        (_, None) => mail::language(&message.language),
    };
    let link = match about {
        About::Link(purpose) => links::seal(souk, purpose, delivery.company_id, &person, staff.as_ref())?,
        _ => String::new(),
    };
    let name = staff.as_ref().map_or_else(|| person.name().to_owned(), |staff| staff.name.clone());
    let words = facts.ok().filter(|_| !message.template.is_empty()).and_then(|mut facts| {
        facts["link"] = link.clone().into();
        if let Some((_, digits)) = &code {
            facts["code"] = digits.as_str().into();
        }
        text::write(&message.template, language, &own, &text::with_person(&company, &facts, &name)).ok()
    });
    // What is not there any more cannot be said again: the words of then are kept.
    let words = words.unwrap_or_else(|| Words { title: message.title.clone(), body: message.body.clone(), ..Words::default() });
    let class = Class::named(&message.class).unwrap_or(Class::Important);
    let unsubscribe =
        (channel == Channel::Email && class != Class::Critical).then(|| links::unsubscribe(souk, delivery.company_id, &person, class));
    let unsubscribe = unsubscribe.transpose()?;
    let letter =
        mail::letter(&company, &words, language, souk.settings().url(), &link, unsubscribe.as_ref().map(|ways| ways.page.as_str()))?;
    Ok(Message {
        company: delivery.company_id,
        id: delivery.id,
        to: address.or_else(|| staff.map(|staff| staff.email)).ok_or(Error::NOT_FOUND)?,
        from: company.name.clone(),
        reply_to: Some(company.email.clone()).filter(|email| !email.is_empty()),
        subject: words.title,
        text: letter.text,
        html: letter.html,
        short: letter.short,
        language: language.into(),
        unsubscribe: unsubscribe.map(|ways| ways.one_click),
        data: app_data(&message),
    })
}

/// What an app needs to open the right page.
fn app_data(message: &notification::Model) -> serde_json::Value {
    let mut data = serde_json::json!({ "notificationId": message.id, "template": message.template });
    if let Some(subject) = message.subject_id {
        data["subjectId"] = serde_json::json!(subject);
    }
    data
}

/// Applies what a provider reports on its own. Reports come twice and in any order: a message that
/// was delivered stays so, and one that failed is only found delivered when its answer had been lost.
pub async fn apply(souk: &Souk, report: &Report) -> Result<()> {
    let scope = souk.write(Tenant::system(report.company)).await?;
    let (to, reason, from): (_, &str, &[&str]) = match &report.word {
        Word::Sent => (state::SENT, "", &[state::SENDING]),
        Word::Delivered => (state::DELIVERED, "", &[state::QUEUED, state::SENDING, state::SENT]),
        Word::Failed(reason) => (state::FAILED, reason, &[state::SENDING, state::SENT]),
    };
    let was_lost = delivery::Column::State.eq(state::FAILED).and(delivery::Column::Reason.eq(ANSWER_LOST));
    let mut may = delivery::Column::State.is_in(from.iter().copied());
    if !matches!(report.word, Word::Failed(_)) {
        may = may.or(was_lost);
    }
    let update = scope
        .update::<delivery::Entity>()
        .col_expr(delivery::Column::State, Expr::value(to))
        .col_expr(delivery::Column::Reason, Expr::value(reason))
        .col_expr(delivery::Column::ProviderId, Expr::value(Some(report.provider_id.as_str())))
        .col_expr(delivery::Column::BegunAt, Expr::value(None::<Instant>))
        .col_expr(delivery::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(delivery::Column::Id.eq(report.delivery))
        .filter(delivery::Column::ProviderId.is_null().or(delivery::Column::ProviderId.eq(report.provider_id.as_str())))
        .filter(may);
    scope.run(update).await?;
    scope.commit().await
}
