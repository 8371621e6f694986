//! The ledger: double entry, per company, append-only. No running balance on a hot account: a
//! balance is what the last closed month left, and the sum of what was booked since.

mod account;
mod balance;
mod close;
mod closing;
mod entry;
mod month;
mod transaction;

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::Serialize;

pub use self::{
    account::open_books,
    balance::{Balance, Books, balances, first_month},
    close::{ask_to_close, close_due, close_month, companies_to_close},
    month::Month,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{LedgerEntryId, LedgerTransactionId, OrderId, PaymentId, ShopId},
    money::Money,
    tenancy::Scope,
};

/// Where money can be; the books show them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// At the payment gateway, ours.
    Gateway,
    /// In a till or a rider's bag.
    Cash,
    /// Owed by a customer: cash on delivery before it is handed over.
    Receivable,
    Sales,
    TaxPayable,
    /// Given back for goods that were not kept.
    SalesReturns,
    /// Owed to the platform.
    Payable,
    /// The company's own account elsewhere, which Souk does not see.
    Bank,
    /// What the platform's plans cost.
    PlatformFees,
    /// Bought from the platform.
    Purchases,
    /// Owed once, and written off by the platform.
    DebtForgiven,
}

/// What an account tells of a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Nature {
    /// What it has.
    Asset,
    /// What it owes.
    Liability,
    /// What it earned, and what of that was given back.
    Income,
    /// What it spent.
    Expense,
}

impl Nature {
    pub const ALL: [Self; 4] = [Self::Asset, Self::Liability, Self::Income, Self::Expense];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Liability => "liability",
            Self::Income => "income",
            Self::Expense => "expense",
        }
    }
}

impl Account {
    pub const ALL: [Self; 11] = [
        Self::Gateway,
        Self::Cash,
        Self::Receivable,
        Self::Sales,
        Self::TaxPayable,
        Self::SalesReturns,
        Self::Payable,
        Self::Bank,
        Self::PlatformFees,
        Self::Purchases,
        Self::DebtForgiven,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Cash => "cash",
            Self::Receivable => "receivable",
            Self::Sales => "sales",
            Self::TaxPayable => "tax_payable",
            Self::SalesReturns => "sales_returns",
            Self::Payable => "payable",
            Self::Bank => "bank",
            Self::PlatformFees => "platform_fees",
            Self::Purchases => "purchases",
            Self::DebtForgiven => "debt_forgiven",
        }
    }

    #[must_use]
    pub const fn nature(self) -> Nature {
        match self {
            Self::Gateway | Self::Cash | Self::Receivable | Self::Bank => Nature::Asset,
            Self::TaxPayable | Self::Payable => Nature::Liability,
            Self::Sales | Self::SalesReturns | Self::DebtForgiven => Nature::Income,
            Self::PlatformFees | Self::Purchases => Nature::Expense,
        }
    }
}

/// One side of a booking.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub account: Account,
    pub shop: Option<ShopId>,
    pub debit: Money,
    pub credit: Money,
}

impl Line {
    #[must_use]
    pub const fn debit(account: Account, shop: Option<ShopId>, amount: Money) -> Self {
        Self { account, shop, debit: amount, credit: Money::ZERO }
    }

    #[must_use]
    pub const fn credit(account: Account, shop: Option<ShopId>, amount: Money) -> Self {
        Self { account, shop, debit: Money::ZERO, credit: amount }
    }
}

/// What a booking is about.
#[derive(Clone, Debug)]
pub struct About<'a> {
    pub kind: &'a str,
    pub reference: &'a str,
    pub payment: Option<PaymentId>,
    pub order: Option<OrderId>,
    pub currency: &'a str,
}

/// Books `lines`, which balance.
///
/// # Errors
/// When they do not: that is a mistake in the program, and the unit is not kept.
pub async fn post(scope: &Scope, about: About<'_>, lines: &[Line]) -> Result<()> {
    let debit = Money::sum(lines.iter().map(|line| line.debit))?;
    let credit = Money::sum(lines.iter().map(|line| line.credit))?;
    if debit != credit {
        return Err(Error::internal(format!("`{}` does not balance: {} against {}", about.kind, debit.0, credit.0)));
    }
    let now = clock::now();
    let transaction_id = LedgerTransactionId::new();
    scope
        .insert(transaction::Model {
            company_id: scope.company(),
            id: transaction_id,
            kind: about.kind.into(),
            reference: about.reference.into(),
            payment_id: about.payment,
            order_id: about.order,
            created_at: now,
        })
        .await?;
    let entries = lines.iter().filter(|line| line.debit != line.credit).map(|line| entry::Model {
        company_id: scope.company(),
        id: LedgerEntryId::new(),
        transaction_id,
        account: line.account,
        currency: about.currency.into(),
        shop_id: line.shop,
        debit: line.debit,
        credit: line.credit,
        created_at: now,
    });
    scope.insert_all(entries.collect()).await
}
