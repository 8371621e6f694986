//! Identity: who somebody is, and how they prove it.
//!
//! `staff` is a person of the platform, `members` joins one to a company, `assignments` gives
//! roles; `customers` belong to one company. Passwords are argon2id, off the async threads.

mod assignment;
mod customer;
mod customer_session;
mod member;
mod password;
mod refresh_token;
mod session;
mod sign_in;
mod staff;
mod staff_session;

pub use self::{
    customer::Model as Customer,
    member::Model as Member,
    password::hash as hash_password,
    session::{Claims, IssuedTokens, Portal, caller_of_claims, caller_of_cookie, issue, read_token, refresh, revoke, revoke_portal},
    sign_in::{NewCustomer, Person, add_staff, customers, find_customer, register, set_appearance, sign_in},
    staff::Model as Staff,
};
