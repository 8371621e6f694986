//! A company's own texts: written, tried, and put back.

use schemars::JsonSchema;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    kinds::{About, KINDS, Kind},
    template, text,
};
use crate::{
    clock,
    errors::{Error, FieldError, Result},
    ids::TemplateId,
    models::companies::{self, Company},
    tenancy::Scope,
    views::{
        mail::{self, Letter, Words},
        templates::LANGUAGES,
    },
};

const SUBJECT_MAX: usize = 200;
const BODY_MAX: usize = 20_000;
const HTML_MAX: usize = 100_000;
const SHORT_MAX: usize = 480;

/// The words of a text, as somebody writes them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "TextDraft")]
pub struct Draft {
    pub subject: String,
    pub body: String,
    #[serde(default)]
    pub html: String,
    #[serde(default)]
    pub short: String,
}

/// A text that a message is written by: the company's own, or what Souk brings along.
#[derive(Clone, Debug)]
pub struct Text {
    pub name: String,
    pub language: String,
    pub own: Option<template::Model>,
    pub draft: Draft,
}

/// The name under which a text is known: `order_confirmed.hi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextKey {
    pub name: String,
    pub language: String,
}

impl std::str::FromStr for TextKey {
    type Err = Error;

    fn from_str(key: &str) -> Result<Self> {
        let (name, language) = key.split_once('.').ok_or(Error::NOT_FOUND)?;
        let language = LANGUAGES.into_iter().find(|known| *known == language).ok_or(Error::NOT_FOUND)?;
        Ok(Self { name: name.into(), language: language.into() })
    }
}

impl std::fmt::Display for TextKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.name, self.language)
    }
}

fn brought_along(name: &str, language: &str) -> Option<Draft> {
    let (subject, body) = mail::source(name, language).filter(|_| Kind::named(name).is_some())?;
    Some(Draft { subject, body, ..Draft::default() })
}

impl From<&template::Model> for Draft {
    fn from(row: &template::Model) -> Self {
        Self { subject: row.subject.clone(), body: row.body.clone(), html: row.html.clone(), short: row.short.clone() }
    }
}

/// Every text of the company in each language: Souk's, with the company's own in their places,
/// then those of the company's own making.
pub async fn texts(scope: &Scope) -> Result<Vec<Text>> {
    let rows = scope.find::<template::Entity>().order_by_asc(template::Column::Name).order_by_asc(template::Column::Language);
    let mut own = scope.all(rows).await?;
    let mut texts = Vec::new();
    for kind in KINDS {
        for language in LANGUAGES {
            let at = own.iter().position(|row| row.name == kind.name && row.language == language);
            let own = at.map(|at| own.remove(at));
            let draft = own.as_ref().map(Draft::from).or_else(|| brought_along(kind.name, language)).unwrap_or_default();
            texts.push(Text { name: kind.name.into(), language: language.into(), own, draft });
        }
    }
    texts.extend(own.into_iter().map(|row| Text {
        name: row.name.clone(),
        language: row.language.clone(),
        draft: Draft::from(&row),
        own: Some(row),
    }));
    Ok(texts)
}

/// One text by its key.
///
/// # Errors
/// 404 when there is no such text.
pub async fn text_of(scope: &Scope, key: &TextKey) -> Result<Text> {
    let own = find(scope, key).await?;
    let draft = own.as_ref().map(Draft::from).or_else(|| brought_along(&key.name, &key.language)).ok_or(Error::NOT_FOUND)?;
    Ok(Text { name: key.name.clone(), language: key.language.clone(), own, draft })
}

async fn find(scope: &Scope, key: &TextKey) -> Result<Option<template::Model>> {
    let row = scope.find::<template::Entity>().filter(template::Column::Name.eq(key.name.as_str()));
    scope.one(row.filter(template::Column::Language.eq(key.language.as_str()))).await
}

/// The key of a text of the company's own.
///
/// # Errors
/// 404 when there is none with this id.
pub async fn key_of(scope: &Scope, id: TemplateId) -> Result<TextKey> {
    let row = scope.get(scope.find::<template::Entity>().filter(template::Column::Id.eq(id))).await?;
    Ok(TextKey { name: row.name, language: row.language })
}

fn about(name: &str) -> About {
    Kind::named(name).map_or(About::Words, |kind| kind.about)
}

/// The variables that a text may say, by their paths.
#[must_use]
pub fn variables(company: &Company, name: &str) -> Vec<String> {
    fn walk(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                    walk(&path, value, found);
                }
            }
            Value::Array(items) => items.iter().take(1).for_each(|item| walk(&format!("{at}[]"), item, found)),
            _ => found.push(at.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk("", &text::sample(company, about(name)), &mut found);
    found
}

/// A text with made-up facts, as its letter would look.
///
/// # Errors
/// 422 with the field and the place where the text is wrong.
pub async fn preview(scope: &Scope, key: &TextKey, draft: &Draft) -> Result<(Words, Letter)> {
    let company = companies::own(scope).await?;
    let words = tried(&company, key, draft)?;
    let link = if matches!(about(&key.name), About::Link(_)) { "https://example.com/link" } else { "" };
    let letter = mail::letter(&company, &words, &key.language, scope.souk().settings().url(), link, None)?;
    Ok((words, letter))
}

