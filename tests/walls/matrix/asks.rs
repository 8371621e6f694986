//! What is sent along: bodies, forms and queries that would do or show something, were the ids one's own.

use serde_json::{Value, json};
use souk::endpoints::Endpoint;

use super::neighbour::{BRAND, CATEGORY, COMPANY, CUSTOMER, LOCATION, MEMBER, Neighbour, ORDER, PAYMENT, PRODUCT, SHOP, STOCK, VARIANT};
use crate::support::{World, address, order};

/// What stands in a request's body.
pub enum Body {
    Nothing,
    Json(Value),
    Picture,
}

/// The body of each write of the API; one that is not here is a case that nobody has thought of.
pub fn body(door: &Endpoint, world: &World, theirs: &Neighbour) -> Body {
    let line = json!({ "variantId": theirs.id(VARIANT), "quantity": 1 });
    let at_their_place = json!({ "locationId": theirs.id(LOCATION), "lines": [line] });
    let adjusted = json!({ "locationId": theirs.id(LOCATION), "quantity": 0, "operation": "set", "reason": "not mine" });
    let message = json!({ "customerIds": [theirs.id(CUSTOMER)], "class": "important", "title": "not mine", "text": "not mine" });
    Body::Json(match (door.method, door.uri) {
        ("GET" | "DELETE", _) => return Body::Nothing,
        ("POST", "/api/products/{id}/media") => return Body::Picture,
        ("POST", "/api/cart/items") => json!({ "variantId": theirs.id(VARIANT), "shopId": theirs.id(SHOP), "quantity": 1 }),
        ("PUT", "/api/cart/items/{id}") => json!({ "quantity": 7 }),
        ("POST", "/api/orders") => order(&world.b, 0, 1, "test", Some("tok_ok")),
        (_, "/api/orders/{id}/status") => json!({ "status": "processing" }),
        (_, "/api/orders/{id}/process-payment") => json!({ "paymentMethod": "tok_ok" }),
        (_, "/api/orders/{id}/cancel" | "/api/companies/{id}/suspend" | "/api/debts/{id}/cancel" | "/api/debts/{id}/write-off") => {
            json!({ "reason": "not mine" })
        }
        (_, "/api/auth/change-password") => json!({ "oldPassword": "not-the-password", "newPassword": "another-good-one-7" }),
        (_, "/api/auth/forgot-password") => json!({ "email": world.b.customer.email }),
        (_, "/api/auth/otp/send") => json!({ "phone": "+919800000001" }),
        (_, "/api/auth/otp/verify") => json!({ "phone": "+919800000001", "code": "000000" }),
        (_, "/api/auth/addresses" | "/api/auth/addresses/{id}") => address("Somebody", true),
        (_, "/api/wishlist/items") => json!({ "productId": theirs.id(PRODUCT) }),
        (_, "/api/payments/verify") => json!({ "paymentId": theirs.id(PAYMENT) }),
        ("POST", "/api/debts") => json!({ "companyId": theirs.id(COMPANY), "type": "loan", "amount": 1, "dueDate": "2090-01-31" }),
        ("PUT", "/api/debts/{id}") => json!({ "note": "not mine" }),
        (_, "/api/debts/{id}/payment") => json!({ "amount": 1, "method": "cash" }),
        (_, "/api/debts/{id}/reversal") => json!({ "paymentId": theirs.id(PAYMENT), "reason": "not mine" }),
        (_, "/api/debts/{id}/plan") => json!({ "count": 2 }),
        (_, "/api/debts/{id}/notes") => json!({ "text": "not mine" }),
        ("PUT", "/api/companies/{id}/subscription") => json!({ "cancel": true, "reason": "not mine" }),
        ("PATCH", "/api/inventory/{id}") => adjusted,
        ("POST", "/api/stock-counts" | "/api/inventory/receipts") => at_their_place,
        ("POST", "/api/inventory/{id}/waste") => json!({ "locationId": theirs.id(LOCATION), "quantity": 1, "reason": "not mine" }),
        ("PUT", "/api/inventory/{id}/reorder-point") => json!({ "locationId": theirs.id(LOCATION), "reorderPoint": 7 }),
        ("POST", "/api/inventory/bulk") => json!({ "variantIds": [theirs.id(VARIANT)] }),
        ("POST", "/api/inventory/bulk-update") => {
            let mut one = adjusted;
            one["variantId"] = json!(theirs.id(VARIANT));
            json!({ "updates": [one] })
        }
        ("PUT", "/api/shops/{id}") => json!({ "name": "stolen", "managerId": theirs.id(MEMBER) }),
        ("POST", "/api/categories") => json!({ "name": "mine", "parentId": theirs.id(CATEGORY) }),
        ("PUT", "/api/categories/{id}") => json!({ "name": "stolen", "parentId": theirs.id(CATEGORY) }),
        ("PUT", "/api/products/{id}") => json!({ "name": "stolen", "categoryId": theirs.id(CATEGORY) }),
        ("PUT", "/api/brands/{id}" | "/api/roles/{id}" | "/api/companies/{id}") | ("PATCH", "/api/companies/{id}/settings") => {
            json!({ "name": "stolen" })
        }
        ("POST", "/api/products") => json!({
            "name": "mine", "brandId": theirs.id(BRAND), "categoryId": theirs.id(CATEGORY), "shopId": theirs.id(SHOP),
            "variants": [{ "sku": "MINE", "price": 1 }],
        }),
        ("POST", "/api/products/{id}/variants") => json!({ "sku": "MINE-2", "price": 1 }),
        ("PUT", "/api/products/{id}/variants/{variantId}") => json!({ "price": 1 }),
        ("PUT", "/api/products/{id}/media/{mediaId}") => json!({ "alt": "stolen" }),
        ("POST", "/api/products/{id}/views") => json!({ "duration": 1 }),
        ("PUT", "/api/attributes/{id}") => json!({ "values": [{ "value": "stolen" }] }),
        ("POST", "/api/notifications/send") => message,
        ("POST", "/api/notifications/schedule") => {
            let mut later = message;
            later["sendAt"] = json!("2090-01-01T00:00:00Z");
            later
        }
        ("POST", "/api/notifications/devices") => json!({ "token": "MARKERB-token", "platform": "web" }),
        ("PUT", "/api/notifications/templates/{id}") => json!({ "subject": "stolen", "body": "stolen" }),
        ("POST", "/api/shops/{id}/staff") => json!({ "userId": theirs.id(MEMBER), "role": "shop_staff" }),
        ("POST", "/api/users") => {
            json!({ "email": "stolen@example.test", "name": "Stolen", "role": "shop_staff", "shopIds": [theirs.id(SHOP)] })
        }
        ("PUT", "/api/users/{id}") => json!({ "name": "stolen", "role": "company_admin" }),
        ("POST", "/api/roles") => json!({ "name": "Stolen", "permissions": ["orders:read"] }),
        // These name no row but in their path, or none at all.
        (_, uri) if BODILESS.contains(&uri) => json!({}),
        (method, uri) => panic!("{method} {uri} writes: say in tests/walls/matrix/asks.rs what it would take to do harm"),
    })
}

