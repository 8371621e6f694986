//! Where the next page of a list begins: behind its last row, by the column it is sorted by and
//! then by id. The column alone is a range besides, which lets an index begin where the last page
//! ended; databases do not see that range in the alternative.

use sea_orm::{ColumnTrait, Condition, Value};

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
