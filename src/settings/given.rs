//! One setting, from its name, its aliases or the profile, with the place that it came from.

use crate::report::{Finding, Report};
use crate::settings::profile::Profile;
use crate::settings::raw::{RawEnv, RawVariable, Source};
use crate::settings::secret;
use crate::settings::value::FromText;

/// A value with the place that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Its source.
    pub source: Source,
}

/// Reads one setting from its name, its aliases or the profile.
pub(super) fn read_one<T: FromText>(
    name: &str,
    aliases: &[&str],
    env: &RawEnv,
    profile: &Profile,
    report: &mut Report,
) -> Option<Given<T>> {
    let names = || std::iter::once(name).chain(aliases.iter().copied());
    let given: Vec<(&str, &RawVariable)> = names().filter_map(|name| Some((name, env.get(name)?))).collect();
    let chosen = match given.as_slice() {
        [] => profile.default(name, env).map(|variable| (name, variable)),
        [(name, only)] => Some((*name, (*only).clone())),
        [(first_name, first), rest @ ..] => {
            let winner = profile.winner(given.iter().map(|(name, _)| *name));
            if let Some((name, variable)) = given.iter().find(|(name, _)| Some(*name) == winner) {
                Some((*name, (*variable).clone()))
            } else {
                for (other_name, other) in rest.iter().filter(|(_, other)| other.text != first.text) {
                    report.add(Finding::error(
                        *first_name,
                        format!(
                            "'{}' disagrees with {other_name}='{}', another name of the same setting",
                            secret::shown(first_name, &first.text),
                            secret::shown(other_name, &other.text)
                        ),
                    ));
                }
                Some((*first_name, (*first).clone()))
            }
        }
    };
    let (name, variable) = chosen?;
    match T::from_text(&variable.text) {
        Ok(value) => Some(Given { value, source: variable.source }),
        Err(why) => {
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            report.add(Finding::error(
                name,
                format!(
                    "'{}' is not valid, expected {}{why}",
                    secret::shown(name, &variable.text).escape_debug(),
                    T::EXPECTED
                ),
            ));
            None
        }
    }
}
