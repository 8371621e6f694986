//! The words of the audit: what entries are about, and what was done to it. A list that is asked for
//! another word has misspelt one. The tests look for entries whose words are not here.

use std::collections::BTreeSet;

/// Each thing with what is done to it.
const WORDS: &[(&str, &[&str])] = &[
    ("account", &["forgot_password", "lock_out", "send_code", "sign_in_failed"]),
    ("address", &["create", "delete", "update"]),
    ("attribute", &["create", "delete", "update"]),
    ("audit", &["export", "let_go", "renew_witness"]),
    ("brand", &["create", "delete", "update"]),
    ("category", &["create", "delete", "move", "update"]),
    ("company", &["act_as", "act_as_end", "choose_messages", "close", "create", "resume", "standing", "suspend", "update"]),
    (
        "customer",
        &[
            "ban",
            "change_password",
            "choose_messages",
            "forget",
            "forgot_password",
            "hand_out",
            "lock_out",
            "register",
            "reset_password",
            "send_code",
            "sign_in_failed",
            "unban",
            "update",
            "verify_email",
            "verify_phone",
        ],
    ),
    ("debt", &["cancel", "collect", "create", "note", "pay", "plan", "promise", "reverse_payment", "status", "update", "write_off"]),
    ("idempotency_keys", &["let_go"]),
    ("inventory", &["adjust", "count", "receive", "reorder_point", "waste"]),
    ("job", &["discard", "replay"]),
    (
        "member",
        &[
            "assign",
            "ban",
            "choose_messages",
            "create",
            "deactivate",
            "end_sessions",
            "invite",
            "invite_again",
            "join",
            "unassign",
            "unban",
            "update",
        ],
    ),
    ("notification", &["send"]),
    ("notifications", &["let_go"]),
    ("one_time_codes", &["let_go"]),
    ("order", &["advance", "cancel", "cancel_items", "confirm", "create", "fill", "short", "take_back"]),
    ("plan", &["create", "update"]),
    ("platform", &["update"]),
    ("preferences", &["update"]),
    ("product", &["archive", "create", "restore", "update"]),
    ("push_device", &["forget", "register"]),
    ("role", &["create", "delete", "update"]),
    ("session", &["end", "enter_company", "leave_company", "refresh_reused", "sign_in", "sign_out", "sign_out_everywhere"]),
    ("sessions", &["let_go"]),
    ("shop", &["create", "delete", "reopen", "update"]),
    (
        "staff",
        &["ban", "change_password", "end_sessions", "forgot_password", "lock_out", "reset_password", "sign_in_failed", "unban", "update"],
    ),
    ("stock_alert", &["acknowledge"]),
    ("subscription", &["cancel_subscription", "change_plan", "change_terms", "renew", "subscribe", "subscription_state"]),
    ("template", &["create", "delete", "update"]),
    ("variant", &["archive", "create", "update"]),
];

/// Everything that an entry may be about.
pub fn resources() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(resource, _)| *resource)
}

/// Everything that may be done to something, in the order of the alphabet.
#[must_use]
pub fn actions() -> BTreeSet<&'static str> {
    WORDS.iter().flat_map(|(_, actions)| actions.iter().copied()).collect()
}

/// Whether something may be done to anything.
#[must_use]
pub fn is_action(word: &str) -> bool {
    WORDS.iter().any(|(_, actions)| actions.contains(&word))
}

/// Whether this may be done to that.
#[must_use]
pub fn is_known(resource: &str, action: &str) -> bool {
    WORDS.iter().any(|(of, actions)| *of == resource && actions.contains(&action))
}
