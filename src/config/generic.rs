//! Generic variables in a release: which key they name, what type its value has, and what happens where two sources speak of
//! one key.
//!
//! A key that also has a variable of its own ends up in that variable's slot, so that whatever follows from it (the address
//! that others are told, the snitch of a data centre) follows in the same way. Every other one is merged into the document
//! before the plan is made, and what the plan computes or defaults gives way to it.

mod typed;

use std::collections::BTreeMap;

use serde_yaml::Value as Yaml;

use crate::cassandra::overrides::{self, ALLOWING_VARIABLE, SETTING_VARIABLE};
use crate::cassandra::schema::{self, Kind, Spelling};
use crate::cassandra::{Line, Version};
use crate::config::documents::{Documents, Origin, YAML};
use crate::config::fragment::{self, Entry};
use crate::config::yaml::{EditError, Step, YamlPath};
use crate::report::{Finding, Place, Report};
use crate::settings::contract::Given;
use crate::settings::generic::{Generic, Target, is_generic};
use crate::settings::raw::Source;
use crate::settings::value::FromText;
use crate::settings::{RawEnv, Settings, secret, suggest};

/// The keys of cassandra-rackdc.properties that the snitches which read it know (`SnitchProperties` and its users).
const RACKDC_KEYS: &[&str] = &[
    "dc",
    "rack",
    "dc_suffix",
    "prefer_local",
    "ec2_naming_scheme",
    "ec2_metadata_type",
    "ec2_metadata_token_ttl_seconds",
];

/// A key that a variable sets.
#[derive(Debug, Clone)]
struct Item {
    entry: Entry,
    source: Source,
    /// Whether its line is one of a text that sets many keys.
    is_fragment: bool,
}

/// Settings and documents with the generic variables in them.
pub fn apply(
    settings: &Settings,
    documents: &Documents,
    version: Version,
    report: &mut Report,
) -> (Settings, Documents) {
    let (mut settings, mut documents) = (settings.clone(), documents.clone());
    let mut items = items(&settings, &documents, version, report);
    find_conflicts(&items, report);
    find_conflicts_with_named(&items, &settings, version, report);
    adopt_yaml(&mut items, &mut settings, report);
    rackdc(&mut settings, &mut documents, report);
    merge(&items, &mut documents, report);
    (settings, documents)
}

/// Cassandra 6.0 reads `CASSANDRA_SETTINGS_<KEY>` itself (CASSANDRA-20749), over the file that we write: told, as nothing that
/// we say of such a key can be relied on.
pub fn find_passed_through(env: &RawEnv, version: Version, report: &mut Report) {
    let on = env.text(ALLOWING_VARIABLE).is_some_and(overrides::is_true);
    for name in env.names().filter(|name| name.starts_with(SETTING_VARIABLE)) {
        let at = Place::Variable(name.to_owned());
        report.add(if version.line() < Line::V6_0 {
            let message = format!("Cassandra {version} does not read it, it has no effect");
            Finding::warning(at, message).hint("CASSANDRA_YAML_<key> sets a key in every release")
        } else if on {
            Finding::note(at, "read by Cassandra itself, it overrides what cassandra.yaml says")
        } else {
            Finding::warning(at, format!("no effect without {ALLOWING_VARIABLE}=true"))
                .hint("CASSANDRA_YAML_<key> sets a key in every release")
        });
    }
}

fn items(settings: &Settings, documents: &Documents, version: Version, report: &mut Report) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(given) = &settings.yaml {
        let name = given.source.to_string();
        let entries = fragment::read(&name, given.value.as_str(), version, report);
        items.extend(entries.into_iter().map(|entry| Item { entry, source: given.source.clone(), is_fragment: true }));
    }
    for generic in &settings.generic {
        let Target::Yaml(steps) = &generic.target else { continue };
        match entry(generic, steps, documents, version) {
            Ok(entry) => items.push(Item { entry, source: generic.source.clone(), is_fragment: false }),
            Err(finding) => report.add(finding),
        }
    }
    items
}

