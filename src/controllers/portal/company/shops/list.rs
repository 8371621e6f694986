//! The list of shops.

use std::sync::Arc;

use axum::response::{Html, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::super::{PageResult, Visitor, export, fields::Fields, lists::Listing},
    door,
};
use crate::{
    controllers::{extract::Query, page},
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::ShopId,
    models::{
        companies::{self, Company},
        shops::{self, Shop, ShopFilter, ShopState},
    },
    tenancy::{
        Access, Permission,
        roles::{ShopsSee, ShopsWrite},
    },
    translated,
};

const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    cursor: Option<String>,
}

impl List {
    fn filter(&self) -> ShopFilter {
        let state = match self.state.as_str() {
            "paused" => ShopState::Paused,
            "closed" => ShopState::Closed,
            _ => ShopState::Kept,
        };
        ShopFilter { words: Some(self.q.clone()).filter(|words| !words.trim().is_empty()), state }
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 3] = [("shops.view.all", ""), ("shops.view.paused", "state=paused"), ("shops.view.closed", "state=closed")];

async fn index(visitor: Visitor<ShopsSee>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = list_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/shops/index.html", &company, data)
}

async fn list_page(visitor: &Visitor<ShopsSee>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let filter = list.filter();
    let bound = format!("portal shops {filter:?}");
    let after = page::open::<(String, ShopId)>(access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut found = shops::search(&scope, &filter, after, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut found, ROWS, |shop| (shop.sort_name.clone(), shop.id))?;
    let doors = shops::doors(&scope, &found).await?;
    let rows: Vec<_> = found
        .iter()
        .map(|shop| {
            json!({
                "id": shop.id, "name": translated::name(&shop.translations, &visitor.language).unwrap_or(&shop.name), "slug": shop.slug, "kind": shop.kind, "city": shop.city, "phone": shop.phone,
                "door": door(shop, doors.get(&shop.id).copied().unwrap_or_default(), &visitor.language), "is_gone": shop.deleted_at.is_some(),
            })
        })
        .collect();
    let data = json!({
        "rows": rows, "filter": { "q": list.q, "state": list.state }, "can_write": access.tenant().may(ShopsWrite::NAME),
        "list": visitor.list(&scope, Listing {
            views: &VIEWS, chips: vec![("q", visitor.text("ui.search"), list.q.clone())], count: rows.len(), next,
        }).await?,
    });
    Ok((company, data))
}

const COLUMNS: [&str; 12] =
    ["slug", "name", "kind", "zone", "phone", "email", "line1", "city", "state", "postal_code", "country", "is_active"];

async fn export_list(visitor: Visitor<ShopsSee>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let csv = export::csv("shops", &COLUMNS, move |after| {
        let (access, filter) = (access.clone(), list.filter());
        async move {
            let scope = access.read().await?;
            let found = shops::search(&scope, &filter, after, export::ROWS).await?;
            let next = found.last().filter(|_| found.len() as u64 == export::ROWS).map(|shop| (shop.sort_name.clone(), shop.id));
            Ok((found.into_iter().map(cells).collect(), next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn export_chosen(visitor: Visitor<ShopsSee>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(&visitor.access, &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("shops", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<ShopsSee>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    Ok(shops::some(&scope, &fields.chosen()).await?.into_iter().map(cells).collect())
}

fn cells(shop: Shop) -> Vec<String> {
    vec![
        shop.slug,
        shop.name,
        shop.kind,
        shop.zone,
        shop.phone,
        shop.email.unwrap_or_default(),
        shop.line1,
        shop.city,
        shop.state,
        shop.postal_code,
        shop.country,
        shop.is_active.to_string(),
    ]
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<ShopsSee, _>("/company/shops", "The company's shops", index),
        get::<ShopsSee, _>("/company/shops/export.csv", "Shops as CSV", export_list),
        post::<ShopsSee, _>("/company/shops/chosen.csv", "Chosen shops as CSV", export_chosen),
    ]
}
