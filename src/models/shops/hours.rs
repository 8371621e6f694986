//! When a shop is open, on its own wall clock.
//!
//! People read hours off the wall: a shop that opens at nine for twelve hours closes at nine in the
//! evening also on the day the clocks are changed. A time the wall shows twice opens at the first
//! and closes at the second; one it never shows is the moment it jumps over it.

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::{Exception, Opening, Shop};
use crate::clock::Instant;

/// How far ahead the next opening is looked for: beyond it a shop says nothing.
const DAYS_AHEAD: i64 = 60;

/// Whether a shop is open at a moment, and what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenState {
    pub is_open: bool,
    /// When it opens next; nothing while it is open.
    pub opens_at: Option<Instant>,
    /// When it closes; nothing while it is closed, or never closes.
    pub closes_at: Option<Instant>,
}

/// Asks a shop's hours at a moment. Without hours a shop is always open; an exception stands in
/// for its day's hours; one that is not active is closed.
#[must_use]
pub fn state_at(shop: &Shop, hours: &[Opening], exceptions: &[Exception], at: Instant) -> OpenState {
    if !shop.is_active {
        return OpenState::default();
    }
    if hours.is_empty() && exceptions.is_empty() {
        return OpenState { is_open: true, ..OpenState::default() };
    }
    let zone: Tz = shop.zone.parse().unwrap_or(chrono_tz::UTC);
    let today = zone.from_utc_datetime(&at.utc().naive_utc()).date_naive();
    // Yesterday's hours may run past midnight into today.
    let days = (-1..=DAYS_AHEAD).map(|offset| today + Duration::days(offset));
    let spans: Vec<_> = days.flat_map(|day| spans_of(day, hours, exceptions, zone)).collect();
    let is_open = spans.iter().any(|(opens, closes)| (*opens..*closes).contains(&at));
    if !is_open {
        let opens_at = spans.iter().map(|(opens, _)| *opens).filter(|opens| *opens > at).min();
        return OpenState { opens_at, ..OpenState::default() };
    }
    OpenState { is_open, opens_at: None, closes_at: end_of_row(&spans, at) }
}

/// When the openings that follow each other without a gap end; nothing when they go on for ever.
fn end_of_row(spans: &[(Instant, Instant)], from: Instant) -> Option<Instant> {
    let mut end = from;
    while let Some(next) = spans.iter().filter(|(opens, closes)| *opens <= end && *closes > end).map(|(_, closes)| *closes).max() {
        end = next;
    }
    let last = spans.iter().map(|(_, closes)| *closes).max();
    Some(end).filter(|end| Some(*end) != last)
}

/// A day's openings: of its exception, else of its weekday, else, without any hours, all of it.
fn spans_of(day: NaiveDate, hours: &[Opening], exceptions: &[Exception], zone: Tz) -> Vec<(Instant, Instant)> {
    let minutes: Vec<_> = match exceptions.iter().find(|one| one.day == day) {
        Some(exception) => exception.opens_minute.zip(exception.duration_minutes).into_iter().collect(),
        None if hours.is_empty() => vec![(0, 1_440)],
        None => {
            let weekday = i64::from(day.weekday().num_days_from_monday());
            hours.iter().filter(|one| one.weekday == weekday).map(|one| (one.opens_minute, one.duration_minutes)).collect()
        }
    };
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    minutes
        .into_iter()
        .map(|(opens, lasts)| {
            let (opens, closes) = (midnight + Duration::minutes(opens), midnight + Duration::minutes(opens + lasts));
            (on_the_wall(zone, opens, false), on_the_wall(zone, closes, true))
        })
        .collect()
}

/// The moment at which the wall shows a time.
fn on_the_wall(zone: Tz, shown: NaiveDateTime, second: bool) -> Instant {
    let moment: DateTime<Utc> = match zone.from_local_datetime(&shown) {
        LocalResult::Single(moment) => moment.to_utc(),
        LocalResult::Ambiguous(earlier, later) => if second { later } else { earlier }.to_utc(),
        LocalResult::None => after_the_jump(zone, shown),
    };
    Instant(moment.timestamp_micros())
}