fn place(source: &Source) -> Place {
    match source {
        Source::EnvironmentFile { name, .. } => Place::Variable(name.clone()),
        other => Place::Variable(other.to_string()),
    }
}

/// The key that a variable names, under its name in this release, and its value with the key's type.
fn entry(generic: &Generic, steps: &[String], documents: &Documents, version: Version) -> Result<Entry, Finding> {
    let at = place(&generic.source);
    let (first, rest) = steps.split_first().map_or(("", steps), |(first, rest)| (first.as_str(), rest));
    if steps.iter().any(String::is_empty) {
        return Err(Finding::error(at, "expected a key between two pairs of underscores"));
    }
    let key = first.to_ascii_lowercase();
    let kind = schema::row(&key, version).map(|row| row.kind);
    let mut path = YamlPath::key(&key);
    if !rest.is_empty() {
        // The value is not the key's own, so only its name is spelled.
        let spelled = fragment::spell(&key, &Yaml::Null, version).map_err(|problem| problem.finding(at.clone()))?;
        path = rest.iter().fold(YamlPath::key(spelled.key), |path, step| deeper(&path, step, documents, version));
        let value = typed::inner(&path, documents.yaml.get(&path), version, &generic.text);
        let value = value.map_err(|expected| invalid(generic, &path, expected))?;
        let as_typed = typed::as_typed(&generic.text, &value);
        let entry =
            Entry::of(path.clone(), value, spelled.twins).map_err(|expected| invalid(generic, &path, expected))?;
        return Ok(entry.written(as_typed));
    }
    let value = match kind {
        // Whether it can be written where only a name is taken shows when it is spelled.
        Some(Kind::Text) if schema::names_class(&key) => {
            typed::class(&generic.text).map_err(|expected| invalid(generic, &path, expected))?
        }
        Some(kind) => typed::whole(kind, &generic.text).map_err(|expected| invalid(generic, &path, expected))?,
        // A release newer than what we know of may have the key; another one is refused for it.
        None => typed::guessed(&generic.text),
    };
    let spelled = fragment::spell(&key, &value, version).map_err(|problem| problem.finding(at))?;
    let as_typed = typed::as_typed(&generic.text, &value).filter(|_| spelled.value == value);
    let entry = Entry::spelled(spelled).map_err(|expected| invalid(generic, &path, expected))?;
    Ok(entry.written(as_typed))
}

fn invalid(generic: &Generic, path: &YamlPath, expected: &str) -> Finding {
    // What was meant to be a map can hold any secret.
    let is_map = expected == typed::MAP || expected == typed::CLASS || generic.text.trim_start().starts_with('{');
    let shown = if is_map || secret::is_secret(&path.to_string()) {
        secret::HIDDEN.into()
    } else {
        secret::shown(&generic.name, &generic.text)
    };
    Finding::error(place(&generic.source), format!("'{}' is not valid, expected {expected}", shown.escape_debug()))
}

/// One step down: into the item of a list, or a map's entry in whichever case the file has it.
fn deeper(path: &YamlPath, step: &str, documents: &Documents, version: Version) -> YamlPath {
    let there = documents.yaml.get(path);
    let listed = matches!(there, Some(Yaml::Sequence(_))) || (there.is_none() && typed::is_list(path, version));
    if let (true, Ok(index)) = (listed, step.parse()) {
        return path.item(index);
    }
    let keys = there.and_then(Yaml::as_mapping).into_iter().flat_map(|map| map.keys().filter_map(Yaml::as_str));
    let known = keys.into_iter().find(|key| key.eq_ignore_ascii_case(step));
    let shouted = !step.contains(|c: char| c.is_ascii_lowercase());
    path.child(known.map_or_else(|| if shouted { step.to_ascii_lowercase() } else { step.to_owned() }, str::to_owned))
}

