//! Named moments at which a test may end the process, as a loss of power would: between any two
//! of them lies a commit or a call to the world. Without debug assertions none of this is built.

/// A moment in which dying must lose nothing that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The checkout is committed, its payment not begun.
    CheckoutKept,
    /// The attempt is recorded, the gateway not asked.
    AttemptKept,
    /// The gateway took the money, nobody wrote it down.
    MoneyTaken,
    /// The sale is written down, its answer not stored under the key.
    SaleKept,
    /// The gateway gave the money back, nobody wrote it down.
    MoneyReturned,
}

impl Moment {
    pub const ALL: [Self; 5] = [Self::CheckoutKept, Self::AttemptKept, Self::MoneyTaken, Self::SaleKept, Self::MoneyReturned];

    /// What `SOUK_FAILPOINT` says to die here.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckoutKept => "checkout_kept",
            Self::AttemptKept => "attempt_kept",
            Self::MoneyTaken => "money_taken",
            Self::SaleKept => "sale_kept",
            Self::MoneyReturned => "money_returned",
        }
    }
}

/// Dies here, if this process was started to.
#[cfg(debug_assertions)]
pub fn reach(moment: Moment) {
    static ARMED: std::sync::LazyLock<Option<String>> = std::sync::LazyLock::new(crate::settings::failpoint);
    if ARMED.as_deref() == Some(moment.name()) {
        std::process::abort();
    }
}

/// Nothing happens here.
#[cfg(not(debug_assertions))]
pub const fn reach(_: Moment) {}
