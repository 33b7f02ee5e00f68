//! Keys of cassandra.yaml that are set as they are, the snitch, and the data directories.

use std::path::{Path, PathBuf};

use serde_yaml::Value as Yaml;

use crate::cassandra::Line;
use crate::cassandra::schema::{self, Spelling, Value};
use crate::config::documents::{Documents, Layer, YAML};
use crate::config::plan::Inputs;
use crate::config::plan::draft::Draft;
use crate::config::yaml::YamlPath;
use crate::report::Finding;
use crate::settings::contract::{CONTRACT, Given, YamlSetting};
use crate::settings::generic::is_generic;
use crate::settings::profile::SnitchRule;
use crate::settings::raw::Source;
use crate::settings::value::Label;

const GOSSIPING: &str = "GossipingPropertyFileSnitch";
const SIMPLE: &str = "SimpleSnitch";

/// The variables whose value goes to one key, under the name and unit of this release.
pub(super) fn plain_keys(inputs: &Inputs, draft: &mut Draft) {
    for setting in inputs.settings.yaml_settings() {
        // Nobody asked for a default that this release cannot have.
        let is_given = setting.source.is_given();
        match schema::spell(setting.key, &setting.value, inputs.distribution.version) {
            // A generic variable that says something else than one of the user's was refused already.
            Spelling::Key { key, .. } if draft.documents.is_generic(YAML, key) => {}
            Spelling::Key { key, value, twins } => {
                for twin in twins {
                    draft.remove_yaml(twin);
                }
                draft.yaml(YamlPath::key(key), &value, &setting.source);
            }
            Spelling::Removed { .. } | Spelling::Unknown { .. } if !is_given => {}
            Spelling::Removed { last } => {
                draft.report(Finding::warning(
                    variable_of(&setting),
                    format!("Cassandra {last} was the last to have {}, it has no effect here", setting.key),
                ));
            }
            Spelling::Unknown { first } => {
                let since = first.map_or(String::new(), |line: Line| format!(", it came with {line}"));
                draft.report(Finding::warning(
                    variable_of(&setting),
                    format!("Cassandra {} has no {}{since}", inputs.distribution.version, setting.key),
                ));
            }
        }
    }
}

/// The variables whose value goes below a top-level key, which every release has.
pub(super) fn nested_keys(inputs: &Inputs, draft: &mut Draft) {
    for setting in inputs.settings.nested_settings() {
        if let Ok(path) = setting.key.parse() {
            draft.yaml(path, &setting.value, &setting.source);
        }
    }
}

fn variable_of(setting: &YamlSetting) -> String {
    let target = format!("{YAML}: {}", setting.key);
    CONTRACT.iter().find(|row| row.target == target).map_or(setting.key, |row| row.name).to_owned()
}

