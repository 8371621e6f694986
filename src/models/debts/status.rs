//! What a debt is for, and how it stands.

use schemars::JsonSchema;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What a debt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, JsonSchema)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DebtType")]
pub enum Kind {
    Subscription,
    Purchase,
    Loan,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Subscription, Self::Purchase, Self::Loan];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Purchase => "purchase",
            Self::Loan => "loan",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How a debt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    Partial,
    Overdue,
    Paid,
    /// It should not have been raised.
    Cancelled,
    /// The platform has given up the rest.
    WrittenOff,
}

impl Status {
    pub const ALL: [Self; 6] = [Self::Pending, Self::Partial, Self::Overdue, Self::Paid, Self::Cancelled, Self::WrittenOff];
    /// Those of debts that are still owed.
    pub const OPEN: [Self; 3] = [Self::Pending, Self::Partial, Self::Overdue];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Partial => "partial",
            Self::Overdue => "overdue",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
            Self::WrittenOff => "written_off",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Partial | Self::Overdue)
    }

    /// How a debt stands by its figures: all paid, something late, something paid. What was closed
    /// stays closed; a payment that is taken back opens what was paid.
    #[must_use]
    pub const fn by_figures(self, is_paid: bool, is_late: bool, is_begun: bool) -> Self {
        match (self, is_paid, is_late, is_begun) {
            (Self::Cancelled | Self::WrittenOff, _, _, _) => self,
            (_, true, _, _) => Self::Paid,
            (_, false, true, _) => Self::Overdue,
            (_, false, false, true) => Self::Partial,
            (_, false, false, false) => Self::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn a_debt_stands_by_its_figures() {
        let of = |is_paid, is_late, is_begun| Status::Pending.by_figures(is_paid, is_late, is_begun).name();
        let all = [of(false, false, false), of(false, false, true), of(false, true, true), of(true, false, true)];
        assert_eq!(all, ["pending", "partial", "overdue", "paid"]);
        assert_eq!(Status::Paid.by_figures(false, true, false), Status::Overdue);
        assert_eq!(Status::WrittenOff.by_figures(false, true, true), Status::WrittenOff);
    }
}
