//! The long forms of what Souk promises, each on every database there is. They take minutes and are
//! asked for by name: `cargo test --profile proofs --test proofs -- --ignored --nocapture`.
#![expect(clippy::disallowed_methods, reason = "tests stand outside the walls")]
#![expect(clippy::expect_used, reason = "a test that is surprised has failed")]
#![expect(dead_code, reason = "the support of all tests, of which the proofs need a part")]

#[path = "proofs/books.rs"]
mod books;
#[path = "proofs/dying.rs"]
mod dying;
#[path = "proofs/keys.rs"]
mod keys;
#[path = "proofs/selling.rs"]
mod selling;
mod support;
