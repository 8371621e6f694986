//! Saving the filters of a list as a view of one's own.

use axum::response::{IntoResponse, Redirect, Response};

use super::{PageResult, Visitor, fields::Fields, has_page, safe_next, undo::Undo};
use crate::{
    controllers::extract::Id,
    endpoints::{Endpoint, post},
    errors::{Error, Result},
    ids::SavedViewId,
    models::saved_views::{self, SavedView},
    tenancy::{Access, roles::SignedIn},
};

async fn save(visitor: Visitor<SignedIn>, mut fields: Fields) -> PageResult<Response> {
    let address = fields.raw("address").to_owned();
    let (path, query) = address.split_once('?').unwrap_or((&address, ""));
    // The address comes from the form: only a list of ours is gone back to.
    let list = if has_page(path) { safe_next(&address).unwrap_or("/") } else { "/" };
    match keep(&visitor.access, path, query, &mut fields).await {
        Ok(()) => Ok(visitor.done(list, "view_saved").into_response()),
        Err(error) => Ok(visitor.back(list, error)?.into_response()),
    }
}

async fn keep(access: &Access<SignedIn>, path: &str, query: &str, fields: &mut Fields) -> Result<()> {
    let name = fields.text("name");
    fields.end()?;
    if !has_page(path) {
        return Err(Error::invalid("address", "invalid", "that is no list of ours"));
    }
    let scope = access.write().await?;
    saved_views::save(&scope, path, query, &name).await?;
    scope.commit().await
}

async fn remove(visitor: Visitor<SignedIn>, Id(id): Id<SavedViewId>) -> PageResult<Redirect> {
    let removed = removed(&visitor.access, id).await;
    let view = removed.map_err(|error| visitor.refuse(error))?;
    let address = format!("{}?{}", view.path, view.query);
    let undo = Undo { action: "/views".into(), fields: vec![("address".into(), address), ("name".into(), view.name)] };
    Ok(visitor.done_but(&view.path, "view_removed", &undo))
}

async fn removed(access: &Access<SignedIn>, id: SavedViewId) -> Result<SavedView> {
    let scope = access.write().await?;
    let view = saved_views::remove(&scope, id).await?;
    scope.commit().await?;
    Ok(view)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<SignedIn, _>("/views", "Keeps the filters of a list as a view", save),
        post::<SignedIn, _>("/views/{id}/delete", "Removes a view of one's own", remove),
    ]
}
