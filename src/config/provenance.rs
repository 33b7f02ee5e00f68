//! Who set what: every effective setting of a plan with its value, its layer and its exact source.

use std::collections::BTreeMap;
use std::fmt;

use serde_yaml::Value as Yaml;

use crate::config::documents::{BaseFile, Layer, RACKDC, YAML, covers};
use crate::config::jvm_options::{self, JvmOptions, OptionKey};
use crate::config::plan::{Decision, Plan};
use crate::config::properties::Properties;
use crate::config::yaml::{YamlDocument, YamlPath, text};
use crate::settings::raw::{RawEnv, Source};
use crate::settings::{CONTRACT, Settings, secret};

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

/// One effective setting. A secret's value is hidden already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The file that it stands in, or what it is for: the command line, this program.
    pub file: String,
    /// The path in cassandra.yaml, the property, the JVM option's key, the variable.
    pub key: String,
    /// The value as it may be shown.
    pub value: String,
    /// The layer.
    pub layer: String,
    /// The variable, the `file:line`, or what it was computed from.
    pub source: String,
    /// The variable's name, where one set it.
    pub variable: String,
}

/// What JVM options that stand in no file are listed under.
const COMMAND_LINE: &str = "java command line";

/// Every effective setting of `plan`, whose files came from `base`: each leaf of cassandra.yaml, each property, each JVM option,
/// and each variable that is about this program.
pub fn of(plan: &Plan, base: &BTreeMap<String, BaseFile>, settings: &Settings, env: &RawEnv) -> Vec<Effective> {
    let mut list = Vec::new();
    for file in &plan.files {
        let Some(after) = Parsed::read(&file.name, &file.after) else { continue };
        let below = base.get(&file.name).and_then(|base| Known::read(&file.name, base));
        for (key, value) in after.leaves() {
            let decision =
                plan.decisions.iter().rev().find(|known| known.file == file.name && covers(&known.key, &key));
            list.push(match decision {
                Some(decision) => decided(decision, key, &value),
                None => found(&file.name, below.as_ref(), key, &value),
            });
        }
    }
    list.extend(command_line(plan, settings));
    list.extend(ours(env));
    list
}

fn decided(decision: &Decision, key: String, value: &str) -> Effective {
    let layer = level_of(&decision.source).to_string();
    let variable = decision.source.variable().unwrap_or_default().to_owned();
    let value = secret::shown(&key, value).into_owned();
    let source = match &decision.source {
        // The layer says that it is computed.
        Source::Computed(from) => from.clone(),
        other => other.to_string(),
    };
    Effective { file: decision.file.clone(), value, key, layer, source, variable }
}

fn level_of(source: &Source) -> Level {
    match source {
        Source::Environment(_) | Source::EnvironmentFile { .. } | Source::Hook(_) => Level::Environment,
        Source::File { .. } => Level::Overlay,
        Source::Profile(_) => Level::Profile,
        Source::Computed(_) => Level::Computed,
    }
}

/// A key that the plan left as the layers below have it.
fn found(file: &str, below: Option<&Known>, key: String, value: &str) -> Effective {
    let (level, source) = below
        .and_then(|known| known.trace(&key))
        .unwrap_or_else(|| (Level::Computed, "the form of the file".to_owned()));
    let value = secret::shown(&key, value).into_owned();
    Effective { file: file.to_owned(), value, key, layer: level.to_string(), source, variable: String::new() }
}

/// JVM options that stand in no file: the variables for them, and what only this start gets.
fn command_line(plan: &Plan, settings: &Settings) -> Vec<Effective> {
    let row = |option: &str, level: Level, source: String, variable: String| {
        let key = OptionKey::of(option).to_string();
        let value = secret::shown(&key, option).into_owned();
        Effective { file: COMMAND_LINE.into(), key, value, layer: level.to_string(), source, variable }
    };
    let given = [&settings.jvm_opts, &settings.jvm_extra_opts].into_iter().flatten();
    let words = given.flat_map(|given| given.value.as_slice().iter().map(|word| (word, &given.source)));
    let from_variables = words.map(|(word, source)| {
        row(word, Level::Environment, source.to_string(), source.variable().unwrap_or_default().to_owned())
    });
    let unwritten = plan.unwritten.iter();
    let computed = unwritten.map(|word| row(word, Level::Computed, "this start".into(), String::new()));
    from_variables.chain(computed).collect()
}

/// Variables that go to no file.
fn ours(env: &RawEnv) -> Vec<Effective> {
    let is_ours = |target: &str| matches!(target, "this program" | "places" | "launch");
    let mut list = Vec::new();
    for row in CONTRACT.iter().filter(|row| is_ours(row.target)) {
        for name in std::iter::once(&row.name).chain(row.aliases) {
            let Some(variable) = env.get(name) else { continue };
            list.push(Effective {
                file: row.target.to_owned(),
                key: (*name).to_owned(),
                value: secret::shown(name, &variable.text).into_owned(),
                layer: level_of(&variable.source).to_string(),
                source: variable.source.to_string(),
                variable: (*name).to_owned(),
            });
        }
    }
    list
}

