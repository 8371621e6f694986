//! The switch between the companies that one person works for.

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use super::{PageResult, Visitor, company_of, fields::Fields, home, safe_next, sign_in::set_cookie};
use crate::{
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::CompanyId,
    models::identity,
    tenancy::{Tenant, roles::SignedIn},
    views::templates,
};

const PAGE: &str = "/switch-company";

async fn show(visitor: Visitor<SignedIn>) -> PageResult<Html<String>> {
    let company = company_of(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/switch.html", &company, json!({ "home": home(visitor.access.tenant()) }))
}

async fn switch(visitor: Visitor<SignedIn>, mut fields: Fields) -> PageResult<Response> {
    let company = fields.parsed("company");
    let gone = match fields.end() {
        Ok(()) => enter(&visitor, company).await,
        Err(error) => Err(error),
    };
    match gone {
        Ok((secret, there)) => {
            let portal = visitor.access.portal().map_err(|error| visitor.refuse(error))?;
            let name = portal.workplaces.iter().find(|one| one.id == there.company).map_or("", |one| one.name.as_str());
            let text = templates::filled("flash.company_switched", &visitor.language, &[("company", &name)]);
            let mut answer = visitor.tell(home(&there), "ok", &text, &[]).into_response();
            set_cookie(&mut answer, visitor.access.souk(), "souk_session", &secret);
            Ok(answer)
        }
        Err(error) => refuse(visitor, error, &fields).await,
    }
}

async fn refuse(visitor: Visitor<SignedIn>, error: Error, fields: &Fields) -> PageResult<Response> {
    let visitor = visitor.refused(error, fields)?;
    let company = company_of(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/switch.html", &company, json!({ "home": home(visitor.access.tenant()) }))
}

#[derive(Deserialize)]
struct Destination {
    #[serde(default)]
    to: String,
}

/// Goes on in the company that a form was made for, and has the browser send the form there once more.
async fn send(
    visitor: Visitor<SignedIn>,
    Id(company): Id<CompanyId>,
    Query(destination): Query<Destination>,
    fields: Fields,
) -> PageResult<Response> {
    match enter(&visitor, Some(company)).await {
        Ok((secret, there)) => {
            let to = safe_next(&destination.to).map_or_else(|| Redirect::to(home(&there)), Redirect::temporary);
            let mut answer = to.into_response();
            set_cookie(&mut answer, visitor.access.souk(), "souk_session", &secret);
            Ok(answer)
        }
        Err(error) => refuse(visitor, error, &fields).await,
    }
}

/// The session's new secret, and who its person is in the other company.
async fn enter(visitor: &Visitor<SignedIn>, company: Option<CompanyId>) -> Result<(String, Tenant)> {
    let access = &visitor.access;
    // Who acts in a company ends that first; the platform's people have no company to switch.
    let company = company.filter(|_| access.portal().is_ok_and(|portal| portal.acting.is_none())).ok_or(Error::NOT_FOUND)?;
    identity::switch_company(access.souk(), access.tenant(), &access.holder()?, company).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<SignedIn, _>(PAGE, "The companies I work for", show),
        post::<SignedIn, _>(PAGE, "Goes on in another company I work for", switch),
        post::<SignedIn, _>("/switch-company/{id}/send", "Goes on in the company a form was made for, and sends it there", send),
    ]
}
