//! Limits: how much of a thing a company may have.
//!
//! Things are counted while the subscription's row is held, so two acts at once cannot both take
//! the last place. A company without a subscription has no limits.

use std::future::Future;

use sea_orm::{
    ColumnTrait, Condition, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{
    subscribe::{current, hold},
    subscription::{self, Model as Subscription, State},
};
use crate::{
    errors::{Error, Result},
    ids::SubscriptionId,
    models::companies::{self, Company, Standing},
    tenancy::Scope,
};

/// What a plan limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Shops,
    Staff,
    Products,
    /// In a month.
    Orders,
}

impl Limit {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shops => "shops",
            Self::Staff => "staff",
            Self::Products => "products",
            Self::Orders => "orders",
        }
    }

    /// How many a subscription allows; nothing is no limit.
    #[must_use]
    pub const fn of(self, subscription: &Subscription) -> Option<i64> {
        match self {
            Self::Shops => subscription.shops_max,
            Self::Staff => subscription.staff_max,
            Self::Products => subscription.products_max,
            Self::Orders => subscription.orders_max,
        }
    }

    fn refuse(self, limit: i64, current: i64, is_overdue: bool) -> Error {
        let detail = if is_overdue {
            format!("no more {} while a debt to the platform is overdue", self.name())
        } else {
            format!("the plan allows {limit} {}", self.name())
        };
        Error::conflict("plan_limit", detail, json!({ "what": self.name(), "limit": limit, "current": current, "isOverdue": is_overdue }))
    }
}

/// Lets `more` of a thing in, or not; `present` counts what there is, and is asked while nobody
/// else can add.
///
/// # Errors
/// 409 `plan_limit`, also while the company is limited because a debt is overdue.
pub async fn admit(scope: &Scope, what: Limit, more: i64, present: impl Future<Output = Result<u64>> + Send) -> Result<()> {
    let company = companies::own(scope).await?;
    if company.standing != Standing::Good {
        let current = count(present).await?;
        return Err(what.refuse(current, current, true));
    }
    if company.subscription_id.is_none() {
        return Ok(());
    }
    let Some(limit) = hold(scope).await?.and_then(|held| what.of(&held)) else { return Ok(()) };
    let current = count(present).await?;
    if current.saturating_add(more) <= limit { Ok(()) } else { Err(what.refuse(limit, current, false)) }
}

async fn count(present: impl Future<Output = Result<u64>> + Send) -> Result<i64> {
    i64::try_from(present.await?).map_err(Error::internal)
}

/// Counts new orders against the month's limit. Called late in a checkout, right before its
/// number is drawn: rivals wait for each other from here on.
///
/// # Errors
/// 409 `plan_limit`.
pub async fn count_orders(scope: &Scope, company: &Company, more: i64) -> Result<()> {
    use subscription::Column;
    let Some(id) = company.subscription_id else { return Ok(()) };
    let month = company.today().format("%Y-%m").to_string();
    let same_month = Condition::all().add(Column::OrdersMonth.eq(month.as_str()));
    let fits = Condition::any()
        .add(Column::OrdersMax.is_null())
        .add(same_month.clone().add(Expr::col(Column::OrdersCount).add(more).lte(Expr::col(Column::OrdersMax))))
        .add(Condition::all().add(Column::OrdersMonth.ne(month.as_str())).add(Column::OrdersMax.gte(more)));
    let take = scope
        .update::<subscription::Entity>()
        .col_expr(Column::OrdersCount, Expr::case(same_month, Expr::col(Column::OrdersCount).add(more)).finally(more).into())
        .col_expr(Column::OrdersMonth, Expr::value(month.as_str()))
        .filter(Column::Id.eq(id))
        .filter(Column::State.ne(State::Cancelled))
        .filter(fits);
    if scope.run(take).await? == 1 {
        return Ok(());
    }
    refuse_orders(scope, id, &month).await
}

async fn refuse_orders(scope: &Scope, id: SubscriptionId, month: &str) -> Result<()> {
    let Some(subscription) = current(scope).await?.filter(|one| one.id == id) else { return Ok(()) };
    let Some(limit) = subscription.orders_max else { return Ok(()) };
    let current = if subscription.orders_month == month { subscription.orders_count } else { 0 };
    Err(Limit::Orders.refuse(limit, current, false))
}