const BODILESS: &[&str] = &[
    "/api/attributes",
    "/api/auth/login",
    "/api/auth/logout",
    "/api/auth/preferences",
    "/api/auth/profile",
    "/api/auth/refresh-token",
    "/api/auth/register",
    "/api/auth/reset-password",
    "/api/auth/verify-email",
    "/api/brands",
    "/api/cart/validate",
    "/api/companies",
    "/api/companies/plans",
    "/api/companies/plans/{id}",
    "/api/companies/{id}/resume",
    "/api/inventory/alerts/{id}/ack",
    "/api/notifications/callbacks/{provider}",
    "/api/notifications/preferences",
    "/api/notifications/read-all",
    "/api/notifications/templates",
    "/api/notifications/templates/{id}/preview",
    "/api/notifications/unsubscribe",
    "/api/notifications/{id}/read",
    "/api/orders/{id}/fill",
    "/api/products/{id}/restore",
    "/api/shops",
    "/api/users/{id}/ban",
    "/api/users/{id}/unban",
];

/// Lists and pages that take ids in their query: the address, the parameter, and whose row it names.
pub const QUERIES: &[(&str, &str, &str)] = &[
    ("/api/audit/export", "resourceId", ORDER),
    ("/api/audit/export", "shopId", SHOP),
    ("/api/audit/export", "user", CUSTOMER),
    ("/api/audit/logs", "resourceId", ORDER),
    ("/api/audit/logs", "shopId", SHOP),
    ("/api/audit/logs", "user", MEMBER),
    ("/api/debts", "companyId", COMPANY),
    ("/api/inventory", "shopId", SHOP),
    ("/api/inventory", "warehouseId", LOCATION),
    ("/api/inventory/alerts", "shopId", SHOP),
    ("/api/orders", "customerId", CUSTOMER),
    ("/api/orders", "shopId", SHOP),
    ("/api/products", "brand", BRAND),
    ("/api/products", "category", CATEGORY),
    ("/api/products", "shopId", SHOP),
    ("/api/users", "shopId", SHOP),
    ("/company", "shop", SHOP),
    ("/company/audit", "company", COMPANY),
    ("/company/audit", "id", ORDER),
    ("/company/audit", "shop", SHOP),
    ("/company/audit", "user", MEMBER),
    ("/company/audit/export.csv", "company", COMPANY),
    ("/company/audit/export.csv", "shop", SHOP),
    ("/company/audit/export.csv", "user", MEMBER),
    ("/company/inventory", "category", CATEGORY),
    ("/company/inventory", "place", LOCATION),
    ("/company/inventory/alerts", "place", LOCATION),
    ("/company/inventory/export.csv", "place", LOCATION),
    ("/company/inventory/movements", "goods", VARIANT),
    ("/company/inventory/movements", "place", LOCATION),
    ("/company/inventory/movements", "stock", STOCK),
    ("/company/inventory/movements", "user", MEMBER),
    ("/company/inventory/movements/export.csv", "stock", STOCK),
    ("/company/orders", "shop", SHOP),
    ("/company/orders/export.csv", "shop", SHOP),
    ("/company/products", "brand", BRAND),
    ("/company/products", "category", CATEGORY),
    ("/company/products", "shop", SHOP),
    ("/company/products/export.csv", "shop", SHOP),
    ("/company/products/new", "brand", BRAND),
    ("/company/products/new", "category", CATEGORY),
    ("/company/products/new", "like", PRODUCT),
    ("/company/products/new", "shop", SHOP),
    ("/company/staff", "shop", SHOP),
    ("/shop/alerts", "shop", SHOP),
    ("/shop/orders", "shop", SHOP),
    ("/shop/stock", "shop", SHOP),
    ("/shop/stock", "variant", VARIANT),
];

