//! What was typed into a form: read field by field, so that all refusals come back at once, and
//! kept, so that a refused form shows again what was typed.

use std::{collections::BTreeMap, str::FromStr};

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::made_for;
use crate::{
    controllers::extract::refuse_nul_among,
    errors::{Error, FieldError, Result},
    money::Money,
    tenancy::Souk,
};

/// So many chosen rows are acted on at once.
const CHOSEN_MAX: usize = 100;

/// The largest form without files.
pub(super) const FORM_BYTES_MAX: usize = 256 * 1024;
/// A text that names no longest length.
const TEXT_MAX: usize = 500;

/// A form as it was sent.
#[derive(Debug, Default)]
pub struct Fields {
    typed: BTreeMap<String, Vec<String>>,
    wrong: Vec<FieldError>,
}

impl FromRequest<Souk> for Fields {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Souk) -> Result<Self> {
        let body = to_bytes(request.into_body(), FORM_BYTES_MAX).await.map_err(|_| Error::TooLarge)?;
        let pairs = pairs(&body);
        refuse_nul_among(&pairs)?;
        Ok(Self::of(pairs))
    }
}

/// The names and values of a form, in their order; none of what is no form.
pub(super) fn pairs(body: &[u8]) -> Vec<(String, String)> {
    serde_urlencoded::from_bytes(body).unwrap_or_default()
}

impl Fields {
    /// The fields of pairs that came another way, such as the text parts of an upload.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut typed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        // The company that the form was made for was looked at already, and is no part of what somebody typed.
        for (name, value) in pairs.into_iter().filter(|(name, _)| name != made_for::FIELD) {
            typed.entry(name).or_default().push(value);
        }
        Self { typed, wrong: vec![] }
    }

    /// What stands in a field, without the spaces around it; nothing when it is not there.
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        self.typed.get(name).and_then(|values| values.first()).map_or("", |value| value.trim())
    }

    /// Every value of a field that may come several times, such as the chosen rows.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.typed.get(name).map_or(&[], Vec::as_slice)
    }

    /// The chosen rows of a list, each once: at most as many as a page has.
    #[must_use]
    pub fn chosen<T: FromStr + PartialEq>(&self) -> Vec<T> {
        let mut ids: Vec<T> = Vec::new();
        for id in self.all("ids").iter().take(CHOSEN_MAX).filter_map(|id| id.parse().ok()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// Whether a field was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.typed.contains_key(name)
    }

    /// The names of all fields, for forms with rows.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.typed.keys().map(String::as_str)
    }

    /// Refuses a field, with a code that has a text at `error.field.<code>`.
    pub fn refuse(&mut self, name: &str, code: &str, message: &str) {
        self.wrong.push(FieldError { field: name.into(), code: code.into(), message: message.into() });
    }

    /// A text that must be there.
    pub fn text(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.refuse(name, "required", "this is needed");
            String::new()
        })
    }

    /// A text that may be missing.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        let text = self.raw(name).to_owned();
        if text.chars().count() > TEXT_MAX {
            self.refuse(name, "too_long", "at most 500 letters");
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// A whole number, an id, a choice: whatever reads itself from a text.
    pub fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T> {
        if self.raw(name).is_empty() {
            self.refuse(name, "required", "this is needed");
            return None;
        }
        self.maybe(name)
    }

    /// As [`Fields::parsed`], for a field that may be empty.
    pub fn maybe<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let text = self.raw(name);
        if text.is_empty() {
            return None;
        }
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(name, "invalid", "this cannot be read");
        }
        value
    }

    /// An amount as people write it, `1,24,990.00`, in minor units.
    pub fn money(&mut self, name: &str) -> Option<Money> {
        let text: String = self.raw(name).chars().filter(|letter| !matches!(letter, ',' | ' ' | '₹' | '$' | '€' | '£')).collect();
        if text.is_empty() {
            self.refuse(name, "required", "this is needed");
            return None;
        }
        let value = decimal(&text, 2).map(Money);
        if value.is_none() {
            self.refuse(name, "invalid_amount", "write an amount such as 1,250.00");
        }
        value
    }

    /// As [`Fields::money`], for an amount that may be missing.
    pub fn maybe_money(&mut self, name: &str) -> Option<Money> {
        if self.raw(name).is_empty() { None } else { self.money(name) }
    }

    /// A number with at most `places` digits behind the point, as a whole number of its last place.
    pub fn fixed(&mut self, name: &str, places: u32) -> Option<i64> {
        let text = self.raw(name).replace(',', "");
        if text.is_empty() {
            self.refuse(name, "required", "this is needed");
            return None;
        }
        let value = decimal(&text, places);
        if value.is_none() {
            self.refuse(name, "invalid", "this cannot be read");
        }
        value
    }

    /// A date of the company's calendar, as `<input type="date">` sends it.
    pub fn date(&mut self, name: &str) -> Option<NaiveDate> {
        self.maybe(name)
    }

    /// Whether a box is ticked.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 with every field that was refused.
    pub fn end(&mut self) -> Result<()> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(std::mem::take(&mut self.wrong))) }
    }

    /// What was typed, for the page; secrets are not sent back.
    #[must_use]
    pub fn kept(&self) -> Value {
        let shown = self.typed.iter().filter(|(name, _)| !name.to_lowercase().contains("password"));
        Value::Object(shown.map(|(name, values)| (name.clone(), json!(values.first()))).collect::<Map<_, _>>())
    }
}

/// `12.5` with two places is 1250; more digits than places, or anything else, is nothing.
fn decimal(text: &str, places: u32) -> Option<i64> {
    let (sign, text) = text.strip_prefix(['-', '−']).map_or((1, text), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let places = usize::try_from(places).ok()?;
    if whole.is_empty() && part.is_empty() || !is_digits(whole) || !is_digits(part) || part.len() > places {
        return None;
    }
    format!("{whole}{part:0<places$}").parse::<i64>().ok().map(|value| sign * value)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn amounts_are_read_without_a_float() {
        assert_eq!(decimal("12.5", 2), Some(1_250));
        assert_eq!(decimal("0.07", 2), Some(7));
        assert_eq!(decimal(".5", 2), Some(50));
        assert_eq!(decimal("-3", 2), Some(-300));
        assert_eq!(decimal("1.234", 2), None);
        assert_eq!(decimal("12a", 2), None);
        assert_eq!(decimal("", 2), None);
    }
}
