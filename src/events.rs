//! What happened, told in the transaction in which it happened. Ids, states and amounts only:
//! a consumer reads what else it needs, so erasure stays possible.

use serde_json::Value;
use uuid::Uuid;

use crate::ids::ShopId;

/// How the act came in, in the envelope's `actor.via`.
pub const VIA: &str = "souk";

/// A row for the outbox, before it has an id and a position.
#[derive(Debug)]
pub struct Event {
    /// A name of the specification's table, `order.created`.
    pub kind: &'static str,
    pub aggregate: (&'static str, Uuid),
    pub shop: Option<ShopId>,
    pub data: Value,
}

impl Event {
    #[must_use]
    pub const fn new(kind: &'static str, aggregate: (&'static str, Uuid), shop: Option<ShopId>, data: Value) -> Self {
        Self { kind, aggregate, shop, data }
    }
}
