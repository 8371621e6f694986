//! `/api/notifications`: one's own messages and wishes, the company's texts and sendings, and what
//! providers report.

use std::collections::BTreeMap;

use axum::{
    Json as Answer,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    clock::Instant,
    controllers::{
        extract::{Id, Json, Query, Version, value},
        once::{Begun, Once},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post, put},
    },
    errors::{Error, Result},
    gateways::messaging,
    ids::{DeviceId, NotificationId, RowId, TemplateId},
    models::notifications::{self, Channel, Choices, Draft, Filter, KINDS, NewDevice, NewMessage, TextKey, state},
    tenancy::{
        Access, Souk, keys,
        roles::{Anyone, NotificationsLog, NotificationsRead, NotificationsSend, NotificationsTemplates},
    },
    views::notifications as view,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    limit: Option<u64>,
    cursor: Option<String>,
    unread: Option<bool>,
}

async fn index(access: Access<NotificationsRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let unread = list.unread.unwrap_or_default();
    let bound = format!("notifications {unread}");
    let before = page::open::<(i64, NotificationId)>(&access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let mut rows = notifications::list(&scope, unread, before, limit + 1).await?;
    let next = page::cut(&access, &bound, &mut rows, limit, |row| (row.due_at.micros(), row.id))?;
    let mut answer = page::envelope(rows.iter().map(view::message).collect::<Vec<_>>(), limit, next);
    answer["unread"] = json!(notifications::unread(&scope).await?);
    Ok(Answer(answer))
}

/// One's own message; for whoever sees the company's log, any of the company.
async fn show(access: Access<NotificationsRead>, Id(id): Id<NotificationId>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    if access.tenant().may("notifications:log") {
        let (message, ways) = notifications::message(&scope, id).await?;
        return Ok(Answer(view::with_ways(&message, &ways)));
    }
    let message = notifications::get(&scope, id).await?;
    let ways = notifications::deliveries(&scope, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(Answer(view::with_ways(&message, &ways)))
}

async fn read(access: Access<NotificationsRead>, Id(id): Id<NotificationId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    notifications::read(&scope, Some(id)).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read_all(access: Access<NotificationsRead>) -> Result<StatusCode> {
    let scope = access.write().await?;
    notifications::read(&scope, None).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn preferences(access: Access<NotificationsRead>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    Ok(Answer(view::choices(&notifications::my_choices(&scope).await?)))
}

async fn prefer(access: Access<NotificationsRead>, Json(changes, _): Json<Choices>) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let choices = notifications::choose(&scope, &changes).await?;
    scope.commit().await?;
    Ok(Answer(view::choices(&choices)))
}

async fn add_device(access: Access<NotificationsRead>, Json(new, _): Json<NewDevice>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let id = notifications::register_device(&scope, &new).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(json!({ "id": id, "platform": new.platform }))))
}

async fn forget_device(access: Access<NotificationsRead>, Id(id): Id<DeviceId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    notifications::forget_device(&scope, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Log {
    limit: Option<u64>,
    cursor: Option<String>,
    channel: Option<Channel>,
    #[schemars(extend("enum" = state::ALL))]
    state: Option<String>,
    #[schemars(extend("enum" = KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>()))]
    template: Option<String>,
    email: Option<String>,
}

async fn log(access: Access<NotificationsLog>, Query(log): Query<Log>) -> Result<Answer<Value>> {
    let limit = page::limit(log.limit)?;
    let known = |name: String| {
        state::ALL.into_iter().find(|known| *known == name).ok_or_else(|| Error::invalid("state", "unknown", "there is no such state"))
    };
    if log.template.as_deref().is_some_and(|name| KINDS.iter().all(|kind| kind.name != name)) {
        return Err(Error::invalid("template", "unknown", "no message is written by that text"));
    }
    let filter = Filter { channel: log.channel, state: log.state.map(known).transpose()?, template: log.template, email: log.email };
    let bound = format!("deliveries {filter:?}");
    let before = page::open::<RowId>(&access, &bound, log.cursor.as_deref())?;
    let scope = access.read_company().await?;
    let mut lines = notifications::log(&scope, &filter, before, limit + 1).await?;
    let next = page::cut(&access, &bound, &mut lines, limit, |line| line.delivery.id)?;
    Ok(Answer(page::envelope(lines.iter().map(view::line).collect::<Vec<_>>(), limit, next)))
}

async fn send(access: Access<NotificationsSend>, once: Once, Json(new, hash): Json<NewMessage>) -> Result<Response> {
    if new.send_at.is_some() {
        return Err(Error::invalid("sendAt", "not_here", "a message for later is scheduled at /api/notifications/schedule"));
    }
    send_once(&access, &once, &new, &hash, None).await
}

/// A message that waits says until when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("required" = ["sendAt"]))]
struct Scheduled(NewMessage);

async fn schedule(access: Access<NotificationsSend>, once: Once, Json(Scheduled(new), hash): Json<Scheduled>) -> Result<Response> {
    let at = new.send_at.as_deref().ok_or_else(|| Error::invalid("sendAt", "required", "this is needed"))?;
    let at = Instant::parse(at).ok_or_else(|| Error::invalid("sendAt", "invalid", "a time by RFC 3339"))?;
    send_once(&access, &once, &new, &hash, Some(at)).await
}

async fn send_once(
    access: &Access<NotificationsSend>,
    once: &Once,
    new: &NewMessage,
    hash: &str,
    due: Option<Instant>,
) -> Result<Response> {
    let unit = match once.begin(access, hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) | Begun::Past(_) => return Err(Error::internal("a sending has one unit")),
    };
    let result = notifications::send(unit.scope(), new, due).await.map(|ids| json!({ "notificationIds": ids }));
    unit.end(StatusCode::CREATED, result).await
}

async fn texts(access: Access<NotificationsTemplates>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    Ok(Answer(page::whole(notifications::texts(&scope).await?.iter().map(view::text).collect())))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewText {
    name: String,
    language: String,
    subject: String,
    body: String,
    #[serde(default)]
    html: String,
    #[serde(default)]
    short: String,
}

async fn add_text(access: Access<NotificationsTemplates>, Json(new, _): Json<NewText>) -> Result<(StatusCode, Answer<Value>)> {
    let key = format!("{}.{}", new.name, new.language).parse::<TextKey>();
    let key = key.map_err(|_| Error::invalid("language", "unknown", "there is no such language"))?;
    let draft = Draft { subject: new.subject, body: new.body, html: new.html, short: new.short };
    let scope = access.write().await?;
    notifications::add_text(&scope, &key, &draft).await?;
    let text = notifications::text_of(&scope, &key).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(view::text(&text))))
}

async fn change_text(
    access: Access<NotificationsTemplates>,
    Id(id): Id<TemplateId>,
    Version(version): Version,
    Json(draft, _): Json<Draft>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let key = notifications::key_of(&scope, id).await?;
    notifications::change_text(&scope, &key, &draft, version).await?;
    let text = notifications::text_of(&scope, &key).await?;
    scope.commit().await?;
    Ok(Answer(view::text(&text)))
}

async fn drop_text(access: Access<NotificationsTemplates>, Id(id): Id<TemplateId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    let key = notifications::key_of(&scope, id).await?;
    notifications::drop_text(&scope, &key).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The text as it is kept, or as the body would have it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "TextPreview")]
