//! A person's account, as they see it themselves.

use serde_json::{Value, json};

use crate::{
    ids::SessionId,
    models::identity::{KeptAddress, Person, Preferences, Session},
    tenancy::Tenant,
};

#[must_use]
pub fn profile(person: &Person, tenant: &Tenant) -> Value {
    let company = (tenant.company != crate::tenancy::PLATFORM_COMPANY).then_some(tenant.company);
    let mut view = match person {
        Person::Customer(one) => json!({
            "id": one.id, "email": one.email, "name": one.name, "phone": one.phone, "language": one.language,
            "isVerified": one.is_verified, "phoneVerified": one.phone_verified_at.is_some(), "createdAt": one.created_at, "version": one.version,
        }),
        Person::Staff(one) => json!({
            "id": one.id, "email": one.email, "name": one.name, "phone": one.phone, "language": one.language,
            "theme": one.theme, "createdAt": one.created_at, "version": one.version,
        }),
    };
    view["role"] = json!(tenant.role);
    view["companyId"] = json!(company);
    view["shopIds"] = json!(tenant.shops.clone().unwrap_or_default());
    view
}

#[must_use]
pub fn session(session: &Session, present: SessionId) -> Value {
    json!({
        "id": session.id, "kind": session.kind, "ipAddress": session.ip_address, "userAgent": session.user_agent,
        "createdAt": session.created_at, "expiresAt": session.expires_at, "isCurrent": session.id == present,
    })
}

/// The address with what the book knows of it.
#[must_use]
pub fn address(kept: &KeptAddress) -> Value {
    let mut view = kept.address.clone();
    view["id"] = json!(kept.id);
    view["isDefault"] = json!(kept.is_default);
    view["createdAt"] = json!(kept.created_at);
    view["version"] = json!(kept.version);
    view
}

#[must_use]
pub fn preferences(kept: &Preferences) -> Value {
    json!({ "organic": kept.organic, "seasonal": kept.seasonal, "local": kept.local, "language": kept.language })
}
