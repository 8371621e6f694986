//! Letters to customers: Tera texts, in the customer's language, the first line is the subject.

use serde_json::json;

use super::templates;
use crate::{
    errors::{Error, Result},
    models::{
        companies::Company,
        identity::Customer,
        orders::{Item, Order},
    },
};

/// The subject and the text of a letter about an order.
///
/// # Errors
/// When the text cannot be made.
pub fn order(template: &str, company: &Company, customer: &Customer, order: &Order, items: &[Item]) -> Result<(String, String)> {
    let language = if customer.language == "hi" { "hi" } else { "en" };
    let lines: Vec<_> = items.iter().map(|item| json!({ "name": item.name, "quantity": item.quantity })).collect();
    let data = json!({
        "company": { "name": company.name },
        "customer": { "name": customer.name },
        "order": { "number": order.order_number, "total": order.total.display(&order.currency), "tracking": order.tracking_number },
        "lines": lines,
    });
    let text = templates::render(&format!("mail/{template}.{language}.txt"), &data)?;
    let (subject, body) = text.split_once('\n').ok_or_else(|| Error::internal(format!("the letter `{template}` has no body")))?;
    Ok((subject.trim().to_owned(), body.trim_start().to_owned()))
}
