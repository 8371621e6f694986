//! The table of ways: which messages go which way, of a company and of a person.

use serde_json::{Value, json};

use super::fields::Fields;
use crate::models::notifications::{Channel, Choices, Class};

/// A row for each class, with its ways; the list in the app stays on.
pub(super) fn table(choices: &Choices) -> Value {
    let row = |class: Class| {
        let on = |channel: &Channel| choices.get(&class).and_then(|ways| ways.get(channel)).copied().unwrap_or_default();
        let ways = Channel::ALL.iter().map(|channel| json!({ "channel": channel, "on": on(channel), "stays": *channel == Channel::InApp }));
        json!({ "class": class, "ways": ways.collect::<Vec<_>>() })
    };
    json!({ "channels": Channel::ALL, "rows": Class::ALL.into_iter().map(row).collect::<Vec<_>>() })
}

/// The table as it was sent: a box that is not ticked sends nothing.
pub(super) fn read(fields: &Fields) -> Choices {
    let is_on = |class: Class, channel: Channel| fields.is_on(&format!("{}.{}", class.name(), channel.name()));
    let of = |class: Class| Channel::ALL.into_iter().map(|channel| (channel, channel == Channel::InApp || is_on(class, channel))).collect();
    Class::ALL.into_iter().map(|class| (class, of(class))).collect()
}
