//! Profiles: whose defaults and precedence to follow for variables that nobody set.

use serde_yaml::Value;

use crate::cassandra::heap::Formula;
use crate::settings::raw::{RawEnv, RawVariable, Source};
use crate::settings::suggest;
use crate::settings::value::FromText as _;

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

/// What becomes of a seed that means this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSeed {
    /// It stays.
    Stays,
    /// It leaves the list, unless it is the first of it.
    LeavesUnlessFirst,
}

/// Defaults that hold instead of the others under a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Where {
    /// The variable that must be set.
    set: String,
    /// What it must say; none: anything.
    to: Option<bool>,
    /// A variable that must not be set.
    unset: Option<String>,
    defaults: Vec<(String, String)>,
}

impl Where {
    fn holds(&self, env: &RawEnv) -> bool {
        let says = |text: &str| self.to.is_none_or(|to| bool::from_text(text) == Ok(to));
        let is_unset = |name: &String| env.get(name).is_none() && env.get(&format!("{name}_FILE")).is_none();
        env.text(&self.set).is_some_and(says) && self.unset.as_ref().is_none_or(is_unset)
    }
}

/// A profile, read from config-defaults/profiles/.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    defaults: Vec<(String, String)>,
    conditional: Vec<Where>,
    precedence: Vec<String>,
    /// Whether POD_IP beats the address variables instead of filling in for them.
    pub pod_ip_wins: bool,
    /// When the snitch changes.
    pub snitch: SnitchRule,
    /// What becomes of this node among its seeds.
    pub own_seed: OwnSeed,
    /// What computes a heap that nobody set.
    pub heap: Formula,
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
    ("casskop", include_str!("../../config-defaults/profiles/casskop.yaml")),
    ("official", include_str!("../../config-defaults/profiles/official.yaml")),
    ("bitnami", include_str!("../../config-defaults/profiles/bitnami.yaml")),
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
        let list = |key: &str| tree.get(key).and_then(Value::as_sequence).into_iter().flatten();
        Self {
            name: name.to_owned(),
            defaults: defaults_of(&tree),
            conditional: list("where")
                .map(|rule| Where {
                    set: rule.get("set").map(text_of).unwrap_or_default(),
                    to: rule.get("to").and_then(Value::as_bool),
                    unset: rule.get("unset").map(text_of),
                    defaults: defaults_of(rule),
                })
                .collect(),
            precedence: list("precedence").map(text_of).collect(),
            pod_ip_wins: tree.get("pod_ip_wins").and_then(Value::as_bool).unwrap_or(false),
            snitch: match tree.get("snitch").and_then(Value::as_str) {
                Some("forced") => SnitchRule::Forced,
                Some("on-empty-data") => SnitchRule::OnEmptyData,
                _ => SnitchRule::WithDcOrRack,
            },
            own_seed: match tree.get("own_seed").and_then(Value::as_str) {
                Some("leaves-unless-first") => OwnSeed::LeavesUnlessFirst,
                _ => OwnSeed::Stays,
            },
            heap: match tree.get("heap").and_then(Value::as_str) {
                Some("quarter-of-limit") => Formula::QuarterOfLimit,
                _ => Formula::Cassandra,
            },
        }
    }

    /// What an unset variable counts as.
    pub fn default(&self, name: &str, env: &RawEnv) -> Option<RawVariable> {
        let holding = self.conditional.iter().filter(|rule| rule.holds(env)).map(|rule| &rule.defaults);
        let mut defaults = holding.chain(std::iter::once(&self.defaults)).flatten();
        let (_, text) = defaults.find(|(known, _)| known == name)?;
        Some(RawVariable { text: text.clone(), source: Source::Profile(self.name.clone()) })
    }

    /// Which of several names for one setting wins, if that is declared.
    pub fn winner<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let names: Vec<&str> = names.collect();
        self.precedence.iter().find_map(|winner| names.iter().copied().find(|name| name == winner))
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim().to_owned(),
    }
}

/// The entries below `defaults`.
fn defaults_of(tree: &Value) -> Vec<(String, String)> {
    let defaults = tree.get("defaults").and_then(Value::as_mapping);
    defaults.into_iter().flatten().map(|(name, value)| (text_of(name), text_of(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::settings::Settings;
    use crate::settings::contract::{CONTRACT, known_names};

    #[test]
    fn every_file_is_sound_and_names_only_variables_of_the_contract() {
        for (name, text) in FILES {
            let tree: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            for key in tree.as_mapping().unwrap().keys() {
                let known = ["defaults", "where", "precedence", "pod_ip_wins", "snitch", "own_seed", "heap"];
                assert!(known.contains(&key.as_str().unwrap()), "{name}: {key:?}");
            }
            let profile = Profile::named(name).unwrap();
            let brought = profile.conditional.iter().flat_map(|rule| &rule.defaults);
            // A default is looked for under the variable's first name only.
            for (variable, _) in profile.defaults.iter().chain(brought) {
                assert!(CONTRACT.iter().any(|row| row.name == variable), "{name}: {variable}");
            }
            for variable in &profile.precedence {
                assert!(known_names().any(|known| known == variable), "{name}: {variable}");
            }
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_variable() {
        for name in names() {
            let profile = Profile::named(name).unwrap();
            let mut report = Report::default();
            let settings = Settings::read(&RawEnv::default(), &profile, &mut report);
            assert!(report.is_empty() && settings != Settings::default(), "{name}: {report:?}");
            for rule in &profile.conditional {
                let everything =
                    Profile { defaults: rule.defaults.clone(), conditional: Vec::new(), ..profile.clone() };
                Settings::read(&RawEnv::default(), &everything, &mut report);
                assert!(report.is_empty() && !rule.defaults.is_empty(), "{name}: {report:?}");
            }
        }
    }

    #[test]
    fn a_default_can_hang_on_another_variable() {
        let profile = Profile::named("bitnami").unwrap();
        let authenticator = |pairs: &[(&str, &str)]| {
            let env: RawEnv = pairs.iter().copied().collect();
            profile.default("CASSANDRA_AUTHENTICATOR", &env).unwrap().text
        };
        assert_eq!(authenticator(&[]), "PasswordAuthenticator");
        assert_eq!(authenticator(&[("ALLOW_EMPTY_PASSWORD", "yes")]), "AllowAllAuthenticator");
        assert_eq!(authenticator(&[("ALLOW_EMPTY_PASSWORD", "no")]), "PasswordAuthenticator");
        for password in ["CASSANDRA_PASSWORD", "CASSANDRA_PASSWORD_FILE"] {
            let pairs = [("ALLOW_EMPTY_PASSWORD", "yes"), (password, "x")];
            assert_eq!(authenticator(&pairs), "PasswordAuthenticator", "{password}");
        }
    }

    #[test]
    fn a_profile_names_the_formula_of_its_heap() {
        assert_eq!(Profile::from_file("x", "heap: quarter-of-limit").heap, Formula::QuarterOfLimit);
        assert_eq!(Profile::from_file("x", "heap: cassandra").heap, Formula::Cassandra);
        assert_eq!(Profile::named("native").unwrap().heap, Formula::Cassandra);
    }

    #[test]
    fn an_unknown_profile_names_the_nearest() {
        let error = Profile::named("kubernetes-example").unwrap_err().to_string();
        assert!(error.ends_with("did you mean kubernetes-examples?"), "{error}");
    }
}
