//! `/api/cart`: a customer's, or a guest's by `X-Cart-Token`.

use axum::{Json as Answer, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::extract::{Id, Json, Version},
    endpoints::{
        Endpoint,
        api::{delete, get, post, put},
    },
    errors::Result,
    ids::CartItemId,
    models::carts::{self, CartView, NewItem, Owner, Validation},
    tenancy::{Access, Actor, roles::CartUse},
};

fn owner(access: &Access<CartUse>) -> Owner {
    match access.tenant().actor {
        Actor::Customer(id) => Owner::Customer(id),
        _ => Owner::Guest(access.cart_token()),
    }
}

async fn show(access: Access<CartUse>) -> Result<Answer<CartView>> {
    let scope = access.read().await?;
    Ok(Answer(carts::view(&scope, &owner(&access), None).await?))
}

async fn summary(access: Access<CartUse>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let cart = carts::view(&scope, &owner(&access), None).await?;
    Ok(Answer(json!({
        "currency": cart.currency, "itemCount": cart.items.len(), "subtotal": cart.subtotal, "discount": cart.discount,
        "tax": cart.tax, "shipping": cart.shipping, "total": cart.total,
    })))
}

async fn add(access: Access<CartUse>, Json(item, _): Json<NewItem>) -> Result<Answer<CartView>> {
    let scope = access.write().await?;
    let cart = carts::add(&scope, &owner(&access), &item).await?;
    scope.commit().await?;
    Ok(Answer(cart))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CartQuantity")]
struct Quantity {
    quantity: i64,
}

async fn change(
    access: Access<CartUse>,
    Id(id): Id<CartItemId>,
    Version(version): Version,
    Json(body, _): Json<Quantity>,
) -> Result<Answer<CartView>> {
    let scope = access.write().await?;
    let cart = carts::set_quantity(&scope, &owner(&access), id, body.quantity, version).await?;
    scope.commit().await?;
    Ok(Answer(cart))
}

async fn remove(access: Access<CartUse>, Id(id): Id<CartItemId>) -> Result<Answer<CartView>> {
    let scope = access.write().await?;
    let cart = carts::set_quantity(&scope, &owner(&access), id, 0, None).await?;
    scope.commit().await?;
    Ok(Answer(cart))
}

async fn clear(access: Access<CartUse>) -> Result<StatusCode> {
    let scope = access.write().await?;
    carts::clear(&scope, &owner(&access)).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn validate(access: Access<CartUse>) -> Result<Answer<Validation>> {
    let scope = access.write().await?;
    let found = carts::validate(&scope, &owner(&access)).await?;
    scope.commit().await?;
    Ok(Answer(found))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CartUse, _>("/api/cart", "The cart at today's prices", show).answers(200, "Cart"),
        get::<CartUse, _>("/api/cart/summary", "The cart's figures", summary).answers(200, "CartSummary"),
        delete::<CartUse, _>("/api/cart", "Empties the cart", clear).empty(204),
        post::<CartUse, _>("/api/cart/items", "Puts goods into the cart", add).answers(200, "Cart"),
        put::<CartUse, _>("/api/cart/items/{id}", "Sets a line's quantity", change).answers(200, "Cart"),
        delete::<CartUse, _>("/api/cart/items/{id}", "Removes a line", remove).answers(200, "Cart"),
        post::<CartUse, _>("/api/cart/validate", "What stands between the cart and a checkout", validate).answers(200, "CartCheck"),
    ]
}
