//! What an entry of the audit says, as people read it: codes in words, amounts in their currency,
//! moments on the wall clock. Files for programs keep what was written.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    dates::{day, local},
    templates::text,
};
use crate::{clock::Instant, ids::ShopId, money::Money};

/// Who reads some entries, and what is known of the company they are of.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub language: &'a str,
    pub zone: &'a str,
    /// What the company trades in; nothing where that is not known.
    pub currency: Option<&'a str>,
    pub shops: &'a BTreeMap<ShopId, String>,
}

/// Amounts in minor units.
const AMOUNTS: [&str; 9] = ["amount", "cancelledAmount", "codLimit", "compareAtPrice", "cost", "paid", "price", "promisedAmount", "total"];
/// What is dealt with in a currency of its own, which an entry does not say.
const OF_ANY_CURRENCY: [&str; 3] = ["debt", "plan", "subscription"];

/// A word of the audit in a person's language, where it has a text: an action, a resource or a field.
#[must_use]
pub fn named(what: &str, word: &str, language: &str) -> String {
    said(&format!("audit.{what}.{word}"), language).unwrap_or_else(|| word.to_owned())
}

/// As what somebody acted.
#[must_use]
pub fn role_name(role: &str, language: &str) -> String {
    let key = if role == "system" { "audit.role.system".to_owned() } else { format!("roles.name.{role}") };
    said(&key, language).unwrap_or_else(|| role.to_owned())
}

fn said(key: &str, language: &str) -> Option<String> {
    Some(text(key, language)).filter(|text| text != key)
}

/// A value before or after a change, in words.
#[must_use]
pub fn value(resource: &str, field: &str, value: &Value, reader: &Reader<'_>) -> String {
    let inner = |field: &str, inner: &Value| self::value(resource, field, inner, reader);
    match value {
        Value::Null => String::new(),
        Value::Bool(is_so) => text(if *is_so { "ui.yes" } else { "ui.no" }, reader.language),
        Value::Number(number) => figure(resource, field, number.as_i64(), reader).unwrap_or_else(|| number.to_string()),
        Value::String(code) => worded(resource, field, code, reader).unwrap_or_else(|| code.clone()),
        Value::Array(parts) => {
            let parts: Vec<_> = match field {
                "hours" => parts.iter().map(|part| hours(part, reader)).collect(),
                "unpaid" => parts.iter().map(|part| format!("{} – {}", inner("dueOn", &part[1]), inner("amount", &part[0]))).collect(),
                _ => parts.iter().map(|part| inner(field, part)).collect(),
            };
            parts.join("; ")
        }
        Value::Object(parts) => {
            let set = parts.iter().filter(|(_, part)| !part.is_null() && *part != "");
            let set = set.map(|(name, part)| match (field, name.as_str()) {
                ("assignments", _) => inner(name, part),
                _ => format!("{}: {}", part_name(name, reader.language), inner(name, part)),
            });
            set.collect::<Vec<_>>().join(", ")
        }
    }
}

/// What a part of a value is called: a field, a class of messages or a way they go.
fn part_name(name: &str, language: &str) -> String {
    let lists = ["audit.field", "notice.class", "notice.channel"];
    lists.iter().find_map(|list| said(&format!("{list}.{name}"), language)).unwrap_or_else(|| name.to_owned())
}

fn figure(resource: &str, field: &str, number: Option<i64>, reader: &Reader<'_>) -> Option<String> {
    let number = number?;
    if AMOUNTS.contains(&field) {
        let currency = reader.currency.filter(|_| !OF_ANY_CURRENCY.contains(&resource));
        return Some(currency.map_or_else(|| Money(number).plain(), |currency| Money(number).display(currency)));
    }
    // Rates are hundredths of a percent.
    (field == "taxRate").then(|| format!("{} %", Money(number).plain().trim_end_matches('0').trim_end_matches('.')))
}

fn worded(resource: &str, field: &str, code: &str, reader: &Reader<'_>) -> Option<String> {
    if field == "shopId" {
        return code.parse().ok().and_then(|id: ShopId| reader.shops.get(&id)).cloned();
    }
    if let Some(list) = list_of(resource, field) {
        return said(&format!("{list}.{}", code.replace(':', "_")), reader.language);
    }
    let is_time = ["At", "On", "Date"].iter().any(|end| field.ends_with(end)) || field == "before";
    let moment = || Instant::parse(code).map(|at| local(at, reader.zone, reader.language));
    let date = || code.parse::<NaiveDate>().ok().map(|date| day(date, reader.language));
    is_time.then(|| moment().or_else(date)).flatten()
}

