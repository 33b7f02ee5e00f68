//! The stamp beside the data: what this node is, as far as we have seen it.
//!
//! Written `founding` or `joining` before the first spawn and `normal` once the node serves. Only `normal`, or data that was
//! there before our first start, counts as bootstrapped.

use std::fmt;

/// The file's name in the data root.
pub const FILE_NAME: &str = ".cassandra-init";

/// How far the node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is about to make a cluster of its own.
    Founding,
    /// It is about to join one.
    Joining,
    /// It has served clients.
    Normal,
}

/// What the stamp says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// How far the node has come.
    pub stage: Stage,
    /// The cluster's name.
    pub cluster_name: String,
    /// The Cassandra release that ran last.
    pub version: String,
    /// The snitch that it ran with: it decides what data centre the data believes to be in.
    pub snitch: String,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::Founding => "founding",
            Self::Joining => "joining",
            Self::Normal => "normal",
        }
    }
}

impl Stamp {
    /// Reads what `Display` wrote; lines that it does not know are left for a newer version of us.
    ///
    /// Returns `None` if there is no stage that we know in it.
    pub fn parse(text: &str) -> Option<Self> {
        let value = |name: &str| {
            text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let stage = [Stage::Founding, Stage::Joining, Stage::Normal]
            .into_iter()
            .find(|stage| value("stage") == Some(stage.word()))?;
        Some(Self {
            stage,
            cluster_name: value("cluster_name").unwrap_or_default().to_owned(),
            version: value("version").unwrap_or_default().to_owned(),
            snitch: value("snitch").unwrap_or_default().to_owned(),
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stage={}", self.stage)?;
        writeln!(f, "cluster_name={}", self.cluster_name)?;
        writeln!(f, "version={}", self.version)?;
        writeln!(f, "snitch={}", self.snitch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let stamp = Stamp {
            stage: Stage::Normal,
            cluster_name: "K8Demo = 2".into(),
            version: "5.0.8".into(),
            snitch: "SimpleSnitch".into(),
        };
        assert_eq!(Stamp::parse(&stamp.to_string()), Some(stamp));
    }

    #[test]
    fn nonsense_is_no_stamp() {
        assert_eq!(Stamp::parse(""), None);
        assert_eq!(Stamp::parse("stage=other\n"), None);
    }
}
