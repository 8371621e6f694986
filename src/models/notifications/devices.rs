//! The devices that take push messages.

use schemars::JsonSchema;
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use serde::Deserialize;
use serde_json::json;

use super::{device, person};
use crate::{
    clock,
    errors::{Error, Result},
    ids::DeviceId,
    tenancy::Scope,
};

const PLATFORMS: [&str; 3] = ["android", "ios", "web"];
const DEVICES_MAX: usize = 20;

/// A device as an app announces it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDevice {
    /// FCM's registration token.
    pub token: String,
    pub platform: String,
}

/// Takes push messages for whoever is asking at this device; one that was another's is theirs now.
///
/// # Errors
/// 422 for a token or a platform that cannot be.
pub async fn register_device(scope: &Scope, new: &NewDevice) -> Result<DeviceId> {
    if new.token.trim().is_empty() || new.token.len() > 1_000 || new.token.chars().any(char::is_whitespace) {
        return Err(Error::invalid("token", "invalid", "a registration token of 1 to 1000 characters"));
    }
    if !PLATFORMS.contains(&new.platform.as_str()) {
        return Err(Error::invalid("platform", "unknown", "android, ios or web"));
    }
    let person = person::asking(scope).await?;
    let now = clock::now();
    let row = device::Model {
        company_id: scope.company(),
        id: DeviceId::new(),
        customer_id: person.customer(),
        member_id: person.member(),
        token: new.token.clone(),
        platform: new.platform.clone(),
        created_at: now,
        updated_at: now,
    };
    let id = row.id;
    let mine = person::theirs(scope.find::<device::Entity>(), &person, device::Column::CustomerId, device::Column::MemberId);
    let known = scope.all(mine).await?;
    if known.len() >= DEVICES_MAX && !known.iter().any(|device| device.token == new.token) {
        return Err(Error::conflict("too_many_devices", "remove a device first", json!({ "most": DEVICES_MAX })));
    }
    if scope.insert_unless_there(row, &[device::Column::CompanyId, device::Column::Token]).await? {
        scope.audit("register", "push_device", id, None, vec![("platform", json!(null), json!(new.platform))]).await?;
        return Ok(id);
    }
    let update = scope
        .update::<device::Entity>()
        .col_expr(device::Column::CustomerId, Expr::value(person.customer()))
        .col_expr(device::Column::MemberId, Expr::value(person.member()))
        .col_expr(device::Column::Platform, Expr::value(new.platform.as_str()))
        .col_expr(device::Column::UpdatedAt, Expr::value(now))
        .filter(device::Column::Token.eq(new.token.as_str()));
    let taken = scope.run_returning(update).await?.pop().ok_or(Error::NOT_FOUND)?;
    scope.audit("register", "push_device", taken.id, None, vec![("platform", json!(null), json!(new.platform))]).await?;
    Ok(taken.id)
}

/// Sends no more push messages to one's own device.
///
/// # Errors
/// 404 when it is not there or not one's own.
pub async fn forget_device(scope: &Scope, id: DeviceId) -> Result<()> {
    let person = person::asking(scope).await?;
    let mine = scope.delete::<device::Entity>().filter(device::Column::Id.eq(id));
    let mine = match (person.customer(), person.member()) {
        (Some(customer), _) => mine.filter(device::Column::CustomerId.eq(customer)),
        (None, member) => mine.filter(device::Column::MemberId.eq(member)),
    };
    if scope.remove(mine).await? == 0 {
        return Err(Error::NOT_FOUND);
    }
    scope.audit("forget", "push_device", id, None, vec![]).await
}
