//! Fragments of cassandra.yaml: read, spelled for the release, and merged into a document.
//!
//! Maps merge, lists and scalars replace, `null` removes. What a fragment does not name stays as it is, to the byte.

use std::collections::HashSet;

use serde_yaml::{Mapping, Value as Yaml};

use crate::cassandra::Version;
use crate::cassandra::schema::{self, Forms, Kind, Spelling, Value};
use crate::config::validate;
use crate::config::yaml::{Edit, EditError, Node, YamlDocument, YamlPath};
use crate::report::{Finding, Place, Report};

/// Where a class with parameters has its name.
const CLASS_NAME: &str = "class_name";

/// One key of a fragment, under the name that the release takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it goes.
    pub path: YamlPath,
    /// What goes there; null takes away what is there.
    pub value: Yaml,
    /// The same as it is written: a password `0123` is no octal number to Cassandra.
    pub node: Node,
    /// Other names of the same setting, which must go.
    pub twins: Vec<&'static str>,
    /// The line in the fragment, from 1.
    pub line: usize,
}

impl Entry {
    /// An entry for a value that was made, not read in a fragment.
    ///
    /// # Errors
    /// Says what cannot be written: a whole number beyond 64 bits.
    pub fn of(path: YamlPath, value: Yaml, twins: Vec<&'static str>) -> Result<Self, &'static str> {
        let node = Node::from_value(&value)?;
        Ok(Self { path, value, node, twins, line: 1 })
    }
}

/// Reads a fragment; `name` stands for it in findings. Every problem goes to `report`; what is sound comes back.
pub fn read(name: &str, text: &str, version: Version, report: &mut Report) -> Vec<Entry> {
    // A variable may hold the map as JSON.
    const ALL: &str = "fragment";
    let inline = text.trim_start().starts_with('{');
    let parsed = if inline {
        YamlDocument::parse(name, &format!("{ALL}: {}", text.trim()))
    } else {
        YamlDocument::parse(name, text)
    };
    let document = match parsed {
        Ok(document) => document,
        Err(error) => {
            for finding in error.findings {
                let place = Place::file(name, Some(finding.line), finding.column);
                report.add(Finding::error(place, finding.message));
            }
            return Vec::new();
        }
    };
    let written_at = |key: &str| if inline { YamlPath::key(ALL).child(key) } else { YamlPath::key(key) };
    let tree = if inline { document.get(&YamlPath::key(ALL)) } else { Some(document.tree()) };
    let mut entries: Vec<Entry> = Vec::new();
    for (key, value) in tree.and_then(Yaml::as_mapping).into_iter().flatten() {
        let Some(key) = key.as_str() else { continue };
        let line = document.line(&YamlPath::key(key)).unwrap_or(1);
        let place = Place::file(name, Some(line), None);
        match spell(key, value, version) {
            Ok((written, spelled, twins)) => {
                let as_written = document.node(&written_at(key)).filter(|_| spelled == *value);
                let node = match as_written.map_or_else(|| Node::from_value(&spelled), Ok) {
                    Ok(node) => node,
                    Err(expected) => {
                        report.add(Finding::error(place, format!("'{key}' cannot be written: {expected}")));
                        continue;
                    }
                };
                let entry = Entry { path: YamlPath::key(written), value: spelled, node, twins, line };
                if let Some(other) = entries.iter().find(|other| other.path == entry.path && other.value != entry.value)
                {
                    let message =
                        format!("'{key}' is another name of what line {} sets, to something else", other.line);
                    report.add(Finding::error(place, message).hint("keep one of the two"));
                }
                entries.push(entry);
            }
            Err(problem) => report.add(problem.finding(place)),
        }
    }
    entries
}

/// Why a key cannot be written for a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    message: String,
    hint: Option<String>,
}

impl Problem {
    /// The finding that tells it.
    pub fn finding(self, place: impl Into<Place>) -> Finding {
        let finding = Finding::error(place, self.message);
        match self.hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }
}

