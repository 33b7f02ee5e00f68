//! Every key of the schema, set to a valid value of its type, is written and loaded by every release that has it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cassandra_init::cassandra::Version;
use cassandra_init::cassandra::schema::{self, Kind, Row, Spelling};
use cassandra_init::config::yaml::{Edit, Node, YamlDocument, YamlPath};
use serde_yaml::Value;
use tempfile::TempDir;

use crate::compare::{NO_FIELD, differences};
use crate::java::{self, Release};
use crate::loader::load;
use crate::scenarios::{Scenario, run};

/// One way to set one key.
struct Setting {
    /// Where it stands in the file.
    path: String,
    value: Value,
    /// Whether the path leads through the name of an older line, which the release takes and calls otherwise.
    old: bool,
}

/// What Cassandra itself cannot load, or reads otherwise than it stands there, and why.
const KNOWN: [(&str, &str); 4] = [
    ("accord.journal.flush_period", "6.0-alpha2 gives it a type without the constructor that its reader needs"),
    ("accord.journal.periodic_flush_lag_block", "the same"),
    ("keyspace_count_warn_threshold", "counted Cassandra's own keyspaces, which its reader takes off since 5.0"),
    (
        "table_count_warn_threshold",
        "counted Cassandra's own tables; to take them off, its reader needs more than a file",
    ),
];

/// A value of a row's type, another than its default where the type leaves a choice.
fn example(row: &Row) -> Value {
    let text = match (row.kind, row.default) {
        (Kind::Boolean, "true") => "false".to_owned(),
        (Kind::Choice(words), default) => {
            format!("'{}'", words.iter().find(|word| **word != default).unwrap_or(&default))
        }
        _ => row.example(),
    };
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {text}: {error}", row.key))
}

/// Every key of a release by its path, those in structures included, old names under both names.
fn settings(version: Version) -> Vec<Setting> {
    let mut all = Vec::new();
    for row in schema::keys(version) {
        let (key, value) = (row.key.to_owned(), example(row));
        if let (Some(_), Some((path, value))) = (row.alias_of, spelled(row, &value, version)) {
            all.push(Setting { path, value, old: false });
        }
        all.push(Setting { path: key.clone(), value, old: row.alias_of.is_some() });
        inside(&key, row, version, &mut all);
    }
    all
}

/// The keys in a structure, at any depth.
fn inside(prefix: &str, row: &Row, version: Version, all: &mut Vec<Setting>) {
    let (prefix, class) = match row.kind {
        Kind::Nested { class, .. } => (prefix.to_owned(), class),
        Kind::Map(Kind::Nested { class, .. }) => (format!("{prefix}.a"), *class),
        _ => return,
    };
    for row in schema::class_keys(class, version) {
        let path = format!("{prefix}.{}", row.key);
        inside(&path, row, version, all);
        all.push(Setting { value: example(row), path, old: row.alias_of.is_some() });
    }
}

/// An old name as we write it: the name and the unit of today.
fn spelled(row: &Row, value: &Value, version: Version) -> Option<(String, Value)> {
    let value = match value {
        Value::Bool(flag) => schema::Value::Boolean(*flag),
        Value::Number(number) => schema::Value::Integer(number.as_i64()?),
        Value::String(text) => schema::Value::Text(text.clone()),
        _ => return None,
    };
    let Spelling::Key { key, value, .. } = schema::spell(row.key, &value, version) else {
        panic!("{} has no spelling", row.key);
    };
    let value = match value {
        schema::Value::Boolean(flag) => flag.into(),
        schema::Value::Integer(number) => number.into(),
        schema::Value::Text(text) => text.into(),
        other => panic!("{}: {other:?}", row.key),
    };
    Some((key.to_owned(), value))
}

/// A document that says nothing but the setting, written by our editor.
fn document(setting: &Setting) -> YamlDocument {
    let path: YamlPath = setting.path.parse().unwrap();
    let node = Node::from_value(&setting.value).unwrap();
    let base = YamlDocument::parse("cassandra.yaml", "cluster_name: judged\n").unwrap();
    base.edit(&[Edit::Set(path, node)]).unwrap_or_else(|error| panic!("{}: {error}", setting.path))
}

