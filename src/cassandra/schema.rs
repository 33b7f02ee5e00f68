//! The keys of cassandra.yaml in every line: name, type, unit, and how an old name is spelled today.
//!
//! The table is generated at build time from data/keys.csv. Its rules are those of Cassandra's `Config`, `@Replaces`
//! and `Converters` (CASSANDRA-15234).

use crate::cassandra::version::{Line, Version};

/// One key in one line.
#[derive(Debug)]
pub struct Row {
    /// The name in cassandra.yaml.
    pub key: &'static str,
    /// The line that the row is about.
    pub line: Line,
    first: u16,
    last: Option<u16>,
    /// The type of its value.
    pub kind: Kind,
    /// The default in Cassandra's code, as text.
    pub default: &'static str,
    /// Whether Cassandra warns about it.
    pub deprecated: bool,
    /// The newer name that this old one stands for.
    pub alias_of: Option<&'static str>,
}

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A string.
    Text,
    /// A bare number with the unit in the key's name (before 4.1).
    Bare(Unit),
    /// A number with a unit of time, not finer than the one given (4.1 and later, `DurationSpec`).
    Duration(&'static str),
    /// A number with B, KiB, MiB or GiB, not finer than the one given (4.1 and later, `DataStorageSpec`).
    DataSize(&'static str),
    /// A number with B/s, KiB/s or MiB/s (4.1 and later, `DataRateSpec`).
    DataRate,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A list of strings.
    TextList,
    /// A list of words.
    ChoiceList,
    /// A class with parameters (`ParameterizedClass`).
    Class,
    /// A map.
    Map,
    /// A structure of its own.
    Nested(&'static str),
    /// An old name whose value is written as the new one's.
    SameAsNew,
}

/// The unit that an old name carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Bytes,
    Kibibytes,
    Mebibytes,
    MebibytesPerSecond,
    MegabitsPerSecond,
}

include!(concat!(env!("OUT_DIR"), "/keys.rs"));

/// A value of a single key.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Explicitly nothing.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Number(f64),
    /// A string.
    Text(String),
}

/// What became of a key in a version.
#[derive(Debug, Clone, PartialEq)]
pub enum Spelling {
    /// Write this.
    Key {
        /// The name that this version takes.
        key: &'static str,
        /// The value in this version's form.
        value: Value,
        /// Other names of the same setting; Cassandra refuses both together, so they must go.
        twins: Vec<&'static str>,
    },
    /// The key was there in older lines and is gone.
    Removed {
        /// The last line that had it.
        last: Line,
    },
    /// No line that we know has it, or only later ones.
    Unknown {
        /// The first line that has it, if any.
        first: Option<Line>,
    },
}

impl Row {
    fn covers(&self, version: Version) -> bool {
        self.line == version.line()
            && version.patch() >= self.first
            && self.last.is_none_or(|last| version.patch() <= last)
    }
}

impl Unit {
    /// The suffix that the same number takes since 4.1; megabits have none and are converted.
    fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "m",
            Self::Bytes => "B",
            Self::Kibibytes => "KiB",
            Self::Mebibytes => "MiB",
            Self::MebibytesPerSecond => "MiB/s",
            Self::MegabitsPerSecond => "B/s",
        }
    }
}

/// The row of `key` in `version`.
pub fn row(key: &str, version: Version) -> Option<&'static Row> {
    rows_of(key).find(|row| row.covers(version))
}

/// All rows of `key`, oldest line first.
pub fn rows_of(key: &str) -> impl Iterator<Item = &'static Row> {
    let start = ROWS.partition_point(|row| row.key < key);
    let key = key.to_owned();
    ROWS.iter().skip(start).take_while(move |row| row.key == key)
}

/// All keys that `version` knows, in alphabetical order.
pub fn keys(version: Version) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.covers(version))
}

