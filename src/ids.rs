//! An id for each thing: version 7 UUIDs, so that sorting by id is sorting by birth.

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, born now by [`clock::now`].
            #[must_use]
            pub fn new() -> Self {
                Self(born_now())
            }

            /// The least id of a moment: those born before it are smaller.
            #[must_use]
            pub fn first_at(moment: clock::Instant) -> Self {
                Self(first_at(moment))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(schemas: &mut schemars::SchemaGenerator) -> schemars::Schema {
                Uuid::json_schema(schemas)
            }
        }

        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )*};
}

id! {
    /// A tenant.
    CompanyId
    ShopId
    /// A person of the platform, who may be a member of several companies.
    StaffId
    /// A person's place in one company: what rows of the company point at.
    MemberId
    AssignmentId
    /// A role that a company made itself.
    RoleId
    CustomerId AddressId
    SessionId
    CategoryId BrandId ProductId VariantId AttributeId AttributeValueId MediaId FileId
    LocationId StockId HoldId MovementId StockCountId AlertId
    CartId CartItemId
    CheckoutId OrderId OrderItemId OrderEventId
    PaymentId AttemptId AllocationId RefundId
    LedgerAccountId LedgerTransactionId LedgerEntryId
    PlanId SubscriptionId PeriodId
    DebtId InstalmentId DebtPaymentId DebtNoteId
    EventId JobId AuditId RowId SavedViewId
    NotificationId TemplateId DeviceId
}

/// The time of a movable clock, so that demo data made "last month" also sorts as last month; to
/// the microsecond, so that what one unit makes sorts as it was made.
fn born_now() -> Uuid {
    let micros = clock::now().micros().max(0).unsigned_abs();
    let seconds = micros / 1_000_000;
    let nanos = u32::try_from(micros % 1_000_000).unwrap_or_default() * 1_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::timestamp::context::ContextV7::new().with_additional_precision(), seconds, nanos))
}

fn first_at(moment: clock::Instant) -> Uuid {
    let milliseconds = u128::from(moment.micros().max(0).unsigned_abs() / 1_000);
    Uuid::from_u128(milliseconds << 80 | 0x7000 << 64 | 0x8000 << 48)
}
