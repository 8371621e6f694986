//! The built-in roles as sets of permissions; the handlers, the documents and the wall tests read this.

use serde::{Deserialize, Serialize};

use crate::ids::ShopId;

/// What a person is, from the most to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Public,
    Customer,
    Rider,
    /// Somebody of the staff whose rights come from roles of the company's own.
    Member,
    ShopStaff,
    ShopManager,
    CompanyAdmin,
    SuperAdmin,
}

impl Role {
    pub const ALL: [Self; 8] =
        [Self::Public, Self::Customer, Self::Rider, Self::Member, Self::ShopStaff, Self::ShopManager, Self::CompanyAdmin, Self::SuperAdmin];

    /// The built-in roles that a company gives to its staff.
    pub const OF_STAFF: [Self; 4] = [Self::CompanyAdmin, Self::ShopManager, Self::ShopStaff, Self::Rider];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Customer => "customer",
            Self::Rider => "rider",
            Self::Member => "member",
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

/// What one assignment allows, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Nothing for the whole company.
    pub shop: Option<ShopId>,
    pub role: Role,
    /// What a role of the company's own adds; nothing for a built-in one.
    pub permissions: Vec<&'static str>,
}

impl Grant {
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        let reaches = self.shop.is_none() || fits_a_shop(permission);
        reaches && (self.role.may(permission) || self.permissions.contains(&permission))
    }

    /// Whether it reaches a shop, or for nothing the whole company.
    #[must_use]
    pub fn covers(&self, shop: Option<ShopId>) -> bool {
        self.shop.is_none() || self.shop == shop
    }
}

/// The permissions out of which a company makes its own roles: what its admin may and the public may not.
pub fn grantable() -> impl Iterator<Item = &'static str> {
    let named = PERMISSIONS.iter().copied().filter(|name| *name != SignedIn::NAME);
    named.filter(|name| Role::CompanyAdmin.may(name) && !Role::Public.may(name))
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

/// What can be held at a shop alone: what a built-in role of shops holds, and what narrows itself
/// to shops. Anything else concerns the whole company, and a role at one shop does not give it.
#[must_use]
pub fn fits_a_shop(permission: &str) -> bool {
    [Role::Rider, Role::ShopStaff, Role::ShopManager].iter().any(|role| role.may(permission))
        || [UsersWrite::NAME, ShopsWrite::NAME].contains(&permission)
}

/// Whether something may still be changed under a permission when the company's subscription has
/// lapsed: paying, and one's own session.
#[must_use]
pub fn holds_while_lapsed(permission: &str) -> bool {
    [DebtsPay::NAME, SignedIn::NAME, Anyone::NAME].contains(&permission)
}

permissions! {
    Anyone = "anyone": Public Customer Rider Member ShopStaff ShopManager CompanyAdmin SuperAdmin;
    SignedIn = "signed_in": Customer Rider Member ShopStaff ShopManager CompanyAdmin SuperAdmin;
    /// One's own address book, preferences and wishlist.
    AccountKeep = "account:keep": Customer;
    /// The platform's own pages: its people's only.
    PlatformRead = "platform:read": SuperAdmin;
    PlatformRun = "platform:run": SuperAdmin;
    /// Shutting people out everywhere, and letting them in again.
    PlatformPeople = "platform:people": SuperAdmin;
    CompaniesRead = "companies:read": CompanyAdmin SuperAdmin;
    CompaniesWrite = "companies:write": SuperAdmin;
    /// Acting in a company in the place of one of its admins.
    CompaniesActAs = "companies:act_as": SuperAdmin;
    CompanySettings = "companies:settings": CompanyAdmin SuperAdmin;
    ShopsRead = "shops:read": Public Customer Rider Member ShopStaff ShopManager CompanyAdmin SuperAdmin;
    /// The pages of one's shops; their public fields are everybody's.
    ShopsSee = "shops:see": ShopStaff ShopManager CompanyAdmin SuperAdmin;
    ShopsWrite = "shops:write": CompanyAdmin SuperAdmin;
    ProductsRead = "products:read": Public Customer Rider Member ShopStaff ShopManager CompanyAdmin SuperAdmin;
    ProductsWrite = "products:write": ShopManager CompanyAdmin SuperAdmin;
    ProductsUpdate = "products:update": ShopStaff ShopManager CompanyAdmin SuperAdmin;
    CatalogOrganise = "catalog:organise": CompanyAdmin SuperAdmin;
    CartUse = "cart:use": Public Customer;
    OrdersPlace = "orders:place": Customer;
    OrdersRead = "orders:read": Customer ShopStaff ShopManager CompanyAdmin SuperAdmin;
    OrdersFulfil = "orders:fulfil": ShopStaff ShopManager CompanyAdmin;
    OrdersCancel = "orders:cancel": Customer ShopManager CompanyAdmin;
    PaymentsPay = "payments:pay": Customer;
    PaymentsRead = "payments:read": Customer ShopManager CompanyAdmin SuperAdmin;
    /// The books of the whole company: one shop's people must not see another's sales.
    BooksRead = "books:read": CompanyAdmin SuperAdmin;
    InventoryRead = "inventory:read": ShopStaff ShopManager CompanyAdmin SuperAdmin;
    InventoryWrite = "inventory:write": ShopManager CompanyAdmin;
    /// Receive and count at one's shops.
    InventoryHandle = "inventory:handle": ShopStaff ShopManager CompanyAdmin;
    NotificationsRead = "notifications:read": Customer Rider ShopStaff ShopManager CompanyAdmin SuperAdmin;
    NotificationsLog = "notifications:log": CompanyAdmin SuperAdmin;
    NotificationsSend = "notifications:send": CompanyAdmin;
    NotificationsTemplates = "notifications:templates": CompanyAdmin;
    UsersRead = "users:read": ShopManager CompanyAdmin SuperAdmin;
    UsersWrite = "users:write": CompanyAdmin SuperAdmin;
    RolesRead = "roles:read": ShopManager CompanyAdmin SuperAdmin;
    RolesWrite = "roles:write": CompanyAdmin SuperAdmin;
    /// Turnover and what else the home page tells.
    ReportsRead = "reports:read": ShopManager CompanyAdmin SuperAdmin;
    AuditRead = "audit:read": CompanyAdmin SuperAdmin;
    DebtsRead = "debts:read": CompanyAdmin SuperAdmin;
    DebtsPay = "debts:pay": CompanyAdmin SuperAdmin;
    DebtsWrite = "debts:write": SuperAdmin;
    PlansWrite = "plans:write": SuperAdmin;
    /// What somebody did: oneself, for customers.
    AuditOwn = "audit:own": Customer CompanyAdmin SuperAdmin;
}
