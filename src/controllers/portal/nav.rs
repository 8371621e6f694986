//! The navigation of the portals as one table; a person sees the places that their role may open.

use serde_json::{Value, json};

use crate::{
    tenancy::{
        PLATFORM_COMPANY, Tenant,
        roles::{self, Permission},
    },
    views::templates,
};

/// Which portal a place belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portal {
    Admin,
    Company,
    Shop,
}

impl Portal {
    /// The portal of an address; what belongs to none, such as one's account, is in the visitor's own.
    pub fn of(path: &str, tenant: &Tenant) -> Self {
        let is_platform = tenant.company == PLATFORM_COMPANY;
        match path {
            _ if is_under(path, "/admin") => Self::Admin,
            _ if is_under(path, "/shop") => Self::Shop,
            _ if is_platform => Self::Admin,
            _ => Self::Company,
        }
    }

    /// What the pages' style and script know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Company => "company",
            Self::Shop => "term",
        }
    }
}

/// One entry.
struct Place {
    portal: Portal,
    /// The key of its group's title; the first group has none.
    group: &'static str,
    href: &'static str,
    label: &'static str,
    icon: &'static str,
    /// The letter behind `G`; on the terminal its order is its key.
    go: &'static str,
    permission: &'static str,
}

const fn place(
    portal: Portal,
    group: &'static str,
    (href, label, icon): (&'static str, &'static str, &'static str),
    go: &'static str,
    permission: &'static str,
) -> Place {
    Place { portal, group, href, label, icon, go, permission }
}

/// The company's first page, under whose address all the others lie.
pub const HOME: &str = "/company";
const MAIN: &str = "";
const CATALOGUE: &str = "nav.catalogue";
const STOCK: &str = "nav.stock";
const BUSINESS: &str = "nav.business";
const MACHINE: &str = "nav.machine";

/// Every place, in the order it is shown; a group stays together.
const PLACES: &[Place] = &[
    place(Portal::Admin, MAIN, ("/admin", "admin.home.title", "home"), "h", roles::PlatformRead::NAME),
    place(Portal::Admin, MAIN, ("/admin/companies", "admin.companies.title", "building-store"), "c", roles::PlatformRead::NAME),
    place(Portal::Admin, MAIN, ("/admin/plans", "admin.plans.title", "receipt-2"), "p", roles::PlatformRead::NAME),
    place(Portal::Admin, MAIN, ("/admin/users", "admin.users.title", "users"), "u", roles::PlatformRead::NAME),
    place(Portal::Admin, MAIN, ("/admin/debts", "admin.debts.title", "receipt-2"), "d", roles::PlatformRead::NAME),
    place(Portal::Admin, MACHINE, ("/admin/jobs", "admin.jobs.title", "stack-2"), "j", roles::PlatformRead::NAME),
    place(Portal::Admin, MACHINE, ("/admin/audit", "nav.audit", "shield-check"), "a", roles::PlatformRead::NAME),
    place(Portal::Admin, MACHINE, ("/admin/health", "admin.health.title", "heart-rate-monitor"), "e", roles::PlatformRead::NAME),
    place(Portal::Admin, MACHINE, ("/admin/settings", "admin.settings.title", "settings"), "s", roles::PlatformRead::NAME),
    place(Portal::Company, MAIN, (HOME, "nav.home", "home"), "h", roles::ReportsRead::NAME),
    place(Portal::Company, MAIN, ("/company/orders", "nav.orders", "shopping-cart"), "o", roles::OrdersRead::NAME),
    place(Portal::Company, MAIN, ("/company/customers", "customers.title", "user-circle"), "c", roles::UsersRead::NAME),
    place(Portal::Company, CATALOGUE, ("/company/products", "products.title", "tag"), "p", roles::ProductsUpdate::NAME),
    place(Portal::Company, CATALOGUE, ("/company/categories", "categories.title", "category"), "", roles::CatalogOrganise::NAME),
    place(Portal::Company, CATALOGUE, ("/company/brands", "brands.title", "bookmark"), "", roles::CatalogOrganise::NAME),
    place(Portal::Company, CATALOGUE, ("/company/attributes", "attributes.title", "adjustments"), "", roles::CatalogOrganise::NAME),
    place(Portal::Company, STOCK, ("/company/inventory", "inventory.title", "packages"), "i", roles::InventoryRead::NAME),
    place(Portal::Company, BUSINESS, ("/company/shops", "shops.title", "building-store"), "w", roles::ShopsSee::NAME),
    place(Portal::Company, BUSINESS, ("/company/notifications", "notice.title", "send"), "m", roles::NotificationsLog::NAME),
    place(Portal::Company, BUSINESS, ("/company/staff", "staff.title", "users"), "t", roles::UsersRead::NAME),
    place(Portal::Company, BUSINESS, ("/company/roles", "roles.title", "user-shield"), "r", roles::RolesRead::NAME),
    place(Portal::Company, BUSINESS, ("/company/books", "books.title", "scale"), "k", roles::BooksRead::NAME),
    place(Portal::Company, BUSINESS, ("/company/debts", "debts.owed_title", "receipt-2"), "b", roles::DebtsRead::NAME),
    place(Portal::Company, BUSINESS, ("/company/audit", "nav.audit", "shield-check"), "a", roles::AuditRead::NAME),
    place(Portal::Company, BUSINESS, ("/company/settings", "settings.title", "settings"), "s", roles::CompanySettings::NAME),
    place(Portal::Shop, MAIN, ("/shop/orders", "nav.orders", "clipboard-list"), "", roles::OrdersFulfil::NAME),
    place(Portal::Shop, MAIN, ("/shop/stock", "stock.title", "box"), "", roles::InventoryRead::NAME),
    place(Portal::Shop, MAIN, ("/shop/alerts", "stock.alerts", "bell"), "", roles::InventoryRead::NAME),
];

/// The first place that somebody of a company may open, of either portal.
pub fn first(tenant: &Tenant) -> Option<&'static str> {
    PLACES.iter().find(|place| place.portal != Portal::Admin && tenant.may(place.permission)).map(|place| place.href)
}

