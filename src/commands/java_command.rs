//! `java-command`: the command line of a direct launch, one argument a line.

use std::fmt::Write as _;

use crate::cli::InputArguments;
use crate::commands::situation::Situation;
use crate::commands::{Assignment, launch, print};
use crate::exit::{Exit, Failure};

/// Prints the program and its arguments.
pub(super) fn java_command(environment: &[Assignment]) -> Result<Exit, Failure> {
    crate::log::start(crate::settings::value::LogFormat::Text);
    let mut situation = Situation::read(environment, None, &InputArguments::default())?;
    let ready = situation.plan()?;
    let (program, words) = launch::direct(&situation, &ready.plan, &[])?;
    let mut text = format!("{}\n", program.display());
    for word in words {
        let _ = writeln!(text, "{}", word.display());
    }
    print(&text)?;
    Ok(Exit::Success)
}
