//! What the platform does to a company: finds it, stops it, lets it go on, closes it.

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, SelectStatement},
};
use serde_json::json;

use super::{Company, Standing, company, own};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::CompanyId,
    keyset::{self, At, Place, Sort},
    tenancy::{Platform, Scope},
};

/// Trades, and its people come in.
pub const ACTIVE: &str = "active";
/// Its people and customers stay outside until it goes on; what was begun is ended by itself.
pub const SUSPENDED: &str = "suspended";
/// For good: what is kept is kept for the books.
pub const CLOSED: &str = "closed";

/// Every state of a tenant, in the order of its life.
pub const STATES: [&str; 3] = [ACTIVE, SUSPENDED, CLOSED];

/// What a list of companies is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// A part of the name or the slug.
    pub words: Option<String>,
    pub status: Option<String>,
    /// Those that a debt holds up, a little or wholly.
    pub is_held_up: bool,
    /// A question whose answers are the companies to look among.
    pub among: Option<SelectStatement>,
}

/// What companies are sorted by: since when they are there, which their ids say, or their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Opened,
    Name,
}

impl By {
    /// Where a list that is sorted so goes on behind a company.
    #[must_use]
    pub fn place(self, company: &Company) -> Place {
        Place { at: (self == Self::Name).then(|| At::Text(company.sort_name.clone())), id: company.id.0 }
    }
}

/// Companies, newest first, from before `before`.
pub async fn search(platform: &Platform, search: &Search, before: Option<CompanyId>, limit: u64) -> Result<Vec<Company>> {
    let newest = Sort { by: By::Opened, falls: true };
    sorted(platform, search, newest, before.map(|id| Place { at: None, id: id.0 }), limit).await
}

/// As [`search`], in the order that a person chose.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted(platform: &Platform, search: &Search, sort: Sort<By>, after: Option<Place>, limit: u64) -> Result<Vec<Company>> {
    let mut rows = platform.find::<company::Entity>().filter(company::Column::Status.ne("platform"));
    if let Some(status) = &search.status {
        rows = rows.filter(company::Column::Status.eq(status.as_str()));
    }
    if search.is_held_up {
        rows = rows.filter(company::Column::Standing.ne(Standing::Good));
    }
    if let Some(among) = &search.among {
        rows = rows.filter(company::Column::Id.in_subquery(among.clone()));
    }
    if let Some(words) = search.words.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        let escaped: String =
            words.to_lowercase().chars().flat_map(|one| matches!(one, '%' | '_' | '\\').then_some('\\').into_iter().chain([one])).collect();
        let part = || LikeExpr::new(format!("%{escaped}%")).escape('\\');
        let name = Expr::expr(Func::lower(Expr::col(company::Column::Name))).like(part());
        rows = rows.filter(Condition::any().add(name).add(Expr::col(company::Column::Slug).like(part())));
    }
    let by = (sort.by == By::Name).then(|| company::Column::SortName.into_expr());
    platform.all(keyset::sorted(rows, by, company::Column::Id, sort.falls, after).limit(limit)).await
}

/// A company in whatever state.
///
/// # Errors
/// 404 when there is none.
pub async fn find(platform: &Platform, id: CompanyId) -> Result<Company> {
    let row = platform.find::<company::Entity>().filter(company::Column::Id.eq(id)).filter(company::Column::Status.ne("platform"));
    platform.one(row).await?.ok_or(Error::NOT_FOUND)
}

/// The company of a short name, in whatever state.
pub async fn called(platform: &Platform, slug: &str) -> Result<Option<Company>> {
    let row = platform.find::<company::Entity>().filter(company::Column::Slug.eq(slug)).filter(company::Column::Status.ne("platform"));
    platform.one(row).await
}

/// How many companies are in each state.
pub async fn states(platform: &Platform) -> Result<Vec<(String, i64)>> {
    let rows = platform.ask("SELECT status, COUNT(*) AS companies FROM companies WHERE status <> 'platform' GROUP BY status", vec![]);
    rows.await?.into_iter().map(|row| Ok((row.try_get("", "status")?, row.try_get("", "companies")?))).collect()
}

/// Stops a company until [`resume`].
///
/// # Errors
/// 404; 409 `company_state` when it is not active; 422 without a reason.
pub async fn suspend(scope: &Scope, reason: &str) -> Result<Company> {
    let reason = given(reason)?;
    turn(scope, &[ACTIVE], SUSPENDED, Some(reason), ("suspend", "company.updated")).await
}

/// Lets a suspended company go on.
///
/// # Errors
/// 404; 409 `company_state` when it is not suspended.
pub async fn resume(scope: &Scope) -> Result<Company> {
    turn(scope, &[SUSPENDED], ACTIVE, None, ("resume", "company.updated")).await
}

/// Closes a company for good; its rows stay for the books, and its domain is free for another.
///
/// # Errors
/// 404; 409 `company_state` when it is closed already; 422 without a reason.
pub async fn close(scope: &Scope, reason: &str) -> Result<Company> {
    let reason = given(reason)?;
    turn(scope, &[ACTIVE, SUSPENDED], CLOSED, Some(reason), ("close", "company.deleted")).await
}

fn given(reason: &str) -> Result<String> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if length == 0 {
        return Err(Error::invalid("reason", "required", "say why"));
    }
    if length > 500 {
        return Err(Error::invalid("reason", "too_long", "at most 500 characters"));
    }
    Ok(reason.into())
}

async fn turn(scope: &Scope, from: &[&str], to: &str, reason: Option<String>, (action, event): (&str, &'static str)) -> Result<Company> {
    let before = own(scope).await?;
    let domain = before.domain.clone().filter(|_| to != CLOSED);
    let update = scope
        .update::<company::Entity>()
        .col_expr(company::Column::Status, Expr::value(to))
        .col_expr(company::Column::Domain, Expr::value(domain))
        .col_expr(company::Column::StatusReason, Expr::value(reason.clone()))
        .col_expr(company::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(company::Column::Version, Expr::col(company::Column::Version).add(1))
        .filter(company::Column::Status.is_in(from.iter().copied()));
    let Some(after) = scope.run_returning(update).await?.pop() else {
        let facts = json!({ "state": own(scope).await?.status });
        return Err(Error::conflict("company_state", "the company is not in a state for this", facts));
    };
    let mut changes = vec![("status", json!(before.status), json!(after.status)), ("reason", json!(before.status_reason), json!(reason))];
    if before.domain != after.domain {
        changes.push(("domain", json!(before.domain), json!(after.domain)));
    }
    scope.audit(action, "company", after.id, None, changes).await?;
    scope.emit(Event::new(event, ("company", after.id.0), None, json!({ "status": after.status }))).await?;
    Ok(after)
}
