//! Stock at the terminal: scan or type, see what is here, book in, count, adjust, write off.

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        PageResult, Visitor, encode,
        fields::Fields,
        local,
        shelf::{self, Goods, amount, signed},
    },
    shop_of,
};
use crate::{
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{ShopId, VariantId},
    models::{
        carts::line_name_in,
        catalog,
        companies::{self, Company},
        inventory::{self, MovementFilter},
        shops::{self, Shop},
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{InventoryHandle, InventoryRead, InventoryWrite},
    },
};

/// At most so many hits of a name: more are not read at a till.
const HITS: u64 = 12;
const MOVEMENTS: u64 = 8;
/// The shortest barcode that scanners read.
const CODE_LETTERS: usize = 8;

#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    shop: Option<ShopId>,
    #[serde(default)]
    q: String,
    variant: Option<VariantId>,
    #[serde(default)]
    act: String,
    #[serde(default)]
    said: String,
}

async fn show(visitor: Visitor<InventoryRead>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    let read = page_of(&visitor.access, &asked, &visitor.language).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("shop/stock.html", &company, data)
}

async fn page_of<P: Permission>(access: &Access<P>, asked: &Asked, language: &str) -> Result<(Company, Value)> {
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let (shops, shop) = shop_of(&scope, asked.shop).await?;
    let words = asked.q.trim();
    let hits = match asked.variant {
        Some(id) => vec![id],
        None if words.is_empty() => vec![],
        None => catalog::look_up(&scope, words, HITS).await?,
    };
    let goods = catalog::with_products(&scope, &hits).await?;
    let may = |permission| access.tenant().may_at(permission, Some(shop.id));
    let act = ["receive", "count", "adjust", "waste"].into_iter().find(|act| *act == asked.act).unwrap_or("receive");
    let act = if may(InventoryWrite::NAME) || ["receive", "count"].contains(&act) { act } else { "receive" };
    let mut data = json!({
        "shop": { "id": shop.id, "name": shop.name },
        "shops": shops.iter().map(|one| json!({ "id": one.id, "name": one.name })).collect::<Vec<_>>(),
        "q": words, "act": act, "may_handle": may(InventoryHandle::NAME), "may_write": may(InventoryWrite::NAME),
    });
    if let [only] = hits.as_slice()
        && let Some((variant, product)) = goods.get(only)
    {
        data["item"] = item(&scope, &company, &shop, (product, variant), language).await?;
        // What comes next is the quantity; behind an act it is the next scan.
        data["is_asking"] = json!(asked.said.is_empty());
    } else {
        let found = hits.iter().filter_map(|id| goods.get(id)).map(|(variant, product)| {
            json!({
                "id": variant.id, "name": line_name_in(product, variant, language), "picture": picture(product), "sku": variant.sku, "price": variant.price,
                "href": format!("/shop/stock?shop={}&q={}&variant={}", shop.id, encode(words), variant.id),
            })
        });
        data["hits"] = found.collect();
    }
    Ok((company, data))
}

/// The cover of the goods, large enough to know them by.
fn picture(product: &catalog::Product) -> Option<Value> {
    product.pictures().first().map(|shot| json!({ "url": shot.url_for(160), "alt": shot.alt }))
}

/// One variant as the shop sees it: what lies here, what lies elsewhere, and why it changed.
async fn item(
    scope: &Scope,
    company: &Company,
    shop: &Shop,
    (product, variant): (&catalog::Product, &catalog::Variant),
    language: &str,
) -> Result<Value> {
    let by_weight = variant.sold_by == "weight";
    let rows = inventory::of_variant(scope, variant.id).await?;
    let here = rows.iter().find(|row| row.shop_id == Some(shop.id));
    let place = inventory::location_of_shop(scope, shop.id).await?;
    let free = inventory::available(scope, &[variant.id]).await?.remove(&variant.id).unwrap_or_default();
    let names = shops::everywhere(scope).await?;
    let elsewhere: Vec<_> = free
        .iter()
        .filter(|(id, _)| *id != shop.id)
        .filter_map(|(id, left)| {
            names.iter().find(|one| one.id == *id).map(|one| json!({ "name": one.name, "available": amount(*left, by_weight) }))
        })
        .collect();
    let moved = match here {
        Some(row) => inventory::moves(scope, &MovementFilter { stock: Some(row.id), ..MovementFilter::default() }, None, MOVEMENTS).await?,
        None => vec![],
    };
    let moved: Vec<_> = moved
        .iter()
        .map(|one| {
            json!({
                "at": local(one.created_at, &company.zone, language), "kind_key": format!("stock.kind.{}", one.kind), "reason": one.reason,
                "quantity": signed(one.quantity, by_weight), "after": amount(one.on_hand_after, by_weight),
            })
        })
        .collect();
    let (on_hand, reserved, alert) = here.map_or((0, 0, 0), |row| (row.on_hand, row.reserved, row.reorder_point));
    let state = here.map_or("none", inventory::Stock::state);
    Ok(json!({
        "id": variant.id, "name": line_name_in(product, variant, language), "picture": picture(product), "sku": variant.sku, "barcode": variant.barcode, "price": variant.price,
        "by_weight": by_weight, "location": place.id, "on_hand": amount(on_hand, by_weight), "reserved": amount(reserved, by_weight),
        "available": amount(on_hand - reserved, by_weight), "alert_at": amount(alert, by_weight), "state": state,
        "elsewhere": elsewhere, "movements": moved,
    }))
}