/// Which settings a release refused or read otherwise, and what it said.
fn judge<'a>(release: &Release, settings: &'a [Setting], folder: &Path) -> Vec<(&'a str, String)> {
    let mut documents: Vec<YamlDocument> = settings.iter().map(document).collect();
    // The last one says nothing: what a setting does not change was not loaded.
    documents.push(YamlDocument::parse("cassandra.yaml", "cluster_name: judged\n").unwrap());
    let write = |(at, document): (usize, &YamlDocument)| {
        let file = folder.join(format!("{at}.yaml"));
        fs::write(&file, document.text()).unwrap();
        file
    };
    let files: Vec<_> = documents.iter().enumerate().map(write).collect();
    let mut answers = load(release, &files);
    let nothing = answers.pop().unwrap().unwrap();
    let mut wrong = Vec::new();
    for ((setting, document), loaded) in settings.iter().zip(&documents).zip(answers) {
        let said = match loaded {
            Err(message) => format!("{:?}: {message}", setting.value),
            // An old name in a structure may stand for its successor's default.
            Ok(_) if setting.old && setting.path.contains('.') => String::new(),
            Ok(loaded) => {
                let mut differences = differences(release.version, document.tree(), &loaded);
                // A key that Cassandra keeps under another name by a setter of its own shows in what changes.
                if loaded != nothing {
                    differences.retain(|difference| !difference.ends_with(NO_FIELD));
                }
                differences.join(", ")
            }
        };
        if !said.is_empty() {
            wrong.push((setting.path.as_str(), said));
        }
    }
    wrong
}

#[test]
fn every_key_is_written_and_loaded_by_every_release_that_has_it() {
    eprintln!("{:<12} {:>5} {:>9} {:>7} {:>7} {:>7}", "Cassandra", "set", "old names", "loaded", "known", "refused");
    let (mut refused, mut known) = (Vec::new(), BTreeSet::new());
    for release in java::releases() {
        let folder = TempDir::new().unwrap();
        let settings = settings(release.version);
        let is_known = |path: &str| KNOWN.iter().any(|(name, _)| *name == path);
        let (expected, wrong): (Vec<_>, Vec<_>) =
            judge(release, &settings, folder.path()).into_iter().partition(|(path, _)| is_known(path));
        let old = settings.iter().filter(|setting| setting.old).count();
        let (set, loaded) = (settings.len(), settings.len() - expected.len() - wrong.len());
        let (name, known_here, wrong_here) = (&release.name, expected.len(), wrong.len());
        eprintln!("{name:<12} {set:>5} {old:>9} {loaded:>7} {known_here:>7} {wrong_here:>7}");
        assert!(set > 200, "the schema of {name} is small");
        refused.extend(wrong.into_iter().map(|(path, said)| format!("{name}: {path}: {said}")));
        known.extend(expected.into_iter().map(|(path, _)| path.to_owned()));
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(KNOWN.iter().all(|(path, _)| known.contains(*path)), "known to fail, but loaded: only {known:?} failed");
}

/// Keys that exclude each other or need another value than any of their type: a start refuses them together.
const ALONE: [&str; 9] = [
    "commitlog_sync",
    "commitlog_sync_batch_window_in_ms",
    "commitlog_sync_group_window",
    "listen_interface",
    "native_transport_port",
    "native_transport_port_ssl",
    "rpc_interface",
    "ssl_storage_port",
    "storage_port",
];

#[test]
fn all_keys_at_once_go_through_a_start() {
    for release in java::releases() {
        let version = release.version;
        let rows = schema::keys(version).filter(|row| row.alias_of.is_none() && !ALONE.contains(&row.key));
        let fragment: serde_yaml::Mapping = rows.map(|row| (Value::from(row.key), example(row))).collect();
        let text = serde_yaml::to_string(&fragment).unwrap();
        let (nothing, result) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let start = Scenario::new("all keys at once", &[("CASSANDRA_YAML", &text)], &[]);
        run(release, &start, nothing.path(), &["render", "--output", result.path().to_str().unwrap()]);
        let file = result.path().join("cassandra.yaml");
        let document: Value = serde_yaml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        // Maps merge with what the file has; everything else stands as it was given.
        let merges = |value: &Value| value.is_mapping() || value.get(0).is_some_and(Value::is_mapping);
        let given = fragment.iter().filter(|(_, value)| !merges(value));
        let lost: Vec<_> = given.filter(|(key, value)| document.get(key) != Some(*value)).collect();
        assert!(lost.is_empty(), "{}: {lost:?}", release.name);
        let loaded = load(release, &[file]).remove(0).unwrap_or_else(|message| panic!("{}: {message}", release.name));
        let mut differences = differences(version, &document, &loaded);
        differences.retain(|difference| !difference.ends_with(NO_FIELD));
        assert!(differences.is_empty(), "{}: {}", release.name, differences.join("\n"));
        eprintln!("Cassandra {}: {} keys at once", release.name, fragment.len());
    }
}
