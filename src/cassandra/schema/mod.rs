//! The keys of cassandra.yaml in every line: name, type, unit, and how an old name is spelled today.
//!
//! The tables are generated at build time from data/, which Cassandra's own `Config` class of each line's newest patch
//! wrote (tests/judge/Reflect.java). The rules are those of `Config`, `@Replaces` and `Converters` (CASSANDRA-15234).

mod field;
mod kind;
mod spell;

pub use field::{Field, class_keys, field, is_secret};
pub use kind::{Ceiling, Forms, Kind, RATE_UNITS, SIZE_UNITS, TIME_UNITS, Unit};
pub use spell::{Spelling, Value, is_none, spell};

use crate::cassandra::version::{Line, Version};

/// The class of the keys at the top level.
const TOP: &str = "Config";

/// One key of one class, in the releases in which it is the same.
#[derive(Debug)]
pub struct Row {
    /// The class that has it.
    class: &'static str,
    /// The name in cassandra.yaml.
    pub key: &'static str,
    releases: &'static [Releases],
    /// The type of its value.
    pub kind: Kind,
    /// The default in Cassandra's code, as text; empty where it is null.
    pub default: &'static str,
    /// Whether an empty value is taken.
    pub nullable: bool,
    /// Whether Cassandra warns about it.
    pub deprecated: bool,
    /// The newer name that this old one stands for.
    pub alias_of: Option<&'static str>,
}

/// Releases of a line, one after the other.
#[derive(Debug, Clone, Copy)]
struct Releases {
    line: Line,
    first: u16,
    last: Option<u16>,
}

/// Why a key is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Removed {
    /// The key.
    pub key: &'static str,
    /// The key that does its work now.
    pub successor: Option<&'static str>,
    /// What to know about it; no full stop.
    pub reason: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/keys.rs"));

impl Releases {
    fn cover(self, version: Version) -> bool {
        self.line == version.line()
            && version.patch() >= self.first
            && self.last.is_none_or(|last| version.patch() <= last)
    }
}

impl Row {
    fn covers(&self, version: Version) -> bool {
        self.releases.iter().any(|releases| releases.cover(version))
    }

    /// A valid value as it would be written in a file: that of its type, unless the key takes only some of those.
    pub fn example(&self) -> String {
        match (self.class, self.key) {
            // The names of checks (`StartupChecks.StartupCheckType`).
            (TOP, "startup_checks") => "{check_dc: {enabled: 'false'}}".to_owned(),
            _ => self.kind.example(),
        }
    }
}

/// The release of a line whose own `Config` class the schema was last compared with; data about later ones is a guess.
pub fn verified(line: Line) -> &'static str {
    VERIFIED.iter().find(|(of, _)| *of == line).map_or("", |(_, release)| release)
}

/// Whether the schema knows every key of a release: it is not newer than the one verified, which was a final one.
pub fn is_verified(version: Version) -> bool {
    let release = verified(version.line());
    !release.contains('-') && release.parse().is_ok_and(|verified: Version| version <= verified)
}

/// Why a key that older lines had is gone, where there is something to say.
pub fn removed(key: &str) -> Option<&'static Removed> {
    REMOVED.iter().find(|removed| removed.key == key)
}

/// The row of `key` in `version`.
pub fn row(key: &str, version: Version) -> Option<&'static Row> {
    class_row(TOP, key, version)
}

/// The row of a key of one of Cassandra's classes ([`Kind::Nested`]) in `version`.
pub fn class_row(class: &str, key: &str, version: Version) -> Option<&'static Row> {
    of(class, key).iter().find(|row| row.covers(version))
}

/// The first release of each line that has a top-level key, oldest line first.
pub fn lines(key: &str) -> Vec<Version> {
    class_lines(TOP, key)
}

/// The first release of each line in which a class has a key, oldest line first.
pub fn class_lines(class: &str, key: &str) -> Vec<Version> {
    let releases = of(class, key).iter().flat_map(|row| row.releases);
    let mut lines: Vec<Version> = releases.map(|releases| Version::new(releases.line, releases.first)).collect();
    lines.sort_unstable();
    lines.dedup_by_key(|version| version.line());
    lines
}

/// Every top-level key of any release, in alphabetical order.
pub fn known_keys() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    top_rows().iter().map(|row| row.key).filter(move |key| std::mem::replace(&mut last, key) != *key)
}

/// The names that a setting had before it got the name `key`.
pub fn old_names(key: &str) -> impl Iterator<Item = &'static str> {
    top_rows().iter().filter(move |row| row.alias_of == Some(key)).map(|row| row.key)
}

fn top_rows() -> &'static [Row] {
    let start = ROWS.partition_point(|row| row.class < TOP);
    let end = ROWS.partition_point(|row| row.class <= TOP);
    ROWS.get(start..end).unwrap_or_default()
}

