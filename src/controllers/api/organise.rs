//! `/api/categories`, `/api/brands`, `/api/attributes`: how the company orders its goods.

use axum::{Json as Answer, http::StatusCode};
use serde_json::Value;

use crate::{
    controllers::{
        extract::{Id, Json, Version},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post, put},
    },
    errors::Result,
    ids::{AttributeId, BrandId, CategoryId},
    models::catalog::{self, AttributeChange, BrandChange, CategoryChange, NewAttribute, NewBrand, NewCategory},
    tenancy::{
        Access,
        roles::{CatalogOrganise, ProductsRead},
    },
    views::catalog as view,
};

async fn categories(access: Access<ProductsRead>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    Ok(Answer(page::whole(catalog::categories(&scope).await?.iter().map(view::category).collect())))
}

async fn add_category(access: Access<CatalogOrganise>, Json(new, _): Json<NewCategory>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let id = catalog::add_category(&scope, new).await?;
    let answer = view::category(&catalog::category(&scope, id).await?);
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(answer)))
}

async fn change_category(
    access: Access<CatalogOrganise>,
    Id(id): Id<CategoryId>,
    Version(version): Version,
    Json(change, _): Json<CategoryChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    catalog::change_category(&scope, id, change, version).await?;
    let answer = view::category(&catalog::category(&scope, id).await?);
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn remove_category(access: Access<CatalogOrganise>, Id(id): Id<CategoryId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    catalog::remove_category(&scope, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn brands(access: Access<ProductsRead>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    Ok(Answer(page::whole(catalog::brands(&scope).await?.iter().map(view::brand).collect())))
}

async fn add_brand(access: Access<CatalogOrganise>, Json(new, _): Json<NewBrand>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let id = catalog::add_brand(&scope, new).await?;
    let answer = view::brand(&catalog::brand(&scope, id).await?);
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(answer)))
}

async fn change_brand(
    access: Access<CatalogOrganise>,
    Id(id): Id<BrandId>,
    Version(version): Version,
    Json(change, _): Json<BrandChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    catalog::change_brand(&scope, id, change, version).await?;
    let answer = view::brand(&catalog::brand(&scope, id).await?);
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn remove_brand(access: Access<CatalogOrganise>, Id(id): Id<BrandId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    catalog::remove_brand(&scope, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn attributes(access: Access<ProductsRead>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    Ok(Answer(page::whole(catalog::attributes(&scope).await?.iter().map(view::attribute).collect())))
}

async fn add_attribute(access: Access<CatalogOrganise>, Json(new, _): Json<NewAttribute>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let id = catalog::add_attribute(&scope, new).await?;
    let answer = view::attribute(&catalog::find_attribute(&scope, id).await?);
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(answer)))
}

async fn change_attribute(
    access: Access<CatalogOrganise>,
    Id(id): Id<AttributeId>,
    Version(version): Version,
    Json(change, _): Json<AttributeChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    catalog::change_attribute(&scope, id, change, version).await?;
    let answer = view::attribute(&catalog::find_attribute(&scope, id).await?);
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn remove_attribute(access: Access<CatalogOrganise>, Id(id): Id<AttributeId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    catalog::remove_attribute(&scope, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<ProductsRead, _>("/api/categories", "The tree of categories", categories).answers(200, "[Category]"),
        post::<CatalogOrganise, _>("/api/categories", "Puts a category into the tree", add_category).answers(201, "Category"),
        put::<CatalogOrganise, _>("/api/categories/{id}", "Changes a category, or hangs it elsewhere", change_category)
            .answers(200, "Category"),
        delete::<CatalogOrganise, _>("/api/categories/{id}", "Takes away an empty category", remove_category).empty(204),
        get::<ProductsRead, _>("/api/brands", "Brands", brands).answers(200, "[Brand]"),
        post::<CatalogOrganise, _>("/api/brands", "Adds a brand", add_brand).answers(201, "Brand"),
        put::<CatalogOrganise, _>("/api/brands/{id}", "Renames a brand", change_brand).answers(200, "Brand"),
        delete::<CatalogOrganise, _>("/api/brands/{id}", "Takes away a brand without products", remove_brand).empty(204),
        get::<ProductsRead, _>("/api/attributes", "Attributes of goods with their values", attributes).answers(200, "[Attribute]"),
        post::<CatalogOrganise, _>("/api/attributes", "Makes an attribute", add_attribute).answers(201, "Attribute"),
        put::<CatalogOrganise, _>("/api/attributes/{id}", "Translates an attribute, and adds values", change_attribute)
            .answers(200, "Attribute"),
        delete::<CatalogOrganise, _>("/api/attributes/{id}", "Takes away an attribute that no goods have", remove_attribute).empty(204),
    ]
}
