//! Dates as people read them, in their own language: every page asks here.

use chrono::{Datelike, NaiveDate, TimeZone};

use crate::{clock::Instant, views::templates};

/// A day: `3 Mar 2026`.
#[must_use]
pub fn day(date: NaiveDate, language: &str) -> String {
    format!("{} {}", day_of_year(date, language), date.year())
}

/// A day where the year is plain, as along a chart: `3 Mar`.
#[must_use]
pub fn day_of_year(date: NaiveDate, language: &str) -> String {
    format!("{} {}", date.day(), templates::text(&format!("date.month.{}", date.month()), language))
}

/// A moment on the wall clock of its place: `3 Mar 2026, 14:05`.
#[must_use]
pub fn local(at: Instant, zone: &str, language: &str) -> String {
    let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::UTC);
    let at = zone.from_utc_datetime(&at.utc().naive_utc());
    format!("{}, {}", day(at.date_naive(), language), at.format("%H:%M"))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{day, day_of_year, local};
    use crate::{clock::Instant, views::templates::LANGUAGES};

    #[test]
    fn a_date_is_written_in_the_language_of_its_reader() {
        let date = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap_or_default();
        assert_eq!((day(date, "en").as_str(), day(date, "hi").as_str()), ("9 Mar 2026", "9 मार्च 2026"));
        let at = Instant::parse("2026-12-31T20:05:00Z").map(|at| local(at, "Asia/Kolkata", "hi"));
        assert_eq!(at.as_deref(), Some("1 जन॰ 2027, 01:35"));
    }

    #[test]
    fn every_month_has_a_name_in_every_language() {
        for month in 1..=12 {
            let date = NaiveDate::from_ymd_opt(2026, month, 1).unwrap_or_default();
            for language in LANGUAGES {
                let shown = day_of_year(date, language);
                assert!(!shown.contains("date.month"), "month {month} has no name in `{language}`");
                assert!(language == "en" || !shown.contains(|letter: char| letter.is_ascii_alphabetic()), "`{shown}` is not `{language}`");
            }
        }
    }
}
