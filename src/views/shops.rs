//! A shop as everybody sees it, and as its company does.

use serde_json::{Value, json};

use crate::{
    ids::MemberId,
    models::shops::{Exception, OpenState, Opening, Shop},
};

#[must_use]
pub fn public(shop: &Shop, door: OpenState) -> Value {
    let degrees = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok());
    json!({
        "id": shop.id, "slug": shop.slug, "name": shop.name, "translations": shop.translations, "kind": shop.kind, "zone": shop.zone, "phone": shop.phone, "email": shop.email,
        "address": { "line1": shop.line1, "city": shop.city, "state": shop.state, "postalCode": shop.postal_code, "country": shop.country },
        "lat": degrees(&shop.lat), "lng": degrees(&shop.lng), "isActive": shop.is_active, "isOpen": door.is_open,
        "opensAt": door.opens_at, "closesAt": door.closes_at, "version": shop.version,
    })
}

/// With its hours and the days on which they are others.
#[must_use]
pub fn full(shop: &Shop, door: OpenState, hours: &[Opening], exceptions: &[Exception]) -> Value {
    let mut view = public(shop, door);
    view["hours"] = hours
        .iter()
        .map(|one| json!({ "weekday": one.weekday, "opensMinute": one.opens_minute, "durationMinutes": one.duration_minutes }))
        .collect();
    view["exceptions"] = exceptions
        .iter()
        .map(|one| json!({ "day": one.day, "opensMinute": one.opens_minute, "durationMinutes": one.duration_minutes, "note": one.note }))
        .collect();
    view
}

/// With who answers for it, for the company's own people.
#[must_use]
pub fn internal(mut view: Value, manager: Option<MemberId>) -> Value {
    view["managerId"] = json!(manager);
    view
}
