//! Who set what: every effective setting of a plan with its value, its layer and its exact source.

use std::collections::BTreeMap;

use crate::config::documents::{BaseFile, YAML, covers};
use crate::config::jvm_options::OptionKey;
use crate::config::plan::{Decision, Override, Plan};
use crate::config::trace::{Known, Level, Parsed};
use crate::report::Place;
use crate::settings::raw::{RawEnv, Source};
use crate::settings::{CONTRACT, Settings, secret};

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
    for known in &plan.overrides {
        override_with(known, &mut list);
    }
    list.extend(ours(env));
    list
}

/// Puts what an option makes of a key in place of what the file says; the option has a row of its own, unless it comes past
/// the files and the variables for them.
fn override_with(known: &Override, list: &mut Vec<Effective>) {
    let option = list.iter().rfind(|row| row.key == known.by);
    let (layer, source, variable) = option.map_or_else(
        || (Level::Environment.to_string(), known.place.clone(), String::new()),
        |row| (row.layer.clone(), row.source.clone(), row.variable.clone()),
    );
    let source = if known.by == source { source } else { format!("{} of {source}", known.by) };
    let row =
        Effective { file: YAML.into(), key: known.key.clone(), value: known.value.clone(), layer, source, variable };
    match list.iter_mut().find(|other| other.file == YAML && other.key == known.key) {
        Some(other) => *other = row,
        None => list.push(row),
    }
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
    let (level, source) = below.and_then(|known| known.trace(&key)).map_or_else(
        || (Level::Computed, "the form of the file".to_owned()),
        |(level, place)| (level, line_of(&place)),
    );
    let value = secret::shown(&key, value).into_owned();
    Effective { file: file.to_owned(), value, key, layer: level.to_string(), source, variable: String::new() }
}

/// A place without its column: one line sets one key.
fn line_of(place: &Place) -> String {
    match place {
        Place::File { name, line, .. } => Place::file(name, *line, None).to_string(),
        other => other.to_string(),
    }
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
    let from_switches = switches(plan, settings).into_iter().map(|(option, source)| {
        row(&option, level_of(source), source.to_string(), source.variable().unwrap_or_default().to_owned())
    });
    let unwritten = plan.unwritten.iter();
    let computed = unwritten.map(|word| row(word, Level::Computed, "this start".into(), String::new()));
    from_variables.chain(from_switches).chain(computed).collect()
}

/// The options that variables with another meaning than an option bring to the command line: JMX and the heap dumps' folder.
fn switches<'a>(plan: &Plan, settings: &'a Settings) -> Vec<(String, &'a Source)> {
    let port = settings.jmx_port.as_ref().map(|given| &given.source);
    let open = settings.open_jmx.as_ref().filter(|given| given.value).map(|given| &given.source);
    let reach = open.or_else(|| settings.local_jmx.as_ref().map(|given| &given.source));
    let mut options = Vec::new();
    for option in plan.jmx.properties() {
        let source = if option.ends_with(&format!("port={}", plan.jmx.port)) { port.or(reach) } else { reach };
        options.extend(source.map(|source| (option, source)));
    }
    let folder = settings.heap_dump_dir.as_ref();
    let dumps = folder.map(|given| (format!("-XX:HeapDumpPath={}", given.value.as_path().display()), &given.source));
    options.extend(dumps);
    // One that a file has, too, is listed there.
    options.retain(|(option, _)| !plan.options.iter().any(|other| OptionKey::of(other) == OptionKey::of(option)));
    options
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