struct Preview {
    subject: Option<String>,
    body: Option<String>,
    html: Option<String>,
    short: Option<String>,
}

/// A text of the company's own by its id; any by its name and language, such as `order_confirmed.en`.
async fn preview(access: Access<NotificationsTemplates>, Id(id): Id<String>, Json(new, _): Json<Preview>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    let key = match id.parse::<TemplateId>() {
        Ok(id) => notifications::key_of(&scope, id).await?,
        Err(_) => id.parse()?,
    };
    let kept = notifications::text_of(&scope, &key).await?.draft;
    let draft = Draft {
        subject: new.subject.unwrap_or(kept.subject),
        body: new.body.unwrap_or(kept.body),
        html: new.html.unwrap_or(kept.html),
        short: new.short.unwrap_or(kept.short),
    };
    let (words, letter) = notifications::preview(&scope, &key, &draft).await?;
    Ok(Answer(json!({ "subject": words.title, "text": letter.text, "html": letter.html, "short": letter.short })))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["link", "class"]))]
struct Unsubscribe {
    #[serde(default)]
    link: String,
    #[serde(default)]
    class: String,
}

/// A mail program's one click (RFC 8058): acts at once, whoever sends it, by the link's signature.
async fn unsubscribe(State(souk): State<Souk>, Query(asked): Query<Unsubscribe>) -> Result<Answer<Value>> {
    notifications::switch_letters(&souk, &asked.link, &asked.class, false).await?;
    Ok(Answer(json!({ "class": asked.class, "email": false })))
}

