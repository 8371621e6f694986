//! Letters and their short forms: Souk's own texts in each language, the first line being the
//! title, and the HTML around every letter.

use serde::Serialize;
use serde_json::{Value, json};

use super::templates::{self, LANGUAGES};
use crate::{
    errors::{Error, Result},
    models::companies::Company,
};

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Words {
    pub title: String,
    pub body: String,
    /// A letter's inner HTML; when empty, it is made from the body.
    pub html: String,
    /// When empty, it is made from the title.
    pub short: String,
}

/// The language that we can write nearest to the asked one.
#[must_use]
pub fn language(asked: &str) -> &'static str {
    LANGUAGES.into_iter().find(|known| *known == asked).unwrap_or("en")
}

/// Souk's own words for a message.
///
/// # Errors
/// When the text is not there or needs facts that are not.
pub fn words(name: &str, asked: &str, facts: &Value) -> Result<Words> {
    let text = templates::render(&format!("mail/{name}.{}.txt", language(asked)), facts)?;
    let (title, body) = text.split_once('\n').ok_or_else(|| Error::internal(format!("the text `{name}` has no body")))?;
    Ok(Words { title: title.trim().to_owned(), body: tidy(body), ..Words::default() })
}

/// Closes the gaps that what was not said leaves between paragraphs.
#[must_use]
pub fn tidy(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut empty = 0;
    for line in body.trim().lines() {
        empty = if line.trim().is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Souk's own text for a message as it is written, to begin one's own with.
#[must_use]
pub fn source(name: &str, asked: &str) -> Option<(String, String)> {
    let text = templates::source(&format!("mail/{name}.{}.txt", language(asked)))?;
    let (title, body) = text.split_once('\n')?;
    Some((title.trim().to_owned(), body.trim().to_owned()))
}

/// A letter, whole: text and HTML with the company around them.
pub struct Letter {
    pub text: String,
    pub html: String,
    pub short: String,
}

/// Puts the words on the company's paper, with its logo from `site`, and says at the foot how to hear no more of this kind.
///
/// # Errors
/// When the paper's template is wrong.
pub fn letter(company: &Company, words: &Words, asked: &str, site: &str, link: &str, unsubscribe: Option<&str>) -> Result<Letter> {
    let language = language(asked);
    let say = |key: &str| templates::text(key, language).replace("{company}", &company.name);
    let paragraphs: Vec<Vec<&str>> = words.body.split("\n\n").map(|part| part.trim().lines().collect()).collect();
    let data = json!({
        "lang": language, "company": company.name, "brand": company.brand, "title": words.title, "paragraphs": paragraphs,
        "link": link, "open": say("notice.open_link"), "why": say("notice.why"), "logo": company.logo_path().map(|path| format!("{site}{path}")), "unsubscribe": unsubscribe.unwrap_or_default(),
        "unsubscribe_word": say("notice.unsubscribe"),
    });
    let part = |name: &str| templates::render(&format!("mail/{name}.html"), &data);
    let inner = if words.html.is_empty() { part("paragraphs")? } else { words.html.clone() };
    let html = format!("{}{inner}{}", part("head")?, part("foot")?);
    let foot = unsubscribe.map(|url| format!("\n\n--\n{}: {url}", say("notice.unsubscribe"))).unwrap_or_default();
    let short = if words.short.is_empty() { format!("{}: {}", company.name, words.title) } else { words.short.clone() };
    Ok(Letter { text: format!("{}{foot}\n", words.body), html, short })
}
