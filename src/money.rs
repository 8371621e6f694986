//! Money: integer minor units, checked. One rounding rule: half away from zero, once per line.

use schemars::JsonSchema;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use crate::errors::{Error, Result};

/// An amount in the minor unit of the company's currency (paise, cents).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType, JsonSchema)]
#[serde(transparent)]
pub struct Money(pub i64);

impl Money {
    pub const ZERO: Self = Self(0);

    /// # Errors
    /// 422 when the sum leaves 64 bits.
    pub fn plus(self, other: Self) -> Result<Self> {
        self.0.checked_add(other.0).map(Self).ok_or_else(too_large)
    }

    /// # Errors
    /// 422 when the difference leaves 64 bits.
    pub fn minus(self, other: Self) -> Result<Self> {
        self.0.checked_sub(other.0).map(Self).ok_or_else(too_large)
    }

    /// The price of `quantity`: pieces, or grams at a price per kilogram.
    ///
    /// # Errors
    /// 422 when the product leaves 64 bits.
    pub fn times(self, quantity: i64, by_weight: bool) -> Result<Self> {
        self.portion(quantity, if by_weight { 1_000 } else { 1 })
    }

    /// `self × part ÷ whole`, rounded half away from zero.
    ///
    /// # Errors
    /// 422 when the result leaves 64 bits or `whole` is not positive.
    pub fn portion(self, part: i64, whole: i64) -> Result<Self> {
        if whole <= 0 {
            return Err(too_large());
        }
        let product = i128::from(self.0) * i128::from(part);
        let whole = i128::from(whole);
        let rounded = (product.abs() * 2 + whole) / (whole * 2) * product.signum();
        i64::try_from(rounded).map(Self).map_err(|_| too_large())
    }

    /// The tax of an amount at `rate` basis points: inside it when prices include tax
    /// (`amount × rate ÷ (10 000 + rate)`), else on top (`amount × rate ÷ 10 000`).
    ///
    /// # Errors
    /// 422 when the result leaves 64 bits.
    pub fn tax(self, rate: i64, included: bool) -> Result<Self> {
        self.portion(rate, if included { 10_000 + rate } else { 10_000 })
    }

    /// # Errors
    /// 422 when the sum leaves 64 bits.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// For programs and spreadsheets: `-1234.50`.
    #[must_use]
    pub fn plain(self) -> String {
        let minor = self.0.unsigned_abs();
        format!("{}{}.{:02}", if self.0 < 0 { "-" } else { "" }, minor / 100, minor % 100)
    }

    /// For people: `₹1,24,990.00`, `$1,234.50`, `XYZ 12.00`; a real minus sign.
    #[must_use]
    pub fn display(self, currency: &str) -> String {
        let minor = self.0.unsigned_abs();
        let (units, rest) = (minor / 100, minor % 100);
        let sign = if self.0 < 0 { "−" } else { "" };
        let symbol = match currency {
            "INR" => "₹".into(),
            "EUR" => "€".into(),
            "USD" => "$".into(),
            "GBP" => "£".into(),
            other => format!("{other} "),
        };
        format!("{sign}{symbol}{}.{rest:02}", grouped(units, currency == "INR"))
    }
}

fn too_large() -> Error {
    Error::invalid("amount", "too_large", "the amount is larger than can be handled")
}

/// Thousands grouped by three, or the Indian way: the last three, then by two.
fn grouped(units: u64, indian: bool) -> String {
    let digits = units.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        let comma = if indian { left == 3 || (left > 3 && !left.is_multiple_of(2)) } else { left.is_multiple_of(3) };
        if index > 0 && comma {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Money;

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(Money(5).portion(1, 2).ok(), Some(Money(3)));
        assert_eq!(Money(-5).portion(1, 2).ok(), Some(Money(-3)));
        assert_eq!(Money(4).portion(1, 3).ok(), Some(Money(1)));
    }

    #[test]
    fn tax_is_inside_or_on_top() {
        assert_eq!(Money(11_800).tax(1_800, true).ok(), Some(Money(1_800)));
        assert_eq!(Money(10_000).tax(1_800, false).ok(), Some(Money(1_800)));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_wraps() {
        assert!(Money(i64::MAX).plus(Money(1)).is_err());
        assert!(Money(i64::MAX).times(2, false).is_err());
    }

    #[test]
    fn rupees_are_grouped_the_indian_way() {
        assert_eq!(Money(12_499_000).display("INR"), "₹1,24,990.00");
        assert_eq!(Money(-123_450).display("USD"), "−$1,234.50");
    }
}
