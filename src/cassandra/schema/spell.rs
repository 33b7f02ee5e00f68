//! How a setting that is known under one name is written in a release.

use crate::cassandra::schema::{Kind, Unit, lines, row, twins};
use crate::cassandra::version::{Line, Version};

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

/// How `value`, given for the key that is or was called `key`, is written in `version`.
///
/// An old name becomes the new one with its unit (`key_cache_size_in_mb` 100 → `key_cache_size` `100MiB`); -1, which
/// meant "none" in several old names, becomes null, or no time at all (`Converters.java`). That null is a value of its own
/// where the default is another ([`is_none`]).
pub fn spell(key: &str, value: &Value, version: Version) -> Spelling {
    let Some(row) = row(key, version) else {
        return absent(key, version);
    };
    let Some(new) = row.alias_of else {
        return Spelling::Key { key: row.key, value: value.clone(), twins: twins(row.key, version) };
    };
    let value = match row.kind {
        Kind::Bare { unit, negative, .. } => with_unit(value, unit, negative),
        _ => without_own(row.key, value, version.line()),
    };
    Spelling::Key { key: new, value, twins: twins(new, version) }
}

/// Whether `spelled` is the null that an old name's -1 became under `key`, and says something else than a key that is not there.
pub fn is_none(key: &str, given: &Value, spelled: &Value, version: Version) -> bool {
    *given != Value::Null && *spelled == Value::Null && row(key, version).is_some_and(|row| !row.default.is_empty())
}

/// `negative`: whether the converter makes something of a negative number; what it refuses is refused under the new name, too.
fn with_unit(value: &Value, unit: Unit, negative: bool) -> Value {
    let number = match value {
        Value::Integer(number) => *number,
        // SnakeYAML reads a number in quotes for a field that is one.
        Value::Text(text) => match text.trim().parse() {
            Ok(number) => number,
            Err(_) => return value.clone(),
        },
        other => return other.clone(),
    };
    match unit {
        // NEGATIVE_SECONDS_DURATION
        Unit::Seconds if negative && number < 0 => Value::Text("0s".to_owned()),
        _ if negative && number < 0 => Value::Null,
        Unit::MegabitsPerSecond => Value::Text(format!("{}B/s", i128::from(number) * 125_000)),
        _ => Value::Text(format!("{number}{}", unit.suffix())),
    }
}

/// Old thresholds that counted what Cassandra itself keeps, too, as the new ones do not: how much that is in a line, from
/// `SchemaConstants.getLocalAndReplicatedSystemKeyspaceNames` and `…TableNames` of its newest patch.
const OWN: [(&str, Line, i64); 4] = [
    ("keyspace_count_warn_threshold", Line::V5_0, 5),
    ("keyspace_count_warn_threshold", Line::V6_0, 7),
    ("table_count_warn_threshold", Line::V5_0, 48),
    ("table_count_warn_threshold", Line::V6_0, 56),
];

/// What is left of a threshold for the user's own; never less than one, as the new name refuses zero.
fn without_own(key: &str, value: &Value, line: Line) -> Value {
    let own = OWN.iter().find(|(name, of, _)| *name == key && *of == line).map(|(.., own)| *own);
    match (value, own) {
        (Value::Integer(number), Some(own)) => Value::Integer(number.saturating_sub(own).max(1)),
        _ => value.clone(),
    }
}

fn absent(key: &str, version: Version) -> Spelling {
    let lines = lines(key);
    match (lines.first(), lines.last()) {
        (_, Some(last)) if last.line() < version.line() => Spelling::Removed { last: last.line() },
        (first, _) => Spelling::Unknown { first: first.map(|first| first.line()) },
    }
}
