//! A shop as everybody sees it.

use serde_json::{Value, json};

use crate::models::shops::{Opening, Shop};

#[must_use]
pub fn public(shop: &Shop) -> Value {
    let degrees = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok());
    json!({
        "id": shop.id, "slug": shop.slug, "name": shop.name, "kind": shop.kind, "zone": shop.zone, "phone": shop.phone,
        "address": { "line1": shop.line1, "city": shop.city, "state": shop.state, "postalCode": shop.postal_code, "country": shop.country },
        "lat": degrees(&shop.lat), "lng": degrees(&shop.lng), "isActive": shop.is_active, "version": shop.version,
    })
}

#[must_use]
pub fn full(shop: &Shop, hours: &[Opening]) -> Value {
    let mut view = public(shop);
    view["hours"] = hours
        .iter()
        .map(|one| json!({ "weekday": one.weekday, "opensMinute": one.opens_minute, "durationMinutes": one.duration_minutes }))
        .collect();
    view
}