/// How `value`, given for the key that is or was called `key`, is written in `version`.
///
/// An old name becomes the new one with its unit (`key_cache_size_in_mb` 100 → `key_cache_size` `100MiB`); -1, which
/// meant "unset" in several old names, becomes null (`Converters.java`).
pub fn spell(key: &str, value: &Value, version: Version) -> Spelling {
    let Some(row) = row(key, version) else {
        return absent(key, version);
    };
    let Some(new) = row.alias_of else {
        return Spelling::Key { key: row.key, value: value.clone(), twins: twins(row.key, version) };
    };
    let value = match row.kind {
        Kind::Bare(unit) => with_unit(value, unit),
        _ => value.clone(),
    };
    Spelling::Key { key: new, value, twins: twins(new, version) }
}

/// The old names that `version` accepts for the setting `key`.
fn twins(key: &str, version: Version) -> Vec<&'static str> {
    keys(version).filter(|row| row.alias_of == Some(key) && row.key != key).map(|row| row.key).collect()
}

fn with_unit(value: &Value, unit: Unit) -> Value {
    match value {
        Value::Integer(number) if *number < 0 => Value::Null,
        Value::Integer(number) if unit == Unit::MegabitsPerSecond => Value::Text(format!("{}B/s", number * 125_000)),
        Value::Integer(number) => Value::Text(format!("{number}{}", unit.suffix())),
        other => other.clone(),
    }
}

fn absent(key: &str, version: Version) -> Spelling {
    let lines: Vec<Line> = rows_of(key).map(|row| row.line).collect();
    match (lines.iter().min(), lines.iter().max()) {
        (_, Some(&last)) if last < version.line() => Spelling::Removed { last },
        (Some(&first), _) => Spelling::Unknown { first: Some(first) },
        _ => Spelling::Unknown { first: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3_11_4: Version = Version::new(Line::V3_11, 4);
    const V5_0_8: Version = Version::new(Line::V5_0, 8);

    fn written(key: &str, value: &Value, version: Version) -> (&'static str, Value) {
        match spell(key, value, version) {
            Spelling::Key { key, value, .. } => (key, value),
            other => panic!("{key}: {other:?}"),
        }
    }

    #[test]
    fn old_names_get_their_new_name_and_unit() {
        let table = [
            ("key_cache_size_in_mb", 100, "key_cache_size", "100MiB"),
            ("counter_cache_size_in_mb", 50, "counter_cache_size", "50MiB"),
            ("compaction_throughput_mb_per_sec", 64, "compaction_throughput", "64MiB/s"),
            ("gc_warn_threshold_in_ms", 1000, "gc_warn_threshold", "1000ms"),
            ("stream_throughput_outbound_megabits_per_sec", 200, "stream_throughput_outbound", "25000000B/s"),
        ];
        for (old, number, new, text) in table {
            assert_eq!(written(old, &Value::Integer(number), V5_0_8), (new, Value::Text(text.into())), "{old}");
            assert_eq!(written(old, &Value::Integer(number), V3_11_4), (old, Value::Integer(number)), "{old} on 3.11");
        }
    }

    #[test]
    fn a_renamed_key_names_its_twin_for_removal() {
        let Spelling::Key { twins, .. } = spell("key_cache_size_in_mb", &Value::Integer(1), V5_0_8) else {
            panic!("key_cache_size exists in 5.0");
        };
        assert_eq!(twins, ["key_cache_size_in_mb"]);
    }

    #[test]
    fn removed_and_unknown_keys_are_told_apart() {
        assert_eq!(spell("start_rpc", &Value::Boolean(true), V5_0_8), Spelling::Removed { last: Line::V3_11 });
        assert_eq!(spell("sai_options", &Value::Null, V3_11_4), Spelling::Unknown { first: Some(Line::V5_0) });
        assert_eq!(spell("cluster_nam", &Value::Null, V5_0_8), Spelling::Unknown { first: None });
    }

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(ROWS.is_sorted_by(|a, b| (a.key, a.line, a.first) <= (b.key, b.line, b.first)));
        assert!(keys(V5_0_8).count() > 400);
    }
}
