//! The life of an order, as one pure match.

use schemars::JsonSchema;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::errors::Error;

/// How an order is paid: `pending` is cash that comes with the delivery.
pub const PAYMENT_STATES: [&str; 6] = ["unpaid", "pending", "paid", "failed", "partially_refunded", "refunded"];

/// The customer's and the shop's view of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, JsonSchema)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OrderStatus")]
pub enum Status {
    Pending,
    Confirmed,
    Processing,
    Packed,
    Shipped,
    Delivered,
    Completed,
    Cancelled,
    Returned,
}

impl Status {
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Confirmed,
        Self::Processing,
        Self::Packed,
        Self::Shipped,
        Self::Delivered,
        Self::Completed,
        Self::Cancelled,
        Self::Returned,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Processing => "processing",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// What staff do next. Confirming is the payment's; cancelling and taking back are acts of their own.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Confirmed => Some(Self::Processing),
            Self::Processing => Some(Self::Packed),
            Self::Packed => Some(Self::Shipped),
            Self::Shipped => Some(Self::Delivered),
            Self::Delivered => Some(Self::Completed),
            Self::Pending | Self::Completed | Self::Cancelled | Self::Returned => None,
        }
    }

    /// Whether the order can still be called off.
    #[must_use]
    pub const fn can_cancel(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed | Self::Processing | Self::Packed)
    }

    /// Whether it can come back undelivered.
    #[must_use]
    pub const fn can_come_back(self) -> bool {
        matches!(self, Self::Shipped)
    }

    /// Every status that can follow. A move that is not here does not happen.
    #[must_use]
    pub fn allowed(self) -> Vec<Self> {
        let last = self.can_cancel().then_some(Self::Cancelled).or(self.can_come_back().then_some(Self::Returned));
        self.next().into_iter().chain(last).collect()
    }

    /// The event that tells of having come here.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Pending => "order.created",
            Self::Confirmed => "order.confirmed",
            Self::Processing => "order.processing",
            Self::Packed => "order.packed",
            Self::Shipped => "order.shipped",
            Self::Delivered => "order.delivered",
            Self::Completed => "order.completed",
            Self::Cancelled => "order.cancelled",
            Self::Returned => "order.returned",
        }
    }

    /// The refusal of a move the machine has not.
    #[must_use]
    pub fn refuse(self, to: Self) -> Error {
        let detail = format!("an order that is {} cannot become {}", self.name(), to.name());
        Error::conflict("invalid_transition", detail, json!({ "state": self, "allowed": self.allowed() }))
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn an_order_walks_from_confirmed_to_completed_one_step_at_a_time() {
        let mut walk = vec![Status::Confirmed];
        while let Some(next) = walk.last().and_then(|last| last.next()) {
            walk.push(next);
        }
        let names: Vec<_> = walk.into_iter().map(Status::name).collect();
        assert_eq!(names, ["confirmed", "processing", "packed", "shipped", "delivered", "completed"]);
    }

    #[test]
    fn what_has_left_the_shop_is_not_cancelled() {
        let open: Vec<_> = Status::ALL.into_iter().filter(|status| status.can_cancel()).map(Status::name).collect();
        assert_eq!(open, ["pending", "confirmed", "processing", "packed"]);
        assert_eq!(Status::Shipped.allowed(), [Status::Delivered, Status::Returned]);
    }
}
