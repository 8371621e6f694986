//! Collection as one table: what happens on which day before and after an instalment is due.

use chrono::{Days, NaiveDate};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::Serialize;

use crate::models::companies::Standing;

/// A step of collection, from the mildest to the hardest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Step {
    WeekBefore,
    DayBefore,
    DueDay,
    DayAfter,
    Notice,
    Limit,
    Suspension,
}

impl Step {
    pub const ALL: [Self; 7] =
        [Self::WeekBefore, Self::DayBefore, Self::DueDay, Self::DayAfter, Self::Notice, Self::Limit, Self::Suspension];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WeekBefore => "week_before",
            Self::DayBefore => "day_before",
            Self::DueDay => "due_day",
            Self::DayAfter => "day_after",
            Self::Notice => "notice",
            Self::Limit => "limit",
            Self::Suspension => "suspension",
        }
    }

    /// Days from the due day. A short grace draws the later steps together.
    #[must_use]
    pub const fn offset(self, grace_days: i64) -> i64 {
        let days = match self {
            Self::WeekBefore => -7,
            Self::DayBefore => -1,
            Self::DueDay => 0,
            Self::DayAfter => 1,
            Self::Notice => 3,
            Self::Limit => 7,
            Self::Suspension => return grace_days,
        };
        if days < grace_days { days } else { grace_days }
    }

    /// How the company stands from this step on, until the instalment is paid.
    #[must_use]
    pub const fn consequence(self) -> Standing {
        match self {
            Self::Limit => Standing::Limited,
            Self::Suspension => Standing::Lapsed,
            _ => Standing::Good,
        }
    }

    /// The event that tells of it.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::WeekBefore | Self::DayBefore | Self::DueDay => "debt.payment_due",
            _ => "debt.overdue",
        }
    }

    /// The letter that tells of it, and how urgent that is.
    #[must_use]
    pub const fn letter(self) -> (&'static str, &'static str) {
        match self {
            Self::WeekBefore | Self::DayBefore | Self::DueDay => ("debt_due", "important"),
            Self::DayAfter | Self::Notice => ("debt_overdue", "important"),
            Self::Limit | Self::Suspension => ("debt_overdue", "critical"),
        }
    }

    /// The day of this step.
    fn day(self, due_on: NaiveDate, grace_days: i64) -> NaiveDate {
        let offset = self.offset(grace_days);
        let days = Days::new(offset.unsigned_abs());
        let day = if offset < 0 { due_on.checked_sub_days(days) } else { due_on.checked_add_days(days) };
        day.unwrap_or(due_on)
    }

    /// The day on which this step may be taken: a promise to pay puts consequences off until its day is over.
    pub(super) fn day_deferred(self, due_on: NaiveDate, grace_days: i64, deferred_until: Option<NaiveDate>) -> NaiveDate {
        let day = self.day(due_on, grace_days);
        match deferred_until.and_then(|until| until.succ_opt()) {
            Some(after) if self.consequence() != Standing::Good => day.max(after),
            _ => day,
        }
    }

    /// Every step with its day.
    #[must_use]
    pub fn calendar(due_on: NaiveDate, grace_days: i64, deferred_until: Option<NaiveDate>) -> Vec<(Self, NaiveDate)> {
        Self::ALL.into_iter().map(|step| (step, step.day_deferred(due_on, grace_days, deferred_until))).collect()
    }

    /// The steps that an instalment has come to on a day, the hardest last.
    #[must_use]
    pub fn reached(due_on: NaiveDate, today: NaiveDate, grace_days: i64, deferred_until: Option<NaiveDate>) -> Vec<Self> {
        Self::ALL.into_iter().filter(|step| step.day_deferred(due_on, grace_days, deferred_until) <= today).collect()
    }

    /// The next day on which an instalment comes to a step.
    #[must_use]
    pub fn next_day(due_on: NaiveDate, today: NaiveDate, grace_days: i64, deferred_until: Option<NaiveDate>) -> Option<NaiveDate> {
        let days = Self::ALL.into_iter().map(|step| step.day_deferred(due_on, grace_days, deferred_until));
        days.filter(|day| *day > today).min()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::Step;

    fn due() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 10).unwrap_or_default()
    }

    fn last(days: i64, grace: i64, deferred: Option<NaiveDate>) -> Option<Step> {
        let span = Days::new(days.unsigned_abs());
        let today = if days < 0 { due() - span } else { due() + span };
        Step::reached(due(), today, grace, deferred).pop()
    }

    #[test]
    fn each_day_has_its_step() {
        let days = [-8, -7, -2, -1, 0, 1, 2, 3, 6, 7, 13, 14, 400];
        let names: Vec<_> = days.into_iter().map(|days| last(days, 14, None).map_or("", Step::name)).collect();
        let expected = [
            "",
            "week_before",
            "week_before",
            "day_before",
            "due_day",
            "day_after",
            "day_after",
            "notice",
            "notice",
            "limit",
            "limit",
            "suspension",
            "suspension",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_promise_puts_consequences_off_until_its_day_is_over() {
        let promised = Some(due() + Days::new(20));
        assert_eq!(last(20, 14, promised), Some(Step::Notice));
        assert_eq!(last(21, 14, promised), Some(Step::Suspension));
    }

    #[test]
    fn a_short_grace_draws_the_steps_together() {
        assert_eq!(last(2, 2, None), Some(Step::Suspension));
        assert_eq!(last(1, 2, None), Some(Step::DayAfter));
    }

    #[test]
    fn the_next_step_is_looked_for_on_its_day() {
        assert_eq!(Step::next_day(due(), due(), 14, None), Some(due() + Days::new(1)));
        assert_eq!(Step::next_day(due(), due() + Days::new(14), 14, None), None);
    }
}