/// Which texts say what the codes of a field mean.
fn list_of(resource: &str, field: &str) -> Option<&'static str> {
    Some(match (resource, field) {
        ("order", "status") => "orders.status",
        ("debt", "status") => "debts.status",
        ("company", "status") => "admin.companies.state",
        ("company", "standing") => "audit.standing",
        ("company", "why") => "audit.why",
        ("subscription", "state") => "audit.subscription",
        ("job", "state") => "admin.jobs.state",
        ("shop", "kind") => "shops.kind",
        ("debt", "type") => "debts.kind",
        ("debt", "method") => "debts.method",
        ("debt", "step") => "debts.step",
        ("debt", "promise") => "debts.promise",
        ("plan", "period") => "admin.plans.period",
        ("role", "permissions") => "permission",
        ("notification", "class") => "notice.class",
        ("inventory", "reason") => "inventory.reason",
        (_, "paymentStatus") => "orders.payment",
        (_, "role") => "roles.name",
        (_, "customerGroup") => "customers.group",
        (_, "language") => "notice.language",
        _ => return None,
    })
}

/// An opening: a day, from when, until when.
fn hours(opening: &Value, reader: &Reader<'_>) -> String {
    let minutes = |index: usize| opening[index].as_i64().unwrap_or_default();
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let day = text(&format!("shops.day.{}", minutes(0)), reader.language);
    format!("{day} {}–{}", clock(minutes(1)), clock(minutes(1) + minutes(2)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{Reader, list_of, said, value};
    use crate::{
        models::{debts, orders},
        views::templates::LANGUAGES,
    };

    fn shown(resource: &str, field: &str, written: &Value, language: &str) -> String {
        let shops = BTreeMap::new();
        value(resource, field, written, &Reader { language, zone: "Asia/Kolkata", currency: Some("INR"), shops: &shops })
    }

    #[test]
    fn a_value_is_shown_as_people_say_it() {
        for (resource, field, written, said) in [
            ("order", "status", json!("returned"), "Returned"),
            ("company", "taxIncluded", json!(true), "Yes"),
            ("company", "taxRate", json!(1850), "18.5 %"),
            ("company", "taxRate", json!(500), "5 %"),
            ("company", "codLimit", json!(5_000_000), "₹50,000.00"),
            ("debt", "amount", json!(1_050), "10.50"),
            ("product", "archivedAt", json!("2026-03-09T20:05:00Z"), "10 Mar 2026, 01:35"),
            ("debt", "dueDate", json!("2026-03-09"), "9 Mar 2026"),
            ("debt", "unpaid", json!([[1_050, "2026-03-09"], [5, "2026-04-09"]]), "9 Mar 2026 – 10.50; 9 Apr 2026 – 0.05"),
            (
                "member",
                "assignments",
                json!([{ "role": "shop_manager", "shopId": null }, { "role": "rider", "shopId": null }]),
                "Shop manager; Rider",
            ),
            ("role", "permissions", json!(["orders:read"]), &said("permission.orders_read", "en").unwrap_or_default()),
            ("shop", "hours", json!([[0, 540, 480], [6, 1_320, 180]]), "Monday 09:00–17:00; Sunday 22:00–01:00"),
            // What people wrote is theirs, whatever it looks like.
            ("product", "name", json!("2026-03-09"), "2026-03-09"),
            ("order", "reason", json!("pending"), "pending"),
            ("shop", "state", json!("Karnataka"), "Karnataka"),
            ("product", "tags", json!(["red", "new"]), "red; new"),
            ("product", "barcode", json!(null), ""),
        ] {
            assert_eq!(shown(resource, field, &written, "en"), said, "{resource} {field} {written}");
        }
        assert_eq!(shown("company", "taxIncluded", &json!(false), "hi"), "नहीं");
    }

    #[test]
    fn every_code_has_a_text_in_every_language() {
        let orders = orders::Status::ALL.map(|one| ("order", "status", one.name()));
        let debts = debts::Status::ALL.map(|one| ("debt", "status", one.name()));
        let kinds = debts::Kind::ALL.map(|one| ("debt", "type", one.name()));
        let standings = ["good", "limited", "lapsed"].map(|one| ("company", "standing", one));
        let subscriptions = ["trial", "active", "grace", "lapsed", "cancelled"].map(|one| ("subscription", "state", one));
        let ends = ["asked", "time", "signed_out", "company_stopped", "role_lost"].map(|one| ("company", "why", one));
        let promises = ["open", "kept", "broken"].map(|one| ("debt", "promise", one));
        let all = orders.into_iter().chain(debts).chain(kinds).chain(standings).chain(subscriptions).chain(ends).chain(promises);
        for (resource, field, code) in all {
            let key = format!("{}.{code}", list_of(resource, field).unwrap_or_default());
            let texts = LANGUAGES.map(|language| said(&key, language));
            assert!(texts.iter().all(Option::is_some) && texts[0] != texts[1], "`{key}` lacks a text: {texts:?}");
        }
    }
}
