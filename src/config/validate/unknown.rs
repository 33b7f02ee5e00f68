//! What to say of a key that a release does not have: its name there, the release that has it, or the word that was meant.

use crate::cassandra::Version;
use crate::cassandra::schema::{self, Kind, Row};
use crate::settings::suggest::{self, SUGGESTIONS};

/// What is wrong with a top-level key, and what to do about it.
pub(super) fn top(key: &str, version: Version) -> (String, Option<String>) {
    if let Some(reason) = elsewhere(key, version) {
        return (format!("is not known to Cassandra {version}"), Some(reason));
    }
    let mut names = inside(key, version);
    for near in suggest::nearest(key, schema::known_keys(), SUGGESTIONS * 2) {
        // A misspelled name of another release leads to the name of this one.
        let name = match schema::row(near, version) {
            Some(row) => Some(row.key.to_owned()),
            None => name_here(near, version).map(|here| format!("{here}, which {near} is called here")),
        };
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names.truncate(SUGGESTIONS);
    let hint = (!names.is_empty()).then(|| format!("did you mean {}?", names.join(", or ")));
    (format!("is not known to Cassandra {version}"), hint)
}

/// The structures of the top level that have a key of this name: a line may only stand too far to the left.
fn inside(key: &str, version: Version) -> Vec<String> {
    let has = |row: &&Row| matches!(row.kind, Kind::Nested { class, .. } if schema::class_row(class, key, version).is_some_and(|row| row.alias_of.is_none()));
    schema::keys(version).filter(has).map(|row| format!("{}.{key}", row.key)).collect()
}

/// What is wrong with a key of a structure.
pub(super) fn nested(key: &str, class: &str, version: Version) -> (String, Option<String>) {
    let known: Vec<&'static Row> = schema::class_keys(class, version).collect();
    let message = format!("is not known to Cassandra {version}");
    let other = schema::class_lines(class, key);
    let hint = if schema::row(key, version).is_some() {
        Some(format!("{key} is a key of the top level: write it without indentation"))
    } else if let (Some(first), Some(last)) = (other.first(), other.last()) {
        if last.line() < version.line() {
            Some(format!("Cassandra {} was the last line to have it; remove it", last.line()))
        } else {
            Some(format!("it came with Cassandra {first}; remove it"))
        }
    } else {
        let names = suggest::nearest(key, known.iter().map(|row| row.key), SUGGESTIONS);
        (!names.is_empty()).then(|| format!("did you mean {}?", names.join(", or ")))
    };
    (message, hint)
}

/// What became of a key that some other release has.
fn elsewhere(key: &str, version: Version) -> Option<String> {
    let lines = schema::lines(key);
    let (first, last) = (lines.first()?, lines.last()?);
    if let Some(here) = name_here(key, version) {
        let unit =
            schema::row(here, version).map_or(String::new(), |row| format!(", which takes {}", row.kind.expected()));
        return Some(format!("its name in this release is {here}{unit}"));
    }
    if last.line() < version.line() {
        let gone = format!("Cassandra {} was the last line to have it; remove it", last.line());
        return Some(match schema::removed(key) {
            Some(removed) => match removed.successor {
                Some(successor) => format!("{gone} and see {successor}: {}", removed.reason),
                None => format!("{gone}: {}", removed.reason),
            },
            None => gone,
        });
    }
    let since = lines.iter().find(|since| since.line() == version.line()).unwrap_or(first);
    if *since > version {
        return Some(format!("it came with Cassandra {since}; remove it"));
    }
    Some(format!("this patch lacks it, other patches of {} have it; remove it", version.line()))
}

/// The name that the setting `key` of another release has in this one.
fn name_here(key: &str, version: Version) -> Option<&'static str> {
    let new = schema::rows_of(key).filter_map(|row| row.alias_of).find(|new| schema::row(new, version).is_some());
    new.or_else(|| schema::old_names(key).find(|old| schema::row(old, version).is_some()))
}
