//! Where a value stands: read file by file from the top layer down, to the line that set it.

use std::fmt;

use serde_yaml::Value as Yaml;

use crate::config::documents::{BaseFile, Layer, RACKDC, YAML, covers, entry_of};
use crate::config::jvm_options::{self, JvmOptions, OptionKey};
use crate::config::properties::Properties;
use crate::config::yaml::{YamlDocument, YamlPath, text};
use crate::report::Place;

/// The layer that a value is from, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The distribution's own file.
    Pristine,
    /// Our own file, where the distribution has none.
    Default,
    /// The profile's default for a variable that nobody set.
    Profile,
    /// A mounted file or fragment.
    Overlay,
    /// What the pre-run hook did to a file.
    Hook,
    /// A variable.
    Environment,
    /// What nobody set and we worked out.
    Computed,
}

impl Level {
    /// The level's name, for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pristine => "pristine",
            Self::Default => "default",
            Self::Profile => "profile",
            Self::Overlay => "overlay",
            Self::Hook => "hook",
            Self::Environment => "environment",
            Self::Computed => "computed",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A configuration file, read as what it is.
pub(super) enum Parsed {
    Yaml(YamlDocument),
    Properties(Properties),
    Options(Vec<(usize, String)>),
}

impl Parsed {
    /// None where the file is not valid.
    pub(super) fn read(name: &str, text: &str) -> Option<Self> {
        match name {
            YAML => YamlDocument::parse(name, text).ok().map(Self::Yaml),
            RACKDC => Properties::parse(name, text).ok().map(Self::Properties),
            _ => {
                // Line by line, so that each option keeps its place.
                let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
                let options = lines.flat_map(|(number, line)| {
                    let options: Vec<String> = JvmOptions::parse(name, line).options().flat_map(options_of).collect();
                    options.into_iter().map(move |option| (number + 1, option))
                });
                Some(Self::Options(options.collect()))
            }
        }
    }

    /// Every key with its value.
    pub(super) fn leaves(&self) -> Vec<(String, String)> {
        match self {
            Self::Yaml(document) => {
                let mut leaves = Vec::new();
                for (key, value) in document.tree().as_mapping().into_iter().flatten() {
                    if let Some(key) = key.as_str() {
                        open(document, &YamlPath::key(key), value, &mut leaves);
                    }
                }
                leaves
            }
            Self::Properties(properties) => {
                let mut keys: Vec<&str> = properties.iter().map(|(key, _)| key).collect();
                keys.sort_unstable();
                keys.dedup();
                keys.into_iter()
                    .map(|key| (key.to_owned(), properties.get(key).unwrap_or_default().to_owned()))
                    .collect()
            }
            Self::Options(options) => {
                options.iter().map(|(_, option)| (OptionKey::of(option).to_string(), option.clone())).collect()
            }
        }
    }

    fn value(&self, key: &str) -> Option<String> {
        match self {
            Self::Yaml(document) => {
                let path = key.parse().ok()?;
                document.get(&path).map(|value| written(document, &path, value))
            }
            Self::Properties(properties) => properties.get(key).map(str::to_owned),
            Self::Options(options) => {
                let mut fitting = options.iter().rev().filter(|(_, option)| OptionKey::of(option).to_string() == key);
                fitting.next().map(|(_, option)| option.clone())
            }
        }
    }

    /// Line and column.
    fn at(&self, key: &str) -> Option<(usize, Option<usize>)> {
        match self {
            Self::Yaml(document) => document.place_of(&key.parse().ok()?).map(|(line, column)| (line, Some(column))),
            Self::Properties(properties) => properties.line(key).map(|line| (line, None)),
            Self::Options(options) => {
                let mut fitting = options.iter().rev().filter(|(_, option)| OptionKey::of(option).to_string() == key);
                fitting.next().map(|(line, _)| (*line, None))
            }
        }
    }
}

/// The options of a live line: a long one may have its value as the next word.
fn options_of(line: &str) -> Vec<String> {
    if line.starts_with("--") { vec![line.to_owned()] } else { jvm_options::words(line).map(str::to_owned).collect() }
}

/// Maps and lists are opened; what is empty is a leaf.
fn open(document: &YamlDocument, path: &YamlPath, value: &Yaml, leaves: &mut Vec<(String, String)>) {
    match value {
        Yaml::Mapping(map) if !map.is_empty() => {
            for (key, value) in map {
                open(document, &path.child(text::of(key)), value, leaves);
            }
        }
        Yaml::Sequence(items) if !items.is_empty() => {
            for (at, value) in items.iter().enumerate() {
                open(document, &path.item(at), value, leaves);
            }
        }
        leaf => leaves.push((path.to_string(), written(document, path, leaf))),
    }
}

/// A value as the file has it: `on` and `1_000` may be the strings of a key whose type is one.
fn written(document: &YamlDocument, path: &YamlPath, value: &Yaml) -> String {
    document.text_at(path).map_or_else(|| text::of(value), str::to_owned)
}

/// A file of the lower layers with what is below it.
pub(super) struct Known<'a> {
    name: &'a str,
    file: &'a BaseFile,
    parsed: Parsed,
    below: Option<Box<Known<'a>>>,
}

