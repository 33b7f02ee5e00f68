//! `<NAME>_FILE`: any variable may be given as a file, as secrets are mounted.

use crate::report::{Finding, Report};
use crate::settings::contract::known_names;
use crate::settings::generic;
use crate::settings::raw::{RawEnv, Source};
use crate::settings::secret;

/// What a variable's name ends with when its value is in a file.
pub const SUFFIX: &str = "_FILE";

/// The variable whose value is in the file that `name` names: `CASSANDRA_SEEDS` of `CASSANDRA_SEEDS_FILE`. None where the name
/// is itself one of the contract's, or what it would stand for is not known.
pub fn stem(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(SUFFIX)?;
    let is_known = |name: &str| known_names().any(|known| known == name);
    (!is_known(name) && (is_known(stem) || generic::target(stem).is_some())).then_some(stem)
}

/// Why a file's text is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It cannot or must not be read, for this reason.
    Refused(String),
    /// It is on another machine.
    Elsewhere,
}

/// Puts the files' texts where the variables would be. `read` gets the variable and the path, and returns the text or the
/// finding that says why there is none; a single line end at the end of the text does not count, as an editor leaves it there.
pub fn resolve(env: &mut RawEnv, read: impl Fn(&str, &str) -> Result<String, Unread>, report: &mut Report) {
    let given: Vec<(String, String, String)> = env
        .names()
        .filter_map(|name| Some((stem(name)?.to_owned(), name.to_owned(), env.text(name)?.to_owned())))
        .collect();
    for (name, file_name, path) in given {
        if !path.starts_with('/') {
            // Who puts the secret itself there must not find it in the log.
            let shown = if secret::is_secret(&name) { secret::HIDDEN } else { &path };
            let message = format!("'{shown}' is not valid, expected the absolute path of a file");
            report.add(Finding::error(file_name, message));
            continue;
        }
        let text = match read(&name, &path) {
            Ok(text) => text,
            Err(Unread::Refused(why)) => {
                report.add(Finding::error(file_name, why));
                continue;
            }
            Err(Unread::Elsewhere) => {
                report.add(Finding::note(file_name, format!("{path} is not here, the value is not looked at")));
                continue;
            }
        };
        let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        match env.text(&name) {
            Some(direct) if direct != text => {
                let message = format!("says something else than the file {path} of {file_name}");
                report.add(Finding::error(name, message).hint("set one of the two"));
            }
            Some(_) => {}
            None => env.insert(&name, text, Source::EnvironmentFile { name: file_name, path }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(pairs: &[(&str, &str)]) -> (RawEnv, Vec<String>) {
        let mut env: RawEnv = pairs.iter().copied().collect();
        let mut report = Report::default();
        let read = |_: &str, path: &str| match path {
            "/run/seeds" => Ok("10.0.0.1\n".to_owned()),
            "/run/two" => Ok("a\n\n".to_owned()),
            "/elsewhere" => Err(Unread::Elsewhere),
            _ => Err(Unread::Refused(format!("cannot read {path}: gone"))),
        };
        resolve(&mut env, read, &mut report);
        (env, report.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_files_text_stands_for_the_variable_without_its_last_line_end() {
        let (env, findings) = resolved(&[("CASSANDRA_SEEDS_FILE", "/run/seeds"), ("CASSANDRA_DC_FILE", "/run/two")]);
        assert_eq!(findings, [""; 0]);
        assert_eq!(env.text("CASSANDRA_SEEDS"), Some("10.0.0.1"));
        assert_eq!(env.text("CASSANDRA_DC"), Some("a\n"));
        let source = &env.get("CASSANDRA_SEEDS").unwrap().source;
        assert_eq!(source.to_string(), "CASSANDRA_SEEDS_FILE (/run/seeds)");
        assert_eq!(source.variable(), Some("CASSANDRA_SEEDS"));
    }

    #[test]
    fn variable_and_file_must_agree_and_neither_is_said() {
        let (_, findings) = resolved(&[("CASSANDRA_SEEDS_FILE", "/run/seeds"), ("CASSANDRA_SEEDS", "geheim")]);
        assert_eq!(
            findings,
            [
                "CASSANDRA_SEEDS: says something else than the file /run/seeds of CASSANDRA_SEEDS_FILE (hint: set one of the two)"
            ]
        );
        let (_, findings) = resolved(&[("CASSANDRA_SEEDS_FILE", "/run/seeds"), ("CASSANDRA_SEEDS", "10.0.0.1")]);
        assert_eq!(findings, [""; 0]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_variable() {
        let pairs =
            [("CASSANDRA_DC_FILE", "/gone"), ("CASSANDRA_RACK_FILE", "here"), ("CASSANDRA_SEEDS_FILE", "/elsewhere")];
        let (env, findings) = resolved(&pairs);
        assert_eq!(env.text("CASSANDRA_SEEDS"), None);
        assert_eq!(
            findings,
            [
                "CASSANDRA_DC_FILE: cannot read /gone: gone",
                "CASSANDRA_RACK_FILE: 'here' is not valid, expected the absolute path of a file",
                "CASSANDRA_SEEDS_FILE: /elsewhere is not here, the value is not looked at",
            ]
        );
    }

    #[test]
    fn a_secret_in_place_of_its_files_path_is_not_told() {
        let (_, findings) = resolved(&[("CASSANDRA_KEYSTORE_PASSWORD_FILE", "hunter2")]);
        assert_eq!(
            findings,
            ["CASSANDRA_KEYSTORE_PASSWORD_FILE: '***' is not valid, expected the absolute path of a file"]
        );
    }

    #[test]
    fn only_what_is_known_can_be_in_a_file() {
        assert_eq!(stem("CASSANDRA_YAML_FILE"), Some("CASSANDRA_YAML"));
        assert_eq!(stem("CASSANDRA_YAML_client_encryption_options__keystore_password_FILE").map(str::len), Some(59));
        assert_eq!(stem("POD_IP_FILE"), Some("POD_IP"));
        assert_eq!(stem("CASSANDRA_SEED_FILE"), None);
        assert_eq!(stem("KRB5_KTNAME_FILE"), None);
    }
}
