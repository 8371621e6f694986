//! People of a company, the roles they have, its shops and its settings.

mod roles;
mod settings;
mod shops;
mod staff;