/// What a form may ask for; each page reads of it what it knows.
pub const FORM: &[(&str, &str)] = &[
    ("name", "stolen"),
    ("reason", "not mine"),
    ("note", "not mine"),
    ("text", "not mine"),
    ("status", "processing"),
    ("operation", "set"),
    ("quantity", "1"),
    ("role", "shop_staff"),
    ("amount", "1"),
    ("method", "cash"),
    ("customerGroup", "retail"),
    ("code", "welcome"),
    ("to", "first"),
    ("active", "on"),
    ("sure", "on"),
    ("confirm", "stolen"),
    ("version", "1"),
];

/// Forms about chosen rows: the address, and whose rows are chosen.
pub const CHOSEN: &[(&str, &str)] = &[
    ("/admin/audit/chosen.csv", "id FROM audit_entries"),
    ("/admin/companies/chosen.csv", COMPANY),
    ("/admin/debts/chosen.csv", "id FROM debts"),
    ("/admin/jobs/chosen.csv", "id FROM jobs"),
    ("/admin/jobs/discard", "id FROM jobs"),
    ("/admin/jobs/replay", "id FROM jobs"),
    ("/admin/users/chosen.csv", "staff_id FROM members"),
    ("/company/attributes/chosen.csv", "id FROM attributes"),
    ("/company/audit/chosen.csv", "id FROM audit_entries"),
    ("/company/brands/chosen.csv", BRAND),
    ("/company/categories/chosen.csv", CATEGORY),
    ("/company/customers/chosen.csv", CUSTOMER),
    ("/company/debts/chosen.csv", "id FROM debts"),
    ("/company/inventory/alerts/acknowledge", "id FROM stock_alerts"),
    ("/company/inventory/alerts/chosen.csv", "id FROM stock_alerts"),
    ("/company/inventory/chosen.csv", STOCK),
    ("/company/inventory/movements/chosen.csv", "id FROM stock_movements"),
    ("/company/inventory/thresholds", STOCK),
    ("/company/orders/chosen.csv", ORDER),
    ("/company/orders/picking", ORDER),
    ("/company/products/archive", PRODUCT),
    ("/company/products/category", PRODUCT),
    ("/company/products/chosen.csv", PRODUCT),
    ("/company/products/hide", PRODUCT),
    ("/company/products/publish", PRODUCT),
    ("/company/products/restore", PRODUCT),
    ("/company/shops/chosen.csv", SHOP),
    ("/company/staff/chosen.csv", MEMBER),
    ("/company/staff/invite-again", MEMBER),
    ("/switch-company", COMPANY),
];

/// Forms that name no row, or whose rows the same act of the API is asked with: they are not sent.
pub const OWN: &[&str] = &[
    "/account",
    "/account/messages",
    "/account/password",
    "/admin/acting/end",
    "/admin/audit/check",
    "/admin/companies/new",
    "/admin/debts",
    "/admin/jobs/replay-all",
    "/admin/plans/chosen.csv",
    "/admin/plans/new",
    "/admin/settings",
    "/company/attributes",
    "/company/audit/check",
    "/company/brands",
    "/company/categories",
    "/company/products",
    "/company/roles",
    "/company/settings",
    "/company/settings/logo",
    "/company/settings/logo/remove",
    "/company/settings/messages",
    "/company/shops",
    "/company/staff",
    "/forgotten",
    "/invitation",
    "/language",
    "/messages/read-all",
    "/new-password",
    "/sign-in",
    "/sign-out",
    "/theme",
    "/unsubscribe",
    "/verify-email",
    "/views",
];
