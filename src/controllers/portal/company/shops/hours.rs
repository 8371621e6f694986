//! A shop's week and the days that are otherwise, as people write them: from and until.

use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{
    super::super::{PageResult, Visitor, fields::Fields, undo::Undo},
    answer, write,
};
use crate::{
    clock,
    controllers::extract::Id,
    endpoints::{Endpoint, post},
    errors::{Error, Result},
    ids::ShopId,
    models::shops::{self, Exception, Hours, NewException, Opening, ShopChange},
    tenancy::{Access, roles::ShopsWrite},
    views::{dates, templates},
};

const DAY: i64 = 1_440;
/// Two openings a day have room, or as many as a day has.
const SLOTS: usize = 2;
/// More openings than this nobody has in a day.
const SLOTS_MAX: usize = 8;
/// Days that are over are shown for this long.
const DAYS_BACK: i64 = 30;

/// A minute of the day as the wall shows it.
fn wall(minute: i64) -> String {
    let minute = minute.rem_euclid(DAY);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Reads a time of the wall.
fn minute(text: &str) -> Option<i64> {
    let time = chrono::NaiveTime::parse_from_str(text, "%H:%M").or_else(|_| chrono::NaiveTime::parse_from_str(text, "%H:%M:%S")).ok()?;
    Some(i64::from(chrono::Timelike::num_seconds_from_midnight(&time)) / 60)
}

/// A pair of times as opening minute and duration. Until is after from: a time that is not is
/// tomorrow's, and the same twice is a whole day.
const fn span(from: i64, until: i64) -> (i64, i64) {
    let lasts = (until - from).rem_euclid(DAY);
    (from, if lasts == 0 { DAY } else { lasts })
}

/// Each weekday with its openings and room for more, as the form shows them.
pub(super) fn week(hours: &[Opening], language: &str) -> Vec<Value> {
    let day = |weekday: i64| {
        let there: Vec<_> = hours.iter().filter(|one| one.weekday == weekday).collect();
        let slots = (0..std::cmp::max(SLOTS, there.len())).map(|slot| {
            let one = there.get(slot);
            json!({
                "from_name": format!("from-{weekday}-{slot}"), "until_name": format!("until-{weekday}-{slot}"),
                "from": one.map(|one| wall(one.opens_minute)), "until": one.map(|one| wall(one.opens_minute + one.duration_minutes)),
            })
        });
        let spans = there.iter().map(|one| format!("{} – {}", wall(one.opens_minute), wall(one.opens_minute + one.duration_minutes)));
        json!({
            "name": templates::text(&format!("shops.day.{weekday}"), language), "slots": slots.collect::<Vec<_>>(),
            "text": spans.collect::<Vec<_>>().join(", "),
        })
    };
    (0..7).map(day).collect()
}

/// The days that are otherwise, from last month on.
pub(super) fn exceptions(days: &[Exception], zone: &str, language: &str) -> Vec<Value> {
    let today = clock::now().date_in(zone);
    let shown = days.iter().filter(|one| one.day >= today - chrono::Duration::days(DAYS_BACK));
    shown
        .map(|one| {
            let span = one.opens_minute.zip(one.duration_minutes);
            json!({
                "day": one.day.format("%Y-%m-%d").to_string(), "shown": dates::day(one.day, language), "note": one.note,
                "hours": span.map(|(opens, lasts)| format!("{} – {}", wall(opens), wall(opens + lasts))), "is_over": one.day < today,
            })
        })
        .collect()
}

async fn set_week(visitor: Visitor<ShopsWrite>, Id(id): Id<ShopId>, mut fields: Fields) -> PageResult<Response> {
    let done = match read_week(&mut fields) {
        Ok(hours) => {
            let change = ShopChange { hours: Some(hours), ..ShopChange::default() };
            write(&visitor.access, id, change).await.map_err(at_field)
        }
        Err(error) => Err(error),
    };
    answer(visitor, id, "shop_hours", &fields, done).await
}

/// Reads the week; an empty day is a closed one, and a week without any opening must be said to be
/// always open, which is what no hours mean.
fn read_week(fields: &mut Fields) -> Result<Vec<Hours>> {
    let always = fields.is_on("always");
    let mut hours = Vec::new();
    for weekday in 0..7 {
        let mut spans = Vec::new();
        for slot in 0..SLOTS_MAX {
            if let Some(span) = read_span(fields, &format!("from-{weekday}-{slot}"), &format!("until-{weekday}-{slot}")) {
                spans.push((span, format!("from-{weekday}-{slot}")));
            }
        }
        spans.sort();
        for pair in spans.windows(2) {
            if let [((from, lasts), _), ((next, _), name)] = pair
                && from + lasts > *next
            {
                fields.refuse(name, "overlaps", "this begins before the one in front of it ends");
            }
        }
        hours.extend(spans.into_iter().map(|((opens_minute, duration_minutes), _)| Hours { weekday, opens_minute, duration_minutes }));
    }
    // Times that somebody typed are never dropped in silence.
    match (always, hours.is_empty()) {
        (false, true) => fields.refuse("always", "no_hours", "write when the shop opens, or say that it is always open"),
        (true, false) => {
            fields.refuse("always", "with_hours", "a shop that is always open has no times: clear them, or say that it is not")
        }
        _ => {}
    }
    fields.end()?;
    Ok(hours)
}

/// Reads one pair of times; nothing when both are empty, a refusal when one is.
fn read_span(fields: &mut Fields, from: &str, until: &str) -> Option<(i64, i64)> {
    let (opens, closes) = (fields.raw(from).to_owned(), fields.raw(until).to_owned());
    if opens.is_empty() && closes.is_empty() {
        return None;
    }
    let mut read = |name: &str, text: &str| {
        let found = minute(text);
        if found.is_none() {
            fields.refuse(name, if text.is_empty() { "required" } else { "invalid" }, "a time such as 09:30");
        }
        found
    };
    let (opens, closes) = (read(from, &opens), read(until, &closes));
    Some(span(opens?, closes?))
}

/// The domain counts openings; the form has its own names.
fn at_field(error: Error) -> Error {
    let Error::Invalid(mut wrong) = error else { return error };
    for field in &mut wrong {
        field.field = if field.field.starts_with("exceptions") { "day" } else { "always" }.into();
    }
    Error::Invalid(wrong)
}

async fn add_day(visitor: Visitor<ShopsWrite>, Id(id): Id<ShopId>, mut fields: Fields) -> PageResult<Response> {
    let done = write_day(&visitor.access, id, &mut fields).await;
    answer(visitor, id, "shop_day_added", &fields, done).await
}

async fn write_day(access: &Access<ShopsWrite>, id: ShopId, fields: &mut Fields) -> Result<()> {
    let day = fields.parsed::<NaiveDate>("day");
    let span = read_span(fields, "from", "until");
    let note = fields.optional("dayNote").unwrap_or_default();
    fields.end()?;
    let Some(day) = day else { return Err(Error::invalid("day", "required", "name the day")) };
    let (opens_minute, duration_minutes) = span.unzip();
    let scope = access.write().await?;
    shops::add_exception(&scope, id, NewException { day, opens_minute, duration_minutes, note }).await.map_err(at_field)?;
    scope.commit().await
}

async fn remove_day(visitor: Visitor<ShopsWrite>, Id(id): Id<ShopId>, mut fields: Fields) -> PageResult<Response> {
    match take_day(&visitor.access, id, &mut fields).await {
        Ok(Some(day)) => Ok(visitor.done_but(&format!("/company/shops/{id}"), "shop_day_removed", &day_again(id, day)).into_response()),
        done => answer(visitor, id, "shop_day_removed", &fields, done.map(|_| ())).await,
    }
}

/// The day that was otherwise; nothing when it was like every week already.
async fn take_day(access: &Access<ShopsWrite>, id: ShopId, fields: &mut Fields) -> Result<Option<Exception>> {
    let day = fields.parsed::<NaiveDate>("day").unwrap_or_default();
    fields.end()?;
    let scope = access.write().await?;
    let was = shops::exceptions(&scope, id, None).await?.into_iter().find(|one| one.day == day);
    shops::remove_exception(&scope, id, day).await?;
    scope.commit().await?;
    Ok(was)
}

/// The form that makes a day otherwise again, as it was.
fn day_again(id: ShopId, was: Exception) -> Undo {
    let span = was.opens_minute.zip(was.duration_minutes).map(|(opens, lasts)| (wall(opens), wall(opens + lasts)));
    let (from, until) = span.unzip();
    let fields =
        [("day", was.day.to_string()), ("from", from.unwrap_or_default()), ("until", until.unwrap_or_default()), ("dayNote", was.note)];
    Undo { action: format!("/company/shops/{id}/days"), fields: fields.map(|(name, value)| (name.to_owned(), value)).into() }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<ShopsWrite, _>("/company/shops/{id}/hours", "Sets a shop's week", set_week),
        post::<ShopsWrite, _>("/company/shops/{id}/days", "Adds a day with other hours", add_day),
        post::<ShopsWrite, _>("/company/shops/{id}/days/remove", "Takes a day's other hours away", remove_day),
    ]
}

#[cfg(test)]
mod tests {
    use super::{minute, span, wall};

    #[test]
    fn from_and_until_are_read_off_the_wall() {
        assert_eq!((minute("09:30"), minute("00:00"), minute("9.30"), minute("24:00")), (Some(570), Some(0), None, None));
        assert_eq!(span(540, 1_260), (540, 720));
        assert_eq!(span(1_080, 240), (1_080, 600));
        assert_eq!(span(0, 0), (0, 1_440));
        assert_eq!(wall(1_080 + 600), "04:00");
    }
}