/// The moment at which the wall jumps over a time it never shows.
fn after_the_jump(zone: Tz, shown: NaiveDateTime) -> DateTime<Utc> {
    // Jumps are whole quarters of an hour, and none is longer than a day.
    let quarters = (1..=96).map(|quarter| shown + Duration::minutes(15 * quarter));
    let after = quarters.filter_map(|later| zone.from_local_datetime(&later).earliest().map(|moment| (later, moment))).next();
    after.map_or_else(
        || zone.from_utc_datetime(&shown).to_utc(),
        |(later, moment)| {
            // The first time shown after the jump may be past it by what is left of a quarter.
            let past = (1..=15).rev().find(|minutes| zone.from_local_datetime(&(later - Duration::minutes(*minutes))).earliest().is_some());
            moment.to_utc() - Duration::minutes(past.unwrap_or(0))
        },
    )
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{OpenState, state_at};
    use crate::{
        clock::Instant,
        ids::{CompanyId, RowId, ShopId},
        models::shops::{Exception, Opening, Shop},
    };

    fn shop(zone: &str) -> Shop {
        let (company_id, at) = (CompanyId::new(), Instant(0));
        let text = String::new;
        Shop {
            company_id,
            id: ShopId::new(),
            slug: text(),
            name: text(),
            translations: serde_json::Value::Null,
            sort_name: text(),
            kind: text(),
            zone: zone.into(),
            line1: text(),
            city: text(),
            state: text(),
            postal_code: text(),
            country: text(),
            phone: text(),
            email: None,
            lat: None,
            lng: None,
            is_active: true,
            vendor_id: None,
            deleted_at: None,
            created_at: at,
            updated_at: at,
            version: 1,
        }
    }

    fn week(opens: i64, lasts: i64) -> Vec<Opening> {
        (0..7).map(|weekday| on(weekday, opens, lasts)).collect()
    }

    fn on(weekday: i64, opens_minute: i64, duration_minutes: i64) -> Opening {
        Opening { company_id: CompanyId::new(), id: RowId::new(), shop_id: ShopId::new(), weekday, opens_minute, duration_minutes }
    }

    fn except(day: &str, hours: Option<(i64, i64)>) -> Exception {
        Exception {
            company_id: CompanyId::new(),
            id: RowId::new(),
            shop_id: ShopId::new(),
            day: day.parse::<NaiveDate>().unwrap_or_default(),
            opens_minute: hours.map(|hours| hours.0),
            duration_minutes: hours.map(|hours| hours.1),
            note: String::new(),
        }
    }

    fn ask(zone: &str, hours: &[Opening], exceptions: &[Exception], at: &str) -> (bool, Option<String>, Option<String>) {
        let OpenState { is_open, opens_at, closes_at } = state_at(&shop(zone), hours, exceptions, Instant::parse(at).unwrap_or(Instant(0)));
        let told = |at: Option<Instant>| at.map(|at| at.utc().format("%Y-%m-%dT%H:%MZ").to_string());
        (is_open, told(opens_at), told(closes_at))
    }

    fn open_until(at: &str) -> (bool, Option<String>, Option<String>) {
        (true, None, Some(at.into()))
    }

    fn opens(at: &str) -> (bool, Option<String>, Option<String>) {
        (false, Some(at.into()), None)
    }

    #[test]
    fn a_shop_opens_and_closes_by_its_own_wall() {
        // Kolkata is five and a half hours ahead: ten in the morning is half past four in UTC.
        let hours = week(600, 660);
        assert_eq!(ask("Asia/Kolkata", &hours, &[], "2026-03-10T04:29:59Z"), opens("2026-03-10T04:30Z"));
        assert_eq!(ask("Asia/Kolkata", &hours, &[], "2026-03-10T04:30:00Z"), open_until("2026-03-10T15:30Z"));
        assert_eq!(ask("Asia/Kolkata", &hours, &[], "2026-03-10T15:30:00Z"), opens("2026-03-11T04:30Z"));
    }

    #[test]
    fn hours_may_run_past_midnight() {
        // Friday from 18:00 for ten hours; 2026-03-13 is a Friday.
        let hours = [on(4, 1_080, 600)];
        assert_eq!(ask("UTC", &hours, &[], "2026-03-14T03:59:00Z"), open_until("2026-03-14T04:00Z"));
        assert_eq!(ask("UTC", &hours, &[], "2026-03-14T04:00:00Z"), opens("2026-03-20T18:00Z"));
    }

    #[test]
    fn an_exception_stands_in_for_its_day() {
        let hours = week(540, 480);
        let holiday = [except("2026-03-10", None), except("2026-03-11", Some((720, 120)))];
        assert_eq!(ask("UTC", &hours, &holiday, "2026-03-10T10:00:00Z"), opens("2026-03-11T12:00Z"));
        assert_eq!(ask("UTC", &hours, &holiday, "2026-03-11T13:00:00Z"), open_until("2026-03-11T14:00Z"));
        assert_eq!(ask("UTC", &hours, &holiday, "2026-03-11T14:00:00Z"), opens("2026-03-12T09:00Z"));
    }

    #[test]
    fn a_shop_without_hours_is_closed_on_its_exceptions_only() {
        assert_eq!(ask("UTC", &[], &[], "2026-03-10T10:00:00Z"), (true, None, None));
        let closed = [except("2026-03-11", None)];
        assert_eq!(ask("UTC", &[], &closed, "2026-03-10T10:00:00Z"), open_until("2026-03-11T00:00Z"));
        assert_eq!(ask("UTC", &[], &closed, "2026-03-11T10:00:00Z"), opens("2026-03-12T00:00Z"));
        assert_eq!(ask("UTC", &week(0, 1_440), &[], "2026-03-10T10:00:00Z"), (true, None, None));
    }

    #[test]
    fn closing_time_is_read_off_the_wall_when_clocks_change() {
        // Berlin, 2026-03-29: two o'clock becomes three. Saturday 22:00 for six hours ends at four by the wall.
        let night = [on(5, 1_320, 360)];
        assert_eq!(ask("Europe/Berlin", &night, &[], "2026-03-28T21:30:00Z"), open_until("2026-03-29T02:00Z"));
        // 2026-10-25: three o'clock becomes two. The same six hours last seven.
        assert_eq!(ask("Europe/Berlin", &night, &[], "2026-10-24T20:30:00Z"), open_until("2026-10-25T03:00Z"));
    }

    #[test]
    fn an_hour_that_is_skipped_opens_at_the_jump_and_one_shown_twice_is_open_twice() {
        // Opens at half past two, which that night's wall never shows: it jumps at 01:00 UTC.
        let early = [on(6, 150, 60)];
        assert_eq!(ask("Europe/Berlin", &early, &[], "2026-03-29T00:59:00Z"), opens("2026-03-29T01:00Z"));
        assert_eq!(ask("Europe/Berlin", &early, &[], "2026-03-29T01:00:00Z"), open_until("2026-03-29T01:30Z"));
        // Two to half past two, which the wall shows twice in October.
        let twice = [on(6, 120, 30)];
        assert_eq!(ask("Europe/Berlin", &twice, &[], "2026-10-25T00:00:00Z"), open_until("2026-10-25T01:30Z"));
    }

    #[test]
    fn a_zone_of_half_an_hour_jumps_too() {
        // Lord Howe's clocks move by half an hour: on 2026-10-04 two o'clock becomes half past two.
        let early = [on(6, 120, 60)];
        assert_eq!(ask("Australia/Lord_Howe", &early, &[], "2026-10-03T15:29:00Z"), opens("2026-10-03T15:30Z"));
    }

    #[test]
    fn a_shop_that_is_not_active_is_closed() {
        let shut = Shop { is_active: false, ..shop("UTC") };
        assert_eq!(state_at(&shut, &week(0, 1_440), &[], Instant(0)), OpenState::default());
    }
}
