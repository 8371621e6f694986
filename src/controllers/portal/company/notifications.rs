//! What the company tells people: the log of what was sent, and the texts it is written by.

use std::sync::Arc;

use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, export, fields::Fields, lists::Listing, local};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{NotificationId, RowId},
    models::{
        companies::{self, Company},
        notifications::{self, Channel, Draft, Filter, KINDS, Line, Notification, Text, TextKey, state},
    },
    tenancy::{
        Role, Scope, Tenant,
        roles::{DebtsRead, InventoryRead, NotificationsLog, NotificationsTemplates, OrdersRead, Permission},
    },
    views::templates::{self, LANGUAGES},
    words::fold,
};

const LOG: &str = "/company/notifications";
const TEXTS: &str = "/company/notifications/templates";
const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    text: String,
    cursor: Option<String>,
}

impl List {
    fn filter(&self) -> Filter {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Filter {
            channel: Channel::named(&self.channel),
            state: state::ALL.into_iter().find(|known| *known == self.state),
            template: given(&self.text),
            email: given(&self.q),
        }
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("notice.view.all", ""),
    ("notice.view.failed", "state=failed"),
    ("notice.view.bounced", "state=bounced"),
    ("notice.view.waiting", "state=queued"),
];

async fn index(visitor: Visitor<NotificationsLog>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = log_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/notifications/index.html", &company, data)
}

async fn log_page(visitor: &Visitor<NotificationsLog>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let filter = list.filter();
    let bound = format!("portal notifications {filter:?}");
    let before = page::open::<RowId>(access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut lines = notifications::log(&scope, &filter, before, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut lines, ROWS, |line| line.delivery.id)?;
    let messages: Vec<_> = lines.iter().map(|line| &line.message).collect();
    let names = notifications::names(&scope, &messages).await?;
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            let Line { delivery, message } = line;
            json!({
                "id": message.id, "title": message.said_in(&visitor.language).0, "person": names.get(&message.id), "to": delivery.recipient,
                "channel": delivery.channel, "state": delivery.state, "tries": delivery.attempts, "at": local(delivery.created_at, &company.zone, &visitor.language),
            })
        })
        .collect();
    let chips = vec![
        ("q", visitor.text("notice.search"), list.q.clone()),
        (
            "channel",
            visitor.text("notice.col.channel"),
            filter.channel.map(|one| visitor.text(&format!("notice.channel.{}", one.name()))).unwrap_or_default(),
        ),
        (
            "state",
            visitor.text("notice.col.state"),
            filter.state.map(|one| visitor.text(&format!("notice.state.{one}"))).unwrap_or_default(),
        ),
        (
            "text",
            visitor.text("notice.col.text"),
            filter.template.as_deref().map(|name| name_of(name, &visitor.language)).unwrap_or_default(),
        ),
    ];
    let option = |value: &str, key: String| json!({ "value": value, "label_key": key });
    let data = json!({
        "rows": rows, "list": visitor.list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }).await?,
        "filter": { "q": list.q, "channel": list.channel, "state": list.state, "text": list.text },
        "channels": Channel::ALL.map(|one| option(one.name(), format!("notice.channel.{}", one.name()))),
        "states": state::ALL.map(|one| option(one, format!("notice.state.{one}"))),
        "texts": KINDS.iter().map(|kind| option(kind.name, format!("notice.text.{}", kind.name))).collect::<Vec<_>>(),
        "can_write": access.tenant().may(NotificationsTemplates::NAME),
    });
    Ok((company, data))
}

/// What a text is called; one of the company's own making by the name it was given.
pub(in crate::controllers::portal) fn name_of(template: &str, language: &str) -> String {
    let key = format!("notice.text.{template}");
    let text = templates::text(&key, language);
    if text == key { template.replace('_', " ") } else { text }
}

const COLUMNS: [&str; 8] = ["at", "template", "title", "channel", "state", "reason", "tries", "recipient"];

