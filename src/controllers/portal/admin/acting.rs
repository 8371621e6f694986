//! Acting as a company's admin: begun and ended here, shown as a bar on every page meanwhile.

use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, fields::Fields, local, sign_in::set_cookie},
    companies::PAGE,
    company::{act_page, known},
};
use crate::{
    clock,
    controllers::extract::Id,
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::CompanyId,
    models::identity::{self, Acting},
    tenancy::{Access, Permission, roles::CompaniesActAs},
};

/// What the bar says: for whom, by whom, until when.
pub(in crate::controllers::portal) fn bar(acting: &Acting, by: &str, language: &str) -> Value {
    let left = (acting.until.micros() - clock::now().micros()).max(0) / 60_000_000;
    json!({
        "company": acting.company.name, "company_id": acting.company.id, "admin": acting.admin, "by": by, "reason": acting.reason,
        "until": local(acting.until, &acting.company.zone, language), "minutes": left,
    })
}

async fn ask(visitor: Visitor<CompaniesActAs>, Id(id): Id<CompanyId>) -> PageResult<Response> {
    asking(&visitor, id).await
}

async fn asking(visitor: &Visitor<CompaniesActAs>, id: CompanyId) -> PageResult<Response> {
    let admins = async {
        let (_, scope) = known(visitor, id).await?;
        admins(&scope).await
    };
    let admins = admins.await.map_err(|error| visitor.refuse(error))?;
    act_page(visitor, id, "act_as", json!({ "admins": admins })).await
}

/// The company's admins, to choose from.
pub(super) async fn admins(scope: &crate::tenancy::Scope) -> Result<Vec<Value>> {
    Ok(identity::admins(scope)
        .await?
        .iter()
        .map(|one| json!({ "value": one.id, "label": format!("{}, {}", one.name, one.email) }))
        .collect())
}

async fn begin(visitor: Visitor<CompaniesActAs>, Id(id): Id<CompanyId>, mut fields: Fields) -> PageResult<Response> {
    match act_as(&visitor.access, id, &mut fields).await {
        Ok(secret) => Ok(with_secret(Redirect::to("/"), &visitor.access, &secret)),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            asking(&visitor, id).await
        }
    }
}

async fn act_as(access: &Access<CompaniesActAs>, id: CompanyId, fields: &mut Fields) -> Result<String> {
    let (admin, reason) = (fields.parsed("admin"), fields.text("reason"));
    fields.end()?;
    identity::act_as(access.souk(), access.tenant(), access.portal()?.session, id, admin, &reason).await
}

/// Ends it, wherever the bar was; what is over already is no mistake.
async fn end(visitor: Visitor<CompaniesActAs>) -> PageResult<Response> {
    let access = &visitor.access;
    let portal = access.portal().map_err(|error| visitor.refuse(error))?;
    let to = portal.acting.as_ref().map_or_else(|| PAGE.to_owned(), |acting| format!("{PAGE}/{}", acting.company.id));
    let stopped = identity::stop_acting(access.souk(), access.tenant(), portal.session).await;
    let stopped = stopped.map_err(|error| visitor.refuse(error))?;
    let answer = visitor.done(&to, "acting_ended");
    Ok(match stopped {
        Some(secret) => with_secret(answer, access, &secret),
        None => answer.into_response(),
    })
}

fn with_secret<P: Permission>(to: Redirect, access: &Access<P>, secret: &str) -> Response {
    let mut answer = to.into_response();
    set_cookie(&mut answer, access.souk(), "souk_session", secret);
    answer
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CompaniesActAs, _>("/admin/companies/{id}/act-as", "Asks why one acts as a company's admin", ask),
        post::<CompaniesActAs, _>("/admin/companies/{id}/act-as", "Acts as a company's admin for half an hour", begin),
        post::<CompaniesActAs, _>("/admin/acting/end", "Ends acting as a company's admin", end),
    ]
}
