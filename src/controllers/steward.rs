//! What the platform's people do to a company, whether by the API or in the portal: each act is
//! written down in the company it touches.

use serde_json::{Value, json};

use crate::{
    errors::{Error, FieldError, Result},
    ids::{CompanyId, PlanId},
    models::{
        catalog,
        companies::{self, ACTIVE, CLOSED, Company, NewCompany},
        debts::{self, SubscriptionChange},
        identity::{self, Colleague, Invitation},
        ledger,
        plans::{self, NewPlan, Plan, PlanChange, Subscription},
    },
    tenancy::{Access, PLATFORM_COMPANY, Permission, Platform, Role, Tenant},
    views::plans as view,
};

/// The platform's person at work in a company.
pub(in crate::controllers) fn in_company<P: Permission>(access: &Access<P>, company: CompanyId) -> Tenant {
    Tenant { company, ..access.tenant().clone() }
}

/// What a company may begin with.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Who lets the others in: the e-mail and the name of its first admin.
    pub admin: Option<(String, String)>,
    pub subscription: Option<SubscriptionChange>,
}

/// Opens a company, with its subscription and its first admin where they are known, all or nothing.
///
/// # Errors
/// As [`companies::open`], [`debts::subscribe`] and [`identity::invite`]; what is wrong with the
/// admin is said of the fields `adminEmail` and `adminName`.
pub async fn open<P: Permission>(access: &Access<P>, new: NewCompany, start: Start) -> Result<Company> {
    let platform = access.souk().platform("companies").await?;
    let mut wrong = Vec::new();
    let company = refused(companies::open(&platform, new).await, &mut wrong, str::to_owned)?;
    let admin = match &start.admin {
        Some((email, name)) => refused(identity::newcomer(&platform, access.tenant(), email, name).await, &mut wrong, of_admin)?,
        None => None,
    };
    let plan = match &start.subscription {
        Some(change) => refused(plan_of(&platform, change).await, &mut wrong, str::to_owned)?.flatten(),
        None => None,
    };
    let Some(company) = company.filter(|_| wrong.is_empty()) else { return Err(Error::Invalid(wrong)) };
    let scope = platform.into_scope(in_company(access, company.id)).await?;
    ledger::open_books(&scope).await?;
    companies::tell_opened(&scope, &company).await?;
    if let Some(change) = &start.subscription {
        debts::subscribe(&scope, change, plan.as_ref()).await?;
    }
    if let Some(admin) = &admin {
        identity::welcome(&scope, admin, &identity::places_of(Some(Role::CompanyAdmin.name()), &[], &[])).await?;
    }
    scope.commit().await?;
    Ok(company)
}

