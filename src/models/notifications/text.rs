//! What a message says: its facts, read from the other domains, in the company's own words or in
//! those that Souk brings along.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    kinds::{About, Kind},
    sandbox, template,
};
use crate::{
    errors::{Error, Result},
    ids::{LocationId, OrderId, PaymentId, VariantId},
    models::{
        catalog,
        companies::{Company, Standing},
        inventory,
        orders::{self, Status},
        payments, shops,
    },
    money::Money,
    tenancy::Scope,
    views::mail::{self, Words},
};

/// Lines of an order that a message lists.
const LINES_MAX: usize = 100;

/// A company's own texts of one message, by language.
pub type Own = BTreeMap<String, template::Model>;

/// Whether a message is written by Souk alone.
#[must_use]
pub fn is_of_the_house(name: &str) -> bool {
    Kind::named(name).is_some_and(|kind| kind.ways().is_some())
}

/// The company's own texts of a message.
pub async fn own(scope: &Scope, name: &str) -> Result<Own> {
    // What opens an account never stands in words that a company wrote: they could send it elsewhere.
    if is_of_the_house(name) {
        return Ok(Own::new());
    }
    let rows = scope.find::<template::Entity>().filter(template::Column::Name.eq(name));
    Ok(scope.all(rows).await?.into_iter().map(|row| (row.language.clone(), row)).collect())
}

/// What every message may say: the company, the person, and its own facts.
pub fn with_person(company: &Company, facts: &Value, name: &str) -> Value {
    let mut all = facts.clone();
    all["company"] = json!({ "name": company.name, "email": company.email, "phone": company.phone });
    all["person"] = json!({ "name": name });
    if all.get("link").is_none() {
        all["link"] = json!("");
    }
    all
}

/// A message's words in one language: the company's own, else Souk's. A company's text that has
/// become wrong holds no message up.
///
/// # Errors
/// When there is no text of that name at all.
pub fn write(name: &str, language: &str, own: &Own, facts: &Value) -> Result<Words> {
    if let Some(text) = own.get(language) {
        match write_own(text, facts) {
            Ok(words) => return Ok(words),
            Err(error) => tracing::warn!(template.id = %text.id, %error, "a company's own text is wrong, Souk's is used"),
        }
    }
    if Kind::named(name).is_some() {
        return mail::words(name, language, facts);
    }
    // A text of the company's own making may be there in another language only.
    let other = own.values().next().ok_or_else(|| Error::internal(format!("there is no text `{name}`")))?;
    write_own(other, facts)
}

/// # Errors
/// 422 with the field and the place where it is wrong.
pub fn write_own(text: &template::Model, facts: &Value) -> Result<Words> {
    let part = |field: &str, text: &str, is_html: bool| {
        sandbox::render(text, facts, is_html).map_err(|wrong| Error::invalid(field, "template_invalid", wrong.to_string()))
    };
    Ok(Words {
        title: part("subject", &text.subject, false)?.split_whitespace().collect::<Vec<_>>().join(" "),
        body: mail::tidy(&part("body", &text.body, false)?),
        html: part("html", &text.html, true)?,
        short: part("short", &text.short, false)?.trim().to_owned(),
    })
}

/// The facts of a message, from its subject and the ids and amounts that came with it.
///
/// # Errors
/// 404 when what it is about is not there any more.
pub async fn facts(scope: &Scope, about: About, company: &Company, subject: Option<Uuid>, data: &Value) -> Result<Value> {
    match about {
        About::Order => order(scope, OrderId(subject.ok_or(Error::NOT_FOUND)?)).await,
        About::Payment => payment(scope, PaymentId(subject.ok_or(Error::NOT_FOUND)?), data).await,
        About::Stock => stock(scope, data).await,
        About::Debt => Ok(debt(scope, company, data)),
        About::Security => Ok(json!({ "security": { "what": data["what"].as_str().unwrap_or_default() } })),
        // The digits are known when the message leaves.
        About::Code => Ok(json!({ "code": "" })),
        About::Person | About::Link(_) => Ok(json!({})),
        About::Words => Ok(json!({ "words": data["words"].as_object().cloned().unwrap_or_default() })),
    }
}

async fn order(scope: &Scope, id: OrderId) -> Result<Value> {
    let order = orders::get(scope, id).await?;
    let shop = shops::get(scope, order.shop_id).await?;
    let items = orders::items_of(scope, &[id]).await?.remove(&id).unwrap_or_default();
    // The end of an order is told of all of it; before, what was called off is no part of it any more.
    let is_over = order.status == Status::Cancelled;
    let total = if is_over { order.total } else { order.total.minus(orders::called_off(&items)?)? };
    let mut lines = Vec::with_capacity(items.len().min(LINES_MAX));
    for item in items.iter().filter(|item| is_over || item.quantity > item.quantity_cancelled).take(LINES_MAX) {
        let left = if is_over { item.quantity } else { item.quantity - item.quantity_cancelled };
        let quantity = if item.sold_by == "weight" { weight(left) } else { left.to_string() };
        let total = item.subtotal.portion(left, item.quantity)?;
        lines.push(json!({ "name": item.name, "quantity": quantity, "total": total.display(&order.currency) }));
    }
    Ok(json!({
        "order": {
            "number": order.order_number, "total": total.display(&order.currency), "shop": shop.name,
            "tracking": order.tracking_number.unwrap_or_default(),
        },
        "lines": lines,
    }))
}

