//! The admin portal: for the platform's people alone.

mod acting;
mod companies;
mod company;
mod debts;
mod frame;
mod home;
mod machine;
mod plans;
mod users;