/// The leaves of an item: what it says of which path.
fn leaves(item: &Item) -> Vec<(String, &Yaml)> {
    let leaves = fragment::leaves(&item.entry.path, &item.entry.value);
    leaves.into_iter().map(|(path, value)| (path.to_string(), value)).collect()
}

/// Two variables of one layer that say different things have no order between them.
fn find_conflicts(items: &[Item], report: &mut Report) {
    let mut by_root: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in items {
        let earlier = by_root.entry(item.entry.path.root()).or_default();
        for other in earlier.iter().filter(|other| other.source != item.source) {
            for (path, value) in leaves(item) {
                for (other_path, other_value) in leaves(other) {
                    if disagree(&path, value, &other_path, other_value) {
                        let key = if path.len() > other_path.len() { &path } else { &other_path };
                        report.add(disagreement(&item.source, key, &other.source));
                    }
                }
            }
        }
        earlier.push(item);
    }
}

/// Whether two leaves are about one place and say different things of it.
fn disagree(path: &str, value: &Yaml, other_path: &str, other: &Yaml) -> bool {
    let within = |outer_path: &str, outer: &Yaml, path: &str, value: &Yaml| -> Option<bool> {
        let rest = path.strip_prefix(outer_path)?;
        if rest.is_empty() {
            return Some(outer != value);
        }
        if !rest.starts_with(['.', '[']) {
            return None;
        }
        let inner: Option<YamlPath> = format!("x{rest}").parse().ok();
        let inner = inner.and_then(|inner| value_at(outer, inner.steps().get(1..)?).cloned());
        Some(inner.as_ref() != Some(value))
    };
    within(path, value, other_path, other).or_else(|| within(other_path, other, path, value)).unwrap_or(false)
}

fn value_at<'a>(value: &'a Yaml, steps: &[Step]) -> Option<&'a Yaml> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key.as_str()),
        Step::Index(at) => value.get(*at),
    })
}

/// Values are left out: one of them may be a secret, and the names say where to look.
pub(super) fn disagreement(source: &Source, key: &str, other: &Source) -> Finding {
    let message = format!("disagrees with {other} on {key}");
    Finding::error(place(source), message).hint("set one of the two, or the same value in both")
}

/// Variables with a name of their own against generic ones, as far as they go to one key as they are.
fn find_conflicts_with_named(items: &[Item], settings: &Settings, version: Version, report: &mut Report) {
    for setting in settings.yaml_settings().iter().filter(|setting| setting.source.is_given()) {
        let Spelling::Key { key, value, .. } = schema::spell(setting.key, &setting.value, version) else { continue };
        let value = fragment::yaml(value);
        for item in items.iter().filter(|item| item.entry.path.root() == key) {
            if leaves(item).iter().any(|(path, said)| disagree(path, said, key, &value)) {
                report.add(disagreement(&item.source, key, &setting.source));
            }
        }
    }
}

/// Keys whose value other keys depend on go where their own variable would put them.
fn adopt_yaml(items: &mut Vec<Item>, settings: &mut Settings, report: &mut Report) {
    adopt(items, "listen_address", &mut settings.listen_address, report);
    adopt(items, "broadcast_address", &mut settings.broadcast_address, report);
    adopt(items, "rpc_address", &mut settings.rpc_address, report);
    adopt(items, "broadcast_rpc_address", &mut settings.broadcast_rpc_address, report);
    adopt(items, "listen_interface", &mut settings.listen_interface, report);
    adopt(items, "rpc_interface", &mut settings.rpc_interface, report);
    adopt(items, "endpoint_snitch", &mut settings.endpoint_snitch, report);
}

