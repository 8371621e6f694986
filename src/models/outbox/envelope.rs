//! An event as those outside are told of it: ids, states and amounts, and nobody's data.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Logged;
use crate::{
    clock::Instant,
    errors::{Error, Result},
    ids::{CompanyId, EventId, ShopId},
};

/// Rises when an envelope's fields change their meaning.
const VERSION: u8 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'e> {
    id: EventId,
    #[serde(rename = "type")]
    kind: &'e str,
    version: u8,
    company_id: CompanyId,
    shop_id: Option<ShopId>,
    aggregate: Aggregate<'e>,
    actor: Actor<'e>,
    occurred_at: Instant,
    data: &'e Value,
}

#[derive(Serialize)]
struct Aggregate<'e> {
    #[serde(rename = "type")]
    kind: &'e str,
    id: Uuid,
    seq: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Actor<'e> {
    user_id: Option<Uuid>,
    role: &'e str,
    via: &'e str,
}

impl Logged {
    /// The envelope, as JSON.
    ///
    /// # Errors
    /// When it cannot be written, which no event is known to bring about.
    pub fn envelope(&self) -> Result<Vec<u8>> {
        let envelope = Envelope {
            id: self.id,
            kind: &self.kind,
            version: VERSION,
            company_id: self.company_id,
            shop_id: self.shop_id,
            aggregate: Aggregate { kind: &self.aggregate_type, id: self.aggregate_id, seq: self.seq },
            actor: Actor { user_id: self.actor_id, role: &self.actor_role, via: &self.via },
            occurred_at: self.created_at,
            data: &self.data,
        };
        serde_json::to_vec(&envelope).map_err(Error::internal)
    }
}
