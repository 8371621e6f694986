//! A month of a company's calendar.

use chrono::{Datelike, Months, NaiveDate};

use crate::clock::Instant;

/// A month, by its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month that a day lies in.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Reads `2026-11`, and nothing that is only like it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let first = format!("{text}-01").parse().ok().map(Self)?;
        (first.to_string() == text).then_some(first)
    }

    /// As a page says it.
    #[must_use]
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    #[must_use]
    pub fn next(self) -> Self {
        self.0.checked_add_months(Months::new(1)).map_or(self, Self)
    }

    #[must_use]
    pub fn previous(self) -> Self {
        self.0.checked_sub_months(Months::new(1)).map_or(self, Self)
    }

    /// The moment at which it begins in an IANA zone.
    #[must_use]
    pub fn begins(self, zone: &str) -> Instant {
        Instant::midnight(self.0, zone)
    }

    /// The first moment that is no longer in it, in an IANA zone.
    #[must_use]
    pub fn ends(self, zone: &str) -> Instant {
        self.next().begins(zone)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::Month;

    #[test]
    fn a_month_is_read_as_it_is_written() {
        for text in ["2026-11", "1970-01", "2024-02"] {
            assert_eq!(Month::parse(text).map(|month| month.to_string()).as_deref(), Some(text));
        }
        for text in ["", "2026", "2026-13", "2026-1", "26-11", "2026-11-01", "2026-11 ", "+12026-11", "2026/11"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let month = Month::parse("2025-12");
        assert_eq!(month.map(|month| month.next().to_string()).as_deref(), Some("2026-01"));
        assert_eq!(month.map(|month| month.next().previous()), month);
        // Midnight of the first of January in India is half past six in the evening before in London.
        let ends = month.map(|month| month.ends("Asia/Kolkata").to_string());
        assert_eq!(ends.as_deref(), Some("2025-12-31T18:30:00.000000Z"));
    }
}
