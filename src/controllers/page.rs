//! Pages of a list: the limit, and cursors that are opaque, signed, and bound to filter and sort.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    errors::{Error, Result},
    tenancy::{Access, Permission, Souk, keys},
};

const LIMIT: u64 = 20;
const LIMIT_MAX: u64 = 100;

/// The asked limit, from 1 to 100.
///
/// # Errors
/// 422 outside of that.
pub fn limit(asked: Option<u64>) -> Result<u64> {
    match asked {
        None => Ok(LIMIT),
        Some(limit @ 1..=LIMIT_MAX) => Ok(limit),
        Some(_) => Err(Error::invalid("limit", "out_of_range", "from 1 to 100")),
    }
}

/// Whose lists they are: a cursor of a company's list is none of another's.
pub trait Whose {
    fn souk(&self) -> &Souk;
    /// The list's name among all lists of all companies.
    fn list(&self, name: &str) -> String;
}

/// Lists of the platform, and what is no list.
impl Whose for Souk {
    fn souk(&self) -> &Souk {
        self
    }

    fn list(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl<P: Permission> Whose for Access<P> {
    fn souk(&self) -> &Souk {
        Self::souk(self)
    }

    fn list(&self, name: &str) -> String {
        format!("{} {name}", self.tenant().company)
    }
}

/// Writes a position down as a cursor that only fits the same list.
///
/// # Errors
/// Never for what can be written as JSON.
pub fn seal(whose: &impl Whose, list: &str, position: impl Serialize) -> Result<String> {
    let text = serde_json::to_string(&position).map_err(Error::internal)?;
    let mac = keys::mac(&whose.souk().keys().newest().cursors, format!("{}\n{text}", whose.list(list)).as_bytes());
    let short: String = mac.chars().take(24).collect();
    Ok(URL_SAFE_NO_PAD.encode(format!("{short}{text}")))
}

/// Reads a cursor back.
///
/// # Errors
/// 422 `cursor_invalid` for one that is not ours, or of another list.
pub fn open<T: DeserializeOwned>(whose: &impl Whose, list: &str, cursor: Option<&str>) -> Result<Option<T>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let foreign = || Error::invalid("cursor", "cursor_invalid", "that cursor is not of this list");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
    let text = String::from_utf8(bytes).map_err(|_| foreign())?;
    let (mac, text) = text.split_at_checked(24).ok_or_else(foreign)?;
    let message = format!("{}\n{text}", whose.list(list));
    let genuine = keys::mac(&whose.souk().keys().newest().cursors, message.as_bytes()).starts_with(mac);
    if !genuine {
        return Err(foreign());
    }
    serde_json::from_str(text).map(Some).map_err(|_| foreign())
}

/// Cuts rows that were read with one too many down to a page, and seals where the next begins.
///
/// # Errors
/// Never for keys that can be written as JSON.
pub fn cut<T, K: Serialize>(
    whose: &impl Whose,
    list: &str,
    rows: &mut Vec<T>,
    limit: u64,
    key: impl Fn(&T) -> K,
) -> Result<Option<String>> {
    let limit = usize::try_from(limit).unwrap_or(100);
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(|last| seal(whose, list, key(last))).transpose()
}

/// Counts go no further than this.
pub const TOTAL_MAX: u64 = 10_000;

/// Adds to an envelope how many rows the whole list has, where that was `counted`.
#[must_use]
pub fn with_total(mut envelope: Value, counted: Option<u64>) -> Value {
    if let Some(counted) = counted {
        envelope["page"]["total"] = json!(counted.min(TOTAL_MAX));
        envelope["page"]["totalIsLowerBound"] = json!(counted > TOTAL_MAX);
    }
    envelope
}

/// The envelope of a list.
#[must_use]
pub fn envelope(data: impl Serialize, limit: u64, next: Option<String>) -> Value {
    json!({ "data": data, "page": { "limit": limit, "next": next } })
}

/// A list that comes whole, however long it is.
#[must_use]
pub fn whole(data: Vec<Value>) -> Value {
    let limit = LIMIT_MAX.max(data.len() as u64);
    envelope(data, limit, None)
}