/// Keeps what is wrong with fields, under the names that `named` gives them, so that all of it is said at once.
fn refused<T>(tried: Result<T>, wrong: &mut Vec<FieldError>, named: impl Fn(&str) -> String) -> Result<Option<T>> {
    match tried {
        Ok(done) => Ok(Some(done)),
        Err(Error::Invalid(fields)) => {
            wrong.extend(fields.into_iter().map(|one| FieldError { field: named(&one.field), ..one }));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The first admin's fields beside those of the company.
fn of_admin(field: &str) -> String {
    match field {
        "email" => "adminEmail".into(),
        "name" => "adminName".into(),
        other => other.into(),
    }
}

/// The plan that a change names.
async fn plan_of(platform: &Platform, change: &SubscriptionChange) -> Result<Option<Plan>> {
    let Some(code) = &change.plan else { return Ok(None) };
    let unknown = || Error::invalid("plan", "unknown", "there is no such plan");
    plans::by_code(platform, code).await?.ok_or_else(unknown).map(Some)
}

/// Begins, changes or ends a company's subscription.
///
/// # Errors
/// 404; 409 `company_state` when it is closed; as [`debts::subscribe`].
pub async fn subscribe<P: Permission>(access: &Access<P>, company: CompanyId, change: &SubscriptionChange) -> Result<Option<Subscription>> {
    let platform = access.souk().platform("plans").await?;
    let company = companies::find(&platform, company).await?;
    if company.status == CLOSED {
        let facts = json!({ "state": company.status });
        return Err(Error::conflict("company_state", "the company is not in a state for this", facts));
    }
    let plan = plan_of(&platform, change).await?;
    drop(platform);
    let scope = access.souk().write(in_company(access, company.id)).await?;
    let subscription = debts::subscribe(&scope, change, plan.as_ref()).await?;
    scope.commit().await?;
    Ok(subscription)
}

/// Invites an admin to a company: its first one, or one more.
///
/// # Errors
/// 404; 409 `company_state` when it is not open; as [`identity::invite`].
pub async fn invite_admin<P: Permission>(access: &Access<P>, company: CompanyId, email: String, name: String) -> Result<Colleague> {
    let platform = access.souk().platform("all-companies").await?;
    let company = companies::find(&platform, company).await?;
    drop(platform);
    if company.status != ACTIVE {
        let facts = json!({ "state": company.status });
        return Err(Error::conflict("company_state", "the company is not in a state for this", facts));
    }
    let role = Some(Role::CompanyAdmin.name().to_owned());
    let new = Invitation { email, name, role, shop_ids: vec![], assignments: vec![] };
    identity::invite(access.souk(), &in_company(access, company.id), new).await
}

/// Adds a plan to the price list, which is written down in the platform's own audit.
///
/// # Errors
/// As [`plans::add`].
pub async fn add_plan<P: Permission>(access: &Access<P>, new: NewPlan) -> Result<Plan> {
    let platform = access.souk().platform("price-list").await?;
    let plan = plans::add(&platform, new).await?;
    let scope = platform.into_scope(in_company(access, PLATFORM_COMPANY)).await?;
    let changes = vec![("code", Value::Null, json!(plan.code)), ("price", Value::Null, json!(plan.price))];
    scope.audit("create", "plan", plan.id, None, changes).await?;
    scope.commit().await?;
    Ok(plan)
}

/// Changes a plan, from each subscriber's next period on.
///
/// # Errors
/// As [`plans::change`].
pub async fn change_plan<P: Permission>(access: &Access<P>, id: PlanId, change: PlanChange, version: Option<i64>) -> Result<Plan> {
    let platform = access.souk().platform("price-list").await?;
    let (before, after) = plans::change(&platform, id, change, version).await?;
    let scope = platform.into_scope(in_company(access, PLATFORM_COMPANY)).await?;
    let (old, new) = (view::plan(&before), view::plan(&after));
    let fields = ["name", "price", "period", "trialDays", "limits", "isActive"];
    let changes = fields.into_iter().map(|field| (field, old[field].clone(), new[field].clone()));
    scope.audit("update", "plan", id, None, changes.filter(|(_, before, after)| before != after).collect()).await?;
    scope.commit().await?;
    Ok(after)
}

/// How a company is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Until it goes on.
    Suspend,
    /// For good.
    Close,
}

/// Stops a company, and ends the sessions of everybody in it.
///
/// # Errors
/// As [`companies::suspend`] and [`companies::close`].
pub async fn stop<P: Permission>(access: &Access<P>, company: CompanyId, how: Stop, reason: &str) -> Result<Company> {
    let platform = access.souk().platform("stewardship").await?;
    companies::find(&platform, company).await?;
    identity::end_sessions_of_company(&platform, company).await?;
    let scope = platform.into_scope(in_company(access, company)).await?;
    let company = match how {
        Stop::Suspend => companies::suspend(&scope, reason).await?,
        Stop::Close => companies::close(&scope, reason).await?,
    };
    scope.commit().await?;
    Ok(company)
}

/// Lets a suspended company go on.
///
/// # Errors
/// As [`companies::resume`].
pub async fn resume<P: Permission>(access: &Access<P>, company: CompanyId) -> Result<Company> {
    let scope = access.souk().write(in_company(access, company)).await?;
    let company = companies::resume(&scope).await?;
    scope.commit().await?;
    Ok(company)
}

/// A domain is the platform's to give, and none of those that already lead to companies by their slugs.
fn ensure_domain<P: Permission>(access: &Access<P>, change: &companies::CompanySettings) -> Result<()> {
    let Some(domain) = &change.domain else { return Ok(()) };
    if access.tenant().role != Role::SuperAdmin {
        return Err(Error::invalid("domain", "platform_only", "the platform sets a company's domain: ask there"));
    }
    let Some(domain) = domain else { return Ok(()) };
    let base = &access.souk().settings().base_domain;
    let host = domain.trim().to_lowercase();
    if host == *base || host.ends_with(&format!(".{base}")) {
        return Err(Error::invalid("domain", "reserved", "hosts under the installation's own domain belong to the companies' slugs"));
    }
    Ok(())
}

/// Changes what a company says of itself, in its own unit: the platform in any, an admin in theirs.
///
/// # Errors
/// 404 for somebody else's company; 422 for a domain that is not theirs to set; as [`companies::change_settings`].
pub async fn change<P: Permission>(
    access: &Access<P>,
    company: CompanyId,
    change: companies::CompanySettings,
    version: Option<i64>,
) -> Result<Company> {
    if access.tenant().role == Role::SuperAdmin {
        let platform = access.souk().platform("all-companies").await?;
        companies::find(&platform, company).await?;
    } else if access.tenant().company != company {
        return Err(Error::NOT_FOUND);
    }
    ensure_domain(access, &change)?;
    let scope = access.souk().write(in_company(access, company)).await?;
    if change.currency.is_some() && change.currency != Some(companies::own(&scope).await?.currency) {
        catalog::ensure_unpriced(&scope).await?;
    }
    let company = companies::change_settings(&scope, change, version).await?;
    scope.commit().await?;
    Ok(company)
}
