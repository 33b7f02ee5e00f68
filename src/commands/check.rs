//! `check`: everything that is wrong with the configuration, told at once; nothing is written.

use std::fmt::Write as _;

use crate::cli::InputArguments;
use crate::commands::situation::Situation;
use crate::commands::{Assignment, print};
use crate::exit::{Exit, Failure};

/// Prints each finding; 78 if one of them would stop the start.
pub(super) fn check(input: &InputArguments, environment: &[Assignment]) -> Result<Exit, Failure> {
    let mut situation = Situation::read(environment, None, input)?;
    let result = situation.plan();
    let mut text = String::new();
    for finding in situation.report.iter() {
        let _ = writeln!(text, "{}: {finding}", finding.severity);
    }
    if let Some(hook) = &situation.hook {
        let _ = writeln!(text, "note: the pre-run hook {} was not run", hook.display());
    }
    match result {
        Ok(_) if situation.report.is_empty() => text.push_str("no findings\n"),
        _ => {}
    }
    print(&text)?;
    match result {
        Ok(_) => Ok(Exit::Success),
        Err(failure) if situation.report.has_errors() => Ok(failure.exit),
        Err(failure) => Err(failure),
    }
}
