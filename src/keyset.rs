//! Where the next page of a list begins: behind its last row, by the column it is sorted by and
//! then by id. The column alone is a range besides, which lets an index begin where the last page
//! ended; databases do not see that range in the alternative.

use chrono::NaiveDate;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, Select, Value,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Behind `(value, id)` in a list that rises.
pub fn above<C: ColumnTrait>(column: C, value: impl Into<Value>, id_column: C, id: impl Into<Value>) -> Condition {
    let (value, id) = (value.into(), id.into());
    let further = Condition::any().add(column.gt(value.clone())).add(id_column.gt(id));
    Condition::all().add(column.gte(value)).add(further)
}

/// Behind `(value, id)` in a list that falls.
pub fn below<C: ColumnTrait>(column: C, value: impl Into<Value>, id_column: C, id: impl Into<Value>) -> Condition {
    let (value, id) = (value.into(), id.into());
    let further = Condition::any().add(column.lt(value.clone())).add(id_column.lt(id));
    Condition::all().add(column.lte(value)).add(further)
}

/// A value that a list is sorted by, as a cursor keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum At {
    Number(i64),
    Text(String),
    Day(NaiveDate),
}

impl From<At> for Value {
    fn from(at: At) -> Self {
        match at {
            At::Number(number) => number.into(),
            At::Text(text) => text.into(),
            At::Day(day) => day.into(),
        }
    }
}

/// Where a page of a list ends that people sort: what its last row is sorted by, nothing where the
/// ids alone sort, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub at: Option<At>,
    pub id: Uuid,
}

/// What a list is sorted by, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort<B> {
    pub by: B,
    /// The largest comes first.
    pub falls: bool,
}

/// The rows behind `after`, sorted by a column and then by id, the same way; by id alone without one.
#[must_use]
pub fn sorted<E: EntityTrait>(rows: Select<E>, by: Option<Expr>, id: E::Column, falls: bool, after: Option<Place>) -> Select<E> {
    let order = if falls { Order::Desc } else { Order::Asc };
    let mut rows = rows;
    if let Some(Place { at, id: last }) = after {
        let further = if falls { id.lt(last) } else { id.gt(last) };
        rows = match (by.clone(), at) {
            (Some(by), Some(at)) if falls => {
                let range = by.clone().lte(at.clone());
                rows.filter(Condition::all().add(range).add(Condition::any().add(by.lt(at)).add(further)))
            }
            (Some(by), Some(at)) => {
                let range = by.clone().gte(at.clone());
                rows.filter(Condition::all().add(range).add(Condition::any().add(by.gt(at)).add(further)))
            }
            _ => rows.filter(further),
        };
    }
    if let Some(by) = by {
        rows = rows.order_by(by, order.clone());
    }
    rows.order_by(id, order)
}
