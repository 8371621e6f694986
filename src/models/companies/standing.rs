//! How a company stands with the platform. The word is kept in the company's row by whoever
//! settles its debts, so that a request need not count them.

use chrono::NaiveDate;
use sea_orm::{
    ColumnTrait, DeriveActiveEnum, EnumIter, QueryFilter,
    sea_query::{Expr, ExprTrait, Query, SubQueryStatement},
};
use serde::Serialize;
use serde_json::json;

use super::{
    company::{self, Model as Company},
    steward::ACTIVE,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, SubscriptionId},
    tenancy::Scope,
};

/// From the best to the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    #[default]
    Good,
    /// A debt is long overdue: nothing new is admitted, what is there goes on.
    Limited,
    /// Writes are refused, except paying; reads go on.
    Lapsed,
}

/// What comes of what a company owes late, and on which day, while nothing is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    pub overdue_since: Option<NaiveDate>,
    pub limited_on: Option<NaiveDate>,
    pub suspended_on: Option<NaiveDate>,
}

impl Company {
    #[must_use]
    pub const fn outlook(&self) -> Outlook {
        Outlook { overdue_since: self.overdue_since, limited_on: self.limited_on, suspended_on: self.suspended_on }
    }

    /// The day that it is for this company.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        clock::now().date_in(&self.zone)
    }
}

/// A company's standing as a column of another query, so that knowing it costs no query of its own.
#[must_use]
pub fn standing_of(id: CompanyId) -> Expr {
    let row = Query::select()
        .column(company::Column::Standing)
        .from(company::Entity)
        .and_where(Expr::col((company::Entity, company::Column::Id)).eq(id))
        .to_owned();
    Expr::from(SubQueryStatement::from(row))
}

/// Whether a company is open, as a column of another query: a stopped company's people are nobody.
#[must_use]
pub fn is_open(id: CompanyId) -> Expr {
    let row = Query::select()
        .expr(Expr::col(company::Column::Status).eq(ACTIVE))
        .from(company::Entity)
        .and_where(Expr::col((company::Entity, company::Column::Id)).eq(id))
        .to_owned();
    Expr::from(SubQueryStatement::from(row))
}

/// The company's row, kept from others until the unit ends. Last in the order of locks.
///
/// # Errors
/// When the database cannot be reached.
pub async fn hold(scope: &Scope) -> Result<Company> {
    let take = scope.update::<company::Entity>().col_expr(company::Column::Standing, Expr::col(company::Column::Standing));
    scope.run_returning(take).await?.pop().ok_or(Error::NOT_FOUND)
}

/// Writes down how a company that is held stands now, and what is to come.
///
/// # Errors
/// When the database cannot be reached.
pub async fn set_standing(scope: &Scope, held: &Company, to: Standing, outlook: Outlook) -> Result<()> {
    if (held.standing, held.outlook()) == (to, outlook) {
        return Ok(());
    }
    let update = scope
        .update::<company::Entity>()
        .col_expr(company::Column::Standing, Expr::value(to))
        .col_expr(company::Column::OverdueSince, Expr::value(outlook.overdue_since))
        .col_expr(company::Column::LimitedOn, Expr::value(outlook.limited_on))
        .col_expr(company::Column::SuspendedOn, Expr::value(outlook.suspended_on));
    scope.run(update).await?;
    if held.standing == to {
        return Ok(());
    }
    let changes = vec![("standing", json!(held.standing), json!(to))];
    scope.audit("standing", "company", held.id, None, changes).await
}

/// Names the company's subscription, if it still has the one it is thought to have.
///
/// # Errors
/// When the database cannot be reached.
pub async fn set_subscription(scope: &Scope, from: Option<SubscriptionId>, to: Option<SubscriptionId>) -> Result<bool> {
    let update = scope.update::<company::Entity>().col_expr(company::Column::SubscriptionId, Expr::value(to));
    let update = match from {
        Some(id) => update.filter(company::Column::SubscriptionId.eq(id)),
        None => update.filter(company::Column::SubscriptionId.is_null()),
    };
    Ok(scope.run(update).await? == 1)
}
