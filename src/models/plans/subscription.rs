//! What a company has subscribed to, with the terms of its present period.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::plan::Interval;
use crate::{
    clock::Instant,
    ids::{CompanyId, PlanId, SubscriptionId},
    money::Money,
    tenancy::owned,
};

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    Trial,
    Active,
    /// A period is over or unpaid, and the days of grace run.
    Grace,
    /// They have run out: writes are refused until it is paid.
    Lapsed,
    /// Ended by the platform.
    Cancelled,
}

/// How late a subscription is, by its debts and by its last period's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lateness {
    InTime,
    WithinGrace,
    Beyond,
}

impl Lateness {
    /// How late something is that was due `days` ago, when so many days are given.
    #[must_use]
    pub const fn after(days: i64, grace_days: i64) -> Self {
        if days <= 0 {
            Self::InTime
        } else if days < grace_days {
            Self::WithinGrace
        } else {
            Self::Beyond
        }
    }
}

impl State {
    /// The whole life of a subscription.
    #[must_use]
    pub const fn of(is_cancelled: bool, is_trial: bool, lateness: Lateness) -> Self {
        match (is_cancelled, lateness, is_trial) {
            (true, _, _) => Self::Cancelled,
            (false, Lateness::Beyond, _) => Self::Lapsed,
            (false, Lateness::WithinGrace, _) => Self::Grace,
            (false, Lateness::InTime, true) => Self::Trial,
            (false, Lateness::InTime, false) => Self::Active,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SubscriptionId,
    pub plan_id: PlanId,
    /// Another plan, from the next period on.
    pub next_plan_id: Option<PlanId>,
    pub plan_code: String,
    pub plan_name: String,
    pub state: State,
    pub currency: String,
    pub period: Interval,
    /// The month that `orders_count` counts, such as `2026-09`.
    pub orders_month: String,
    pub price: Money,
    pub shops_max: Option<i64>,
    pub staff_max: Option<i64>,
    pub products_max: Option<i64>,
    pub orders_max: Option<i64>,
    pub starts_on: NaiveDate,
    /// The first day behind the present period.
    pub ends_on: NaiveDate,
    pub is_trial: bool,
    pub renews: bool,
    /// The day of the month on which periods begin where the month has one.
    pub anchor_day: i64,
    pub grace_days: i64,
    /// How many periods were begun.
    pub periods: i64,
    pub orders_count: i64,
    pub cancelled_at: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

impl Model {
    /// How late it is by its end alone: a period is over and none follows.
    #[must_use]
    pub fn lateness(&self, today: NaiveDate) -> Lateness {
        let days = (today - self.ends_on).num_days();
        if self.renews { Lateness::InTime } else { Lateness::after(days + 1, self.grace_days + 1) }
    }

    /// Whether its end has another state come of it than the one that is written down.
    #[must_use]
    pub fn has_run_out(&self, today: NaiveDate) -> bool {
        match self.lateness(today) {
            Lateness::InTime => false,
            Lateness::WithinGrace => !matches!(self.state, State::Grace | State::Lapsed),
            Lateness::Beyond => self.state != State::Lapsed,
        }
    }
}

owned!();

#[cfg(test)]
mod tests {
    use super::{Lateness, State};

    #[test]
    fn a_subscription_is_tried_used_overdue_and_lapsed() {
        let state = |days| State::of(false, false, Lateness::after(days, 14));
        assert_eq!([state(0), state(1), state(13), state(14)], [State::Active, State::Grace, State::Grace, State::Lapsed]);
        assert_eq!(State::of(false, true, Lateness::InTime), State::Trial);
        assert_eq!(State::of(true, false, Lateness::Beyond), State::Cancelled);
    }
}
