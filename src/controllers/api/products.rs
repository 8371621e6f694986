//! `/api/products`: writing the catalogue.

use axum::{Json as Answer, http::StatusCode};
use serde_json::Value;

use super::catalog::view;
use crate::{
    controllers::extract::{Id, Ids, Json, Upload, Version},
    endpoints::{
        Endpoint,
        api::{delete, post, put},
    },
    errors::{Error, Result},
    gateways::storage,
    ids::{MediaId, ProductId, VariantId},
    models::catalog::{self, NewPicture, NewProduct, NewVariant, PictureChange, ProductChange, VariantChange},
    tenancy::{
        Access,
        roles::{ProductsUpdate, ProductsWrite},
    },
};

async fn create(access: Access<ProductsWrite>, Json(new, _): Json<NewProduct>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let (id, _) = catalog::add_product(&scope, new).await?;
    let answer = view(&scope, &id.to_string()).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(answer)))
}

async fn update(
    access: Access<ProductsUpdate>,
    Id(id): Id<ProductId>,
    Version(version): Version,
    Json(change, _): Json<ProductChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    catalog::change_product(&scope, id, change, version).await?;
    let answer = view(&scope, &id.to_string()).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn archive(access: Access<ProductsWrite>, Id(id): Id<ProductId>, Version(version): Version) -> Result<StatusCode> {
    let scope = access.write().await?;
    catalog::archive(&scope, id, version).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn restore(access: Access<ProductsWrite>, Id(id): Id<ProductId>) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    catalog::restore(&scope, id).await?;
    let answer = view(&scope, &id.to_string()).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

/// Answers with the whole product, whose version rose.
async fn add_variant(
    access: Access<ProductsWrite>,
    Id(id): Id<ProductId>,
    Json(new, _): Json<NewVariant>,
) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    catalog::add_variant(&scope, id, new).await?;
    let answer = view(&scope, &id.to_string()).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(answer)))
}

async fn update_variant(
    access: Access<ProductsUpdate>,
    Ids(id, variant): Ids<ProductId, VariantId>,
    Version(version): Version,
    Json(change, _): Json<VariantChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    catalog::change_variant(&scope, id, variant, change, version).await?;
    let answer = view(&scope, &id.to_string()).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn remove_variant(
    access: Access<ProductsWrite>,
    Ids(id, variant): Ids<ProductId, VariantId>,
    Version(version): Version,
) -> Result<StatusCode> {
    let scope = access.write().await?;
    catalog::archive_variant(&scope, id, variant, version).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One picture: the part `file`, and beside it `alt` and `variantId`.
async fn add_picture(access: Access<ProductsUpdate>, Id(id): Id<ProductId>, upload: Upload) -> Result<(StatusCode, Answer<Value>)> {
    let mut new = NewPicture::default();
    for (name, text) in upload.texts {
        match name.as_str() {
            "alt" => new.alt = text,
            "variantId" => new.variant = Some(text.parse().map_err(|_| Error::invalid("variantId", "invalid", "that is not an id"))?),
            _ => return Err(Error::invalid(name, "unknown_field", "there is no such field here")),
        }
    }
    let mut files = upload.files.into_iter();
    let (Some((name, bytes)), None) = (files.next(), files.next()) else {
        return Err(Error::invalid("file", "required", "one picture"));
    };
    if name != "file" {
        return Err(Error::invalid(name, "unknown_field", "there is no such field here"));
    }
    store_picture(&access, id, bytes, &new).await?;
    let scope = access.read().await?;
    Ok((StatusCode::CREATED, Answer(view(&scope, &id.to_string()).await?)))
}

/// Reads an upload and adds it to a product's pictures.
pub(in crate::controllers) async fn store_picture(
    access: &Access<ProductsUpdate>,
    product: ProductId,
    upload: Vec<u8>,
    new: &NewPicture,
) -> Result<MediaId> {
    if upload.len() > catalog::UPLOAD_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    // Whose product it is, and whether it has room, comes before the cost of decoding.
    let scope = access.read().await?;
    catalog::ensure_room_for_picture(&scope, product).await?;
    drop(scope);
    let picture = catalog::read_picture(access.tenant().company, upload, catalog::SIDE_MAX).await?;
    let storage = storage::of(access.souk().settings());
    catalog::add_picture(access.souk(), storage.as_ref(), access.tenant(), product, &picture, new).await
}

async fn change_picture(
    access: Access<ProductsUpdate>,
    Ids(id, picture): Ids<ProductId, MediaId>,
    Json(change, _): Json<PictureChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    catalog::change_picture(&scope, id, picture, change).await?;
    let answer = view(&scope, &id.to_string()).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn remove_picture(access: Access<ProductsUpdate>, Ids(id, picture): Ids<ProductId, MediaId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    catalog::remove_picture(&scope, id, picture).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<ProductsWrite, _>("/api/products", "Puts a product into the catalogue", create).answers(201, "Product"),
        put::<ProductsUpdate, _>("/api/products/{id}", "Changes a product", update).answers(200, "Product"),
        delete::<ProductsWrite, _>("/api/products/{id}", "Archives a product", archive).empty(204),
        post::<ProductsWrite, _>("/api/products/{id}/restore", "Puts an archived product back", restore).answers(200, "Product"),
        post::<ProductsWrite, _>("/api/products/{id}/variants", "Adds a variant", add_variant).answers(201, "Product"),
        put::<ProductsUpdate, _>("/api/products/{id}/variants/{variantId}", "Changes a variant", update_variant).answers(200, "Product"),
        delete::<ProductsWrite, _>("/api/products/{id}/variants/{variantId}", "Takes a variant out of sale", remove_variant).empty(204),
        post::<ProductsUpdate, _>("/api/products/{id}/media", "Adds a picture", add_picture).answers(201, "Product"),
        put::<ProductsUpdate, _>("/api/products/{id}/media/{mediaId}", "Describes a picture, or moves it in the order", change_picture)
            .answers(200, "Product"),
        delete::<ProductsUpdate, _>("/api/products/{id}/media/{mediaId}", "Takes a picture away", remove_picture).empty(204),
    ]
}