/// The goods that a form is about.
fn sent(variant: VariantId, fields: &Fields) -> Result<Goods> {
    let location = fields.raw("location").parse().map_err(|_| Error::NOT_FOUND)?;
    Ok(Goods { variant, location })
}

fn path(id: VariantId, act: &str) -> String {
    format!("/shop/stock/{id}/{act}")
}

/// The code that a slow scanner typed into the quantity: nobody books so many digits of pieces.
fn scanned(fields: &Fields) -> Option<&str> {
    let typed = fields.raw("quantity");
    let is_code = typed.len() >= CODE_LETTERS && typed.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(typed)
}

/// Looks that code up instead of booking it.
fn look_up(act: &str, code: &str, fields: &Fields) -> Response {
    let shop = fields.raw("shop").parse::<ShopId>().map(|shop| format!("shop={shop}&")).unwrap_or_default();
    Redirect::to(&format!("/shop/stock?{shop}act={act}&q={code}")).into_response()
}

/// Back to the goods that were acted on, ready for the next scan; a refused form stays as it was typed.
async fn answer<P: Permission>(
    visitor: Visitor<P>,
    variant: VariantId,
    act: &str,
    fields: &Fields,
    done: Result<()>,
) -> PageResult<Response> {
    let error = match done {
        Ok(()) => {
            let shop = fields.raw("shop").parse::<ShopId>().map(|shop| format!("shop={shop}&")).unwrap_or_default();
            return Ok(visitor.done(&format!("/shop/stock?{shop}variant={variant}&act={act}"), &format!("stock_{act}")).into_response());
        }
        Err(error) => error,
    };
    let asked =
        Asked { shop: fields.raw("shop").parse().ok(), q: String::new(), variant: Some(variant), act: act.into(), said: String::new() };
    let visitor = visitor.refused(error, fields)?;
    let (company, data) = page_of(&visitor.access, &asked, &visitor.language).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("shop/stock.html", &company, data)
}

async fn receive(visitor: Visitor<InventoryHandle>, Id(id): Id<VariantId>, mut fields: Fields) -> PageResult<Response> {
    if let Some(code) = scanned(&fields) {
        return Ok(look_up("receive", code, &fields));
    }
    let done = match sent(id, &fields) {
        Ok(goods) => shelf::receive(&visitor.access, &path(id, "receive"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "receive", &fields, done).await
}

async fn count(visitor: Visitor<InventoryHandle>, Id(id): Id<VariantId>, mut fields: Fields) -> PageResult<Response> {
    if let Some(code) = scanned(&fields) {
        return Ok(look_up("count", code, &fields));
    }
    let done = match sent(id, &fields) {
        Ok(goods) => shelf::count(&visitor.access, &path(id, "count"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "count", &fields, done).await
}

async fn adjust(visitor: Visitor<InventoryWrite>, Id(id): Id<VariantId>, mut fields: Fields) -> PageResult<Response> {
    if let Some(code) = scanned(&fields) {
        return Ok(look_up("adjust", code, &fields));
    }
    let done = match sent(id, &fields) {
        Ok(goods) => shelf::adjust(&visitor.access, &path(id, "adjust"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "adjust", &fields, done).await
}

async fn waste(visitor: Visitor<InventoryWrite>, Id(id): Id<VariantId>, mut fields: Fields) -> PageResult<Response> {
    if let Some(code) = scanned(&fields) {
        return Ok(look_up("waste", code, &fields));
    }
    let done = match sent(id, &fields) {
        Ok(goods) => shelf::waste(&visitor.access, &path(id, "waste"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "waste", &fields, done).await
}

/// `/shop` is the first screen of the terminal.
async fn first(_: Visitor<InventoryRead>) -> Redirect {
    Redirect::to("/shop/orders")
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<InventoryRead, _>("/shop", "The first screen of the terminal", first),
        get::<InventoryRead, _>("/shop/stock", "Look up stock by code or name", show),
        post::<InventoryHandle, _>("/shop/stock/{id}/receive", "Books in goods", receive),
        post::<InventoryHandle, _>("/shop/stock/{id}/count", "Writes down a count", count),
        post::<InventoryWrite, _>("/shop/stock/{id}/adjust", "Adjusts stock with a reason", adjust),
        post::<InventoryWrite, _>("/shop/stock/{id}/waste", "Writes off goods", waste),
    ]
}
