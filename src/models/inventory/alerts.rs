//! Alerts: a stock row becomes low or out, and recovers. What counts is what lies there, not what
//! carts hold for minutes; the row says its level itself, and only a crossing opens, closes or tells.

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::Expr};
use serde_json::json;

use super::{alert, stock};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{AlertId, LocationId, ShopId, StockId},
    tenancy::{Platform, Scope},
};

/// How a stock row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Low,
    Out,
}

impl Level {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Out => "out",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Low, Self::Out].into_iter().find(|level| level.name() == name)
    }

    /// The level of so much, where `reorder_point` or less is low; nothing when there is enough.
    #[must_use]
    pub const fn of(on_hand: i64, reorder_point: i64) -> Option<Self> {
        if on_hand <= 0 {
            Some(Self::Out)
        } else if on_hand <= reorder_point {
            Some(Self::Low)
        } else {
            None
        }
    }
}

impl stock::Model {
    /// The level that was last written down.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.alert.as_deref().and_then(Level::named)
    }

    /// How it stands, in a word: as its level, `in` where there is enough, `none` where it never had any.
    #[must_use]
    pub fn state(&self) -> &str {
        self.alert.as_deref().unwrap_or(if self.on_hand > 0 { "in" } else { "none" })
    }

    /// As the row is once its crossing has been written down.
    pub(super) fn watched(self) -> Self {
        let alert = Level::of(self.on_hand, self.reorder_point).map(|level| level.name().into());
        Self { alert, ..self }
    }
}

/// Compares a row that this unit has just written, and so holds, with its level; on a crossing the
/// old alert ends, the new one opens, and it is told.
pub(super) async fn watch(scope: &Scope, row: &stock::Model) -> Result<()> {
    let (before, now) = (row.level(), Level::of(row.on_hand, row.reorder_point));
    if before == now {
        return Ok(());
    }
    let mark = scope
        .update::<stock::Entity>()
        .col_expr(stock::Column::Alert, Expr::value(now.map(Level::name)))
        .filter(stock::Column::Id.eq(row.id));
    scope.run(mark).await?;
    if let Some(before) = before {
        let close = scope
            .update::<alert::Entity>()
            .col_expr(alert::Column::OpenKind, Expr::value(None::<String>))
            .col_expr(alert::Column::ClosedAt, Expr::value(Some(clock::now())))
            .filter(alert::Column::StockId.eq(row.id))
            .filter(alert::Column::OpenKind.eq(before.name()));
        scope.run(close).await?;
    }
    if let Some(now) = now {
        scope.insert(opened(row, now)).await?;
    }
    let told = match (before, now) {
        (Some(Level::Out), _) => Some("inventory.back_in_stock"),
        (_, Some(Level::Out)) => Some("inventory.out_of_stock"),
        (_, Some(Level::Low)) => Some("inventory.low_stock"),
        (_, None) => None,
    };
    match told {
        Some(kind) => scope.emit(Event::new(kind, ("stock", row.id.0), row.shop_id, super::facts(row))).await,
        None => Ok(()),
    }
}

fn opened(row: &stock::Model, level: Level) -> alert::Model {
    alert::Model {
        company_id: row.company_id,
        id: AlertId::new(),
        stock_id: row.id,
        variant_id: row.variant_id,
        location_id: row.location_id,
        shop_id: row.shop_id,
        kind: level.name().into(),
        open_kind: Some(level.name().into()),
        quantity: row.on_hand,
        threshold: row.reorder_point,
        created_at: clock::now(),
        closed_at: None,
        acknowledged_at: None,
        acknowledged_by: None,
        acknowledged_name: None,
    }
}

/// Which alerts a list is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// Nobody has looked at it yet.
    #[default]
    Unseen,
    /// The goods are still low or out, looked at or not.
    Still,
    Over,
    All,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct AlertFilter {
    pub open: Open,
    pub kind: Option<Level>,
    pub shop: Option<ShopId>,
    pub location: Option<LocationId>,
    pub stock: Option<StockId>,
}

