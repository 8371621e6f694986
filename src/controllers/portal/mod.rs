//! The server-rendered portals. Every form works without a script.

mod account;
mod admin;
mod company;
mod debts;
mod docs;
mod door;
pub mod fields;
mod invitation;
mod jump;
mod lists;
pub mod made_for;
mod messages;
mod nav;
mod once;
mod owing;
mod saved;
mod shelf;
mod shop;
mod sign_in;
mod undo;
mod unsubscribe;
mod visitor;
mod ways;
mod workplace;

use std::{collections::BTreeSet, sync::LazyLock};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;

use self::visitor::{Look, PageResult, Visitor};
pub use self::visitor::{Onlooker, not_found};
use crate::{
    clock::Instant,
    controllers::export,
    endpoints::Endpoint,
    errors::Result,
    models::companies::{self, Company},
    tenancy::{Permission, Role, Tenant},
    views::dates::local,
};

/// Whether the portals have this page: what is found is only shown where it can be opened.
fn has_page(uri: &str) -> bool {
    static PAGES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| endpoints().into_iter().map(|endpoint| endpoint.uri).collect());
    PAGES.contains(uri)
}

/// Every page.
pub fn endpoints() -> Vec<Endpoint> {
    [
        sign_in::endpoints(),     // /, /sign-in, /language, /theme
        door::endpoints(),        // the other ways in
        docs::endpoints(),        // /api/docs
        invitation::endpoints(),  // /invitation
        account::endpoints(),     // one's own account
        workplace::endpoints(),   // /switch-company
        messages::endpoints(),    // /messages
        unsubscribe::endpoints(), // /unsubscribe
        jump::endpoints(),        // /jump
        saved::endpoints(),       // /views
        admin::endpoints(),       // /admin
        company::endpoints(),     // /company
        shop::endpoints(),        // /shop
    ]
    .concat()
}

/// The stylesheet with the company's colour.
async fn brand(visitor: Visitor<crate::tenancy::roles::SignedIn>) -> PageResult<Response> {
    let company = company_of(&visitor).await.map_err(|error| visitor.refuse(error))?;
    let css = format!(":root {{ --sk-brand: {}; }}\n", company.brand);
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "private, max-age=300")], css).into_response())
}

async fn company_of<P: Permission>(visitor: &Visitor<P>) -> Result<Company> {
    let scope = visitor.access.read().await?;
    companies::own(&scope).await
}

/// A date of a calendar as the moment at which it begins in its zone, `days` later.
fn midnight(text: &str, zone: &str, days: u64) -> Option<Instant> {
    let day = text.parse::<NaiveDate>().ok()?.checked_add_days(chrono::Days::new(days))?;
    Some(Instant::midnight(day, zone))
}

/// The first page of somebody: their role's, or the first place that they may open.
fn home(tenant: &Tenant) -> &'static str {
    match tenant.role {
        Role::SuperAdmin => "/admin",
        Role::ShopStaff => "/shop/orders",
        Role::Rider | Role::Member => nav::first(tenant).unwrap_or("/account"),
        _ => nav::HOME,
    }
}

/// Only a path of ours may be gone to next.
fn safe_next(next: &str) -> Option<&str> {
    let is_ours =
        next.starts_with('/') && !next.starts_with("//") && !next.contains(|one: char| one == '\\' || one.is_control()) && next.len() < 500;
    is_ours.then_some(next)
}

/// A text as a query's value.
fn encode(text: &str) -> String {
    serde_urlencoded::to_string([("", text)]).unwrap_or_default().trim_start_matches('=').to_owned()
}