/// The name, value and twins that `version` takes for a key of the top level. A key that the schema lacks passes where the
/// release is newer than the schema; whether it is right is found when the document is validated.
pub fn spell(key: &str, value: &Yaml, version: Version) -> Result<(String, Yaml, Vec<&'static str>), Problem> {
    let scalar = scalar(value);
    match schema::spell(key, scalar.as_ref().unwrap_or(&Value::Null), version) {
        Spelling::Key { key, value: spelled, twins } => {
            let value = if scalar.is_some() { yaml(spelled) } else { value.clone() };
            let value = match schema::row(key, version).map(|row| row.kind) {
                Some(Kind::Class(forms)) => class_form(value, forms),
                // What is a class with parameters today was a name before.
                Some(Kind::Text) => class_form(value, Forms { list: false, map: false, string: true }),
                _ => value,
            };
            Ok((key.to_owned(), value, twins))
        }
        Spelling::Unknown { first: None } if !schema::is_verified(version) => {
            Ok((key.to_owned(), value.clone(), Vec::new()))
        }
        Spelling::Removed { .. } | Spelling::Unknown { .. } => {
            let (message, hint) = validate::unknown_key(key, version);
            Err(Problem { message: format!("'{key}' {message}"), hint })
        }
    }
}

/// A class in a form that the release takes: by its name, as a map, or as a list of one map.
fn class_form(value: Yaml, forms: Forms) -> Yaml {
    match value {
        Yaml::String(class) if !forms.string => {
            let named: Mapping = [(Yaml::from(CLASS_NAME), Yaml::String(class))].into_iter().collect();
            class_form(Yaml::Mapping(named), forms)
        }
        Yaml::Mapping(map) if !forms.map && forms.list => {
            let listed = |(key, value): (Yaml, Yaml)| match value {
                parameters @ Yaml::Mapping(_) if key.as_str() == Some("parameters") => {
                    (key, Yaml::Sequence(vec![parameters]))
                }
                value => (key, value),
            };
            Yaml::Sequence(vec![Yaml::Mapping(map.into_iter().map(listed).collect())])
        }
        Yaml::Mapping(map) if !forms.map && map.len() == 1 => {
            map.get(CLASS_NAME).cloned().unwrap_or(Yaml::Mapping(map))
        }
        other => other,
    }
}

fn scalar(value: &Yaml) -> Option<Value> {
    match value {
        Yaml::Null => Some(Value::Null),
        Yaml::Bool(truth) => Some(Value::Boolean(*truth)),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Some(Value::Integer(whole)),
            (None, fraction) => fraction.map(Value::Number),
        },
        Yaml::String(text) => Some(Value::Text(text.clone())),
        _ => None,
    }
}

pub(super) fn yaml(value: Value) -> Yaml {
    match value {
        Value::Null => Yaml::Null,
        Value::Boolean(truth) => Yaml::Bool(truth),
        Value::Integer(number) => Yaml::Number(number.into()),
        Value::Number(number) => Yaml::Number(number.into()),
        Value::Text(text) => Yaml::String(text),
    }
}

/// The document with `entries` merged into it, and what could not be merged, by its place among them.
///
/// Entries of different keys go in together, behind one guard: its cost is that of the document, not of the edit.
pub fn merged(document: &YamlDocument, entries: &[&Entry]) -> (YamlDocument, Vec<(usize, EditError)>) {
    let mut document = document.clone();
    let mut refused = Vec::new();
    let mut start = 0;
    while let Some(rest) = entries.get(start..).filter(|rest| !rest.is_empty()) {
        let length = together(rest);
        let batch = rest.get(..length).unwrap_or(rest);
        let all: Vec<Edit> = batch.iter().flat_map(|entry| edits(&document, entry)).collect();
        match document.edit(&all) {
            Ok(edited) => document = edited,
            // Which of them it is shows only one by one.
            Err(_) => {
                for (at, entry) in batch.iter().enumerate() {
                    match document.edit(&edits(&document, entry)) {
                        Ok(edited) => document = edited,
                        Err(error) => refused.push((start + at, error)),
                    }
                }
            }
        }
        start += length;
    }
    (document, refused)
}

/// How many of the entries are about keys that none before them is about, so that no edit depends on another.
fn together(entries: &[&Entry]) -> usize {
    let mut seen = HashSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let keys: Vec<&str> = entry.twins.iter().copied().chain([entry.path.root()]).collect();
        if keys.iter().any(|key| seen.contains(key)) {
            return at;
        }
        seen.extend(keys);
    }
    entries.len()
}

/// The edits that merge `entry` into `document`.
fn edits(document: &YamlDocument, entry: &Entry) -> Vec<Edit> {
    let mut edits = Vec::new();
    for twin in &entry.twins {
        let path = YamlPath::key(*twin);
        if document.get(&path).is_some() {
            edits.push(Edit::Remove(path));
        }
    }
    let there = document.get(&entry.path);
    if let (Some(there), Yaml::String(class)) = (there, &entry.value)
        && let Some(edit) = class_edit(&entry.path, there, class)
    {
        edits.push(edit);
    } else {
        merge(there, &entry.path, &entry.node, &mut edits);
    }
    edits
}

