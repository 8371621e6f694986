//! Orders: from a cart to a delivered parcel.
//!
//! Calls `carts`, `catalog`, `inventory`, `payments`, `ledger`; everybody else hears of an order
//! by its events. Finalising a payment is here, and only here: the request, the gateway's word
//! and the sweep all call [`finalise`].

mod act;
mod cancel;
mod checkout;
mod event;
mod finalise;
mod item;
mod list;
mod order;
mod pay;
mod place;
mod series;
mod status;
mod sweep;

pub use self::{
    act::{Step, advance},
    cancel::{CancelLine, Cancellation, cancel},
    checkout::Model as Checkout,
    event::Model as TimelineEntry,
    finalise::{begin_payment, finalise},
    item::Model as Item,
    list::{Filter, Page, find_checkout, get, items_of, list, of_checkout, timeline},
    order::Model as Order,
    pay::{pay, verify},
    place::{Address, NewOrder, Placed, place},
    status::Status,
    sweep::{cancel_unpaid, release_due},
};
