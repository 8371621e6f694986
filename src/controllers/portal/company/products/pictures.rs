//! The pictures of a product: they come several at once, are put in order and taken away.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    super::super::{PageResult, Visitor, fields::Fields, visitor::said},
    LIST,
};
use crate::{
    controllers::{
        api::products::store_picture,
        extract::{Id, Ids, Upload, value},
    },
    endpoints::{Endpoint, post},
    errors::{Error, Result},
    ids::{MediaId, ProductId},
    models::catalog::{self, NewPicture, PictureChange, Product},
    tenancy::{Access, Permission, roles::ProductsUpdate},
    views::templates,
};

/// The pictures as the editor shows them.
pub(super) fn shown(product: &Product) -> Vec<Value> {
    let last = product.pictures().len().saturating_sub(1);
    let one = |(at, shot): (usize, catalog::Shot)| {
        json!({
            "id": shot.id, "url": shot.url_for(if at == 0 { 480 } else { 160 }), "full": shot.url(), "alt": shot.alt, "number": at + 1,
            "is_first": at == 0, "is_last": at == last, "size": format!("{} × {}", shot.width, shot.height),
        })
    };
    product.pictures().into_iter().enumerate().map(one).collect()
}

/// Stores pictures one after the other; those that are refused are said, the others are there.
///
/// # Errors
/// What has nothing to do with the pictures: the product is not theirs, or the database is away.
pub(super) async fn store_all<P: Permission>(
    visitor: &Visitor<P>,
    product: ProductId,
    files: Vec<(String, Vec<u8>)>,
) -> Result<Vec<String>> {
    let Some(access) = visitor.access.also::<ProductsUpdate>().filter(|_| !files.is_empty()) else { return Ok(vec![]) };
    let mut refused = Vec::new();
    for (number, (_, bytes)) in (1..).zip(files) {
        match store_picture(&access, product, bytes, &NewPicture::default()).await {
            Ok(_) => {}
            Err(error @ (Error::Invalid(_) | Error::Conflict { .. } | Error::TooLarge)) => {
                let which = templates::filled("product.picture_n", &visitor.language, &[("n", &number)]);
                refused.push(format!("{which}: {}", said(&error, &visitor.language)));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

async fn add(visitor: Visitor<ProductsUpdate>, Id(id): Id<ProductId>, headers: HeaderMap, upload: Result<Upload>) -> PageResult<Response> {
    let is_script = value(&headers, header::ACCEPT.as_str()).is_some_and(|accept| accept.starts_with("application/json"));
    let stored = match upload {
        Ok(upload) if upload.files.is_empty() => Err(Error::invalid("pictures", "required", "choose a picture")),
        Ok(upload) => {
            let count = upload.files.len();
            store_all(&visitor, id, upload.files).await.map(|refused| (count - refused.len(), refused))
        }
        Err(error) => Err(error),
    };
    let page = format!("{LIST}/{id}");
    let told = match stored {
        Ok((_, refused)) if is_script => return Ok(axum::Json(json!({ "refused": refused })).into_response()),
        Ok((added, refused)) => {
            let tone = if refused.is_empty() { "ok" } else { "bad" };
            let text = templates::filled("product.pictures_added", &visitor.language, &[("n", &added)]);
            visitor.tell(&page, tone, &text, &refused)
        }
        // A body that is too large is no page of its own: the product's page says so.
        Err(error @ (Error::TooLarge | Error::Invalid(_))) => {
            let text = said(&error, &visitor.language);
            if is_script {
                return Ok(axum::Json(json!({ "refused": [text] })).into_response());
            }
            visitor.tell(&page, "bad", &text, &[])
        }
        Err(error) => visitor.back(&page, error)?,
    };
    Ok(told.into_response())
}

/// Puts a picture first, or one place on.
async fn place(visitor: Visitor<ProductsUpdate>, Ids(id, picture): Ids<ProductId, MediaId>, fields: Fields) -> PageResult<Response> {
    let moved = moved(&visitor.access, id, picture, fields.raw("to")).await;
    answer(&visitor, id, moved, "picture_moved")
}

async fn moved(access: &Access<ProductsUpdate>, id: ProductId, picture: MediaId, to: &str) -> Result<()> {
    let scope = access.write().await?;
    let shots = catalog::own(&scope, id).await?.pictures();
    let at = shots.iter().position(|shot| shot.id == picture).ok_or(Error::NOT_FOUND)?;
    let position = match to {
        "first" => 0,
        "left" => at.saturating_sub(1),
        "right" => at + 1,
        _ => return Err(Error::invalid("to", "unknown", "first, left or right")),
    };
    catalog::change_picture(&scope, id, picture, PictureChange { position: Some(position), ..PictureChange::default() }).await?;
    scope.commit().await
}

async fn remove(visitor: Visitor<ProductsUpdate>, Ids(id, picture): Ids<ProductId, MediaId>) -> PageResult<Response> {
    let removed = removed(&visitor.access, id, picture).await;
    answer(&visitor, id, removed, "picture_removed")
}

async fn removed(access: &Access<ProductsUpdate>, id: ProductId, picture: MediaId) -> Result<()> {
    let scope = access.write().await?;
    catalog::remove_picture(&scope, id, picture).await?;
    scope.commit().await
}

fn answer(visitor: &Visitor<ProductsUpdate>, id: ProductId, done: Result<()>, said: &str) -> PageResult<Response> {
    let page = format!("{LIST}/{id}");
    match done {
        Ok(()) => Ok(visitor.done(&page, said).into_response()),
        Err(error) => Ok(visitor.back(&page, error)?.into_response()),
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<ProductsUpdate, _>("/company/products/{id}/media", "Adds pictures to a product", add),
        post::<ProductsUpdate, _>("/company/products/{id}/media/{mediaId}/place", "Moves a picture in the order", place),
        post::<ProductsUpdate, _>("/company/products/{id}/media/{mediaId}/delete", "Takes a picture away", remove),
    ]
}
