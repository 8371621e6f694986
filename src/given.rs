//! What a change says of a field: it may be left out and stays, be set to nothing, or be set.

use serde::{Deserialize, Deserializer};

/// Reads a field that is `null` apart from one that is not there; it needs a default for the latter.
///
/// # Errors
/// When what is there is of another kind.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}