impl<'a> Known<'a> {
    /// None where one of the texts is not valid.
    pub(super) fn read(name: &'a str, file: &'a BaseFile) -> Option<Self> {
        let below = file.below.as_deref().and_then(|below| Self::read(name, below)).map(Box::new);
        Some(Self { name, file, parsed: Parsed::read(name, &file.text)?, below })
    }

    /// The layer and place of a key, as deep as its value reaches; of one that is not there, the place of a part of it that a
    /// fragment set.
    pub(super) fn trace(&self, key: &str) -> Option<(Level, Place)> {
        if self.file.layer == Layer::Hook
            && let Some(below) = &self.below
            && below.parsed.value(key) == self.parsed.value(key)
        {
            return below.trace(key);
        }
        if let Some(origin) = self.file.origins.iter().rev().find(|origin| covers(&origin.key, key)) {
            return Some((Level::Overlay, origin.place()));
        }
        if let Some(below) = self.below.as_ref().filter(|_| self.file.layer != Layer::Hook) {
            let part = || entry_of(&self.file.origins, key).map(|origin| (Level::Overlay, origin.place()));
            return if below.parsed.value(key) == self.parsed.value(key) {
                below.trace(key).or_else(part)
            } else {
                part().or_else(|| below.trace(key))
            };
        }
        let level = match self.file.layer {
            Layer::Pristine => Level::Pristine,
            Layer::Default => Level::Default,
            Layer::Overlay => Level::Overlay,
            Layer::Hook => Level::Hook,
        };
        let (line, column) = self.parsed.at(key)?;
        Some((level, Place::file(self.name, Some(line), column)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents::Origin;
    use crate::settings::raw::Source;

    fn file(text: &str, layer: Layer) -> BaseFile {
        BaseFile::new(text.to_owned(), layer)
    }

    fn traced(file: &BaseFile, name: &str, key: &str) -> String {
        let (level, place) = Known::read(name, file).unwrap().trace(key).unwrap();
        format!("{level} {place}")
    }

    #[test]
    fn a_value_is_traced_through_hook_and_fragments_to_the_line_where_it_stands() {
        let pristine = file("# c\nnum_tokens: 16\ncluster_name: a\ncdc_enabled: false\n", Layer::Pristine);
        let source = Source::File { name: "cassandra.yaml.d/x.yaml".into(), line: 7 };
        let merged = BaseFile {
            text: "# c\nnum_tokens: 16\ncluster_name: b\ncdc_enabled: false\n".into(),
            layer: Layer::Pristine,
            origins: vec![Origin::new("cluster_name".into(), source)],
            below: Some(Box::new(pristine)),
        };
        let hooked = "new: 1\n# c\nnum_tokens: 16\ncluster_name: b\ncdc_enabled: true\n";
        let hooked = BaseFile::after_hook(&merged, hooked.to_owned());
        assert_eq!(traced(&hooked, YAML, "num_tokens"), "pristine cassandra.yaml:2:1");
        assert_eq!(traced(&hooked, YAML, "cluster_name"), "overlay cassandra.yaml.d/x.yaml:7");
        assert_eq!(traced(&hooked, YAML, "cdc_enabled"), "hook cassandra.yaml:5:1");
        assert_eq!(traced(&hooked, YAML, "new"), "hook cassandra.yaml:1:1");
    }

    #[test]
    fn every_kind_of_file_has_lines() {
        let options = file("# c\n-Xss1m\n-Da=1 -Db=2\n--add-opens java.base/x=ALL-UNNAMED\n", Layer::Overlay);
        assert_eq!(traced(&options, "jvm-server.options", "-Db"), "overlay jvm-server.options:3");
        assert_eq!(traced(&options, "jvm-server.options", "--add-opens java.base/x"), "overlay jvm-server.options:4");
        assert_eq!(
            traced(&file("# c\n\ndc=x\n", Layer::Default), RACKDC, "dc"),
            "default cassandra-rackdc.properties:3"
        );
    }

    #[test]
    fn maps_and_lists_are_opened_to_their_leaves() {
        let parsed = Parsed::read(YAML, "a:\n  - b: {c: on, d: 1}\n  - x\ne: []\n").unwrap();
        let leaves: Vec<String> = parsed.leaves().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(leaves, ["a[0].b.c=on", "a[0].b.d=1", "a[1]=x", "e=[]"]);
    }
}
