//! The switch between the companies that one person works for.

use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use super::{PageResult, Visitor, company_of, fields::Fields, home, sign_in::set_cookie};
use crate::{
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
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
    match enter(&visitor, &mut fields).await {
        Ok((secret, there)) => {
            let portal = visitor.access.portal().map_err(|error| visitor.refuse(error))?;
            let name = portal.workplaces.iter().find(|one| one.id == there.company).map_or("", |one| one.name.as_str());
            let text = templates::filled("flash.company_switched", &visitor.language, &[("company", &name)]);
            let mut answer = visitor.tell(home(&there), "ok", &text, &[]).into_response();
            set_cookie(&mut answer, visitor.access.souk(), "souk_session", &secret);
            Ok(answer)
        }
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let company = company_of(&visitor).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/switch.html", &company, json!({ "home": home(visitor.access.tenant()) }))
        }
    }
}

/// The session's new secret, and who its person is in the other company.
async fn enter(visitor: &Visitor<SignedIn>, fields: &mut Fields) -> Result<(String, Tenant)> {
    let company = fields.parsed("company");
    fields.end()?;
    let access = &visitor.access;
    // Who acts in a company ends that first; the platform's people have no company to switch.
    let company = company.filter(|_| access.portal().is_ok_and(|portal| portal.acting.is_none())).ok_or(Error::NOT_FOUND)?;
    identity::switch_company(access.souk(), access.tenant(), &access.holder()?, company).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<SignedIn, _>(PAGE, "The companies I work for", show),
        post::<SignedIn, _>(PAGE, "Goes on in another company I work for", switch),
    ]
}