/// Data centre, rack, and the snitch that makes them count.
pub(super) fn snitch(inputs: &Inputs, draft: &mut Draft) {
    let settings = inputs.settings;
    for (key, given) in [("dc", &settings.dc), ("rack", &settings.rack)] {
        if let Some(given) = given {
            draft.rackdc(key, given.value.as_str(), &given.source);
        }
    }
    let in_file = text_at(draft.documents, "endpoint_snitch");
    let chosen = settings.endpoint_snitch.as_ref();
    let given =
        |label: &Option<Given<Label>>| label.clone().filter(|given| !matches!(given.source, Source::Profile(_)));
    let (dc, rack) = (given(&settings.dc), given(&settings.rack));
    let place = match (&dc, &rack) {
        (None, None) => {
            if let Some(given) = chosen {
                write_snitch(given.value.as_str(), &given.source, draft);
            }
            return;
        }
        (Some(dc), _) => dc.source.clone(),
        (None, Some(rack)) => rack.source.clone(),
    };
    let effective = chosen.map(|given| given.value.to_string()).or(in_file);
    let is_simple = effective.as_deref().is_none_or(|snitch| snitch.ends_with(SIMPLE));
    // The profile orders the variables that its image knows.
    let by_generic = chosen.is_some_and(|given| is_generic(&given.source));
    let brings = match inputs.profile.snitch {
        _ if by_generic => false,
        SnitchRule::Forced if dc.is_some() && rack.is_some() => true,
        SnitchRule::Forced | SnitchRule::WithDcOrRack => is_simple && chosen.is_none(),
        SnitchRule::OnEmptyData => is_simple && chosen.is_none() && knows_data_centre(inputs),
    };
    if brings {
        if let Some(given) = chosen.filter(|given| !given.value.as_str().ends_with(GOSSIPING)) {
            let message = format!(
                "'{}' gives way to {GOSSIPING}, which the profile {} takes where data centre and rack are set",
                given.value, inputs.profile.name
            );
            draft.report(
                Finding::warning(given.source.to_string(), message)
                    .hint("leave it unset, or choose CASSANDRA_INIT_PROFILE=native"),
            );
        }
        write_snitch(GOSSIPING, &Source::Computed(format!("{place}, which only this snitch reads")), draft);
        return;
    }
    if let Some(given) = chosen {
        write_snitch(given.value.as_str(), &given.source, draft);
    }
    if is_simple {
        let finding =
            Finding::warning(place.to_string(), format!("without effect, {SIMPLE} reads neither data centre nor rack"));
        draft.report(finding.hint(if inputs.data_is_empty || chosen.is_some() {
            format!("leave CASSANDRA_ENDPOINT_SNITCH unset or set it to {GOSSIPING}")
        } else {
            format!(
                "this node's data was written as datacenter1, rack1: set CASSANDRA_ENDPOINT_SNITCH={GOSSIPING} \
                 only with CASSANDRA_DC=datacenter1 and CASSANDRA_RACK=rack1, or replace the node"
            )
        }));
    }
}

/// Whether the data was, or will be, written under the data centre that the variables name: it is empty, or an earlier start
/// of ours brought the snitch to it.
fn knows_data_centre(inputs: &Inputs) -> bool {
    inputs.data_is_empty || inputs.snitch_of_data.is_some_and(|snitch| snitch.ends_with(GOSSIPING))
}

fn write_snitch(class: &str, source: &Source, draft: &mut Draft) {
    draft.yaml(YamlPath::key("endpoint_snitch"), &Value::Text(class.to_owned()), source);
}

/// The folders that follow the data root, with the names that they have below it.
const DIRECTORIES: [(&str, &str); 3] =
    [("commitlog_directory", "commitlog"), ("saved_caches_directory", "saved_caches"), ("hints_directory", "hints")];
const DATA: &str = "data_file_directories";

/// Other folders that a file may name below its data root.
const MORE_DIRECTORIES: [&str; 2] = ["cdc_raw_directory", "local_system_data_file_directory"];

/// The data roots of the images whose manifests we run.
pub const DATA_ROOTS: [&str; 3] = ["/cassandra_data", "/bitnami/cassandra/data", "/var/lib/cassandra"];

/// Cassandra's folders follow the data root: all of them where CASSANDRA_DATA is set, else those that the file does not name,
/// and those that an image's own file names below the root of images.
pub(super) fn directories(inputs: &Inputs, draft: &mut Draft) {
    let root = inputs.data_root;
    let given = inputs.settings.data.as_ref().map(|given| given.source.clone());
    let source = given.clone().unwrap_or_else(|| Source::Computed(format!("the data root {}", root.display())));
    let free = |draft: &Draft, key: &str| {
        let documents = draft.documents;
        // What names the folder itself says more than what names the root of all.
        !documents.is_generic(YAML, key) && (given.is_some() || documents.yaml.get(&YamlPath::key(key)).is_none())
    };
    if free(draft, DATA) {
        draft.yaml_list(YamlPath::key(DATA), &[below(root, "data")], &source);
    }
    for (key, name) in DIRECTORIES {
        if free(draft, key) {
            draft.yaml(YamlPath::key(key), &Value::Text(below(root, name)), &source);
        }
    }
    if given.is_none() && matches!(draft.documents.layer(YAML), Layer::Pristine | Layer::Default) {
        move_directories(root, &source, draft);
    }
}

