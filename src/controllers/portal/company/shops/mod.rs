//! The company's shops: where they are, when they are open, and who works there.

mod hours;
mod list;
mod staff;

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, fields::Fields, local};
use crate::{
    clock,
    controllers::{api::shops as act, extract::Id},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{MemberId, ShopId},
    models::{
        companies::{self, Company},
        identity,
        shops::{self, KINDS, NewShop, OpenState, Shop, ShopChange},
    },
    tenancy::{
        Access, Permission, Role, Scope,
        roles::{ShopsSee, ShopsWrite, UsersRead, UsersWrite},
    },
    translated::{self, with_name},
    views::templates,
};

const SHOW: &str = "company/shops/show.html";
const NEW: &str = "company/shops/new.html";

/// How a shop's door stands, and what comes next.
fn door(shop: &Shop, state: OpenState, language: &str) -> Value {
    let at = |key: &str, at| templates::filled(key, language, &[("at", &local(at, &shop.zone, language))]);
    let (word, next) = match (shop.deleted_at.is_some(), shop.is_active, state.is_open) {
        (true, ..) => ("closed", None),
        (_, false, _) => ("paused", None),
        (_, _, true) => ("open", state.closes_at.map(|moment| at("shops.until", moment))),
        _ => ("shut", state.opens_at.map(|moment| at("shops.opens", moment))),
    };
    json!({ "state": word, "next": next })
}

fn kinds() -> Vec<Value> {
    KINDS.iter().map(|kind| json!({ "value": kind, "label_key": format!("shops.kind.{kind}") })).collect()
}

async fn new(visitor: Visitor<ShopsWrite>) -> PageResult<Html<String>> {
    let (company, data) = new_page(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.page(NEW, &company, data)
}

async fn new_page(visitor: &Visitor<ShopsWrite>) -> Result<(Company, Value)> {
    let company = companies::own(&visitor.access.read().await?).await?;
    let data = json!({ "kinds": kinds(), "zone": company.zone });
    Ok((company, data))
}

async fn create(visitor: Visitor<ShopsWrite>, mut fields: Fields) -> PageResult<Response> {
    match open(&visitor.access, &mut fields).await {
        Ok(id) => Ok(visitor.done(&format!("/company/shops/{id}"), "shop_opened").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let (company, data) = new_page(&visitor).await.map_err(|error| visitor.refuse(error))?;
            visitor.again(NEW, &company, data)
        }
    }
}

async fn open(access: &Access<ShopsWrite>, fields: &mut Fields) -> Result<ShopId> {
    let facts = facts(fields, Value::Null);
    let slug = fields.text("slug");
    fields.end()?;
    let new = NewShop {
        slug,
        name: facts.name.unwrap_or_default(),
        translations: facts.translations.unwrap_or_default(),
        kind: facts.kind.unwrap_or_default(),
        zone: facts.zone,
        line1: facts.line1.unwrap_or_default(),
        city: facts.city.unwrap_or_default(),
        state: facts.state.unwrap_or_default(),
        postal_code: facts.postal_code.unwrap_or_default(),
        country: facts.country,
        phone: facts.phone.unwrap_or_default(),
        email: facts.email,
        lat: facts.lat.flatten(),
        lng: facts.lng.flatten(),
        hours: vec![],
    };
    let scope = access.write().await?;
    let id = act::open(&scope, new).await?;
    scope.commit().await?;
    Ok(id)
}

/// What both forms say of a shop; a field that is emptied is taken away. `known`: its translations,
/// of which the form shows one.
fn facts(fields: &mut Fields, known: Value) -> ShopChange {
    let degrees = |fields: &mut Fields, name| Some(fields.maybe::<f64>(name));
    ShopChange {
        name: Some(fields.text("name")),
        translations: Some(with_name(known, "hi", fields.optional("translations.hi.name"))),
        kind: Some(fields.text("kind")),
        zone: Some(fields.text("zone")),
        phone: Some(fields.optional("phone").unwrap_or_default()),
        email: Some(fields.optional("email").unwrap_or_default()),
        line1: Some(fields.optional("line1").unwrap_or_default()),
        city: Some(fields.optional("city").unwrap_or_default()),
        state: Some(fields.optional("state").unwrap_or_default()),
        postal_code: Some(fields.optional("postalCode").unwrap_or_default()),
        country: Some(fields.text("country").to_uppercase()),
        lat: degrees(fields, "lat"),
        lng: degrees(fields, "lng"),
        ..ShopChange::default()
    }
}

async fn show(visitor: Visitor<ShopsSee>, Id(id): Id<ShopId>) -> PageResult<Html<String>> {
    let (company, data) = shop_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page(SHOW, &company, data)
}

/// A shop's page, for whoever may see it or act on it.
async fn shop_page<P: Permission>(visitor: &Visitor<P>, id: ShopId) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let shop = shops::get(&scope, id).await?;
    let (hours, exceptions) = (shops::hours(&scope, id).await?, shops::exceptions(&scope, id, None).await?);
    let state = shops::state_at(&shop, &hours, &exceptions, clock::now());
    let may = |permission| access.tenant().may_at(permission, Some(id));
    let manager = shops::manager_of(&scope, id).await?;
    let people = if may(UsersRead::NAME) { staff::people(&scope, id, &visitor.language).await? } else { json!([]) };
    let fit = if may(ShopsWrite::NAME) { managers(&scope, id).await? } else { vec![] };
    let degrees = |text: &Option<String>| text.clone().unwrap_or_default();
    let data = json!({
        "shop": {
            "id": shop.id, "name": shop.name, "hindi": translated::name(&shop.translations, "hi"), "slug": shop.slug, "kind": shop.kind, "zone": shop.zone, "phone": shop.phone,
            "email": shop.email, "line1": shop.line1, "city": shop.city, "state": shop.state, "postal_code": shop.postal_code,
            "country": shop.country, "lat": degrees(&shop.lat), "lng": degrees(&shop.lng), "is_active": shop.is_active,
            "version": shop.version, "manager": manager,
        },
        "door": door(&shop, state, &visitor.language), "kinds": kinds(), "managers": fit,
        "week": hours::week(&hours, &visitor.language), "is_always_open": hours.is_empty(),
        "exceptions": hours::exceptions(&exceptions, &shop.zone, &visitor.language), "people": people,
        "can_write": may(ShopsWrite::NAME), "can_see_people": may(UsersRead::NAME), "can_staff": may(UsersWrite::NAME),
        "candidates": if may(UsersWrite::NAME) { staff::candidates(&scope, id).await? } else { json!([]) },
        "roles": if may(UsersWrite::NAME) { staff::roles(&scope, &visitor.language).await? } else { json!([]) },
    });
    Ok((company, data))
}