async fn export(visitor: Visitor<NotificationsLog>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let csv = export::csv("notifications", &COLUMNS, move |before| {
        let (access, filter) = (access.clone(), list.filter());
        async move {
            let scope = access.read().await?;
            let lines = notifications::log(&scope, &filter, before, export::ROWS).await?;
            let is_full = lines.len() as u64 == export::ROWS;
            let next = lines.last().filter(|_| is_full).map(|line| line.delivery.id);
            Ok((lines.iter().map(cells).collect(), next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

fn cells(line: &Line) -> Vec<String> {
    let Line { delivery, message } = line;
    vec![
        delivery.created_at.to_string(),
        message.template.clone(),
        message.title.clone(),
        delivery.channel.clone(),
        delivery.state.clone(),
        delivery.reason.clone(),
        delivery.attempts.to_string(),
        delivery.recipient.clone(),
    ]
}

async fn show(visitor: Visitor<NotificationsLog>, Id(id): Id<NotificationId>) -> PageResult<Html<String>> {
    let (company, data) = message_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/notifications/show.html", &company, data)
}

async fn message_page(visitor: &Visitor<NotificationsLog>, id: NotificationId) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let (message, ways) = notifications::message(&scope, id).await?;
    let names = notifications::names(&scope, &[&message]).await?;
    let (title, body) = message.said_in(&visitor.language);
    let ways: Vec<_> = ways
        .iter()
        .map(|way| {
            json!({
                "channel": way.channel, "state": way.state, "to": way.recipient, "reason": reason(&way.reason, &visitor.language),
                "tries": way.attempts, "provider_id": way.provider_id, "at": local(way.updated_at, &company.zone, &visitor.language),
            })
        })
        .collect();
    let data = json!({
        "message": {
            "title": title, "body": body, "person": names.get(&id), "class": message.class, "at": local(message.due_at, &company.zone, &visitor.language),
            "text": if message.template.is_empty() { String::new() } else { name_of(&message.template, &visitor.language) },
            "read": message.read_at.map(|at| local(at, &company.zone, &visitor.language)), "about": about(&message, visitor.access.tenant()),
        },
        "ways": ways,
    });
    Ok((company, data))
}

/// A reason in words where there are some; a provider's number stays a number.
fn reason(code: &str, language: &str) -> String {
    let key = format!("notice.reason.{code}");
    let text = templates::text(&key, language);
    if text == key { code.to_owned() } else { text }
}

/// The page of what a message is about, where the company portal has one that the person may open.
pub(in crate::controllers::portal) fn about(message: &Notification, tenant: &Tenant) -> Option<String> {
    let subject = message.subject_id?;
    let kind = KINDS.iter().find(|kind| kind.name == message.template)?;
    let (permission, page) = if kind.is_about_a_debt() {
        (DebtsRead::NAME, "/company/debts".into())
    } else if kind.is_about_stock() {
        (InventoryRead::NAME, format!("/company/inventory/{subject}"))
    } else if kind.is_about_an_order() {
        (OrdersRead::NAME, format!("/company/orders/{subject}"))
    } else {
        return None;
    };
    // A rider reads orders where they are delivered, and on no page of the desk.
    (tenant.may(permission) && tenant.role != Role::Rider).then_some(page)
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    q: String,
}

/// The texts whose name, in the person's language, has the words in it.
async fn texts_named(scope: &Scope, named: &Named, language: &str) -> Result<Vec<Text>> {
    let words = fold(&named.q);
    let mut texts = notifications::texts(scope).await?;
    texts.retain(|text| fold(&name_of(&text.name, language)).contains(&words) || text.name.contains(&words));
    Ok(texts)
}

const TEXT_COLUMNS: [&str; 7] = ["text", "language", "own", "subject", "body", "html", "short"];

async fn export_texts(visitor: Visitor<NotificationsTemplates>, Query(named): Query<Named>) -> PageResult<Response> {
    let rows = text_lines(&visitor, &named).await.map_err(|error| visitor.refuse(error))?;
    export::few("message-texts", &TEXT_COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn text_lines(visitor: &Visitor<NotificationsTemplates>, named: &Named) -> Result<Vec<Vec<String>>> {
    let scope = visitor.access.read().await?;
    let texts = texts_named(&scope, named, &visitor.language).await?;
    let cells = texts.into_iter().map(|text| {
        let Draft { subject, body, html, short } = text.draft;
        vec![text.name, text.language, text.own.is_some().to_string(), subject, body, html, short]
    });
    Ok(cells.collect())
}

async fn texts(visitor: Visitor<NotificationsTemplates>, Query(named): Query<Named>) -> PageResult<Html<String>> {
    let (company, data) = texts_page(&visitor, &named).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/notifications/texts.html", &company, data)
}

async fn texts_page(visitor: &Visitor<NotificationsTemplates>, named: &Named) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let texts = texts_named(&scope, named, &visitor.language).await?;
    let rows = rows_of(&texts, TEXTS, &visitor.language);
    let chips = vec![("q", visitor.text("ui.search"), named.q.clone())];
    let listing = Listing { chips, count: rows.len(), ..Listing::default() };
    Ok((company, json!({ "rows": rows, "list": visitor.list(&scope, listing).await?, "filter": { "q": named.q } })))
}

/// Texts by name with the languages they are there in, each with its page under `at`.
pub(in crate::controllers::portal) fn rows_of(texts: &[Text], at: &str, language: &str) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    for text in texts {
        let class = KINDS.iter().find(|kind| kind.name == text.name).map(|kind| kind.class.name());
        let href = format!("{at}/{}.{}", text.name, text.language);
        let version = json!({ "language": text.language, "is_own": text.own.is_some(), "href": href });
        match rows.last_mut().filter(|row| row["key"] == text.name.as_str()) {
            Some(row) => {
                if let Some(versions) = row["versions"].as_array_mut() {
                    versions.push(version);
                }
            }
            None => rows.push(json!({ "key": text.name, "name": name_of(&text.name, language), "class": class, "versions": [version] })),
        }
    }
    rows
}

async fn text(visitor: Visitor<NotificationsTemplates>, Id(key): Id<TextKey>) -> PageResult<Html<String>> {
    let (company, data) = text_page(&visitor, &key, None).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/notifications/text.html", &company, data)
}

/// The editor of one text, and how its letter looks in each language; of `draft` when it is tried.
async fn text_page(visitor: &Visitor<NotificationsTemplates>, key: &TextKey, draft: Option<&Draft>) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let text = notifications::text_of(&scope, key).await?;
    let previews = previews(&scope, key, draft, TEXTS, &visitor.language).await?;
    let data = json!({
        "text": {
            "key": key.to_string(), "name": name_of(&key.name, &visitor.language), "language": key.language, "is_own": text.own.is_some(),
            "version": text.own.as_ref().map(|own| own.version), "subject": text.draft.subject, "body": text.draft.body, "html": text.draft.html,
            "short": text.draft.short, "href": format!("{TEXTS}/{key}"),
        },
        "is_ours_too": KINDS.iter().any(|kind| kind.name == key.name),
        "variables": notifications::variables(&company, &key.name), "previews": previews, "texts_href": TEXTS,
    });
    Ok((company, data))
}

/// How a text's letter looks in each language, each with its page under `at`; in the text's own
/// language that of `draft`, where one is tried.
pub(in crate::controllers::portal) async fn previews(
    scope: &Scope,
    key: &TextKey,
    draft: Option<&Draft>,
    at: &str,
    reader: &str,
) -> Result<Vec<Value>> {
    let mut previews = Vec::new();
    for language in LANGUAGES {
        let of = TextKey { name: key.name.clone(), language: language.into() };
        let Ok(kept) = notifications::text_of(scope, &of).await else { continue };
        let shown = draft.filter(|_| language == key.language).unwrap_or(&kept.draft);
        let preview = match notifications::preview(scope, &of, shown).await {
            Ok((words, letter)) => json!({ "subject": words.title, "text": letter.text, "short": letter.short, "wrong": "" }),
            Err(Error::Invalid(_)) => {
                json!({ "subject": "", "text": "", "short": "", "wrong": templates::text("notice.preview_wrong", reader) })
            }
            Err(error) => return Err(error),
        };
        previews.push(json!({ "language": language, "href": format!("{at}/{of}"), "here": language == key.language, "letter": preview }));
    }
    Ok(previews)
}

fn draft(fields: &Fields) -> Draft {
    // A form ends its lines as mail does; a text keeps one way.
    let part = |name: &str| fields.raw(name).replace("\r\n", "\n");
    Draft { subject: part("subject"), body: part("body"), html: part("html"), short: part("short") }
}

async fn save(visitor: Visitor<NotificationsTemplates>, Id(key): Id<TextKey>, fields: Fields) -> PageResult<Response> {
    match keep(&visitor, &key, &fields).await {
        Ok(()) => Ok(visitor.done(&format!("{TEXTS}/{key}"), "saved").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let (company, data) = text_page(&visitor, &key, Some(&draft(&fields))).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/notifications/text.html", &company, data)
        }
    }
}

async fn keep(visitor: &Visitor<NotificationsTemplates>, key: &TextKey, fields: &Fields) -> Result<()> {
    let scope = visitor.access.write().await?;
    let kept = notifications::text_of(&scope, key).await?;
    let version = fields.raw("version").parse::<i64>().ok();
    if kept.own.is_some() {
        notifications::change_text(&scope, key, &draft(fields), version).await?;
    } else if version.is_some() {
        return Err(Error::Stale);
    } else {
        notifications::add_text(&scope, key, &draft(fields)).await?;
    }
    scope.commit().await
}

/// Shows what is typed as its letter would look; nothing is kept.
async fn preview(visitor: Visitor<NotificationsTemplates>, Id(key): Id<TextKey>, fields: Fields) -> PageResult<Response> {
    let visitor = match try_out(&visitor, &key, &fields).await {
        Ok(()) => visitor.typed(&fields),
        Err(error) => visitor.refused(error, &fields)?,
    };
    let (company, data) = text_page(&visitor, &key, Some(&draft(&fields))).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/notifications/text.html", &company, data)
}

async fn try_out(visitor: &Visitor<NotificationsTemplates>, key: &TextKey, fields: &Fields) -> Result<()> {
    let scope = visitor.access.read().await?;
    notifications::preview(&scope, key, &draft(fields)).await.map(|_| ())
}

async fn reset(visitor: Visitor<NotificationsTemplates>, Id(key): Id<TextKey>) -> PageResult<Redirect> {
    drop_own(&visitor, &key).await.map_err(|error| visitor.refuse(error))?;
    Ok(visitor.done(TEXTS, "text_reset"))
}

async fn drop_own(visitor: &Visitor<NotificationsTemplates>, key: &TextKey) -> Result<()> {
    let scope = visitor.access.write().await?;
    notifications::drop_text(&scope, key).await?;
    scope.commit().await
}

/// A letter is a page of strangers' making: no script, no form, nothing of ours around it.
const LETTER_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:";

/// The kept text as the letter's HTML, to look at in a window of its own.
async fn letter(visitor: Visitor<NotificationsTemplates>, Id(key): Id<TextKey>) -> PageResult<Response> {
    kept_letter(&visitor, &key).await.map_err(|error| visitor.refuse(error))
}

async fn kept_letter(visitor: &Visitor<NotificationsTemplates>, key: &TextKey) -> Result<Response> {
    letter_of(&visitor.access.read().await?, key).await
}

/// A text of the unit's company as its letter's HTML.
pub(in crate::controllers::portal) async fn letter_of(scope: &Scope, key: &TextKey) -> Result<Response> {
    let text = notifications::text_of(scope, key).await?;
    let mut answer = Html(notifications::preview(scope, key, &text.draft).await?.1.html).into_response();
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(LETTER_POLICY));
    Ok(answer)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<NotificationsLog, _>(LOG, "What was sent to whom", index),
        get::<NotificationsLog, _>("/company/notifications/export.csv", "What was sent to whom, as CSV", export),
        get::<NotificationsLog, _>("/company/notifications/{id}", "One message and its ways", show),
        get::<NotificationsTemplates, _>(TEXTS, "The texts of messages", texts),
        get::<NotificationsTemplates, _>("/company/notifications/templates/export.csv", "The texts of messages as CSV", export_texts),
        get::<NotificationsTemplates, _>("/company/notifications/templates/{id}", "One text", text),
        post::<NotificationsTemplates, _>("/company/notifications/templates/{id}", "Saves a text", save),
        post::<NotificationsTemplates, _>("/company/notifications/templates/{id}/preview", "Shows a text as its letter", preview),
        post::<NotificationsTemplates, _>("/company/notifications/templates/{id}/reset", "Goes back to Souk's text", reset),
        get::<NotificationsTemplates, _>("/company/notifications/templates/{id}/letter", "A text as its letter's HTML", letter),
    ]
}
