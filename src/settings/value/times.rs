//! Spans of time, ours and those that Cassandra reads.

use std::fmt;
use std::time::Duration;

use super::FromText;

/// A span of time, such as `30s`, `5m`, `1500ms`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// One second.
    pub const SECOND: Self = Self(Duration::from_secs(1));

    /// The longest: 136 years, which any clock can still add.
    const LONGEST: Duration = Duration::from_secs(0xFFFF_FFFF);

    /// The duration.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl FromText for Span {
    const EXPECTED: &'static str = "a time such as 30s, 5m or 1500ms (a bare number is seconds)";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_| None)?;
        let span = match text.get(digits.len()..).unwrap_or_default() {
            "ms" => Some(Duration::from_millis(number)),
            "" | "s" => Some(Duration::from_secs(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            _ => None,
        };
        span.filter(|span| *span <= Self::LONGEST).map(Self).ok_or(None)
    }
}

/// How long an automatic snapshot is kept: a number of days, hours, minutes or seconds (`DurationSpec`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotTtl(String);

impl FromText for SnapshotTtl {
    const EXPECTED: &'static str = "a time such as 30d, 12h or 90m";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let number: u32 = text.strip_suffix(['d', 'h', 'm', 's']).and_then(|number| number.parse().ok()).ok_or(None)?;
        (number > 0).then(|| Self(text.to_owned())).ok_or(None)
    }
}

text_newtype!(SnapshotTtl);

#[cfg(test)]
mod tests {
    use crate::settings::value::tests::ok;

    use super::*;

    #[test]
    fn a_snapshot_is_kept_for_a_time_with_its_unit() {
        assert_eq!(ok::<SnapshotTtl>(" 30d").as_str(), "30d");
        for text in ["30", "0d", "d", "1w", "1.5h"] {
            assert!(SnapshotTtl::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_of_time() {
        assert_eq!(ok::<Span>("30").get(), Duration::from_secs(30));
        assert_eq!(ok::<Span>("1500ms").get(), Duration::from_millis(1500));
        assert_eq!(ok::<Span>("5m").get(), Duration::from_mins(5));
        for text in ["5 minutes", "-5", "4294967296", "1193047h", "18446744073709551615m", "99999999999999999999"] {
            assert!(Span::from_text(text).is_err(), "{text}");
        }
        assert!(std::time::Instant::now().checked_add(ok::<Span>("4294967295").get()).is_some());
    }
}