/// Who may answer for a shop: those who manage it, or the company.
async fn managers(scope: &Scope, shop: ShopId) -> Result<Vec<Value>> {
    let mut fit = identity::members_with(scope, &[Role::ShopManager], Some(shop)).await?;
    fit.extend(identity::members_with(scope, &[Role::CompanyAdmin], None).await?);
    fit.sort_by(|one, other| (&one.sort_name, one.id).cmp(&(&other.sort_name, other.id)));
    fit.dedup_by_key(|one| one.id);
    Ok(fit.iter().map(|one| json!({ "value": one.id, "label": one.name })).collect())
}

/// Back to the shop that was acted on; a refused form stays as it was typed.
async fn answer<P: Permission>(visitor: Visitor<P>, id: ShopId, said: &str, fields: &Fields, done: Result<()>) -> PageResult<Response> {
    let error = match done {
        Ok(()) => return Ok(visitor.done(&format!("/company/shops/{id}"), said).into_response()),
        Err(error) => error,
    };
    let visitor = visitor.refused(error, fields)?;
    let (company, data) = shop_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.again(SHOW, &company, data)
}

async fn change(visitor: Visitor<ShopsWrite>, Id(id): Id<ShopId>, mut fields: Fields) -> PageResult<Response> {
    let done = write_facts(&visitor.access, id, &mut fields).await;
    answer(visitor, id, "saved", &fields, done).await
}

async fn write_facts(access: &Access<ShopsWrite>, id: ShopId, fields: &mut Fields) -> Result<()> {
    let scope = access.write().await?;
    let mut change = facts(fields, shops::get(&scope, id).await?.translations);
    change.manager_id = Some(fields.maybe::<MemberId>("managerId"));
    let version = fields.parsed::<i64>("version");
    fields.end()?;
    act::change_shop(&scope, id, change, version).await?;
    scope.commit().await
}

/// Closes a shop until further notice, or opens its door again.
async fn set_active(visitor: Visitor<ShopsWrite>, Id(id): Id<ShopId>, fields: Fields) -> PageResult<Response> {
    let is_active = fields.is_on("active");
    let change = ShopChange { is_active: Some(is_active), ..ShopChange::default() };
    let done = write(&visitor.access, id, change).await;
    answer(visitor, id, if is_active { "shop_resumed" } else { "shop_paused" }, &fields, done).await
}

async fn write(access: &Access<ShopsWrite>, id: ShopId, change: ShopChange) -> Result<()> {
    let scope = access.write().await?;
    shops::change(&scope, id, change, None).await?;
    scope.commit().await
}

async fn close(visitor: Visitor<ShopsWrite>, Id(id): Id<ShopId>, mut fields: Fields) -> PageResult<Response> {
    match close_for_good(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done("/company/shops?state=closed", "shop_closed").into_response()),
        Err(error) => answer(visitor, id, "", &fields, Err(error)).await,
    }
}

async fn close_for_good(access: &Access<ShopsWrite>, id: ShopId, fields: &mut Fields) -> Result<()> {
    let scope = access.write().await?;
    let shop = shops::get(&scope, id).await?;
    if fields.raw("confirm") != shop.slug {
        return Err(Error::invalid("confirm", "not_the_shop", "write the shop's short name"));
    }
    act::close(&scope, id).await?;
    scope.commit().await
}

async fn reopen(visitor: Visitor<ShopsWrite>, Id(id): Id<ShopId>) -> PageResult<Redirect> {
    match open_again(&visitor.access, id).await {
        Ok(()) => Ok(visitor.done(&format!("/company/shops/{id}"), "shop_reopened")),
        Err(error) => visitor.back("/company/shops?state=closed", error),
    }
}

async fn open_again(access: &Access<ShopsWrite>, id: ShopId) -> Result<()> {
    let scope = access.write().await?;
    shops::reopen(&scope, id).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let own = vec![
        get::<ShopsWrite, _>("/company/shops/new", "The form of a new shop", new),
        post::<ShopsWrite, _>("/company/shops", "Opens a shop", create),
        get::<ShopsSee, _>("/company/shops/{id}", "One shop", show),
        post::<ShopsWrite, _>("/company/shops/{id}", "Changes where a shop is and who answers for it", change),
        post::<ShopsWrite, _>("/company/shops/{id}/active", "Closes a shop until further notice, or opens it again", set_active),
        post::<ShopsWrite, _>("/company/shops/{id}/close", "Closes a shop for good", close),
        post::<ShopsWrite, _>("/company/shops/{id}/reopen", "Opens a shop again that was closed for good", reopen),
    ];
    [list::endpoints(), own, hours::endpoints(), staff::endpoints()].concat()
}
