//! Whom a message is for, and where it reaches them.

use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::Value;
use uuid::Uuid;

use super::{class::Channel, kinds::Kind, notification};
use crate::{
    errors::{Error, Result},
    ids::{CustomerId, MemberId, ShopId, StaffId},
    models::identity::{self, Customer, Member},
    tenancy::{Actor, Role, Scope},
};

/// Somebody who gets messages.
#[derive(Clone, Debug)]
pub enum Person {
    Customer(Customer),
    Member(Member),
    /// A person of the platform: a letter to them has no other place.
    Staff(StaffId),
}

impl Person {
    pub fn id(&self) -> Uuid {
        match self {
            Self::Customer(one) => one.id.0,
            Self::Member(one) => one.id.0,
            Self::Staff(id) => id.0,
        }
    }

    pub const fn customer(&self) -> Option<CustomerId> {
        match self {
            Self::Customer(one) => Some(one.id),
            Self::Member(_) | Self::Staff(_) => None,
        }
    }

    pub const fn member(&self) -> Option<MemberId> {
        match self {
            Self::Member(one) => Some(one.id),
            Self::Customer(_) | Self::Staff(_) => None,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Customer(one) => &one.name,
            Self::Member(one) => &one.name,
            Self::Staff(_) => "",
        }
    }

    /// Their address of a channel; push goes to devices, which have their own.
    pub fn address(&self, channel: Channel) -> Option<String> {
        match (self, channel) {
            (Self::Customer(one), Channel::Email) => Some(one.email.clone()),
            (Self::Member(one), Channel::Email) => Some(one.email.clone()),
            (Self::Customer(one), Channel::Sms | Channel::WhatsApp) => one.phone.as_deref().and_then(identity::called),
            _ => None,
        }
    }
}

/// An address as a log shows it: enough to recognise, too little to use.
pub(super) fn hint(address: &str) -> String {
    if let Some((local, domain)) = address.split_once('@') {
        let first = local.chars().next().map(String::from).unwrap_or_default();
        return format!("{first}•••@{domain}");
    }
    let digits: Vec<char> = address.chars().collect();
    let (head, tail) = (digits.iter().take(3), digits.iter().skip(digits.len().saturating_sub(2)));
    format!("{}•••{}", head.collect::<String>(), tail.collect::<String>())
}

/// The person of a message.
///
/// # Errors
/// 404 when they are not there any more.
pub(super) async fn of(scope: &Scope, message: &notification::Model) -> Result<Person> {
    match (message.customer_id, message.member_id) {
        (Some(id), _) => Ok(Person::Customer(identity::find_customer(scope, id).await?)),
        (None, Some(id)) => Ok(Person::Member(identity::find_member(scope, id).await?)),
        (None, None) => named(&message.data, "staffId").map(StaffId).map(Person::Staff).ok_or(Error::NOT_FOUND),
    }
}

/// Whom an event names.
pub(super) async fn in_event(scope: &Scope, data: &Value) -> Result<Option<Person>> {
    if let Some(id) = named(data, "customerId") {
        return Ok(Some(Person::Customer(identity::find_customer(scope, CustomerId(id)).await?)));
    }
    if let Some(id) = named(data, "memberId") {
        return Ok(Some(Person::Member(identity::find_member(scope, MemberId(id)).await?)));
    }
    Ok(named(data, "staffId").map(StaffId).map(Person::Staff))
}

fn named(data: &Value, key: &str) -> Option<Uuid> {
    data[key].as_str()?.parse().ok()
}

pub(super) async fn admins(scope: &Scope) -> Result<Vec<Person>> {
    people(scope, &[Role::CompanyAdmin], None).await
}

/// The managers of a shop, or for a place that is no shop the company's admins.
pub(super) async fn managers(scope: &Scope, shop: Option<ShopId>) -> Result<Vec<Person>> {
    match shop {
        Some(shop) => people(scope, &[Role::ShopManager], Some(shop)).await,
        None => admins(scope).await,
    }
}

pub(super) async fn shop_people(scope: &Scope, shop: ShopId) -> Result<Vec<Person>> {
    people(scope, &[Role::ShopManager, Role::ShopStaff], Some(shop)).await
}

async fn people(scope: &Scope, roles: &[Role], shop: Option<ShopId>) -> Result<Vec<Person>> {
    Ok(identity::members_with(scope, roles, shop).await?.into_iter().map(Person::Member).collect())
}

/// Listed rows of whoever is asking: a customer's, a member's, nobody's for the platform's people.
pub(super) fn mine(scope: &Scope) -> sea_orm::Condition {
    let listed = sea_orm::Condition::all().add(notification::Column::Template.is_not_in(Kind::unlisted()));
    listed.add(match scope.tenant().actor {
        Actor::Customer(id) => notification::Column::CustomerId.eq(id),
        Actor::Member(id) => notification::Column::MemberId.eq(id),
        _ => notification::Column::Id.is_null(),
    })
}

/// Whoever is asking.
///
/// # Errors
/// 404 for somebody who gets no messages here.
pub(super) async fn asking(scope: &Scope) -> Result<Person> {
    match scope.tenant().actor {
        Actor::Customer(id) => Ok(Person::Customer(identity::find_customer(scope, id).await?)),
        Actor::Member(id) => Ok(Person::Member(identity::find_member(scope, id).await?)),
        _ => Err(Error::NOT_FOUND),
    }
}

/// Narrows rows to a person's.
pub(super) fn theirs<E: sea_orm::EntityTrait>(
    select: sea_orm::Select<E>,
    person: &Person,
    customer: E::Column,
    member: E::Column,
) -> sea_orm::Select<E> {
    match person {
        Person::Customer(one) => select.filter(customer.eq(one.id)),
        Person::Member(one) => select.filter(member.eq(one.id)),
        Person::Staff(_) => select.filter(customer.is_null()).filter(member.is_null()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_no_address() {
        assert_eq!(hint("priya@example.com"), "p•••@example.com");
        assert_eq!(hint("+919800000001"), "+91•••01");
    }
}
