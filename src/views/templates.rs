//! The pages' engine: Tera over embedded templates, with texts, icons and money.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

use crate::{
    errors::{Error, Result},
    money::Money,
};

#[derive(RustEmbed)]
#[folder = "assets/views"]
struct Views;

#[derive(RustEmbed)]
#[folder = "assets/i18n"]
struct Texts;

#[derive(RustEmbed)]
#[folder = "assets/static"]
pub struct Static;

/// The languages a person can choose.
pub const LANGUAGES: [&str; 2] = ["en", "hi"];

/// The texts of each language, gathered from its folder: one file for each subject.
static TEXTS: LazyLock<BTreeMap<&str, HashMap<String, String>>> = LazyLock::new(|| {
    LANGUAGES
        .into_iter()
        .map(|language| {
            let files = Texts::iter().filter(|name| name.starts_with(&format!("{language}/")));
            let texts = files.filter_map(|name| serde_json::from_slice::<HashMap<_, _>>(&Texts::get(&name)?.data).ok());
            (language, texts.flatten().collect())
        })
        .collect()
});

static ENGINE: LazyLock<std::result::Result<Tera, String>> = LazyLock::new(|| build().map_err(|error| error.to_string()));

fn build() -> tera::TeraResult<Tera> {
    let mut engine = Tera::default();
    engine.register_function("t", t);
    engine.register_function("icon", icon);
    engine.register_filter("money", money);
    let files: Vec<_> = Views::iter()
        .filter_map(|name| {
            let file = Views::get(&name)?;
            Some((name.into_owned(), String::from_utf8(file.data.into_owned()).ok()?))
        })
        .collect();
    engine.add_raw_templates(files)?;
    Ok(engine)
}

/// Renders a template.
///
/// # Errors
/// When the template is wrong or something it needs is missing.
pub fn render(template: &str, data: &impl Serialize) -> Result<String> {
    let engine = ENGINE.as_ref().map_err(Error::internal)?;
    let context = Context::from_serialize(data).map_err(|error| Error::internal(format!("{template}: {error}")))?;
    engine.render(template, &context).map_err(|error| Error::internal(format!("{template}: {error}")))
}

/// A template as it is written.
#[must_use]
pub fn source(template: &str) -> Option<String> {
    String::from_utf8(Views::get(template)?.data.into_owned()).ok()
}

/// A text by key, in a language, English where a translation is missing.
#[must_use]
pub fn text(key: &str, language: &str) -> String {
    let of = |language: &str| TEXTS.get(language).and_then(|texts| texts.get(key));
    of(language).or_else(|| of("en")).cloned().unwrap_or_else(|| key.to_owned())
}

/// A text with its gaps filled: `{n}` by what `n` shows.
#[must_use]
pub fn filled(key: &str, language: &str, gaps: &[(&str, &dyn std::fmt::Display)]) -> String {
    gaps.iter().fold(text(key, language), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string()))
}

fn t(words: Kwargs, _: &State) -> tera::TeraResult<String> {
    let key: String = words.must_get("key")?;
    let language: String = words.must_get("lang")?;
    let mut text = text(&key, &language);
    for (name, value) in words.iter() {
        text = text.replace(&format!("{{{name}}}"), &value.to_string());
    }
    Ok(text)
}

fn icon(words: Kwargs, _: &State) -> tera::TeraResult<Value> {
    let name: String = words.must_get("name")?;
    let file = Static::get(&format!("icons/{name}.svg")).ok_or_else(|| tera::Error::message(format!("there is no icon `{name}`")))?;
    Ok(Value::safe_string(&String::from_utf8_lossy(&file.data)))
}

fn money(minor: i64, words: Kwargs, _: &State) -> tera::TeraResult<String> {
    let currency: String = words.must_get("currency")?;
    let shown = Money(minor).display(&currency);
    let is_whole = words.get::<bool>("whole")?.unwrap_or_default();
    Ok(if is_whole { shown.split('.').next().unwrap_or_default().to_owned() } else { shown })
}
