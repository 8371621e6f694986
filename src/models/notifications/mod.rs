//! Notifications: what people are told of their orders. A listener: it reads the log.

mod delivery;
mod notification;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde_json::json;

pub use self::{delivery::Model as Delivery, notification::Model as Notification};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CustomerId, NotificationId, OrderId, RowId},
    models::{companies, identity, jobs, orders, outbox::Logged},
    tenancy::Scope,
    views::mail,
};

/// The events that a customer hears of, and by which text.
fn template_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "order.confirmed" => "order_confirmed",
        "order.shipped" => "order_shipped",
        "order.delivered" => "order_delivered",
        "order.cancelled" => "order_cancelled",
        _ => return None,
    })
}

/// Tells the customer of an event, in the app and by e-mail. The notification bears the event's
/// id, so that an event read twice is told once.
pub async fn tell(scope: &Scope, event: &Logged) -> Result<()> {
    let Some(template) = template_of(&event.kind) else { return Ok(()) };
    let id = NotificationId(event.id.0);
    let order = orders::get(scope, OrderId(event.aggregate_id)).await?;
    let customer = identity::find_customer(scope, order.customer_id).await?;
    let company = companies::own(scope).await?;
    let items = orders::items_of(scope, &[order.id]).await?.remove(&order.id).unwrap_or_default();
    let (title, body) = mail::order(template, &company, &customer, &order, &items)?;
    let now = clock::now();
    let row = Notification {
        company_id: scope.company(),
        id,
        customer_id: Some(customer.id),
        member_id: None,
        class: "important".into(),
        template: template.into(),
        title,
        body,
        data: json!({ "orderId": order.id, "orderNumber": order.order_number }),
        created_at: now,
        read_at: None,
    };
    if !scope.insert_unless_there(row, &[notification::Column::CompanyId, notification::Column::Id]).await? {
        return Ok(());
    }
    let delivery_id = RowId::new();
    scope
        .insert(Delivery {
            company_id: scope.company(),
            id: delivery_id,
            notification_id: id,
            channel: "email".into(),
            state: "queued".into(),
            recipient: customer.email,
            attempts: 0,
            created_at: now,
            updated_at: now,
        })
        .await?;
    jobs::enqueue(scope, jobs::Kind::Deliver, &delivery_id.to_string(), json!({ "deliveryId": delivery_id })).await
}

/// A delivery with its text.
///
/// # Errors
/// 404 when it is not there.
pub async fn delivery(scope: &Scope, id: RowId) -> Result<(Delivery, Notification)> {
    let delivery = scope.get(scope.find::<delivery::Entity>().filter(delivery::Column::Id.eq(id))).await?;
    let text = scope.find::<notification::Entity>().filter(notification::Column::Id.eq(delivery.notification_id));
    Ok((delivery, scope.get(text).await?))
}

/// Marks what became of a delivery.
pub async fn mark(scope: &Scope, id: RowId, state: &str) -> Result<()> {
    let update = scope
        .update::<delivery::Entity>()
        .col_expr(delivery::Column::State, Expr::value(state))
        .col_expr(delivery::Column::UpdatedAt, Expr::value(clock::now()))
        .filter(delivery::Column::Id.eq(id));
    scope.run(update).await.map(|_| ())
}

/// A customer's messages, newest first.
pub async fn list(scope: &Scope, customer: CustomerId, before: Option<NotificationId>, limit: u64) -> Result<Vec<Notification>> {
    let mut rows = scope.find::<notification::Entity>().filter(notification::Column::CustomerId.eq(customer));
    if let Some(before) = before {
        rows = rows.filter(notification::Column::Id.lt(before));
    }
    scope.all(rows.order_by_desc(notification::Column::Id).limit(limit)).await
}

/// Marks one message read, or all of a customer's.
///
/// # Errors
/// 404 for a message that is not the customer's.
pub async fn read(scope: &Scope, customer: CustomerId, id: Option<NotificationId>) -> Result<()> {
    let mut update = scope
        .update::<notification::Entity>()
        .col_expr(notification::Column::ReadAt, Expr::value(Some(clock::now())))
        .filter(notification::Column::CustomerId.eq(customer));
    match id {
        Some(id) => update = update.filter(notification::Column::Id.eq(id)),
        None => update = update.filter(notification::Column::ReadAt.is_null()),
    }
    if scope.run(update).await? == 0 && id.is_some() {
        return Err(Error::NOT_FOUND);
    }
    Ok(())
}