/// A page of alerts, newest first, from before `before`.
pub async fn alerts(scope: &Scope, filter: AlertFilter, before: Option<AlertId>, limit: u64) -> Result<Vec<alert::Model>> {
    scope.all(narrowed(scope.find::<alert::Entity>(), filter, before, limit)).await
}

/// Those of some alerts that the caller sees, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn some_alerts(scope: &Scope, ids: &[AlertId]) -> Result<Vec<alert::Model>> {
    let rows = scope.find::<alert::Entity>().filter(alert::Column::Id.is_in(ids.iter().copied()));
    scope.all(rows.order_by_desc(alert::Column::Id)).await
}

/// Everybody's alerts, newest first, from before `before`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn alerts_of_all(platform: &Platform, filter: AlertFilter, before: Option<AlertId>, limit: u64) -> Result<Vec<alert::Model>> {
    platform.all(narrowed(platform.find::<alert::Entity>(), filter, before, limit)).await
}

fn narrowed(mut rows: Select<alert::Entity>, filter: AlertFilter, before: Option<AlertId>, limit: u64) -> Select<alert::Entity> {
    rows = match filter.open {
        Open::Unseen => rows.filter(alert::Column::ClosedAt.is_null()).filter(alert::Column::AcknowledgedAt.is_null()),
        Open::Still => rows.filter(alert::Column::ClosedAt.is_null()),
        Open::Over => rows.filter(alert::Column::ClosedAt.is_not_null()),
        Open::All => rows,
    };
    if let Some(kind) = filter.kind {
        rows = rows.filter(alert::Column::Kind.eq(kind.name()));
    }
    if let Some(shop) = filter.shop {
        rows = rows.filter(alert::Column::ShopId.eq(shop));
    }
    if let Some(location) = filter.location {
        rows = rows.filter(alert::Column::LocationId.eq(location));
    }
    if let Some(stock) = filter.stock {
        rows = rows.filter(alert::Column::StockId.eq(stock));
    }
    if let Some(before) = before {
        rows = rows.filter(alert::Column::Id.lt(before));
    }
    rows.order_by_desc(alert::Column::Id).limit(limit)
}

/// Somebody has seen it, and takes care. Seen twice is seen once.
///
/// # Errors
/// 404 when it is not there or of a shop that is not the caller's; 409 `alert_closed` when the
/// goods are back.
pub async fn acknowledge(scope: &Scope, id: AlertId) -> Result<alert::Model> {
    let seen = scope.get(scope.find::<alert::Entity>().filter(alert::Column::Id.eq(id))).await?;
    let update = scope
        .update::<alert::Entity>()
        .col_expr(alert::Column::AcknowledgedAt, Expr::value(Some(clock::now())))
        .col_expr(alert::Column::AcknowledgedBy, Expr::value(scope.tenant().actor.id()))
        .col_expr(alert::Column::AcknowledgedName, Expr::value(Some(scope.tenant().name.clone())))
        .filter(alert::Column::Id.eq(id))
        .filter(Condition::all().add(alert::Column::ClosedAt.is_null()).add(alert::Column::AcknowledgedAt.is_null()));
    if let Some(row) = scope.run_returning(update).await?.pop() {
        let changes = vec![("acknowledgedAt", json!(null), json!(row.acknowledged_at))];
        scope.audit("acknowledge", "stock_alert", id, row.shop_id, changes).await?;
        return Ok(row);
    }
    let now = scope.get(scope.find::<alert::Entity>().filter(alert::Column::Id.eq(seen.id))).await?;
    if now.acknowledged_at.is_some() {
        Ok(now)
    } else {
        Err(Error::conflict("alert_closed", "the goods are back", json!({ "closedAt": now.closed_at })))
    }
}
