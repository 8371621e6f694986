//! Whom a message can be addressed to.

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{assignment, customer, member};
use crate::{
    errors::Result,
    ids::{CustomerId, MemberId, ShopId},
    tenancy::{Role, Scope},
};

/// # Errors
/// 404 when there is no such member.
pub async fn find_member(scope: &Scope, id: MemberId) -> Result<member::Model> {
    scope.get(scope.find::<member::Entity>().filter(member::Column::Id.eq(id))).await
}

/// Those of some members who are there.
pub async fn find_members(scope: &Scope, ids: &[MemberId]) -> Result<Vec<member::Model>> {
    scope.all(scope.find::<member::Entity>().filter(member::Column::Id.is_in(ids.iter().copied()))).await
}

/// Those of some customers who are there.
pub async fn find_customers(scope: &Scope, ids: &[CustomerId]) -> Result<Vec<customer::Model>> {
    scope.all(scope.find::<customer::Entity>().filter(customer::Column::Id.is_in(ids.iter().copied()))).await
}

/// The customer of an e-mail address in lower case.
pub async fn customer_by_email(scope: &Scope, email: &str) -> Result<Option<customer::Model>> {
    scope.one(scope.find::<customer::Entity>().filter(customer::Column::Email.eq(email))).await
}

/// The member of an e-mail address in lower case.
pub async fn member_by_email(scope: &Scope, email: &str) -> Result<Option<member::Model>> {
    scope.one(scope.find::<member::Entity>().filter(member::Column::Email.eq(email))).await
}

/// The active members who have one of some roles, at a shop or in the whole company.
pub async fn members_with(scope: &Scope, roles: &[Role], shop: Option<ShopId>) -> Result<Vec<member::Model>> {
    let mut places = scope.find::<assignment::Entity>().filter(assignment::Column::Role.is_in(roles.iter().map(|role| role.name())));
    if let Some(shop) = shop {
        places = places.filter(assignment::Column::ShopId.eq(shop));
    }
    let ids = places.select_only().column(assignment::Column::MemberId).into_query();
    let members = scope.find::<member::Entity>().filter(Condition::all().add(member::Column::Id.in_subquery(ids)));
    scope.all(members.filter(member::Column::IsActive.eq(true)).order_by_asc(member::Column::Id)).await
}
