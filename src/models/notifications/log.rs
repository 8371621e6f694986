//! The company's log of what was sent to whom, and what became of it.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{class::Channel, delivery, notification};
use crate::{
    errors::Result,
    ids::{CustomerId, NotificationId, RowId},
    models::identity,
    tenancy::Scope,
};

/// What the log is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub channel: Option<Channel>,
    pub state: Option<&'static str>,
    pub template: Option<String>,
    /// A person's e-mail address.
    pub email: Option<String>,
}

/// A line of the log.
#[derive(Clone, Debug)]
pub struct Line {
    pub delivery: delivery::Model,
    pub message: notification::Model,
}

/// Deliveries, newest first, from before `before`.
pub async fn log(scope: &Scope, filter: &Filter, before: Option<RowId>, limit: u64) -> Result<Vec<Line>> {
    let mut rows = scope.find::<delivery::Entity>();
    if let Some(channel) = filter.channel {
        rows = rows.filter(delivery::Column::Channel.eq(channel.name()));
    }
    if let Some(state) = filter.state {
        rows = rows.filter(delivery::Column::State.eq(state));
    }
    if filter.template.is_some() || filter.email.is_some() {
        let mut messages = scope.find::<notification::Entity>();
        if let Some(template) = &filter.template {
            messages = messages.filter(notification::Column::Template.eq(template.as_str()));
        }
        if let Some(email) = &filter.email {
            messages = messages.filter(people_of(scope, email).await?);
        }
        let ids = messages.select_only().column(notification::Column::Id).into_query();
        rows = rows.filter(delivery::Column::NotificationId.in_subquery(ids));
    }
    if let Some(before) = before {
        rows = rows.filter(delivery::Column::Id.lt(before));
    }
    let deliveries = scope.all(rows.order_by_desc(delivery::Column::Id).limit(limit)).await?;
    let ids = deliveries.iter().map(|row| row.notification_id);
    let messages = scope.all(scope.find::<notification::Entity>().filter(notification::Column::Id.is_in(ids))).await?;
    let messages: BTreeMap<_, _> = messages.into_iter().map(|message| (message.id, message)).collect();
    Ok(deliveries
        .into_iter()
        .filter_map(|delivery| messages.get(&delivery.notification_id).cloned().map(|message| Line { delivery, message }))
        .collect())
}

async fn people_of(scope: &Scope, email: &str) -> Result<Condition> {
    let email = email.trim().to_lowercase();
    let customer = identity::customer_by_email(scope, &email).await?;
    let member = identity::member_by_email(scope, &email).await?;
    let nobody = Condition::any().add(notification::Column::Id.is_null());
    let theirs = nobody.add_option(customer.map(|one| notification::Column::CustomerId.eq(one.id)));
    Ok(theirs.add_option(member.map(|one| notification::Column::MemberId.eq(one.id))))
}

/// One message of the company with its ways.
///
/// # Errors
/// 404 when it is not there.
pub async fn message(scope: &Scope, id: NotificationId) -> Result<(notification::Model, Vec<delivery::Model>)> {
    let message = scope.get(scope.find::<notification::Entity>().filter(notification::Column::Id.eq(id))).await?;
    let ways = super::leave::deliveries(scope, &[id]).await?.remove(&id).unwrap_or_default();
    Ok((message, ways))
}

/// The names of the people of some messages.
pub async fn names(scope: &Scope, messages: &[&notification::Model]) -> Result<BTreeMap<NotificationId, String>> {
    let customers: Vec<CustomerId> = messages.iter().filter_map(|message| message.customer_id).collect();
    let members: Vec<_> = messages.iter().filter_map(|message| message.member_id).collect();
    let customers: BTreeMap<_, _> = identity::find_customers(scope, &customers).await?.into_iter().map(|one| (one.id, one.name)).collect();
    let members: BTreeMap<_, _> = identity::find_members(scope, &members).await?.into_iter().map(|one| (one.id, one.name)).collect();
    Ok(messages
        .iter()
        .filter_map(|message| {
            let of_customer = message.customer_id.and_then(|id| customers.get(&id));
            let name = of_customer.or_else(|| message.member_id.and_then(|id| members.get(&id)))?;
            Some((message.id, name.clone()))
        })
        .collect())
}
