//! The audit: who did what, append-only, sealed into a hash chain per company.
//!
//! An entry is written with its change; personal values lie apart from it, where they can be
//! erased. The sealer links entries afterwards: each link hashes the one before and a salted
//! commitment to the entry. Every five minutes the head is authenticated with a key the database
//! does not have, and appended to `checkpoints.log` outside it, with a copy in the database by which
//! a file that was removed or cut is noticed. Entries past their time are let go from the old end,
//! which the same file is told.

mod check;
mod checkpoint;
mod entry;
mod link;
mod list;
mod personal;
mod retain;
mod seal;
mod unsealed;
mod values;
mod verify;
mod witness;
mod words;

pub(crate) use self::personal::written;
pub(crate) use self::{entry::Model as Row, values::Model as PersonalValues};
pub use self::{
    list::{Entry, Filter, SECURITY, company_of, get, list, list_of_all},
    personal::{forget_actor, forget_thing},
    retain::{let_go, past},
    seal::{checkpoint, companies_with_unsealed, companies_without_checkpoint, seal, seal_all},
    verify::{ChainState, Check, Standing, check, companies_unchecked_since, companies_with_faults, keep, standing, verify, verify_as_of},
    witness::{Lacking, Testimony, heard_so_far, renew},
    words::{actions, is_action, is_known, resources},
};
