//! `/api/notifications`: a customer's messages.

use axum::{Json as Answer, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, put},
    errors::Result,
    ids::NotificationId,
    models::notifications,
    tenancy::{Access, roles::NotificationsRead},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn index(access: Access<NotificationsRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let before = page::open::<NotificationId>(access.souk(), "notifications", list.cursor.as_deref())?;
    let scope = access.read().await?;
    let mut rows = notifications::list(&scope, scope.customer()?, before, limit + 1).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(100));
    let next = rows.last().filter(|_| more).map(|last| page::seal(access.souk(), "notifications", last.id)).transpose()?;
    let data: Vec<_> = rows
        .iter()
        .map(|one| json!({ "id": one.id, "template": one.template, "title": one.title, "body": one.body, "data": one.data, "createdAt": one.created_at, "readAt": one.read_at }))
        .collect();
    Ok(Answer(page::envelope(data, limit, next)))
}

async fn read(access: Access<NotificationsRead>, Id(id): Id<NotificationId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    notifications::read(&scope, scope.customer()?, Some(id)).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read_all(access: Access<NotificationsRead>) -> Result<StatusCode> {
    let scope = access.write().await?;
    notifications::read(&scope, scope.customer()?, None).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<NotificationsRead, _>("/api/notifications", "My messages, newest first", index),
        put::<NotificationsRead, _>("/api/notifications/read-all", "Marks all my messages read", read_all),
        put::<NotificationsRead, _>("/api/notifications/{id}/read", "Marks one message read", read),
    ]
}
