//! Every message that Souk writes by itself, on one screen: what it is about, for whom, how much
//! it matters, and after which event.

use std::time::Duration;

use super::class::{Channel, Class};
use crate::models::identity::Purpose;

/// What a message is about decides which facts its text may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Order,
    Payment,
    Stock,
    Debt,
    Security,
    /// Nothing but the person.
    Person,
    /// A link that proves something once. It goes by e-mail alone, is made when the letter is, and
    /// is kept nowhere.
    Link(Purpose),
    /// A code that proves a telephone once. It goes by SMS alone, and is made as such a link is.
    Code,
    /// Words that come with the message.
    Words,
}

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The customer it is about.
    Customer,
    /// Whoever works at the shop.
    ShopPeople,
    /// Who manages the shop; the company's admins for a place that is no shop.
    Managers,
    /// The company's admins.
    Admins,
    /// Whom the event names.
    Named,
}

/// A message that Souk writes by itself.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub class: Class,
    pub about: About,
    pub audience: Audience,
    /// The event that it tells of; nothing for what is asked for by `notification.requested`.
    pub event: Option<&'static str>,
    /// About the same thing it is not said again for so long.
    pub quiet: Option<Duration>,
}

const fn kind(name: &'static str, class: Class, about: About, audience: Audience, event: &'static str) -> Kind {
    Kind { name, class, about, audience, event: Some(event), quiet: None }
}

const fn quiet(kind: Kind, hours: u64) -> Kind {
    Kind { quiet: Some(Duration::from_secs(hours * 3_600)), ..kind }
}

const fn asked(name: &'static str, class: Class, about: About) -> Kind {
    Kind { name, class, about, audience: Audience::Named, event: None, quiet: None }
}

const fn letter(name: &'static str, purpose: Purpose) -> Kind {
    Kind { name, class: Class::Critical, about: About::Link(purpose), audience: Audience::Named, event: None, quiet: None }
}

const fn code(name: &'static str) -> Kind {
    Kind { name, class: Class::Critical, about: About::Code, audience: Audience::Named, event: None, quiet: None }
}

pub const KINDS: &[Kind] = &[
    kind("order_confirmed", Class::Critical, About::Order, Audience::Customer, "order.confirmed"),
    kind("order_shipped", Class::Important, About::Order, Audience::Customer, "order.shipped"),
    kind("order_delivered", Class::Important, About::Order, Audience::Customer, "order.delivered"),
    kind("order_cancelled", Class::Important, About::Order, Audience::Customer, "order.cancelled"),
    kind("order_items_cancelled", Class::Important, About::Order, Audience::Customer, "order.items_cancelled"),
    kind("order_returned", Class::Important, About::Order, Audience::Customer, "order.returned"),
    kind("payment_failed", Class::Critical, About::Payment, Audience::Customer, "payment.failed"),
    kind("payment_refunded", Class::Important, About::Payment, Audience::Customer, "payment.refunded"),
    kind("welcome", Class::Important, About::Person, Audience::Customer, "user.registered"),
    kind("staff_new_order", Class::Informational, About::Order, Audience::ShopPeople, "order.confirmed"),
    kind("order_short", Class::Important, About::Order, Audience::Managers, "order.short"),
    quiet(kind("stock_low", Class::Important, About::Stock, Audience::Managers, "inventory.low_stock"), 24),
    quiet(kind("stock_out", Class::Important, About::Stock, Audience::Managers, "inventory.out_of_stock"), 24),
    kind("debt_created", Class::Informational, About::Debt, Audience::Admins, "debt.created"),
    // The collection itself asks for these, one for all debts of a day.
    asked("debt_due", Class::Important, About::Debt),
    asked("debt_overdue", Class::Critical, About::Debt),
    asked("debt_limited", Class::Critical, About::Debt),
    asked("debt_suspended", Class::Critical, About::Debt),
    asked("debt_lifted", Class::Important, About::Debt),
    kind("debt_paid", Class::Informational, About::Debt, Audience::Admins, "debt.paid"),
    quiet(kind("security", Class::Important, About::Security, Audience::Admins, "audit.security"), 1),
    letter("staff_invited", Purpose::Invitation),
    letter("password_reset", Purpose::NewPassword),
    letter("email_verification", Purpose::Address),
    code("one_time_code"),
];

impl Kind {
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// What is told after an event.
    pub fn after(event: &str) -> impl Iterator<Item = &'static Self> {
        KINDS.iter().filter(move |kind| kind.event == Some(event))
    }

    #[must_use]
    pub const fn is_about_an_order(&self) -> bool {
        matches!(self.about, About::Order)
    }

    #[must_use]
    pub const fn is_about_stock(&self) -> bool {
        matches!(self.about, About::Stock)
    }

    #[must_use]
    pub const fn is_about_a_debt(&self) -> bool {
        matches!(self.about, About::Debt)
    }

    /// The ways of what opens an account, whatever its person chose; anything else goes as its class does.
    #[must_use]
    pub const fn ways(&self) -> Option<&'static [Channel]> {
        match self.about {
            About::Link(_) => Some(&[Channel::InApp, Channel::Email]),
            About::Code => Some(&[Channel::Sms]),
            _ => None,
        }
    }

    /// Those that never lie in anybody's list: that somebody asked for a code is over before it is read.
    pub fn unlisted() -> impl Iterator<Item = &'static str> {
        let is_unlisted = |kind: &&Self| kind.ways().is_some_and(|ways| !ways.contains(&Channel::InApp));
        KINDS.iter().filter(is_unlisted).map(|kind| kind.name)
    }
}
