//! What every list has in common: its address holds the search, the filters and the page; views
//! are addresses with a name.

use serde_json::{Value, json};

use super::{Visitor, encode, undo::UNDO};
use crate::{
    errors::Result,
    models::saved_views,
    tenancy::{Actor, Permission, Scope},
};

/// How many steps back the address remembers; behind that, Newer leads to the first page.
const STEPS_BACK: usize = 12;

/// What a list's page shows around its rows.
#[derive(Default)]
pub struct Listing<'a> {
    /// The questions people ask daily: the key of the label, and the filters as a query.
    pub views: &'a [(&'a str, &'a str)],
    /// The filters that are set: the parameter, its name and its value as people read them.
    pub chips: Vec<(&'a str, String, String)>,
    /// How many rows are on this page.
    pub count: usize,
    /// The cursor behind the last row, when there are more.
    pub next: Option<String>,
}

/// The parameters that are not filters.
const PLACES: [&str; 5] = ["cursor", "back", "said", "told", UNDO];

impl<P: Permission> Visitor<P> {
    /// The filters of the address that are set, in its order.
    #[must_use]
    pub fn filters(&self) -> Vec<(&str, &str)> {
        let set = self.query.iter().filter(|(name, value)| !PLACES.contains(&name.as_str()) && !value.trim().is_empty());
        set.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// What `list` is in the templates: views with those of the person, chips, Newer and Older, and
    /// where to export.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(&self, scope: &Scope, listing: Listing<'_>) -> Result<Value> {
        let filters = self.filters();
        let address = |pairs: &[(&str, &str)], more: &[(&str, &str)]| {
            let query: Vec<_> = pairs.iter().chain(more).map(|(name, value)| format!("{name}={}", encode(value))).collect();
            if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
        };
        let view = |query: &str| {
            let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            (address(&pairs, &[]), is_same(&pairs, &filters))
        };
        let mut views = Vec::with_capacity(listing.views.len());
        let mut is_named = filters.is_empty();
        for (label, query) in listing.views {
            let (href, active) = view(query);
            is_named |= active;
            views.push(json!({ "label_key": label, "href": href, "active": active }));
        }
        let mut saved_id = None;
        for one in saved_views::of_list(scope, &self.path).await? {
            let (href, active) = view(&one.query);
            saved_id = saved_id.or(active.then_some(one.id));
            views.push(json!({ "label": one.name, "href": href, "active": active }));
        }
        let can_save = !is_named && saved_id.is_none() && matches!(scope.tenant().actor, Actor::Member(_));
        let chips: Vec<_> = listing
            .chips
            .into_iter()
            .filter(|(_, _, value)| !value.is_empty())
            .map(|(parameter, name, value)| {
                let rest: Vec<_> = filters.iter().copied().filter(|(name, _)| *name != parameter).collect();
                json!({ "name": name, "value": value, "href": address(&rest, &[]) })
            })
            .collect();
        let cursor = self.parameter("cursor");
        let back: Vec<&str> = self.parameter("back").split('.').filter(|part| !part.is_empty()).collect();
        let older = listing.next.map(|next| {
            let mut steps = back.clone();
            steps.extend(Some(cursor).filter(|cursor| !cursor.is_empty()));
            let steps = steps[steps.len().saturating_sub(STEPS_BACK)..].join(".");
            let more = [("cursor", next.as_str()), ("back", steps.as_str())];
            address(&filters, &more[..if steps.is_empty() { 1 } else { 2 }])
        });
        let newer = (!cursor.is_empty()).then(|| match back.split_last() {
            None => address(&filters, &[]),
            Some((last, rest)) => {
                let rest = rest.join(".");
                let more = [("cursor", *last), ("back", rest.as_str())];
                address(&filters, &more[..if rest.is_empty() { 1 } else { 2 }])
            }
        });
        let query: Vec<_> = filters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        Ok(json!({
            "views": views, "chips": chips, "count": listing.count, "newer": newer, "older": older, "clear": self.path,
            "address": address(&filters, &[]), "can_save": can_save, "saved_id": saved_id, "is_filtered": !filters.is_empty(),
            "export": format!("{}/export.csv?{}", self.path, query.join("&")),
        }))
    }
}

/// Whether two sets of filters ask the same.
fn is_same(one: &[(&str, &str)], other: &[(&str, &str)]) -> bool {
    let mut pairs = (one.to_vec(), other.to_vec());
    pairs.0.sort_unstable();
    pairs.1.sort_unstable();
    pairs.0 == pairs.1
}
