//! `/api/companies/plans`, and a company's subscription to one.

use axum::{Json as Answer, extract::State, http::StatusCode};
use serde_json::Value;

use crate::{
    controllers::{
        extract::{Id, Json, Version},
        page, steward,
    },
    endpoints::{
        Endpoint,
        api::{get, post, put},
    },
    errors::{Error, Result},
    ids::{CompanyId, PlanId},
    models::{
        debts::SubscriptionChange,
        plans::{self, NewPlan, PlanChange},
    },
    tenancy::{
        Access, Role, Souk,
        roles::{CompaniesRead, CompaniesWrite, PlansWrite},
    },
    views::plans as view,
};

/// The price list; a company sees what it can subscribe to.
async fn index(State(souk): State<Souk>, access: Access<CompaniesRead>) -> Result<Answer<Value>> {
    let platform = souk.platform("plans").await?;
    let all = access.tenant().role == Role::SuperAdmin;
    let rows = plans::list(&platform).await?;
    Ok(Answer(page::whole(rows.iter().filter(|plan| all || plan.is_active).map(view::plan).collect())))
}

async fn create(access: Access<PlansWrite>, Json(new, _): Json<NewPlan>) -> Result<(StatusCode, Answer<Value>)> {
    let plan = steward::add_plan(&access, new).await?;
    Ok((StatusCode::CREATED, Answer(view::plan(&plan))))
}

async fn change(
    access: Access<PlansWrite>,
    Id(id): Id<PlanId>,
    Version(version): Version,
    Json(change, _): Json<PlanChange>,
) -> Result<Answer<Value>> {
    Ok(Answer(view::plan(&steward::change_plan(&access, id, change, version).await?)))
}

async fn subscription(access: Access<CompaniesRead>, Id(company): Id<CompanyId>) -> Result<Answer<Value>> {
    let scope = access.within(company)?.read().await?;
    plans::current(&scope).await?.map(|one| Answer(view::subscription(&one))).ok_or(Error::NOT_FOUND)
}

async fn subscribe(
    access: Access<CompaniesWrite>,
    Id(company): Id<CompanyId>,
    Json(change, _): Json<SubscriptionChange>,
) -> Result<Answer<Value>> {
    let access = access.within(company)?;
    let subscription = steward::subscribe(&access, company, &change).await?;
    Ok(Answer(subscription.as_ref().map_or(Value::Null, view::subscription)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CompaniesRead, _>("/api/companies/plans", "The plans that companies subscribe to", index).answers(200, "[Plan]"),
        post::<PlansWrite, _>("/api/companies/plans", "Adds a plan", create).answers(201, "Plan"),
        put::<PlansWrite, _>("/api/companies/plans/{id}", "Changes a plan, from each subscriber's next period on", change)
            .answers(200, "Plan"),
        get::<CompaniesRead, _>("/api/companies/{id}/subscription", "A company's subscription", subscription).answers(200, "Subscription"),
        put::<CompaniesWrite, _>("/api/companies/{id}/subscription", "Begins, changes or ends a company's subscription", subscribe)
            .answers(200, "MaybeSubscription"),
    ]
}
