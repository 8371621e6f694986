//! The way back from a small act: a form of ours, offered beside what the act says of itself.
//!
//! It stands in the address, signed for whoever did the act and for their company, so that nobody
//! can hand somebody else a button of their own making. What it does is asked like any other form.

use axum::response::Redirect;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Visitor;
use crate::{
    controllers::page,
    tenancy::{Access, Permission},
};

/// The parameter.
pub(super) const UNDO: &str = "undo";

/// A form that takes an act back: where it goes, and what it holds.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Undo {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

/// Whom a form is signed for, beside the company.
fn bound<P: Permission>(access: &Access<P>) -> String {
    let who = access.tenant().actor.id().map(|id| id.to_string()).unwrap_or_default();
    format!("{UNDO} {who}")
}

/// What an act said, with the way back where the address holds one.
pub(super) fn beside<P: Permission>(access: &Access<P>, flash: Option<Value>, sealed: Option<&str>) -> Option<Value> {
    let mut flash = flash?;
    if let Ok(Some(undo)) = page::open::<Undo>(access, &bound(access), sealed) {
        let fields = undo.fields.iter().map(|(name, value)| json!({ "name": name, "value": value }));
        flash["undo"] = json!({ "action": undo.action, "fields": fields.collect::<Vec<_>>() });
    }
    Some(flash)
}

impl<P: Permission> Visitor<P> {
    /// As [`Visitor::done`], with the way back.
    pub(super) fn done_but(&self, to: &str, said: &str, undo: &Undo) -> Redirect {
        let joint = if to.contains('?') { '&' } else { '?' };
        let undo = page::seal(&self.access, &bound(&self.access), undo).unwrap_or_default();
        Redirect::to(&format!("{to}{joint}said=flash.{said}&{UNDO}={undo}"))
    }
}