/// A class given by its name keeps the form that the file uses. Parameters are those of another class, and go with it.
fn class_edit(path: &YamlPath, there: &Yaml, class: &str) -> Option<Edit> {
    let is_class = schema::rows_of(path.root()).any(|row| matches!(row.kind, Kind::Class(_)));
    let is_class = is_class && path.steps().len() == 1;
    if !is_class {
        return None;
    }
    let map = |path: &YamlPath, map: &Mapping| {
        let same = map.get(CLASS_NAME).and_then(Yaml::as_str) == Some(class);
        let named = Node::Map(vec![(CLASS_NAME.to_owned(), Node::from(class))]);
        if same { Edit::Set(path.child(CLASS_NAME), Node::from(class)) } else { Edit::Set(path.clone(), named) }
    };
    match there {
        Yaml::Mapping(entries) => Some(map(path, entries)),
        Yaml::Sequence(items) => Some(map(&path.item(0), items.first()?.as_mapping()?)),
        _ => None,
    }
}

fn merge(there: Option<&Yaml>, path: &YamlPath, node: &Node, edits: &mut Vec<Edit>) {
    match (there, node) {
        (_, Node::Null) => edits.push(Edit::Remove(path.clone())),
        (Some(Yaml::Mapping(there)), Node::Map(wanted)) => {
            for (key, node) in wanted {
                merge(there.get(key.as_str()), &path.child(key), node, edits);
            }
        }
        (_, node) => edits.push(Edit::Set(path.clone(), without_nulls(node))),
    }
}

/// In a map that is new there is nothing to remove.
fn without_nulls(node: &Node) -> Node {
    match node {
        Node::Map(entries) => {
            let live = entries.iter().filter(|(_, node)| *node != Node::Null);
            Node::Map(live.map(|(key, node)| (key.clone(), without_nulls(node))).collect())
        }
        other => other.clone(),
    }
}

