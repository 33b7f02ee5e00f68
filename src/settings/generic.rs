//! Generic variables: any key of a file by its name. What a key means in a release is decided by
//! [`config::generic`](crate::config::generic), which knows the release.

use crate::settings::file;
use crate::settings::raw::{RawEnv, Source};

/// A family of variables: the part in angle brackets is the user's.
#[derive(Debug)]
pub struct Family {
    /// The names.
    pub pattern: &'static str,
    /// Other patterns for the same.
    pub aliases: &'static [&'static str],
    /// What the value is, to complete "expected …".
    pub expected: &'static str,
    /// Where it goes.
    pub target: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
}

/// Every family that is understood.
pub static FAMILIES: &[Family] = &[
    Family {
        pattern: "CASSANDRA_YAML_<key>",
        aliases: &["CASSANDRA_CFG_YAML_<key>"],
        expected: "what the key takes; a list or map as JSON; null takes the key out",
        target: "cassandra.yaml: <key>",
        doc: "Any key in any case; __ leads into a map or, with a number, a list.",
    },
    Family {
        pattern: "CASSANDRA_RACKDC_<key>",
        aliases: &["CASSANDRA_CFG_RACKDC_<key>"],
        expected: "text",
        target: "cassandra-rackdc.properties: <key>",
        doc: "Any key of the file, in any case.",
    },
    Family {
        pattern: "<NAME>_FILE",
        aliases: &[],
        expected: "the absolute path of a file",
        target: "the variable <NAME>",
        doc: "The value of any variable here, from a file: for secrets.",
    },
    Family {
        pattern: "CASSANDRA_SETTINGS_<KEY>",
        aliases: &[],
        expected: "what Cassandra takes",
        target: "Cassandra 6.0 itself",
        doc: "Not ours: passed through, and read where CASSANDRA_ALLOW_CONFIG_ENVIRONMENT_VARIABLES is true.",
    },
];

const YAML: &[&str] = &["CASSANDRA_YAML_", "CASSANDRA_CFG_YAML_"];
const RACKDC: &[&str] = &["CASSANDRA_RACKDC_", "CASSANDRA_CFG_RACKDC_"];

/// What a generic variable is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path in cassandra.yaml, step by step, as it was typed.
    Yaml(Vec<String>),
    /// A key of cassandra-rackdc.properties, as it was typed.
    Rackdc(String),
}

/// One generic variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generic {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub target: Target,
    /// Its text.
    pub text: String,
    /// Its source.
    pub source: Source,
}

/// What the variable of this name is about; none if it is no generic one. One that ends in `_FILE` names a file.
pub fn target(name: &str) -> Option<Target> {
    if name.ends_with(file::SUFFIX) {
        return None;
    }
    let rest = |prefixes: &[&str]| {
        let rest = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
        (!rest.is_empty()).then_some(rest)
    };
    if let Some(path) = rest(YAML) {
        return Some(Target::Yaml(path.split("__").map(str::to_owned).collect()));
    }
    rest(RACKDC).map(|key| Target::Rackdc(key.to_owned()))
}

/// Whether a source is a generic variable, or the fragment in one.
pub fn is_generic(source: &Source) -> bool {
    source.variable().is_some_and(|name| name == "CASSANDRA_YAML" || target(name).is_some())
}

/// The generic variables of an environment, in the order of their names.
pub fn read(env: &RawEnv) -> Vec<Generic> {
    let found = env.names().filter_map(|name| Some((name, target(name)?, env.get(name)?)));
    found
        .map(|(name, target, variable)| Generic {
            name: name.to_owned(),
            target,
            text: variable.text.clone(),
            source: variable.source.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path() {
        let yaml = |steps: &[&str]| Some(Target::Yaml(steps.iter().map(ToString::to_string).collect()));
        assert_eq!(target("CASSANDRA_YAML_num_tokens"), yaml(&["num_tokens"]));
        assert_eq!(target("CASSANDRA_CFG_YAML_CLUSTER_NAME"), yaml(&["CLUSTER_NAME"]));
        assert_eq!(target("CASSANDRA_YAML_data_file_directories__1"), yaml(&["data_file_directories", "1"]));
        assert_eq!(target("CASSANDRA_RACKDC_prefer_local"), Some(Target::Rackdc("prefer_local".into())));
        for name in ["CASSANDRA_YAML", "CASSANDRA_YAML_", "CASSANDRA_YAML_FILE", "CASSANDRA_YAML_x_FILE", "YAML_x"] {
            assert_eq!(target(name), None, "{name}");
        }
    }

    #[test]
    fn a_fragment_counts_as_generic_too() {
        assert!(is_generic(&Source::Environment("CASSANDRA_YAML".into())));
        assert!(is_generic(&Source::EnvironmentFile { name: "CASSANDRA_YAML_x_FILE".into(), path: "/x".into() }));
        assert!(!is_generic(&Source::Environment("CASSANDRA_LISTEN_ADDRESS".into())));
    }
}
