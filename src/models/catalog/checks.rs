//! Checks of what people write, gathered, so that a form shows everything that is wrong at once.

use serde_json::{Map, Value};

use super::fold;
use crate::{
    errors::{Error, FieldError, Result},
    money::Money,
    translated::{self, Translations},
};

/// The dearest price: a thousand of it still fit into an order.
const PRICE_MAX: Money = Money(1_000_000_000_000);

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Checks(Vec<FieldError>);

impl Checks {
    pub(super) fn that(&mut self, holds: bool, field: &str, code: &str, message: &str) {
        if !holds {
            self.0.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
        }
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, field: &str, text: &str, letters_max: usize) {
        self.that(!text.trim().is_empty(), field, "required", "this is needed");
        self.text_opt(field, Some(text), letters_max);
    }

    pub(super) fn text_opt(&mut self, field: &str, text: Option<&str>, letters_max: usize) {
        let text = text.unwrap_or_default();
        self.that(text.chars().count() <= letters_max, field, "too_long", &format!("at most {letters_max} letters"));
        let plain = !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'));
        self.that(plain, field, "invalid", "control characters have no place here");
    }

    pub(super) fn slug(&mut self, field: &str, slug: &str) {
        let fits = crate::models::companies::is_slug(slug);
        self.that(fits, field, "invalid", "use 2 to 63 lower-case letters, digits and hyphens");
    }

    pub(super) fn price(&mut self, field: &str, price: Option<Money>) {
        let Some(price) = price else { return };
        self.that(price >= Money::ZERO, field, "too_small", "an amount is not below zero");
        self.that(price <= PRICE_MAX, field, "too_large", "that is more than can be handled");
    }

    /// `at`: what stands before the field, such as `variants[0].`.
    pub(super) fn translations(&mut self, at: &str, translations: &Translations) {
        let faults = translated::faults(translations).into_iter();
        self.0.extend(faults.map(|fault| FieldError { field: format!("{at}{}", fault.field), ..fault }));
    }

    pub(super) fn tags(&mut self, tags: &[String]) {
        self.that(tags.len() <= 30, "tags", "too_many", "at most 30 tags");
        for (index, tag) in tags.iter().enumerate() {
            self.text(&format!("tags[{index}]"), tag, 40);
        }
    }

    /// Attributes are names with values, both texts.
    pub(super) fn attributes(&mut self, field: &str, attributes: &Map<String, Value>) {
        self.that(attributes.len() <= 12, field, "too_many", "at most 12 attributes");
        for (name, value) in attributes {
            let field = format!("{field}.{name}");
            self.that(!fold(name).is_empty() && name.chars().count() <= 40, &field, "invalid", "a name of 1 to 40 letters");
            match value.as_str() {
                Some(text) => {
                    self.text(&field, text, 80);
                    self.that(!fold(text).is_empty(), &field, "invalid", "letters or digits are needed");
                }
                None => self.that(false, &field, "invalid", "a text, such as 128 GB"),
            }
        }
    }

    /// # Errors
    /// 422 with each field that cannot be.
    pub(super) fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// What a rival wrote first: a unique key that the look beforehand did not see yet.
pub(super) fn taken(error: Error, code: &'static str, detail: &str) -> Error {
    let field = if code == "attribute_taken" { "name" } else { code.trim_end_matches("_taken") };
    error.or_taken(code, field, detail)
}

/// A slug made of a name: its Latin letters and digits, or `otherwise` when it has none.
pub(super) fn slug_of(name: &str, otherwise: &str) -> String {
    let letters: String = fold(name).chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let words: Vec<_> = letters.split('-').filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").chars().take(48).collect();
    let slug = slug.trim_matches('-');
    if slug.len() < 2 { format!("{otherwise}-{slug}").trim_matches('-').to_owned() } else { slug.to_owned() }
}
