//! What every list has in common: its address holds the search, the filters and the page; views
//! are addresses with a name.

use serde_json::{Value, json};

use super::{Visitor, encode, undo::UNDO};
use crate::{
    errors::Result,
    keyset::Sort,
    models::saved_views,
    tenancy::{Actor, Permission, Scope},
};

/// How many steps back the address remembers; behind that, Newer leads to the first page.
const STEPS_BACK: usize = 12;

/// A column that a list can be sorted by: the word for it in the address, behind `-` where the
/// largest comes first, and the key of its head.
#[derive(Debug)]
pub struct Head<B: 'static> {
    pub word: &'static str,
    pub label: &'static str,
    /// Whether the largest comes first when somebody chooses it.
    pub falls: bool,
    pub by: B,
}

/// How an address wants its list sorted, and what else it can be sorted by.
#[derive(Debug)]
pub struct Sorting<B: 'static> {
    heads: &'static [Head<B>],
    pub sort: Sort<B>,
    /// How it is sorted where the address does not say.
    own: Sort<B>,
}

impl<B: Copy + PartialEq> Sorting<B> {
    #[must_use]
    pub fn of(heads: &'static [Head<B>], own: Sort<B>, asked: &str) -> Self {
        let (word, falls) = asked.strip_prefix('-').map_or((asked, false), |word| (word, true));
        let found = heads.iter().find(|head| head.word == word);
        Self { heads, sort: found.map_or(own, |head| Sort { by: head.by, falls }), own }
    }

    fn heads(&self) -> Heads {
        let heads = self.heads.iter().map(|head| {
            let falls = (head.by == self.sort.by).then_some(self.sort.falls);
            let next = Sort { by: head.by, falls: falls.map_or(head.falls, |falls| !falls) };
            let next = if next == self.own { String::new() } else { worded(head.word, next.falls) };
            (head.word, head.label, falls, next)
        });
        Heads { heads: heads.collect(), is_asked: self.sort != self.own }
    }
}

fn worded(word: &str, falls: bool) -> String {
    format!("{}{word}", if falls { "-" } else { "" })
}

/// The heads of a list's columns: word, label, which way it is sorted by it, and what the address
/// says when it is chosen next.
struct Heads {
    heads: Vec<(&'static str, &'static str, Option<bool>, String)>,
    /// Whether the list is sorted otherwise than by itself.
    is_asked: bool,
}

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

/// The parameter that says how a list is sorted.
const SORT: &str = "sort";
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
        self.listed(scope, listing, None).await
    }

    /// As [`Visitor::list`], for a list that people sort at its columns.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn sorted_list<B: Copy + PartialEq>(&self, scope: &Scope, listing: Listing<'_>, sorting: &Sorting<B>) -> Result<Value> {
        self.listed(scope, listing, Some(sorting.heads())).await
    }

    async fn listed(&self, scope: &Scope, listing: Listing<'_>, heads: Option<Heads>) -> Result<Value> {
        let filters = self.filters();
        let address = |pairs: &[(&str, &str)], more: &[(&str, &str)]| {
            let query: Vec<_> = pairs.iter().chain(more).map(|(name, value)| format!("{name}={}", encode(value))).collect();
            if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
        };
        // Where a list is sorted at its columns, that narrows nothing: a view stays what it is, and keeps the order.
        let (sort, narrowing): (Vec<_>, Vec<_>) = filters.iter().partition(|(name, _)| heads.is_some() && *name == SORT);
        let is_sorted = heads.as_ref().is_some_and(|heads| heads.is_asked);
        let mut views = Vec::with_capacity(listing.views.len());
        let mut is_named = narrowing.is_empty();
        for (label, query) in listing.views {
            let pairs = pairs_of(query);
            let pairs = borrowed(&pairs);
            let active = is_same(&pairs, &narrowing);
            is_named |= active;
            views.push(json!({ "label_key": label, "href": address(&pairs, &sort), "active": active }));
        }
        let mut saved_id = None;
        for one in saved_views::of_list(scope, &self.path).await? {
            let pairs = pairs_of(&one.query);
            let pairs = borrowed(&pairs);
            let active = is_same(&pairs, &filters);
            saved_id = saved_id.or(active.then_some(one.id));
            views.push(json!({ "label": one.name, "href": address(&pairs, &[]), "active": active }));
        }
        let can_save = (is_sorted || !is_named) && saved_id.is_none() && matches!(scope.tenant().actor, Actor::Member(_));
        let mut sorts = json!({});
        let mut sorted_by = None;
        for (word, label, falls, next) in heads.iter().flat_map(|heads| &heads.heads) {
            let way = falls.map(|falls| if falls { "descending" } else { "ascending" });
            let next: Vec<_> = Some((SORT, next.as_str())).filter(|(_, next)| !next.is_empty()).into_iter().collect();
            sorts[word] = json!({ "label_key": label, "way": way, "href": address(&narrowing, &next) });
            let named = way.map(|way| format!("{}, {}", self.text(label), self.text(&format!("ui.sort.{way}"))));
            sorted_by = sorted_by.or(named.filter(|_| is_sorted));
        }
        let sorted_by = sorted_by.map(|named| (SORT, self.text("ui.sorted_by"), named));
        let chips: Vec<_> = listing
            .chips
            .into_iter()
            .chain(sorted_by)
            .filter(|(_, _, value)| !value.is_empty())
            .map(|(parameter, name, value)| {
                let rest: Vec<_> = filters.iter().copied().filter(|(name, _)| *name != parameter).collect();
                json!({ "parameter": parameter, "name": name, "value": value, "href": address(&rest, &[]) })
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
            "address": address(&filters, &[]), "can_save": can_save, "saved_id": saved_id, "is_filtered": !narrowing.is_empty(),
            "sorts": sorts, "sort": sort.first().map(|(_, value)| *value),
            "export": format!("{}/export.csv?{}", self.path, query.join("&")),
        }))
    }
}

/// Views that mean work say how much of it there is, as far as this.
pub const COUNTED_MAX: u64 = 100;

/// Says at a view of `list` how much work waits there, counted as far as [`COUNTED_MAX`].
pub fn count_view(list: &mut Value, view: usize, waiting: u64) {
    if waiting > 0 {
        let shown = if waiting < COUNTED_MAX { waiting.to_string() } else { format!("{}+", COUNTED_MAX - 1) };
        list["views"][view]["count"] = json!(shown);
        list["views"][view]["is_hot"] = json!(true);
    }
}

/// A query's parameters.
fn pairs_of(query: &str) -> Vec<(String, String)> {
    serde_urlencoded::from_str(query).unwrap_or_default()
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Whether two sets of filters ask the same.
fn is_same(one: &[(&str, &str)], other: &[(&str, &str)]) -> bool {
    let mut pairs = (one.to_vec(), other.to_vec());
    pairs.0.sort_unstable();
    pairs.1.sort_unstable();
    pairs.0 == pairs.1
}
