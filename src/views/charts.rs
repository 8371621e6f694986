//! Charts as the pages draw them: SVG paths from whole numbers, no float and no style.

use serde_json::{Value, json};

/// What a rise means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rise {
    Good,
    Bad,
}

/// The change from `before` to `now` in percent with one decimal, for `delta`; nothing where there is
/// nothing to compare with.
#[must_use]
pub fn change(now: i64, before: i64, rise: Rise) -> Value {
    if before <= 0 || now == before {
        return Value::Null;
    }
    let tenths = (i128::from(now) - i128::from(before)) * 1_000 / i128::from(before);
    let up = tenths >= 0;
    let size = tenths.unsigned_abs();
    let tone = if up == (rise == Rise::Good) { "ok" } else { "bad" };
    json!({ "tone": tone, "up": up, "text": format!("{}.{}%", size / 10, size % 10) })
}

/// The points of some values in a box, in tenths of a unit: `(x, y)`, the largest value at the top.
fn points(values: &[i64], slots: usize, top: i64, (width, height): (i64, i64), margin: i64) -> Vec<(i64, i64)> {
    let steps = i64::try_from(slots.saturating_sub(1)).unwrap_or(1).max(1);
    let top = top.max(1);
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let index = i64::try_from(index).unwrap_or_default();
            let room = i128::from((height - 2 * margin) * 10);
            let rise = i64::try_from(room * i128::from((*value).max(0)) / i128::from(top)).unwrap_or_default();
            (width * 10 * index / steps, (height - margin) * 10 - rise)
        })
        .collect()
}

fn path(points: &[(i64, i64)]) -> String {
    let tenths = |value: &i64| format!("{}.{}", value / 10, value % 10);
    let parts: Vec<_> = points.iter().map(|(x, y)| format!("{} {}", tenths(x), tenths(y))).collect();
    if parts.is_empty() { String::new() } else { format!("M{}", parts.join("L")) }
}

fn area(points: &[(i64, i64)], height: i64) -> String {
    let Some((last, _)) = points.last() else { return String::new() };
    format!("{}L{}.{} {height}L0 {height}Z", path(points), last / 10, last % 10)
}

/// A small line beside a figure; nothing for fewer than two values.
#[must_use]
pub fn spark(values: &[i64]) -> Value {
    if values.len() < 2 {
        return Value::Null;
    }
    let points = points(values, values.len(), values.iter().copied().max().unwrap_or(1), (100, 28), 3);
    json!({ "line": path(&points), "area": area(&points, 28) })
}

/// What a chart of one or two lines shows.
#[derive(Default)]
pub struct Lines {
    /// One sentence that says it all.
    pub sentence: String,
    /// A label for each slot of the table; `now` may be shorter than this.
    pub slots: Vec<String>,
    /// Labels below the chart, evenly spread.
    pub axis: Vec<String>,
    pub now: Vec<i64>,
    /// The same slots of the period before; empty for one line.
    pub before: Vec<i64>,
    pub now_name: String,
    pub before_name: String,
}

/// A line chart, with its figures printed by `print`.
#[must_use]
pub fn lines(chart: Lines, print: impl Fn(i64) -> String) -> Value {
    let Lines { sentence, slots, axis, now, before, now_name, before_name } = chart;
    let top = round_up(now.iter().chain(&before).copied().max().unwrap_or_default());
    let size = (600, 190);
    let at = points(&now, slots.len(), top, size, 0);
    let was = points(&before, slots.len(), top, size, 0);
    let rows: Vec<_> = slots
        .iter()
        .enumerate()
        .map(|(index, label)| {
            let of = |values: &[i64]| values.get(index).map_or_else(|| "–".to_owned(), |value| print(*value));
            json!({ "label": label, "now": of(&now), "before": of(&before) })
        })
        .collect();
    json!({
        "sentence": sentence, "x": axis, "y": (0..=4).rev().map(|part| print(top / 4 * part)).collect::<Vec<_>>(),
        "grid": (0..=4).map(|part| format!("{}.{}", 475 * part / 10, 475 * part % 10)).collect::<Vec<_>>(),
        "now": path(&at), "area": area(&at, size.1), "before": path(&was), "now_name": now_name, "before_name": before_name, "rows": rows,
    })
}

/// The next number that is easy to read on an axis of four parts.
fn round_up(value: i64) -> i64 {
    let mut step: i64 = 4;
    for factor in [2, 5].into_iter().cycle().take(54) {
        if step >= value {
            break;
        }
        step = step.saturating_mul(if factor == 2 { 2 } else { 5 });
    }
    step
}

/// A bar of parts: each a class of `souk.css` such as `c-ok`, and its size.
#[must_use]
pub fn meter(parts: &[(&str, i64)]) -> Value {
    let whole: i64 = parts.iter().map(|(_, size)| (*size).max(0)).sum();
    meter_of(parts, whole)
}

/// As [`meter`], of a whole that may be larger than its parts.
#[must_use]
pub fn meter_of(parts: &[(&str, i64)], whole: i64) -> Value {
    let whole = i128::from(whole.max(1));
    let mut x = 0_i128;
    let mut shown = Vec::with_capacity(parts.len());
    for (class, size) in parts {
        let width = i128::from((*size).max(0)) * 1_000 / whole;
        let tenths = |value: i128| format!("{}.{}", value / 10, value % 10);
        shown.push(json!({ "class": class, "x": tenths(x), "width": tenths(width) }));
        x += width;
    }
    Value::Array(shown)
}

#[cfg(test)]
mod tests {
    use super::{Rise, change, meter, round_up, spark};

    #[test]
    fn a_change_says_whether_it_is_good() {
        assert_eq!(change(1_148, 1_000, Rise::Good), serde_json::json!({ "tone": "ok", "up": true, "text": "14.8%" }));
        assert_eq!(change(90, 100, Rise::Bad), serde_json::json!({ "tone": "ok", "up": false, "text": "10.0%" }));
        assert!(change(5, 0, Rise::Good).is_null());
    }

    #[test]
    fn lines_stay_in_their_box() {
        assert_eq!(spark(&[0, 10])["line"], "M0.0 25.0L100.0 3.0");
        assert!(spark(&[1]).is_null());
        assert_eq!(meter(&[("c-ok", 3), ("c-bad", 1)])[1]["x"], "75.0");
        assert!(round_up(i64::MAX - 1) > 0 && round_up(7) == 8);
    }
}
