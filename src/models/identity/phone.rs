//! Telephone numbers, as people write them and as the world calls them.

use crate::errors::{Error, Result};

/// A phone number as people write it, or none when it is empty.
pub(super) fn check_phone(phone: &str) -> Result<Option<String>> {
    let phone = phone.trim();
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    let plausible =
        (6..=15).contains(&digits) && phone.len() <= 30 && phone.chars().all(|one| one.is_ascii_digit() || "+-() .".contains(one));
    match (phone.is_empty(), plausible) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(phone.into())),
        (false, false) => Err(Error::invalid("phone", "invalid", "that is not a phone number")),
    }
}

/// A telephone number in E.164, if it is one.
#[must_use]
pub fn called(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace() && !"-().".contains(*letter)).collect();
    let digits = text.strip_prefix('+')?;
    let is_number = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    is_number.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_the_world_can_call() {
        assert_eq!(called("+91 98000-00001").as_deref(), Some("+919800000001"));
        assert_eq!(called("098000 00001"), None);
        assert_eq!(called("+12"), None);
    }
}
