//! A member's own messages: the bell at the top of every page, and the list behind it.

use axum::response::{Html, Redirect};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PageResult, Visitor, company::notifications::about, lists::Listing, local};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::NotificationId,
    models::{
        companies::{self, Company},
        notifications::{self, Notification},
    },
    tenancy::roles::NotificationsRead,
    views::templates,
};

const PAGE: &str = "/messages";
const ROWS: u64 = 50;

#[derive(Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    unread: String,
    cursor: Option<String>,
}

async fn index(visitor: Visitor<NotificationsRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = list_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/messages.html", &company, data)
}

async fn list_page(visitor: &Visitor<NotificationsRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let unread = !list.unread.is_empty();
    let bound = format!("portal messages {unread}");
    let before = page::open::<(i64, NotificationId)>(access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut messages = notifications::list(&scope, unread, before, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut messages, ROWS, |one| (one.due_at.micros(), one.id))?;
    let rows: Vec<_> = messages
        .iter()
        .map(|one| {
            let (title, body) = one.said_in(&visitor.language);
            let lines: Vec<_> = body.lines().collect();
            json!({ "id": one.id, "title": title, "lines": lines, "at": local(one.due_at, &company.zone, &visitor.language), "is_read": one.read_at.is_some(), "leads": about(one, access.tenant()).is_some() })
        })
        .collect();
    let views = [("message.view.all", ""), ("message.view.unread", "unread=1")];
    let list = visitor.list(&scope, Listing { views: &views, count: rows.len(), next, ..Listing::default() }).await?;
    Ok((company, json!({ "rows": rows, "list": list, "unread": notifications::unread(&scope).await? })))
}

/// The bell alone, which asks for itself again and again.
async fn bell(visitor: Visitor<NotificationsRead>) -> PageResult<Html<String>> {
    let count = count(&visitor).await.map_err(|error| visitor.refuse(error))?;
    let most = usize::try_from(notifications::UNREAD_MAX).unwrap_or(100);
    let shown = if count < most { count.to_string() } else { format!("{}+", most - 1) };
    let data = json!({ "lang": visitor.language, "unread": count, "unread_shown": shown });
    templates::render("components/bell.html", &data).map(Html).map_err(|error| visitor.refuse(error))
}

async fn count(visitor: &Visitor<NotificationsRead>) -> Result<usize> {
    let scope = visitor.access.read().await?;
    notifications::unread(&scope).await
}

/// Marks a message read and leads to what it is about.
async fn open(visitor: Visitor<NotificationsRead>, Id(id): Id<NotificationId>) -> PageResult<Redirect> {
    let message = read_one(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    Ok(Redirect::to(&about(&message, visitor.access.tenant()).unwrap_or_else(|| visitor.list_at(PAGE))))
}

async fn read_one(visitor: &Visitor<NotificationsRead>, id: NotificationId) -> Result<Notification> {
    let scope = visitor.access.write().await?;
    let message = notifications::get(&scope, id).await?;
    notifications::read(&scope, Some(id)).await?;
    scope.commit().await?;
    Ok(message)
}

async fn read_all(visitor: Visitor<NotificationsRead>) -> PageResult<Redirect> {
    read_every(&visitor).await.map_err(|error| visitor.refuse(error))?;
    Ok(visitor.done(PAGE, "all_read"))
}

async fn read_every(visitor: &Visitor<NotificationsRead>) -> Result<()> {
    let scope = visitor.access.write().await?;
    notifications::read(&scope, None).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<NotificationsRead, _>(PAGE, "My messages", index),
        get::<NotificationsRead, _>("/messages/bell", "How many of my messages are unread", bell),
        post::<NotificationsRead, _>("/messages/{id}/open", "Marks a message read and leads to what it is about", open),
        post::<NotificationsRead, _>("/messages/read-all", "Marks all my messages read", read_all),
    ]
}
