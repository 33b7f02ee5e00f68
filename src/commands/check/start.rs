//! One start, looked at as far as its plan.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::InputArguments;
use crate::commands::Assignment;
use crate::commands::elsewhere::Elsewhere;
use crate::commands::situation::Situation;
use crate::config::documents::BaseFile;
use crate::config::overlay::Fragment;
use crate::exit::{Exit, Failure};
use crate::report::{Finding, Place, Report};
use crate::settings::contract::Given;
use crate::settings::raw::Source;

/// What came of it.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) report: Report,
    /// How the start would end.
    pub(super) exit: Exit,
    /// The files below the environment.
    pub(super) base: BTreeMap<String, BaseFile>,
    /// The fragments that were merged into them.
    pub(super) fragments: Vec<Fragment>,
    /// CASSANDRA_STOP_GRACE.
    pub(super) stop_grace: Option<Duration>,
    /// Whether warnings are errors.
    pub(super) strict: bool,
    /// The profile and the release, in words.
    pub(super) what: String,
}

impl Start {
    /// Reads and plans. What would stop the start is a finding; only a wrong command line is a failure.
    pub(super) fn look(
        environment: &[Assignment],
        called_as: Option<&str>,
        input: &InputArguments,
        elsewhere: Option<&Elsewhere>,
        strict: bool,
    ) -> Result<Self, Failure> {
        let mut situation = match Situation::look(environment, called_as, input, elsewhere) {
            Ok(situation) => situation,
            Err((failure, _)) if failure.exit == Exit::Usage => return Err(failure),
            Err((failure, mut report)) => {
                report.add(finding(&failure));
                let (base, fragments, what) = (BTreeMap::new(), Vec::new(), String::new());
                return Ok(Self { report, exit: failure.exit, base, fragments, stop_grace: None, strict, what });
            }
        };
        if strict {
            situation.settings.strict = Some(Given { value: true, source: Source::Computed("--strict".into()) });
        }
        let planned = situation.plan();
        let mut report = std::mem::take(&mut situation.report);
        let exit = match planned {
            Ok(_) => Exit::Success,
            Err(failure) => {
                if !report.has_errors() {
                    report.add(finding(&failure));
                }
                failure.exit
            }
        };
        if let Some(hook) = &situation.hook {
            let place = Place::file(hook.display().to_string(), None, None);
            report.add(Finding::note(place, "the pre-run hook was not run, what it changes is not checked"));
        }
        let strict = situation.settings.strict.as_ref().is_some_and(|given| given.value);
        let stop_grace = situation.settings.stop_grace.as_ref().map(|given| given.value.get());
        let what = format!("profile {}, Cassandra {}", situation.profile.name, situation.distribution.version);
        let Situation { base, fragments, .. } = situation;
        Ok(Self { report, exit, base, fragments, stop_grace, strict, what })
    }
}

/// A failure as a finding; its words often begin with the place.
fn finding(failure: &Failure) -> Finding {
    let message = format!("{:#}", failure.error);
    let finding = match message.split_once(": ").map(|(place, rest)| (Place::from(place), rest)) {
        Some((place @ (Place::Variable(_) | Place::File { .. }), rest)) => Finding::error(place, rest),
        _ => Finding::error(Place::Other("configuration".into()), message),
    };
    Finding { hint: failure.hint.clone(), ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_place_and_its_hint() {
        let failure =
            Failure::message(Exit::Configuration, "CASSANDRA_CONFIG_OVERLAY: there is no folder /x").hint("mount it");
        let expected = Finding::error("CASSANDRA_CONFIG_OVERLAY", "there is no folder /x").hint("mount it");
        assert_eq!(finding(&failure), expected);
        let failure = Failure::message(Exit::Configuration, "more than one data root: /a and /b hold data");
        assert_eq!(finding(&failure).to_string(), "configuration: more than one data root: /a and /b hold data");
    }
}