/// Checks sizes, then writes the text once with made-up facts.
fn tried(company: &Company, key: &TextKey, draft: &Draft) -> Result<Words> {
    let mut wrong = Vec::new();
    for (field, text, most, needed) in [
        ("subject", &draft.subject, SUBJECT_MAX, true),
        ("body", &draft.body, BODY_MAX, true),
        ("html", &draft.html, HTML_MAX, false),
        ("short", &draft.short, SHORT_MAX, false),
    ] {
        if needed && text.trim().is_empty() {
            wrong.push(FieldError { field: field.into(), code: "required".into(), message: "this is needed".into() });
        }
        if text.chars().count() > most {
            wrong.push(FieldError { field: field.into(), code: "too_long".into(), message: format!("at most {most} characters") });
        }
    }
    if draft.subject.contains('\n') {
        wrong.push(FieldError { field: "subject".into(), code: "invalid".into(), message: "one line".into() });
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut facts = text::sample(company, about(&key.name));
    if about(&key.name) == About::Words {
        facts["words"] = words_of([&draft.subject, &draft.body, &draft.html, &draft.short]);
    }
    let row = row(company, key, draft);
    text::write_own(&row, &facts)
}

/// A text of the company's own making names the words it wants; each is there under its name.
fn words_of(texts: [&String; 4]) -> Value {
    let mut words = serde_json::Map::new();
    for text in texts {
        for part in text.split("words.").skip(1) {
            let name: String = part.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
            words.insert(name.clone(), name.into());
        }
    }
    Value::Object(words)
}

fn row(company: &Company, key: &TextKey, draft: &Draft) -> template::Model {
    let now = clock::now();
    template::Model {
        company_id: company.id,
        id: TemplateId::new(),
        name: key.name.clone(),
        language: key.language.clone(),
        subject: draft.subject.trim().into(),
        body: draft.body.replace("\r\n", "\n"),
        html: draft.html.clone(),
        short: draft.short.clone(),
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Writes a text of the company's own in the place of Souk's, or under a name of its own.
///
/// # Errors
/// 422 for a name that cannot be, or with the place where the text is wrong; 409 `template_exists`.
pub async fn add_text(scope: &Scope, key: &TextKey, draft: &Draft) -> Result<template::Model> {
    let is_name = (2..=40).contains(&key.name.len())
        && key.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_name {
        return Err(Error::invalid("name", "invalid", "2 to 40 lower-case letters, digits and underscores"));
    }
    if text::is_of_the_house(&key.name) {
        return Err(Error::invalid("name", "not_yours", "what opens an account is written by the platform alone"));
    }
    let company = companies::own(scope).await?;
    tried(&company, key, draft)?;
    let row = row(&company, key, draft);
    let unique = [template::Column::CompanyId, template::Column::Name, template::Column::Language];
    if !scope.insert_unless_there(row.clone(), &unique).await? {
        return Err(Error::conflict("template_exists", "there is a text of your own already: change that", json!({})));
    }
    scope
        .audit("create", "template", key, None, vec![("subject", json!(null), json!(row.subject)), ("body", json!(null), json!(row.body))])
        .await?;
    Ok(row)
}

/// Changes a text of the company's own.
///
/// # Errors
/// 404 when there is none; 412 when `version` is no longer the present one; 422 with the place
/// where the text is wrong.
pub async fn change_text(scope: &Scope, key: &TextKey, draft: &Draft, version: Option<i64>) -> Result<template::Model> {
    let company = companies::own(scope).await?;
    tried(&company, key, draft)?;
    let before = find(scope, key).await?.ok_or(Error::NOT_FOUND)?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let new = row(&company, key, draft);
    let update = scope
        .update::<template::Entity>()
        .col_expr(template::Column::Subject, Expr::value(new.subject.as_str()))
        .col_expr(template::Column::Body, Expr::value(new.body.as_str()))
        .col_expr(template::Column::Html, Expr::value(new.html.as_str()))
        .col_expr(template::Column::Short, Expr::value(new.short.as_str()))
        .col_expr(template::Column::UpdatedAt, Expr::value(new.updated_at))
        .col_expr(template::Column::Version, Expr::value(before.version + 1))
        .filter(template::Column::Id.eq(before.id))
        .filter(template::Column::Version.eq(before.version));
    let Some(after) = scope.run_returning(update).await?.pop() else { return Err(Error::Stale) };
    let changes = vec![
        ("subject", json!(before.subject), json!(after.subject)),
        ("body", json!(before.body), json!(after.body)),
        ("html", json!(before.html), json!(after.html)),
        ("short", json!(before.short), json!(after.short)),
    ];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "template", key, None, changes).await?;
    Ok(after)
}

/// Takes the company's own text away: Souk's is used again.
///
/// # Errors
/// 404 when there is none.
pub async fn drop_text(scope: &Scope, key: &TextKey) -> Result<()> {
    let before = find(scope, key).await?.ok_or(Error::NOT_FOUND)?;
    if scope.remove(scope.delete::<template::Entity>().filter(template::Column::Id.eq(before.id))).await? == 0 {
        return Err(Error::NOT_FOUND);
    }
    scope
        .audit(
            "delete",
            "template",
            key,
            None,
            vec![("subject", json!(before.subject), json!(null)), ("body", json!(before.body), json!(null))],
        )
        .await
}
