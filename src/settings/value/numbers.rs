//! Numbers within their bounds, and sizes of a heap.

use super::{FromText, parse};
use crate::cassandra::heap::HeapSize;

/// A whole number between two bounds, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> FromText for Bounded<MIN, MAX> {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let range = || match MAX {
            u64::MAX => format!("{MIN} or more"),
            _ => format!("from {MIN} to {MAX}"),
        };
        let number = text.trim().parse::<u64>().map_err(|_| Some(range()))?;
        (MIN..=MAX).contains(&number).then_some(Self(number)).ok_or_else(|| Some(range()))
    }
}

/// A TCP port.
pub type Port = Bounded<1, 65_535>;

impl Port {
    /// The port as sockets have it.
    pub fn port(self) -> u16 {
        u16::try_from(self.0).unwrap_or(u16::MAX)
    }
}

/// A number between 0 and 1, both excluded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fraction(f64);

impl Fraction {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromText for Fraction {
    const EXPECTED: &'static str = "a number between 0 and 1";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let number: f64 = parse(text)?;
        (number > 0.0 && number < 1.0).then_some(Self(number)).ok_or(None)
    }
}

impl FromText for HeapSize {
    const EXPECTED: &'static str = "a heap size such as 512M or 8G (64M or more)";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_| None)?;
        let unit: u64 = match text.get(digits.len()..).unwrap_or_default() {
            "k" | "K" => 1 << 10,
            "m" | "M" => 1 << 20,
            "g" | "G" => 1 << 30,
            "t" | "T" => 1 << 40,
            // -Xmx takes bytes too; who writes a number without a unit means something else.
            "" => return Err(Some("a number needs its unit: k, m or g".into())),
            other => return Err(Some(format!("'{other}' is no unit of -Xmx: use k, m or g"))),
        };
        let size = number.checked_mul(unit).map(Self::from_bytes).ok_or(None)?;
        (size >= Self::MINIMUM).then_some(size).ok_or(None)
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::value::tests::ok;

    use super::*;

    #[test]
    fn heap_sizes_need_a_unit_and_a_sensible_amount() {
        assert_eq!(ok::<HeapSize>("512M").to_string(), "512M");
        assert_eq!(ok::<HeapSize>("2g").to_string(), "2048M");
        for text in ["512", "512MB", "0.5G", "-1G", "1M", "G", "99999999999999T"] {
            assert!(HeapSize::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_name_their_range() {
        assert_eq!(ok::<Bounded<1, 1536>>(" 16 ").get(), 16);
        assert_eq!(Bounded::<1, 1536>::from_text("0"), Err(Some("from 1 to 1536".into())));
        assert_eq!(Bounded::<0, { u64::MAX }>::from_text("-1"), Err(Some("0 or more".into())));
    }
}