/// The places of a portal that somebody may open, in their groups; the one of `path` is marked.
pub fn shown(portal: Portal, tenant: &Tenant, path: &str) -> Vec<Value> {
    let mine: Vec<_> = PLACES.iter().filter(|place| place.portal == portal && tenant.may(place.permission)).collect();
    // The longest address that `path` lies under: a detail page belongs to its list.
    let is_here = |place: &&&Place| if place.href == HOME { path == HOME } else { is_under(path, place.href) };
    let here = mine.iter().filter(is_here).max_by_key(|place| place.href.len()).map(|place| place.href);
    let mut groups: Vec<Value> = Vec::new();
    for place in mine {
        let entry = json!({
            "href": place.href, "label": place.label, "icon": place.icon, "go": place.go, "here": here == Some(place.href),
        });
        match groups.last_mut().filter(|group| group["title"] == place.group) {
            Some(group) => {
                if let Some(places) = group["places"].as_array_mut() {
                    places.push(entry);
                }
            }
            None => groups.push(json!({ "title": place.group, "places": [entry] })),
        }
    }
    groups
}

/// The places that somebody may open and whose name in their language fits what they typed: name, address, letter.
pub fn named(portal: Portal, tenant: &Tenant, words: &str, language: &str) -> Vec<(String, &'static str, &'static str)> {
    let mine = PLACES.iter().filter(|place| place.portal == portal && tenant.may(place.permission));
    let words = words.to_lowercase();
    let named = mine.map(|place| (templates::text(place.label, language), place.href, place.go));
    named.filter(|(name, ..)| name.to_lowercase().contains(&words)).collect()
}

fn is_under(path: &str, href: &str) -> bool {
    path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{PLACES, Portal, shown};
    use crate::{
        ids::CompanyId,
        tenancy::{Role, Tenant},
        views::templates,
    };

    #[test]
    fn every_place_has_a_name_in_each_language_and_an_icon() {
        for place in PLACES {
            for language in templates::LANGUAGES {
                assert_ne!(templates::text(place.label, language), place.label, "{} has no name in {language}", place.href);
            }
            assert!(templates::Static::get(&format!("icons/{}.svg", place.icon)).is_some(), "{} has no icon", place.href);
        }
    }

    #[test]
    fn a_role_sees_only_what_it_may_open() {
        let staff = Tenant { role: Role::ShopStaff, ..Tenant::system(CompanyId::new()) };
        let text = serde_json::to_string(&shown(Portal::Company, &staff, "/company/orders/1")).unwrap_or_default();
        assert!(text.contains("/company/orders") && text.contains("\"here\":true"), "{text}");
        assert!(!text.contains("/company/audit"), "{text}");
    }
}
