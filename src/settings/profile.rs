//! Profiles: whose defaults and precedence to follow for variables that nobody set.

use serde_yaml::Value;

use crate::settings::suggest;

/// When CASSANDRA_DC and CASSANDRA_RACK bring GossipingPropertyFileSnitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnitchRule {
    /// When one of them is set and no snitch was chosen.
    WithDcOrRack,
    /// The same, but only on an empty data directory: on old data the changed data centre would stop Cassandra.
    OnEmptyData,
    /// When both are set, whatever snitch was chosen; with one of them as [`Self::WithDcOrRack`].
    Forced,
}

/// A profile, read from config-defaults/profiles/.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    defaults: Vec<(String, String)>,
    precedence: Vec<String>,
    /// Whether POD_IP beats the address variables instead of filling in for them.
    pub pod_ip_wins: bool,
    /// When the snitch changes.
    pub snitch: SnitchRule,
}

/// A profile of that name is not here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not a profile, expected one of {known}{suggestion}", known = names().collect::<Vec<_>>().join(", "))]
pub struct UnknownProfile {
    name: String,
    suggestion: String,
}

const FILES: &[(&str, &str)] = &[
    ("native", include_str!("../../config-defaults/profiles/native.yaml")),
    ("kubernetes-examples", include_str!("../../config-defaults/profiles/kubernetes-examples.yaml")),
    ("official", include_str!("../../config-defaults/profiles/official.yaml")),
];

/// The names of all profiles.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

impl Profile {
    /// The profile called `name`.
    pub fn named(name: &str) -> Result<Self, UnknownProfile> {
        FILES.iter().find(|(known, _)| *known == name).map(|(name, text)| Self::from_file(name, text)).ok_or_else(
            || {
                let suggestion =
                    suggest::nearest(name, names(), 1).first().map(|near| format!("; did you mean {near}?"));
                UnknownProfile { name: name.to_owned(), suggestion: suggestion.unwrap_or_default() }
            },
        )
    }

    /// The files are part of the program, so what is missing in one counts as the plain default; a test reads them all.
    fn from_file(name: &str, text: &str) -> Self {
        let tree: Value = serde_yaml::from_str(text).unwrap_or(Value::Null);
        let text_of = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => serde_yaml::to_string(other).unwrap_or_default().trim().to_owned(),
        };
        let defaults = tree.get("defaults").and_then(Value::as_mapping);
        let precedence = tree.get("precedence").and_then(Value::as_sequence);
        Self {
            name: name.to_owned(),
            defaults: defaults.into_iter().flatten().map(|(name, value)| (text_of(name), text_of(value))).collect(),
            precedence: precedence.into_iter().flatten().map(text_of).collect(),
            pod_ip_wins: tree.get("pod_ip_wins").and_then(Value::as_bool).unwrap_or(false),
            snitch: match tree.get("snitch").and_then(Value::as_str) {
                Some("forced") => SnitchRule::Forced,
                Some("on-empty-data") => SnitchRule::OnEmptyData,
                _ => SnitchRule::WithDcOrRack,
            },
        }
    }

    /// The text that an unset variable counts as.
    pub fn default(&self, name: &str) -> Option<&str> {
        self.defaults.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// Which of several names for one setting wins, if that is declared.
    pub fn winner<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let names: Vec<&str> = names.collect();
        self.precedence.iter().find_map(|winner| names.iter().copied().find(|name| name == winner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::contract::known_names;

    #[test]
    fn every_file_is_sound_and_names_only_variables_of_the_contract() {
        for (name, text) in FILES {
            let tree: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            for key in tree.as_mapping().unwrap().keys() {
                assert!(
                    ["defaults", "precedence", "pod_ip_wins", "snitch"].contains(&key.as_str().unwrap()),
                    "{name}: {key:?}"
                );
            }
            let profile = Profile::named(name).unwrap();
            for variable in profile.defaults.iter().map(|(name, _)| name).chain(&profile.precedence) {
                assert!(known_names().any(|known| known == variable), "{name}: {variable}");
            }
        }
    }

    #[test]
    fn an_unknown_profile_names_the_nearest() {
        let error = Profile::named("kubernetes-example").unwrap_err().to_string();
        assert!(error.ends_with("did you mean kubernetes-examples?"), "{error}");
    }
}