/// A person who follows the same address is asked first.
async fn unsubscribe_page(Query(asked): Query<Unsubscribe>) -> Result<Redirect> {
    let query = serde_urlencoded::to_string([("link", asked.link), ("class", asked.class)]).map_err(Error::internal)?;
    Ok(Redirect::to(&format!("/unsubscribe?{query}")))
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Challenge {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

/// Meta asks once whether this address is ours.
async fn challenge(State(souk): State<Souk>, Path(provider): Path<String>, Query(asked): Query<Challenge>) -> Result<String> {
    let expected = souk.settings().messaging.whatsapp.verify_token.as_deref().filter(|token| !token.is_empty());
    let is_ours = provider == "whatsapp" && asked.mode == "subscribe" && expected.is_some_and(|token| keys::is_same(token, &asked.token));
    if is_ours { Ok(asked.challenge) } else { Err(Error::NOT_FOUND) }
}

/// What a provider reports of messages, signed in its own way.
async fn callback(State(souk): State<Souk>, Path(provider): Path<String>, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Response> {
    let reports = match provider.as_str() {
        "twilio" => from_twilio(&souk, &uri, &headers, &body)?,
        "whatsapp" => from_whatsapp(&souk, &headers, &body)?,
        _ => return Err(Error::NOT_FOUND),
    };
    for report in &reports {
        notifications::apply(&souk, report).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

const UNSIGNED: Error = Error::NotSignedIn { code: "signature_invalid" };

fn from_twilio(souk: &Souk, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Vec<messaging::Report>> {
    let token = souk.settings().messaging.twilio.auth_token.as_deref().ok_or(Error::NOT_FOUND)?;
    let form: BTreeMap<String, String> = serde_urlencoded::from_bytes(body).map_err(|_| UNSIGNED)?;
    // Twilio signs the address it was given, which is ours as the world sees it.
    let path = uri.path_and_query().map_or_else(|| uri.path(), |path| path.as_str());
    let url = format!("{}{path}", souk.settings().url());
    if !messaging::is_twilio(token, &url, &form, value(headers, "x-twilio-signature").unwrap_or_default()) {
        return Err(UNSIGNED);
    }
    let query: BTreeMap<String, String> = serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
    Ok(query.get("delivery").and_then(|delivery| messaging::twilio_report(delivery, &form)).into_iter().collect())
}

fn from_whatsapp(souk: &Souk, headers: &HeaderMap, body: &[u8]) -> Result<Vec<messaging::Report>> {
    let secret = souk.settings().messaging.whatsapp.app_secret.as_deref().ok_or(Error::NOT_FOUND)?;
    if !messaging::is_whatsapp(secret, body, value(headers, "x-hub-signature-256").unwrap_or_default()) {
        return Err(UNSIGNED);
    }
    let body =
        serde_json::from_slice(body).map_err(|_| Error::Malformed { code: "malformed_json", detail: "the body is not JSON".into() })?;
    Ok(messaging::whatsapp_reports(&body))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<NotificationsRead, _>("/api/notifications", "My messages, newest first", index).answers(200, "MessagePage"),
        get::<NotificationsRead, _>("/api/notifications/{id}", "One message with its ways", show).answers(200, "MessageWithWays"),
        put::<NotificationsRead, _>("/api/notifications/read-all", "Marks all my messages read", read_all).empty(204),
        put::<NotificationsRead, _>("/api/notifications/{id}/read", "Marks one message read", read).empty(204),
        get::<NotificationsRead, _>("/api/notifications/preferences", "What I want to hear by which way", preferences)
            .answers(200, "MessageChoices"),
        put::<NotificationsRead, _>("/api/notifications/preferences", "Changes what I want to hear by which way", prefer)
            .answers(200, "MessageChoices"),
        post::<NotificationsRead, _>("/api/notifications/devices", "Takes push messages at a device", add_device).answers(201, "Device"),
        delete::<NotificationsRead, _>("/api/notifications/devices/{id}", "Sends no more push messages to a device", forget_device)
            .empty(204),
        get::<NotificationsLog, _>("/api/notifications/deliveries", "What was sent to whom, and what became of it", log)
            .answers(200, "[LoggedDelivery]"),
        post::<NotificationsSend, _>("/api/notifications/send", "Sends a message to people", send).answers(201, "SentMessages"),
        post::<NotificationsSend, _>("/api/notifications/schedule", "Sends a message to people at a time", schedule)
            .answers(201, "SentMessages"),
        get::<NotificationsTemplates, _>("/api/notifications/templates", "Every text, ours and Souk's", texts).answers(200, "[Text]"),
        post::<NotificationsTemplates, _>("/api/notifications/templates", "Writes a text of our own", add_text).answers(201, "Text"),
        put::<NotificationsTemplates, _>("/api/notifications/templates/{id}", "Changes a text of our own", change_text)
            .answers(200, "Text"),
        delete::<NotificationsTemplates, _>("/api/notifications/templates/{id}", "Goes back to Souk's text", drop_text).empty(204),
        post::<NotificationsTemplates, _>("/api/notifications/templates/{id}/preview", "A text with made-up facts", preview)
            .answers(200, "TextPreviewed"),
        get::<Anyone, _>("/api/notifications/unsubscribe", "Leads a person to the page that asks once more", unsubscribe_page).empty(303),
        post::<Anyone, _>("/api/notifications/unsubscribe", "A mail program's one click", unsubscribe).answers(200, "Unsubscribed"),
        get::<Anyone, _>("/api/notifications/callbacks/{provider}", "A provider asks whether this address is ours", challenge)
            .sends(200, "text/plain"),
        post::<Anyone, _>("/api/notifications/callbacks/{provider}", "A provider reports", callback).empty(204),
    ]
}
