//! The built-in roles as sets of permissions; the handlers, the documents and the wall tests read this.

use serde::{Deserialize, Serialize};

/// What a person is, from the most to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Public,
    Customer,
    Rider,
    ShopStaff,
    ShopManager,
    CompanyAdmin,
    SuperAdmin,
}

impl Role {
    pub const ALL: [Self; 7] =
        [Self::Public, Self::Customer, Self::Rider, Self::ShopStaff, Self::ShopManager, Self::CompanyAdmin, Self::SuperAdmin];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Customer => "customer",
            Self::Rider => "rider",
            Self::ShopStaff => "shop_staff",
            Self::ShopManager => "shop_manager",
            Self::CompanyAdmin => "company_admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the role sees only the shops it is assigned to.
    #[must_use]
    pub const fn is_of_shops(self) -> bool {
        matches!(self, Self::Rider | Self::ShopStaff | Self::ShopManager)
    }

    #[must_use]
    pub fn may(self, permission: &str) -> bool {
        table(permission).contains(&self)
    }
}

/// A permission as a type, so that a handler's signature names it.
pub trait Permission: Send + Sync + 'static {
    const NAME: &'static str;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal : $($role:ident)*;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;
            impl Permission for $name {
                const NAME: &'static str = $text;
            }
        )*

        /// Every permission there is.
        pub const PERMISSIONS: &[&str] = &[$($text),*];

        fn table(permission: &str) -> &'static [Role] {
            match permission {
                $($text => &[$(Role::$role),*],)*
                _ => &[],
            }
        }
    };
}

permissions! {
    Anyone = "anyone": Public Customer Rider ShopStaff ShopManager CompanyAdmin SuperAdmin;
    SignedIn = "signed_in": Customer Rider ShopStaff ShopManager CompanyAdmin SuperAdmin;
    CompaniesRead = "companies:read": CompanyAdmin SuperAdmin;
    CompaniesWrite = "companies:write": SuperAdmin;
    CompanySettings = "companies:settings": CompanyAdmin SuperAdmin;
    ShopsRead = "shops:read": Public Customer Rider ShopStaff ShopManager CompanyAdmin SuperAdmin;
    ShopsWrite = "shops:write": CompanyAdmin SuperAdmin;
    ProductsRead = "products:read": Public Customer Rider ShopStaff ShopManager CompanyAdmin SuperAdmin;
    CartUse = "cart:use": Public Customer;
    OrdersPlace = "orders:place": Customer;
    OrdersRead = "orders:read": Customer ShopStaff ShopManager CompanyAdmin SuperAdmin;
    OrdersFulfil = "orders:fulfil": ShopStaff ShopManager CompanyAdmin;
    OrdersCancel = "orders:cancel": Customer ShopManager CompanyAdmin;
    PaymentsPay = "payments:pay": Customer;
    PaymentsRead = "payments:read": Customer ShopManager CompanyAdmin SuperAdmin;
    InventoryRead = "inventory:read": ShopStaff ShopManager CompanyAdmin SuperAdmin;
    InventoryWrite = "inventory:write": ShopManager CompanyAdmin;
    NotificationsRead = "notifications:read": Customer;
    AuditRead = "audit:read": CompanyAdmin SuperAdmin;
}