/// A configuration file, read as what it is.
enum Parsed {
    Yaml(YamlDocument),
    Properties(Properties),
    Options(Vec<(usize, String)>),
}

impl Parsed {
    fn read(name: &str, text: &str) -> Option<Self> {
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
    fn leaves(&self) -> Vec<(String, String)> {
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

    fn line(&self, key: &str) -> Option<usize> {
        match self {
            Self::Yaml(document) => document.line(&key.parse().ok()?),
            Self::Properties(properties) => properties.line(key),
            Self::Options(options) => {
                let mut fitting = options.iter().rev().filter(|(_, option)| OptionKey::of(option).to_string() == key);
                fitting.next().map(|(line, _)| *line)
            }
        }
    }
}

/// The options of a live line: a long one may have its value as the next word.
fn options_of(line: &str) -> Vec<String> {
    if line.starts_with("--") { vec![line.to_owned()] } else { jvm_options::words(line).map(str::to_owned).collect() }
}

/// The lines of a file over which secrets run on: those after the one that names the secret.
pub fn secret_lines(name: &str, text: &str) -> Vec<String> {
    let Some(parsed @ Parsed::Yaml(_)) = Parsed::read(name, text) else { return Vec::new() };
    let Parsed::Yaml(document) = &parsed else { return Vec::new() };
    let secret = parsed.leaves().into_iter().filter(|(key, _)| secret::is_secret(key));
    let spans = secret.filter_map(|(key, _)| document.lines(&key.parse().ok()?));
    let of_span = |span: std::ops::RangeInclusive<usize>| text.lines().take(*span.end()).skip(*span.start());
    spans.flat_map(of_span).map(str::to_owned).collect()
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
struct Known<'a> {
    name: &'a str,
    file: &'a BaseFile,
    parsed: Parsed,
    below: Option<Box<Known<'a>>>,
}

impl<'a> Known<'a> {
    fn read(name: &'a str, file: &'a BaseFile) -> Option<Self> {
        let below = file.below.as_deref().and_then(|below| Self::read(name, below)).map(Box::new);
        Some(Self { name, file, parsed: Parsed::read(name, &file.text)?, below })
    }

    /// The layer and source of a key, as deep as its value reaches.
    fn trace(&self, key: &str) -> Option<(Level, String)> {
        if self.file.layer == Layer::Hook
            && let Some(below) = &self.below
            && below.parsed.value(key) == self.parsed.value(key)
        {
            return below.trace(key);
        }
        let fragment = self.file.origins.iter().rev().find(|origin| covers(&origin.key, key));
        if let Some(origin) = fragment {
            return Some((Level::Overlay, origin.source.to_string()));
        }
        if let Some(below) = self.below.as_ref().filter(|_| self.file.layer != Layer::Hook) {
            return below.trace(key);
        }
        let level = match self.file.layer {
            Layer::Pristine => Level::Pristine,
            Layer::Default => Level::Default,
            Layer::Overlay => Level::Overlay,
            Layer::Hook => Level::Hook,
        };
        Some((level, format!("{}:{}", self.name, self.parsed.line(key)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents::Origin;

    fn file(text: &str, layer: Layer) -> BaseFile {
        BaseFile::new(text.to_owned(), layer)
    }

    fn traced(file: &BaseFile, name: &str, key: &str) -> String {
        let (level, source) = Known::read(name, file).unwrap().trace(key).unwrap();
        format!("{level} {source}")
    }

    #[test]
    fn a_value_is_traced_through_hook_and_fragments_to_the_line_where_it_stands() {
        let pristine = file("# c\nnum_tokens: 16\ncluster_name: a\ncdc_enabled: false\n", Layer::Pristine);
        let source = Source::File { name: "cassandra.yaml.d/x.yaml".into(), line: 7 };
        let merged = BaseFile {
            text: "# c\nnum_tokens: 16\ncluster_name: b\ncdc_enabled: false\n".into(),
            layer: Layer::Pristine,
            origins: vec![Origin { key: "cluster_name".into(), source }],
            below: Some(Box::new(pristine)),
        };
        let hooked = "new: 1\n# c\nnum_tokens: 16\ncluster_name: b\ncdc_enabled: true\n";
        let hooked = BaseFile::after_hook(&merged, hooked.to_owned());
        assert_eq!(traced(&hooked, YAML, "num_tokens"), "pristine cassandra.yaml:2");
        assert_eq!(traced(&hooked, YAML, "cluster_name"), "overlay cassandra.yaml.d/x.yaml:7");
        assert_eq!(traced(&hooked, YAML, "cdc_enabled"), "hook cassandra.yaml:5");
        assert_eq!(traced(&hooked, YAML, "new"), "hook cassandra.yaml:1");
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
