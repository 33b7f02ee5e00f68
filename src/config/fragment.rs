//! Fragments of cassandra.yaml: read, spelled for the release, and merged into a document.
//!
//! Maps merge, lists and scalars replace, `null` removes. What a fragment does not name stays as it is, to the byte.

mod merge;
mod spell;

use serde_yaml::Value as Yaml;

use crate::cassandra::Version;
use crate::config::yaml::{Node, YamlDocument, YamlPath};
use crate::report::{Finding, Place, Report};

pub(super) use merge::class_edit;
pub use merge::merged;
pub(super) use spell::yaml;
pub use spell::{Problem, Spelled, spell};

/// Where a class with parameters has its name.
const CLASS_NAME: &str = "class_name";
/// A null that is written, as against one that takes a key away.
const NULL: &str = "null";
/// Where it has its parameters.
const PARAMETERS: &str = "parameters";

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
    /// The lines of its leaves, in their order; those of the fragment's own value, where it is spelled in another form.
    lines: Vec<usize>,
}

impl Entry {
    /// An entry for a value that was made, not read in a fragment.
    ///
    /// # Errors
    /// Says what cannot be written: a whole number beyond 64 bits.
    pub fn of(path: YamlPath, value: Yaml, twins: Vec<&'static str>) -> Result<Self, &'static str> {
        let node = Node::from_value(&value)?;
        Ok(Self { path, value, node, twins, line: 1, lines: Vec::new() })
    }

    /// An entry for a key as the release takes it.
    ///
    /// # Errors
    /// As [`Entry::of`].
    pub fn spelled(spelled: Spelled) -> Result<Self, &'static str> {
        let Spelled { key, value, twins, is_none } = spelled;
        let entry = Self::of(YamlPath::key(key), value, twins)?;
        Ok(entry.written(is_none.then(|| Node::Plain(NULL.to_owned()))))
    }

    /// The same entry, its value written as `node`, where there is one.
    #[must_use]
    pub fn written(self, node: Option<Node>) -> Self {
        Self { node: node.unwrap_or(self.node), ..self }
    }

    /// What it says something of, each with the line where it does.
    pub fn leaves(&self) -> Vec<(YamlPath, &Yaml, usize)> {
        let leaves = leaves(&self.path, &self.value).into_iter().enumerate();
        leaves.map(|(at, (path, value))| (path, value, self.lines.get(at).copied().unwrap_or(self.line))).collect()
    }
}

/// What a fragment that is JSON is put under to be read.
const ALL: &str = "fragment";

/// Reads a fragment; `name` stands for it in findings. Every problem goes to `report`; what is sound comes back.
pub fn read(name: &str, text: &str, version: Version, report: &mut Report) -> Vec<Entry> {
    // A variable may hold the map as JSON.
    let inline = text.trim_start().starts_with('{');
    let before = if inline { format!("{ALL}: ") } else { String::new() };
    let parsed = if inline {
        YamlDocument::parse(name, &format!("{before}{}", text.trim()))
    } else {
        YamlDocument::parse(name, text)
    };
    let document = match parsed {
        Ok(document) => document,
        Err(error) => {
            for finding in error.findings {
                let added = if finding.line == 1 { before.len() } else { 0 };
                let column = finding.column.map(|column| column.saturating_sub(added).max(1));
                report.add(Finding::error(Place::file(name, Some(finding.line), column), finding.message));
            }
            return Vec::new();
        }
    };
    let tree = if inline { document.get(&YamlPath::key(ALL)) } else { Some(document.tree()) };
    let mut entries: Vec<Entry> = Vec::new();
    for (key, value) in tree.and_then(Yaml::as_mapping).into_iter().flatten() {
        let Some(key) = key.as_str() else { continue };
        let at = if inline { YamlPath::key(ALL).child(key) } else { YamlPath::key(key) };
        let line = document.line(&at).unwrap_or(1);
        let place = Place::file(name, Some(line), None);
        let spelled = match spell(key, value, version) {
            Ok(spelled) => spelled,
            Err(problem) => {
                report.add(problem.finding(place));
                continue;
            }
        };
        let as_written = document.node(&at).filter(|_| spelled.value == *value);
        let entry = match Entry::spelled(spelled) {
            Ok(entry) => Entry { line, lines: lines(&document, &at, value), ..entry.written(as_written) },
            Err(expected) => {
                report.add(Finding::error(place, format!("'{key}' cannot be written: {expected}")));
                continue;
            }
        };
        if let Some(other) = entries.iter().find(|other| other.path == entry.path && other.value != entry.value) {
            let message = format!("'{key}' is another name of what line {} sets, to something else", other.line);
            report.add(Finding::error(place, message).hint("keep one of the two"));
        }
        entries.push(entry);
    }
    entries
}

/// The lines of the leaves of `value`, which is at `at`.
fn lines(document: &YamlDocument, at: &YamlPath, value: &Yaml) -> Vec<usize> {
    leaves(at, value).iter().filter_map(|(path, _)| document.line(path)).collect()
}

/// The leaves of a value with their paths: maps are opened, lists are not. A map that is empty is a leaf.
pub(super) fn leaves<'a>(path: &YamlPath, value: &'a Yaml) -> Vec<(YamlPath, &'a Yaml)> {
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
    fn a_scalar_arrives_as_it_was_written() {
        let fragment = "cluster_name: 1_000\nclient_encryption_options:\n  keystore_password: 0123\n  protocol: on\n";
        let base = "cluster_name: x\nclient_encryption_options:\n  keystore_password: 'y'\n";
        assert_eq!(merged(base, fragment).unwrap(), fragment);
        assert_eq!(merged("cluster_name: x\n", "{cluster_name: 0x1f}").unwrap(), "cluster_name: 0x1f\n");
        assert_eq!(merged("", "key_cache_size_in_mb: 1_000\n").unwrap(), "key_cache_size: 1000MiB\n");
    }

    #[test]
    fn an_old_names_none_is_written_where_the_default_is_another() {
        let base = "index_summary_resize_interval: 60m\n# roles_update_interval:\n";
        let fragment = "index_summary_resize_interval_in_minutes: -1\nroles_update_interval_in_ms: -1\n";
        let text = merged(base, fragment).unwrap();
        assert_eq!(text, "index_summary_resize_interval: null\n# roles_update_interval:\n");
    }

    #[test]
    fn a_fragment_may_be_json() {
        let merged = merged("num_tokens: 1\n", "{\"num_tokens\": 4, \"cluster_name\": \"on\"}").unwrap();
        assert_eq!(merged, "num_tokens: 4\ncluster_name: 'on'\n");
        let told = super::tests::merged("", "{\"num_tokens\": 4,, x").unwrap_err();
        assert!(told[0].starts_with("x.yaml:1:18: "), "{told:?}");
    }
}
