//! A person's own list of messages.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use super::{notification, person::mine};
use crate::{clock, errors::Result, ids::NotificationId, keyset, tenancy::Scope};

/// Unread messages are counted up to here.
pub const UNREAD_MAX: u64 = 100;

/// The messages of whoever is asking, newest first, from before `before`; unread ones only if asked.
pub async fn list(scope: &Scope, unread: bool, before: Option<(i64, NotificationId)>, limit: u64) -> Result<Vec<notification::Model>> {
    let mut rows = scope.find::<notification::Entity>().filter(mine(scope)).filter(notification::Column::DueAt.lte(clock::now()));
    if unread {
        rows = rows.filter(notification::Column::ReadAt.is_null());
    }
    if let Some((at, id)) = before {
        rows = rows.filter(keyset::below(notification::Column::DueAt, at, notification::Column::Id, id));
    }
    scope.all(rows.order_by_desc(notification::Column::DueAt).order_by_desc(notification::Column::Id).limit(limit)).await
}

/// One message of whoever is asking.
///
/// # Errors
/// 404 when it is not theirs.
pub async fn get(scope: &Scope, id: NotificationId) -> Result<notification::Model> {
    let row = scope.find::<notification::Entity>().filter(mine(scope)).filter(notification::Column::Id.eq(id));
    scope.get(row.filter(notification::Column::DueAt.lte(clock::now()))).await
}

/// How many messages nobody has read yet, up to [`UNREAD_MAX`].
pub async fn unread(scope: &Scope) -> Result<usize> {
    let rows = scope
        .find::<notification::Entity>()
        .filter(mine(scope))
        .filter(notification::Column::ReadAt.is_null())
        .filter(notification::Column::DueAt.lte(clock::now()))
        .select_only()
        .column(notification::Column::Id)
        .limit(UNREAD_MAX);
    let ids: Vec<_> = scope.all_as::<Only, _>(rows).await?.into_iter().map(|one| one.id).collect();
    Ok(ids.len())
}

#[derive(sea_orm::FromQueryResult)]
struct Only {
    id: NotificationId,
}

/// Marks one message read, or all of whoever is asking; read already is read.
///
/// # Errors
/// 404 for a message that is not theirs.
pub async fn read(scope: &Scope, id: Option<NotificationId>) -> Result<()> {
    let update = scope
        .update::<notification::Entity>()
        .col_expr(notification::Column::ReadAt, Expr::value(Some(clock::now())))
        .filter(mine(scope))
        .filter(notification::Column::DueAt.lte(clock::now()))
        .filter(notification::Column::ReadAt.is_null());
    match id {
        Some(id) => {
            if scope.run(update.filter(notification::Column::Id.eq(id))).await? == 0 {
                get(scope, id).await?;
            }
        }
        None => {
            scope.run(update).await?;
        }
    }
    Ok(())
}

impl notification::Model {
    /// Title and body in the language of whoever reads, where they are there in it.
    #[must_use]
    pub fn said_in(&self, language: &str) -> (&str, &str) {
        let other = &self.translations[language];
        match (other["title"].as_str(), other["body"].as_str()) {
            (Some(title), Some(body)) => (title, body),
            _ => (&self.title, &self.body),
        }
    }
}
