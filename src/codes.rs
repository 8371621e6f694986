//! Countries and currencies, by the capital letters of ISO 3166-1 and ISO 4217.

use iso_country::Country;
use iso_currency::Currency;

/// Whether a country is known by these two letters.
#[must_use]
pub fn is_country(letters: &str) -> bool {
    !letters.is_empty() && letters.parse::<Country>().is_ok()
}

/// Whether a currency is known by these three letters, and its amounts have two decimals: what is
/// shown and typed is hundredths throughout.
#[must_use]
pub fn is_currency(letters: &str) -> bool {
    Currency::from_code(letters).is_some_and(|currency| currency.exponent() == Some(2))
}

#[cfg(test)]
mod tests {
    use super::{is_country, is_currency};

    #[test]
    fn two_letters_are_not_yet_a_country() {
        assert!(["IN", "GB", "US", "AE", "ZA"].into_iter().all(is_country));
        assert!(["in", "XX", "UK", "IND", ""].into_iter().all(|letters| !is_country(letters)));
    }

    #[test]
    fn three_letters_are_not_yet_a_currency() {
        assert!(["INR", "EUR", "USD", "AED", "GBP"].into_iter().all(is_currency));
        assert!(["inr", "QQQ", "XXX", "JPY", "KWD", "IN", ""].into_iter().all(|letters| !is_currency(letters)));
    }
}