/// Folders below another of the known roots than the one that is mounted would be lost with the container.
fn move_directories(root: &Path, source: &Source, draft: &mut Draft) {
    let data = listed_directories(draft.documents);
    let moved: Vec<String> = data.iter().map(|path| below_root(path, root).unwrap_or_else(|| path.clone())).collect();
    if moved != data && !draft.documents.is_chosen(YAML, DATA) {
        draft.yaml_list(YamlPath::key(DATA), &moved, source);
    }
    for key in DIRECTORIES.iter().map(|(key, _)| *key).chain(MORE_DIRECTORIES) {
        if draft.documents.is_chosen(YAML, key) {
            continue;
        }
        if let Some(path) = text_at(draft.documents, key).and_then(|path| below_root(&path, root)) {
            draft.yaml(YamlPath::key(key), &Value::Text(path), source);
        }
    }
}

/// The same folder below `root`, if it lies below another of [`DATA_ROOTS`].
fn below_root(path: &str, root: &Path) -> Option<String> {
    let path = Path::new(path);
    if path.starts_with(root) {
        return None;
    }
    let rest = DATA_ROOTS.iter().find_map(|known| path.strip_prefix(known).ok())?;
    (rest != Path::new("")).then(|| root.join(rest).to_string_lossy().into_owned())
}

/// The data folders that the file names.
fn listed_directories(documents: &Documents) -> Vec<String> {
    let list = documents.yaml.get(&YamlPath::key(DATA)).and_then(Yaml::as_sequence);
    list.into_iter().flatten().filter_map(Yaml::as_str).map(str::to_owned).collect()
}

fn below(root: &Path, name: &str) -> String {
    root.join(name).to_string_lossy().into_owned()
}

/// The folders that Cassandra writes to, as the finished file names them; cdc's only where it is on.
pub(super) fn data_directories(documents: &Documents, root: &Path) -> Vec<PathBuf> {
    let data = listed_directories(documents).into_iter().map(PathBuf::from);
    let others = DIRECTORIES.iter().filter_map(|(key, _)| text_at(documents, key)).map(PathBuf::from);
    let cdc_enabled = documents.yaml.get(&YamlPath::key("cdc_enabled")).and_then(Yaml::as_bool) == Some(true);
    let cdc = cdc_enabled
        .then(|| text_at(documents, "cdc_raw_directory").map_or_else(|| root.join("cdc_raw"), PathBuf::from));
    data.chain(others).chain(cdc).collect()
}

/// The text of a key, as a field of type String gets it.
pub(super) fn text_at(documents: &Documents, key: &str) -> Option<String> {
    documents.yaml.text_at(&YamlPath::key(key)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_below_a_known_root_follow_the_chosen_one() {
        let moved = |path: &str, root: &str| below_root(path, Path::new(root));
        assert_eq!(moved("/cassandra_data/data", "/var/lib/cassandra").as_deref(), Some("/var/lib/cassandra/data"));
        assert_eq!(moved("/var/lib/cassandra/hints", "/cassandra_data").as_deref(), Some("/cassandra_data/hints"));
        assert_eq!(
            moved("/bitnami/cassandra/data/commitlog", "/cassandra_data").as_deref(),
            Some("/cassandra_data/commitlog")
        );
        for stays in ["/cassandra_data/data", "/cassandra_data", "/disk1/data", "/var/lib/cassandra", "relative/data"] {
            assert_eq!(moved(stays, "/cassandra_data"), None, "{stays}");
        }
    }
}