/// The leaves of a value with their paths: maps are opened, lists are not. A map that is empty is a leaf.
pub fn leaves<'a>(path: &YamlPath, value: &'a Yaml) -> Vec<(YamlPath, &'a Yaml)> {
    match value {
        Yaml::Mapping(map) if !map.is_empty() => {
            let entries = map.iter().filter_map(|(key, value)| Some((key.as_str()?, value)));
            entries.flat_map(|(key, value)| leaves(&path.child(key), value)).collect()
        }
        _ => vec![(path.clone(), value)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::Line;

    const V5: Version = Version::new(Line::V5_0, 8);

    fn merged(base: &str, fragment: &str) -> Result<String, Vec<String>> {
        let mut report = Report::default();
        let document = YamlDocument::parse("base", base).unwrap();
        let entries = read("x.yaml", fragment, V5, &mut report);
        let (document, refused) = super::merged(&document, &entries.iter().collect::<Vec<_>>());
        assert_eq!(refused, []);
        let findings: Vec<String> = report.iter().map(ToString::to_string).collect();
        if findings.is_empty() { Ok(document.text().to_owned()) } else { Err(findings) }
    }

    #[test]
    fn what_cannot_be_reached_is_told_by_its_place_and_the_others_are_merged() {
        let document = YamlDocument::parse("base", "a: text\nnum_tokens: 1\n").unwrap();
        let entry = |path: &str, value: u64| Entry::of(path.parse().unwrap(), Yaml::from(value), Vec::new()).unwrap();
        let entries = [entry("num_tokens", 2), entry("a.b", 3), entry("num_tokens", 4), entry("c", 5)];
        let (document, refused) = super::merged(&document, &entries.iter().collect::<Vec<_>>());
        assert_eq!(document.text(), "a: text\nnum_tokens: 4\nc: 5\n");
        assert_eq!(refused.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn maps_merge_lists_and_scalars_replace_and_null_removes() {
        let base = "# top\nnum_tokens: 16 # why\ndata_file_directories:\n    - /a\n    - /b\nclient_encryption_options:\n    enabled: false\n    keystore: conf/.keystore # here\ncdc_enabled: false\n";
        let fragment = "num_tokens: 8\ndata_file_directories: [/c]\nclient_encryption_options:\n  enabled: true\n  optional: null\n  keystore: null\ncdc_enabled: null\n";
        let expected = "# top\nnum_tokens: 8 # why\ndata_file_directories:\n    - /c\nclient_encryption_options:\n    enabled: true\n";
        assert_eq!(merged(base, fragment).unwrap(), expected);
    }

    #[test]
    fn an_old_name_is_written_as_the_new_one_and_its_twin_goes() {
        assert_eq!(merged("key_cache_size_in_mb: 5\n", "key_cache_size_in_mb: 9\n").unwrap(), "key_cache_size: 9MiB\n");
        assert_eq!(merged("key_cache_size_in_mb: 5\n", "key_cache_size: 7MiB\n").unwrap(), "key_cache_size: 7MiB\n");
        let findings = merged("", "key_cache_size_in_mb: 9\nkey_cache_size: 8MiB\n").unwrap_err();
        assert_eq!(
            findings,
            [
                "x.yaml:2: 'key_cache_size' is another name of what line 1 sets, to something else (hint: keep one of the two)"
            ]
        );
    }

    #[test]
    fn a_key_that_the_release_does_not_have_is_refused_with_its_place() {
        let findings = merged("", "a:\n  b: c\nstart_rpc: true\naccord: {}\nnum_token: 1\n").unwrap_err();
        assert_eq!(
            findings,
            [
                "x.yaml:1: 'a' is not known to Cassandra 5.0.8",
                "x.yaml:3: 'start_rpc' is not known to Cassandra 5.0.8 (hint: Cassandra 3.11 was the last line to have it; remove it: Thrift is gone; clients use the native transport)",
                "x.yaml:4: 'accord' is not known to Cassandra 5.0.8 (hint: it came with Cassandra 6.0.0; remove it)",
                "x.yaml:5: 'num_token' is not known to Cassandra 5.0.8 (hint: did you mean num_tokens?)",
            ]
        );
        assert!(merged("", "a: [\n").unwrap_err()[0].starts_with("x.yaml:"));
    }

    #[test]
    fn a_class_by_its_name_keeps_the_files_form_without_the_other_classs_parameters() {
        let base = "authenticator:\n  class_name: A\n  parameters:\n    x: y\n";
        assert_eq!(merged(base, "authenticator: A\n").unwrap(), base);
        assert_eq!(merged(base, "authenticator: B\n").unwrap(), "authenticator:\n  class_name: B\n");
        assert_eq!(merged("authenticator: A\n", "authenticator: B\n").unwrap(), "authenticator: B\n");
    }

    #[test]
    fn a_class_is_written_in_a_form_that_the_release_takes() {
        let written = |key: &str, text: &str, version: Version| {
            let value: Yaml = serde_yaml::from_str(text).unwrap();
            crate::config::yaml::text::of(&spell(key, &value, version).unwrap().1)
        };
        let old = Version::new(Line::V4_0, 19);
        assert_eq!(written("authenticator", "{class_name: A}", old), "A");
        let map: Yaml = serde_yaml::from_str("{class_name: A, parameters: {seeds: b}}").unwrap();
        let listed = class_form(map, Forms { list: true, map: false, string: false });
        let expected = r#"[{"class_name": "A", "parameters": [{"seeds": "b"}]}]"#;
        assert_eq!(crate::config::yaml::text::of(&listed), expected);
        assert_eq!(written("authenticator", "A", V5), "A");
    }

    #[test]
    fn a_release_newer_than_the_schema_may_have_keys_that_it_lacks() {
        let newer = Version::new(Line::V5_0, 99);
        assert_eq!(spell("brand_new", &Yaml::from(1), newer).unwrap().0, "brand_new");
        assert!(spell("brand_new", &Yaml::from(1), V5).is_err());
    }

    #[test]
    fn a_scalar_arrives_as_it_was_written() {
        let fragment = "cluster_name: 1_000\nclient_encryption_options:\n  keystore_password: 0123\n  protocol: on\n";
        let base = "cluster_name: x\nclient_encryption_options:\n  keystore_password: 'y'\n";
        assert_eq!(merged(base, fragment).unwrap(), fragment);
        assert_eq!(merged("cluster_name: x\n", "{cluster_name: 0x1f}").unwrap(), "cluster_name: 0x1f\n");
        assert_eq!(merged("", "key_cache_size_in_mb: 1_000\n").unwrap(), "key_cache_size: 1000MiB\n");
    }

    #[test]
    fn a_fragment_may_be_json() {
        let merged = merged("num_tokens: 1\n", "{\"num_tokens\": 4, \"cluster_name\": \"on\"}").unwrap();
        assert_eq!(merged, "num_tokens: 4\ncluster_name: 'on'\n");
    }
}
