//! Cassandra release numbers and the lines that they belong to.

use std::fmt;
use std::str::FromStr;

/// A release such as `5.0.8`; a pre-release such as `6.0-alpha2` counts as patch 0 of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    line: Line,
    patch: u16,
}

/// A line of releases that share their configuration format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Line {
    V3_11,
    V4_0,
    V4_1,
    V5_0,
    V6_0,
}

/// The text is not a release of a line that we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a Cassandra version that is known here (3.11, 4.0, 4.1, 5.0, 6.0)")]
pub struct UnknownVersion(String);

impl Line {
    /// All lines, oldest first.
    pub const ALL: [Self; 5] = [Self::V3_11, Self::V4_0, Self::V4_1, Self::V5_0, Self::V6_0];

    /// The line's name as Cassandra writes it: `5.0`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V3_11 => "3.11",
            Self::V4_0 => "4.0",
            Self::V4_1 => "4.1",
            Self::V5_0 => "5.0",
            Self::V6_0 => "6.0",
        }
    }

    /// The Java majors that the line runs on, best first (Cassandra's NEWS.txt and `bin/cassandra.in.sh`).
    pub fn java_majors(self) -> &'static [u16] {
        match self {
            Self::V3_11 => &[8],
            Self::V4_0 | Self::V4_1 => &[11, 8],
            Self::V5_0 => &[17, 11],
            Self::V6_0 => &[21, 17, 11],
        }
    }
}

impl Version {
    /// The release `line.patch`.
    pub const fn new(line: Line, patch: u16) -> Self {
        Self { line, patch }
    }

    /// The line that it belongs to.
    pub const fn line(self) -> Line {
        self.line
    }

    /// The number after the line's name.
    pub const fn patch(self) -> u16 {
        self.patch
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    /// Accepts `5.0.8`, `5.0` (patch 0), `5.0.3-SNAPSHOT`, `6.0-alpha2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownVersion(text.to_owned());
        let number = text.split(['-', '~', '+']).next().unwrap_or_default();
        let line = Line::ALL
            .into_iter()
            .find(|line| number == line.name() || number.starts_with(&format!("{}.", line.name())))
            .ok_or_else(unknown)?;
        let patch = match number.strip_prefix(line.name()).and_then(|rest| rest.strip_prefix('.')) {
            Some(patch) => patch.parse().map_err(|_| unknown())?,
            None => 0,
        };
        Ok(Self { line, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.line, self.patch)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_releases_and_prereleases() {
        assert_eq!("5.0.8".parse(), Ok(Version::new(Line::V5_0, 8)));
        assert_eq!("3.11.4".parse(), Ok(Version::new(Line::V3_11, 4)));
        assert_eq!("6.0-alpha2".parse(), Ok(Version::new(Line::V6_0, 0)));
        assert_eq!("4.1".parse(), Ok(Version::new(Line::V4_1, 0)));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in ["", "2.2.19", "5", "5.0.x", "3.110.1", "50.1"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn releases_are_ordered() {
        assert!(Version::new(Line::V4_0, 19) < Version::new(Line::V4_1, 0));
        assert!(Version::new(Line::V5_0, 8) > Version::new(Line::V5_0, 1));
    }
}
