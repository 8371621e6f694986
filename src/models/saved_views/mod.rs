//! Saved views: a person names the filters of a list, and finds them again above it. They are one
//! person's own and of one company, so they hang on the membership; what is only on their desk is
//! not audited.

mod saved_view;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

pub use self::saved_view::Model as SavedView;
use crate::{
    clock,
    errors::{Error, Result},
    ids::{MemberId, SavedViewId},
    tenancy::{Actor, Scope},
};

/// So many fit above a list.
const VIEWS_MAX: u64 = 12;

/// The member who acts; views belong to nobody else.
fn member(scope: &Scope) -> Option<MemberId> {
    match scope.tenant().actor {
        Actor::Member(id) => Some(id),
        _ => None,
    }
}

/// A person's own views of a list, in the order they were made.
pub async fn of_list(scope: &Scope, path: &str) -> Result<Vec<SavedView>> {
    let Some(member) = member(scope) else { return Ok(vec![]) };
    let mine = scope.find::<saved_view::Entity>().filter(saved_view::Column::MemberId.eq(member));
    let mine = mine.filter(saved_view::Column::Path.eq(path)).order_by_asc(saved_view::Column::Id);
    scope.all(mine.limit(VIEWS_MAX)).await
}

/// Keeps the filters of a list under a name.
///
/// # Errors
/// 422 for a name or an address that cannot be; 403 for somebody without a membership;
/// 409 `view_exists`, 409 `too_many_views`.
pub async fn save(scope: &Scope, path: &str, query: &str, name: &str) -> Result<SavedViewId> {
    let member = member(scope).ok_or(Error::NotAllowed { code: "forbidden" })?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 40 {
        return Err(Error::invalid("name", "length", "1 to 40 letters"));
    }
    if !path.starts_with('/') || path.len() > 200 || query.len() > 1_000 {
        return Err(Error::invalid("address", "invalid", "that is no list of ours"));
    }
    if of_list(scope, path).await?.len() as u64 >= VIEWS_MAX {
        return Err(Error::conflict("too_many_views", "there is room for twelve views above a list", json!({})));
    }
    let view = SavedView {
        company_id: scope.company(),
        id: SavedViewId::new(),
        member_id: member,
        path: path.into(),
        query: query.into(),
        name: name.into(),
        created_at: clock::now(),
    };
    let id = view.id;
    let key = [saved_view::Column::CompanyId, saved_view::Column::MemberId, saved_view::Column::Path, saved_view::Column::Name];
    if scope.insert_unless_there(view, &key).await? {
        Ok(id)
    } else {
        Err(Error::conflict("view_exists", "there is a view of this name already", json!({})))
    }
}

/// Removes a view, and says what it was.
///
/// # Errors
/// 404 when it is not there, or somebody else's.
pub async fn remove(scope: &Scope, id: SavedViewId) -> Result<SavedView> {
    let member = member(scope).ok_or(Error::NOT_FOUND)?;
    let mine = scope.find::<saved_view::Entity>().filter(saved_view::Column::Id.eq(id));
    let view = scope.get(mine.filter(saved_view::Column::MemberId.eq(member))).await?;
    scope.remove(scope.delete::<saved_view::Entity>().filter(saved_view::Column::Id.eq(id))).await?;
    Ok(view)
}