/// All rows of `key`.
pub fn rows_of(key: &str) -> impl Iterator<Item = &'static Row> {
    of(TOP, key).iter()
}

fn of(class: &str, key: &str) -> &'static [Row] {
    let start = ROWS.partition_point(|row| (row.class, row.key) < (class, key));
    let end = ROWS.partition_point(|row| (row.class, row.key) <= (class, key));
    ROWS.get(start..end).unwrap_or_default()
}

/// Whether some line takes a class with parameters for a key; others may take its name alone.
pub fn names_class(key: &str) -> bool {
    rows_of(key).any(|row| matches!(row.kind, Kind::Class(_)))
}

/// All top-level keys that `version` knows, in alphabetical order.
pub fn keys(version: Version) -> impl Iterator<Item = &'static Row> {
    class_keys(TOP, version)
}

/// The other names of the setting `key` that `version` knows; Cassandra refuses two of them together.
pub fn twins(key: &str, version: Version) -> Vec<&'static str> {
    let target = row(key, version).and_then(|row| row.alias_of).unwrap_or(key);
    let same = |row: &&Row| row.key != key && (row.key == target || row.alias_of == Some(target));
    keys(version).filter(same).map(|row| row.key).collect()
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
    fn minus_one_of_an_old_name_is_what_its_converter_makes_of_it() {
        let spelled = |key: &str| written(key, &Value::Integer(-1), V5_0_8);
        let (key, value) = spelled("sstable_preemptive_open_interval_in_mb");
        assert_eq!((key, &value), ("sstable_preemptive_open_interval", &Value::Null));
        assert!(is_none(key, &Value::Integer(-1), &value, V5_0_8) && !is_none(key, &Value::Null, &value, V5_0_8));
        let (key, value) = spelled("roles_update_interval_in_ms");
        assert!(!is_none(key, &Value::Integer(-1), &value, V5_0_8), "{key} has no other default");
        assert_eq!(spelled("cache_load_timeout_seconds"), ("cache_load_timeout", Value::Text("0s".into())));
        assert_eq!(spelled("read_request_timeout_in_ms"), ("read_request_timeout", Value::Text("-1ms".into())));
        let quoted = written("key_cache_size_in_mb", &Value::Text("5".into()), V5_0_8);
        assert_eq!(quoted, ("key_cache_size", Value::Text("5MiB".into())));
    }

    #[test]
    fn a_renamed_key_names_its_twin_for_removal() {
        let Spelling::Key { twins, .. } = spell("key_cache_size_in_mb", &Value::Integer(1), V5_0_8) else {
            panic!("key_cache_size exists in 5.0");
        };
        assert_eq!(twins, ["key_cache_size_in_mb"]);
    }

    #[test]
    fn a_threshold_that_counted_cassandras_own_keyspaces_and_tables_counts_as_many_of_the_users() {
        let spelled = |key: &str, number: i64, version| written(key, &Value::Integer(number), version);
        assert_eq!(
            spelled("keyspace_count_warn_threshold", 40, V5_0_8),
            ("keyspaces_warn_threshold", Value::Integer(35))
        );
        assert_eq!(spelled("table_count_warn_threshold", 150, V5_0_8), ("tables_warn_threshold", Value::Integer(102)));
        let v6 = Version::new(Line::V6_0, 0);
        assert_eq!(spelled("keyspace_count_warn_threshold", 40, v6), ("keyspaces_warn_threshold", Value::Integer(33)));
        assert_eq!(spelled("table_count_warn_threshold", 20, v6), ("tables_warn_threshold", Value::Integer(1)));
        let v4_1 = Version::new(Line::V4_1, 10);
        let same = ("table_count_warn_threshold", Value::Integer(150));
        assert_eq!(spelled("table_count_warn_threshold", 150, v4_1), same);
    }

    #[test]
    fn an_example_is_one_that_the_key_takes_not_only_its_type() {
        let v6 = Version::new(Line::V6_0, 0);
        assert_eq!(row("startup_checks", v6).unwrap().example(), "{check_dc: {enabled: 'false'}}");
        assert_eq!(class_row("AccordConfig", "retry_syncpoint", v6).unwrap().example(), "7s");
        assert_eq!(row("num_tokens", v6).unwrap().example(), "7");
    }

    #[test]
    fn removed_and_unknown_keys_are_told_apart() {
        assert_eq!(spell("start_rpc", &Value::Boolean(true), V5_0_8), Spelling::Removed { last: Line::V3_11 });
        assert_eq!(spell("sai_options", &Value::Null, V3_11_4), Spelling::Unknown { first: Some(Line::V5_0) });
        assert_eq!(spell("cluster_nam", &Value::Null, V5_0_8), Spelling::Unknown { first: None });
    }

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(ROWS.is_sorted_by_key(|row| (row.class, row.key)));
        assert!(keys(V5_0_8).count() > 400);
    }
}
