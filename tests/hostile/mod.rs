//! What a hostile company, customer or stranger tries, and what comes of it.

mod doors;
mod input;
mod invitations;
mod reach;