/// Grams, as people say them.
fn weight(grams: i64) -> String {
    if grams < 1_000 {
        return format!("{grams} g");
    }
    let rest = format!("{:03}", grams % 1_000);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{} kg", grams / 1_000) } else { format!("{}.{rest} kg", grams / 1_000) }
}

async fn payment(scope: &Scope, id: PaymentId, data: &Value) -> Result<Value> {
    let payment = payments::get(scope, id).await?;
    let orders = orders::of_checkout(scope, payment.checkout_id).await?;
    let numbers: Vec<_> = orders.iter().map(|order| order.order_number.as_str()).collect();
    let amount = data["amount"].as_i64().map_or(payment.amount, Money);
    Ok(json!({ "payment": { "amount": amount.display(&payment.currency), "orders": numbers.join(", ") } }))
}

async fn stock(scope: &Scope, data: &Value) -> Result<Value> {
    let variant: VariantId = id(data, "variantId")?;
    let location: LocationId = id(data, "locationId")?;
    // What is not on sale at present lies there all the same, and what was archived may.
    let goods = catalog::goods(scope, &[variant]).await?;
    let (variant, product) = goods.get(&variant).ok_or(Error::NOT_FOUND)?;
    let place = inventory::locations(scope).await?.into_iter().find(|place| place.id == location);
    let name = if variant.name.is_empty() { product.name.clone() } else { format!("{}, {}", product.name, variant.name) };
    let quantity = |key: &str| {
        let number = data[key].as_i64().unwrap_or_default();
        if variant.sold_by == "weight" { weight(number) } else { number.to_string() }
    };
    Ok(json!({ "stock": {
        "name": name, "sku": variant.sku, "place": place.map(|place| place.name).unwrap_or_default(),
        "left": quantity("quantity"), "threshold": quantity("threshold"),
    } }))
}

fn debt(scope: &Scope, company: &Company, data: &Value) -> Value {
    let currency = data["currency"].as_str().unwrap_or(&company.currency);
    let amount = data["amount"].as_i64().map(|minor| Money(minor).display(currency)).unwrap_or_default();
    let said = |key: &str| data[key].as_str().unwrap_or_default();
    // What is still to come of it, as the company stands now.
    let limited = company.limited_on.filter(|_| company.standing == Standing::Good);
    let suspended = company.suspended_on.filter(|_| company.standing != Standing::Lapsed);
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    json!({ "debt": {
        "amount": amount, "due": said("dueDate"), "reference": said("reference"), "since": said("since"),
        "limited": day(limited), "suspended": day(suspended),
        "link": format!("{}/company/debts", scope.souk().settings().url()),
    } })
}

fn id<T: std::str::FromStr>(data: &Value, key: &str) -> Result<T> {
    data[key].as_str().and_then(|text| text.parse().ok()).ok_or(Error::NOT_FOUND)
}

/// Facts as a message of that kind may have them, for a preview and for checking a text.
pub fn sample(company: &Company, about: About) -> Value {
    let money = |minor: i64| Money(minor).display(&company.currency);
    let facts = match about {
        About::Order => json!({
            "order": { "number": "A-1042", "total": money(124_900), "shop": company.name, "tracking": "TRK-778201" },
            "lines": [
                { "name": "Wireless mouse", "quantity": "1", "total": money(99_900) },
                { "name": "Notebook", "quantity": "2", "total": money(25_000) },
            ],
        }),
        About::Payment => json!({ "payment": { "amount": money(124_900), "orders": "A-1042" } }),
        About::Stock => {
            json!({ "stock": { "name": "Wireless mouse", "sku": "MOU-1", "place": company.name, "left": "3", "threshold": "5" } })
        }
        About::Debt => json!({ "debt": {
            "amount": money(499_900), "due": "2026-01-31", "reference": "SUB-2026-01", "since": "2026-02-07",
            "limited": "2026-02-07", "suspended": "2026-02-14", "link": "https://example.com/company/debts",
        } }),
        About::Security => json!({ "security": { "what": "lock_out" } }),
        About::Link(_) => json!({ "link": "https://example.com/link" }),
        About::Code => json!({ "code": "123456" }),
        About::Person => json!({}),
        About::Words => json!({ "words": {} }),
    };
    with_person(company, &facts, "Priya Sharma")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_said_as_people_say_them() {
        assert_eq!(
            (weight(250).as_str(), weight(2_000).as_str(), weight(1_250).as_str(), weight(1_005).as_str()),
            ("250 g", "2 kg", "1.25 kg", "1.005 kg")
        );
    }
}
