//! Notifications: what people are told, by which ways, in whose words. A listener: it reads the
//! log, and what other domains show.
//!
//! A message is left once for a person and an event ([`tell`]) or because somebody of the company
//! wrote it ([`send`]). It lies in the person's list, and goes out by one delivery for each way that
//! its class has and the person wants; [`deliver`] takes one to its carrier.

mod choice;
mod choices;
mod class;
mod deliver;
mod delivery;
mod device;
mod devices;
mod forget;
mod inbox;
mod kinds;
mod leave;
mod let_go;
mod links;
mod log;
mod notification;
mod person;
mod sandbox;
mod send;
mod standard;
mod tell;
mod template;
mod templates;
mod text;

pub use self::{
    choices::{Choices, Letters, choices_of, choose, company_choices, letters_of, my_choices, set_company_choices, switch_letters},
    class::{Channel, Class},
    deliver::{apply, deliver},
    delivery::{Model as Delivery, state},
    devices::{NewDevice, forget_device, register_device},
    forget::{forget_customer, written_to},
    inbox::{UNREAD_MAX, get, list, read, unread},
    kinds::KINDS,
    leave::deliveries,
    let_go::{let_go, past},
    log::{Filter, Line, log, message, names},
    notification::Model as Notification,
    send::{NewMessage, send},
    tell::{hears, tell},
    template::Model as Template,
    templates::{Draft, Text, TextKey, add_text, change_text, drop_text, key_of, preview, text_of, texts, variables},
};
