//! Who has subscribed to what, for the platform's people.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::SelectStatement};

use super::subscription::{Column, Entity, Model as Subscription, State};
use crate::{errors::Result, ids::CompanyId, tenancy::Platform};

/// The subscriptions of some companies; those without one are not among them.
pub async fn of_companies(platform: &Platform, companies: &[CompanyId]) -> Result<BTreeMap<CompanyId, Subscription>> {
    let theirs = platform.find::<Entity>().filter(Column::CompanyId.is_in(companies.iter().copied()));
    let theirs = platform.all(theirs.filter(Column::State.ne(State::Cancelled))).await?;
    Ok(theirs.into_iter().map(|one| (one.company_id, one)).collect())
}

/// Which companies have a plan, or are in a state of their subscription: for the list of companies to look among.
#[must_use]
pub fn subscribers(platform: &Platform, plan: Option<&str>, state: Option<State>) -> SelectStatement {
    let rows = platform.find::<Entity>().select_only().column(Column::CompanyId).filter(Column::State.ne(State::Cancelled));
    let rows = rows.apply_if(plan, |rows, plan| rows.filter(Column::PlanCode.eq(plan)));
    rows.apply_if(state, |rows, state| rows.filter(Column::State.eq(state))).into_query()
}
