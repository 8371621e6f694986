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
mod forget;
mod item;
mod list;
mod order;
mod pay;
mod place;
mod popularity;
mod series;
mod shelf;
mod status;
mod sweep;
mod traded;
mod undelivered;

pub use self::{
    act::{Step, advance},
    cancel::{CancelLine, Cancellation, called_off, cancel, cancel_as_read},
    checkout::Model as Checkout,
    event::Model as TimelineEntry,
    finalise::{begin_payment, finalise},
    forget::forget_customer,
    item::Model as Item,
    list::{
        By, Filter, Page, bought_here, company_of, find_checkout, get, has_open, items_of, list, list_of_all, of_checkout, parts_of_all,
        sorted, timeline, waiting,
    },
    order::Model as Order,
    pay::{charge, pay, resume, settle, verify},
    place::{NewOrder, Placed, place},
    popularity::{companies_that_sell, count_popularity},
    shelf::{Count, WriteOff, count, fill, write_off},
    status::{PAYMENT_STATES, Status},
    sweep::{cancel_unpaid, companies_with_unpaid, release_due},
    traded::{Bought, OfShop, OfStatus, SoldGoods, Span, best_sellers, bought_by, by_hour, by_shop, by_status, how_many},
};
