//! `/api/shops`.

use axum::{Json as Answer, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{
        extract::{Id, Ids, Json, Query, Version},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post, put},
    },
    errors::{Error, Result},
    ids::{MemberId, ShopId},
    models::{
        identity, inventory, orders,
        shops::{self, NewShop, ShopChange},
    },
    tenancy::{
        Access, Role, Scope,
        roles::{ShopsRead, ShopsWrite, UsersWrite},
    },
    views::{
        shops::{full, internal, public},
        users,
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn index(access: Access<ShopsRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let after = page::open::<(String, ShopId)>(&access, "shops", list.cursor.as_deref())?;
    let scope = access.read_company().await?;
    let mut rows = shops::page(&scope, after, limit + 1).await?;
    let next = page::cut(&access, "shops", &mut rows, limit, |shop| (shop.sort_name.clone(), shop.id))?;
    let doors = shops::doors(&scope, &rows).await?;
    let data: Vec<_> = rows.iter().map(|shop| public(shop, doors.get(&shop.id).copied().unwrap_or_default())).collect();
    Ok(Answer(page::envelope(data, limit, next)))
}

/// A shop with its hours; who answers for it is for the company's own people.
async fn shown(scope: &Scope, id: ShopId) -> Result<Value> {
    let shop = shops::get(scope, id).await?;
    let (hours, exceptions) = (shops::hours(scope, id).await?, shops::exceptions(scope, id, None).await?);
    let door = shops::state_at(&shop, &hours, &exceptions, crate::clock::now());
    let view = full(&shop, door, &hours, &exceptions);
    if scope.tenant().role <= Role::Customer {
        return Ok(view);
    }
    Ok(internal(view, shops::manager_of(scope, id).await?))
}

async fn show(access: Access<ShopsRead>, Id(id): Id<ShopId>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    shown(&scope, id).await.map(Answer)
}

/// A new shop has a place where its stock lies.
async fn create(access: Access<ShopsWrite>, Json(new, _): Json<NewShop>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let id = open(&scope, new).await?;
    let answer = shown(&scope, id).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(answer)))
}

/// Opens a shop with a place for its stock.
pub(in crate::controllers) async fn open(scope: &Scope, new: NewShop) -> Result<ShopId> {
    let shop = shops::open(scope, new).await?;
    inventory::open_location(scope, "shop", &shop.slug, &shop.name, Some(shop.id)).await?;
    Ok(shop.id)
}

async fn update(
    access: Access<ShopsWrite>,
    Id(id): Id<ShopId>,
    Version(version): Version,
    Json(change, _): Json<ShopChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    change_shop(&scope, id, change, version).await?;
    let answer = shown(&scope, id).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

/// Changes a shop; whoever answers for it manages it, or the company.
pub(in crate::controllers) async fn change_shop(scope: &Scope, id: ShopId, change: ShopChange, version: Option<i64>) -> Result<()> {
    if let Some(Some(manager)) = change.manager_id {
        let unfit = |_| Error::invalid("managerId", "not_a_manager", "somebody who manages this shop, or the company");
        let found = identity::colleague(scope, manager).await.map_err(unfit)?;
        let manages = found.assignments.iter().any(|row| match Role::named(&row.role) {
            Some(Role::ShopManager) => row.shop_id == Some(id),
            role => role == Some(Role::CompanyAdmin),
        });
        if !manages || !found.member.is_active {
            return Err(unfit(Error::NOT_FOUND));
        }
    }
    shops::change(scope, id, change, version).await.map(|_| ())
}

/// Closes a shop for good.
async fn remove(access: Access<ShopsWrite>, Id(id): Id<ShopId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    close(&scope, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes a shop where nothing is under way: it is closed first, so that no checkout begins while
/// the question is asked.
pub(in crate::controllers) async fn close(scope: &Scope, id: ShopId) -> Result<()> {
    shops::close(scope, id).await?;
    if orders::has_open(scope, id).await? {
        return Err(Error::conflict("shop_has_open_orders", "this shop has orders under way: finish or cancel them first", json!({})));
    }
    if inventory::is_promised_at(scope, id).await? {
        return Err(Error::conflict("shop_has_reserved_stock", "somebody is paying for goods of this shop: try again soon", json!({})));
    }
    Ok(())
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ShopAssignment")]
struct NewStaff {
    user_id: MemberId,
    role: String,
}

async fn add_staff(access: Access<UsersWrite>, Id(id): Id<ShopId>, Json(new, _): Json<NewStaff>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    shops::get(&scope, id).await?;
    let colleague = identity::assign_at(&scope, id, new.user_id, &new.role).await?;
    let names = identity::role_names(&scope, std::slice::from_ref(&colleague)).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(users::colleague(&colleague, &names))))
}

async fn remove_staff(access: Access<UsersWrite>, Ids(id, member): Ids<ShopId, MemberId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    shops::get(&scope, id).await?;
    identity::unassign_at(&scope, id, member).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Point {
    lat: f64,
    lng: f64,
    limit: Option<u64>,
}

async fn nearby(access: Access<ShopsRead>, Query(point): Query<Point>) -> Result<Answer<Value>> {
    let limit = page::limit(point.limit)?;
    for (field, degrees, most) in [("lat", point.lat, 90.0), ("lng", point.lng, 180.0)] {
        if !(-most..=most).contains(&degrees) {
            return Err(Error::invalid(field, "out_of_range", format!("degrees from -{most} to {most}")));
        }
    }
    let scope = access.read_company().await?;
    let found = shops::nearby(&scope, point.lat, point.lng, usize::try_from(limit).unwrap_or(100)).await?;
    let rows: Vec<_> = found.iter().map(|(shop, _)| shop.clone()).collect();
    let doors = shops::doors(&scope, &rows).await?;
    let data: Vec<_> = found
        .iter()
        .map(|(shop, metres)| {
            let mut view = public(shop, doors.get(&shop.id).copied().unwrap_or_default());
            view["distanceMetres"] = json!(metres);
            view
        })
        .collect();
    Ok(Answer(page::envelope(data, limit, None)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<ShopsRead, _>("/api/shops", "The company's shops", index).answers(200, "[PublicShop]"),
        post::<ShopsWrite, _>("/api/shops", "Opens a shop", create).answers(201, "Shop"),
        get::<ShopsRead, _>("/api/shops/nearby", "Shops by their distance from a point", nearby).answers(200, "[NearbyShop]"),
        get::<ShopsRead, _>("/api/shops/{id}", "One shop with its hours", show).answers(200, "Shop"),
        put::<ShopsWrite, _>("/api/shops/{id}", "Changes a shop, its hours and who answers for it", update).answers(200, "Shop"),
        delete::<ShopsWrite, _>("/api/shops/{id}", "Closes a shop where nothing is under way", remove).empty(204),
        post::<UsersWrite, _>("/api/shops/{id}/staff", "Gives a member of staff a role at a shop", add_staff).answers(201, "Member"),
        delete::<UsersWrite, _>("/api/shops/{id}/staff/{userId}", "Takes a member's roles at a shop away", remove_staff).empty(204),
    ]
}
