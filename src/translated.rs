//! Names that people read in other languages, kept beside the one that the company wrote; where nobody
//! translated it, that one holds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::errors::FieldError;

const LANGUAGES_MAX: usize = 20;
const NAME_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 5_000;

/// A name and a description in one more language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Translation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// By language: `hi`, `pt-BR`.
pub type Translations = BTreeMap<String, Translation>;

/// Everything that is wrong with them.
#[must_use]
pub fn faults(translations: &Translations) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, code: &str, message: String| wrong.push(FieldError { field: field.into(), code: code.into(), message });
    if translations.len() > LANGUAGES_MAX {
        refuse("translations", "too_many", format!("at most {LANGUAGES_MAX} languages"));
    }
    for (language, words) in translations {
        let at = format!("translations.{language}");
        if !(2..=8).contains(&language.len()) || !language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            refuse(&at, "invalid", "name a language, such as hi".into());
        }
        for (part, text, most) in [("name", &words.name, NAME_MAX), ("description", &words.description, DESCRIPTION_MAX)] {
            let (field, text) = (format!("{at}.{part}"), text.as_deref().unwrap_or_default());
            if text.chars().count() > most {
                refuse(&field, "too_long", format!("at most {most} letters"));
            }
            if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
                refuse(&field, "invalid", "control characters have no place here".into());
            }
        }
    }
    wrong
}

/// The name in a language out of a row's `translations`; nothing where nobody wrote it.
#[must_use]
pub fn name<'a>(translations: &'a Value, language: &str) -> Option<&'a str> {
    translations[language]["name"].as_str().filter(|name| !name.is_empty())
}

/// A row's `translations` with the name in one language set, or taken away.
#[must_use]
pub fn with_name(translations: Value, language: &str, name: Option<String>) -> Translations {
    let mut known: Translations = serde_json::from_value(translations).unwrap_or_default();
    let words = Translation { name, ..known.remove(language).unwrap_or_default() };
    if words != Translation::default() {
        known.insert(language.into(), words);
    }
    known
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Translation, Translations, faults, name, with_name};

    #[test]
    fn a_name_taken_away_leaves_the_description_and_an_empty_language_goes() {
        let both = json!({ "hi": { "name": "सेब", "description": "लाल" }, "de": { "name": "Apfel" } });
        assert_eq!(name(&both, "hi"), Some("सेब"));
        let left = with_name(both, "hi", None);
        assert_eq!(json!(left), json!({ "hi": { "description": "लाल" }, "de": { "name": "Apfel" } }));
        assert_eq!(json!(with_name(json!(left), "de", None)), json!({ "hi": { "description": "लाल" } }));
        assert_eq!(name(&json!({}), "hi"), None);
    }

    #[test]
    fn each_fault_names_its_field() {
        let words = Translation { name: Some("x".repeat(201)), description: Some("\u{7}".into()) };
        let fields: Vec<_> = faults(&Translations::from([("h i".into(), words)])).into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["translations.h i", "translations.h i.name", "translations.h i.description"]);
    }
}