fn adopt<T: FromText + PartialEq>(items: &mut Vec<Item>, key: &str, slot: &mut Option<Given<T>>, report: &mut Report) {
    let path = YamlPath::key(key);
    while let Some(at) = items.iter().position(|item| item.entry.path == path && item.entry.value.is_string()) {
        let Item { entry, source, .. } = items.remove(at);
        adopt_text(entry.value.as_str().unwrap_or_default(), &source, key, slot, report);
    }
}

fn adopt_text<T: FromText + PartialEq>(
    text: &str,
    source: &Source,
    key: &str,
    slot: &mut Option<Given<T>>,
    report: &mut Report,
) {
    match T::from_text(text) {
        Ok(value) => match slot {
            Some(given) if given.source.is_given() && !is_generic(&given.source) => {
                if given.value != value {
                    report.add(disagreement(source, key, &given.source));
                }
            }
            _ => *slot = Some(Given { value, source: source.clone() }),
        },
        Err(why) => {
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            let message = format!("'{}' is not valid, expected {}{why}", text.escape_debug(), T::EXPECTED);
            report.add(Finding::error(place(source), message));
        }
    }
}

/// The properties of the snitch: data centre and rack in their slots, the others in the file.
fn rackdc(settings: &mut Settings, documents: &mut Documents, report: &mut Report) {
    let generic = settings.generic.clone();
    let mut given: Vec<(String, &Generic)> = Vec::new();
    for variable in &generic {
        let Target::Rackdc(key) = &variable.target else { continue };
        let key = key.to_ascii_lowercase();
        if let Some((_, other)) = given.iter().find(|(known, other)| *known == key && other.text != variable.text) {
            report.add(disagreement(&variable.source, &key, &other.source));
            continue;
        }
        given.push((key, variable));
    }
    for (key, variable) in given {
        match key.as_str() {
            "dc" => adopt_text(&variable.text, &variable.source, &key, &mut settings.dc, report),
            "rack" => adopt_text(&variable.text, &variable.source, &key, &mut settings.rack, report),
            "prefer_local" => match bool::from_text(&variable.text) {
                Ok(truth) => set_property(documents, &key, &truth.to_string(), &variable.source),
                Err(_) => report.add(invalid(variable, &YamlPath::key(&key), bool::EXPECTED)),
            },
            _ => {
                if !RACKDC_KEYS.contains(&key.as_str()) {
                    let message = format!("no snitch that we know reads '{key}', it is written as it is");
                    let finding = Finding::warning(place(&variable.source), message);
                    let near = suggest::nearest(&key, RACKDC_KEYS.iter().copied(), 1);
                    report.add(match near.first() {
                        Some(near) => finding.hint(format!("did you mean {near}?")),
                        None => finding,
                    });
                }
                set_property(documents, &key, &variable.text, &variable.source);
            }
        }
    }
}

fn set_property(documents: &mut Documents, key: &str, value: &str, source: &Source) {
    documents.rackdc.set(key, value);
    documents.generic_rackdc.push(Origin::new(key.to_owned(), source.clone()));
}

fn merge(items: &[Item], documents: &mut Documents, report: &mut Report) {
    let entries: Vec<&Entry> = items.iter().map(|item| &item.entry).collect();
    let (merged, refused) = fragment::merged(&documents.yaml, &entries);
    documents.yaml = merged;
    for item in items {
        let leaves = item.entry.leaves().into_iter();
        documents.generic.extend(leaves.map(|(path, _, line)| {
            let origin = Origin::new(path.to_string(), item.source.clone());
            if item.is_fragment { origin.at_line(line) } else { origin }
        }));
    }
    for (item, error) in refused.into_iter().filter_map(|(at, error)| Some((items.get(at)?, error))) {
        let message = match error {
            EditError::Unreachable { path, expected, .. } => format!("cannot reach {path} in {YAML}: {expected}"),
            error @ EditError::Refused { .. } => error.to_string(),
        };
        report.add(Finding::error(place(&item.source), message));
    }
}

#[cfg(test)]
mod tests;
