//! The one clock. Instants are microseconds since 1970 in UTC, in the same form on both databases.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeZone, Utc};
use sea_orm::DeriveValueType;
use serde::{Serialize, Serializer};

/// A moment in UTC, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, DeriveValueType)]
pub struct Instant(pub i64);

tokio::task_local! {
    /// How far this task's clock is moved, in microseconds; tests and the demo travel with it.
    static SHIFT: i64;
}

/// What time it is for this task.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the clock's home")]
pub fn now() -> Instant {
    let shift = SHIFT.try_with(|shift| *shift).unwrap_or(0);
    Instant(Utc::now().timestamp_micros() + shift)
}

/// Runs `work` with its clock moved by `shift` microseconds.
pub async fn shifted<F: Future>(shift: i64, work: F) -> F::Output {
    SHIFT.scope(shift, work).await
}

/// Takes this task's clock along into `work`, which another task will run.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let shift = SHIFT.try_with(|shift| *shift).unwrap_or(0);
    SHIFT.scope(shift, work)
}

impl Instant {
    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The day that it is in an IANA zone; in UTC when nobody knows that zone.
    #[must_use]
    pub fn date_in(self, zone: &str) -> NaiveDate {
        let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::UTC);
        zone.from_utc_datetime(&self.utc().naive_utc()).date_naive()
    }

    /// The moment at which a day begins in an IANA zone; in UTC when nobody knows that zone.
    #[must_use]
    pub fn midnight(day: NaiveDate, zone: &str) -> Self {
        let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::UTC);
        // Where the clocks go forward at midnight, the day begins an hour later.
        let begins = (0..3).find_map(|hour| zone.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest());
        Self(begins.map_or(0, |at| at.timestamp_micros()))
    }

    /// Reads an RFC 3339 time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp_micros()))
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
