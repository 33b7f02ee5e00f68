//! `check`: everything that is wrong with the configuration, told at once; nothing is written, run or waited for.

mod github;
mod here;
mod image;
mod json;
mod pods;
mod secret;
mod shadow;
mod source;
mod start;
mod text;

use crate::cli::{CheckArguments, ReportFormat};
use crate::commands::{Assignment, has_colour, print};
use crate::exit::{Exit, Failure};
use crate::report::{Finding, Severity};

/// One start that was looked at.
#[derive(Debug)]
struct Checked {
    /// Which one; none where there is only this one.
    title: Option<String>,
    /// What was found, in order.
    findings: Vec<Told>,
    /// How a start would end for it.
    exit: Exit,
}

/// A finding, with the line of a file that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    finding: Finding,
    at: Option<At>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct At {
    file: String,
    line: usize,
    /// From 1, in characters.
    column: Option<usize>,
    /// The line as it stands there; none where it is not known, or nobody may see it.
    text: Option<String>,
}

/// Prints each finding; 78 if one of them would stop the start, 65 if a manifest is no YAML.
pub(super) fn check(arguments: &CheckArguments, environment: &[Assignment]) -> Result<Exit, Failure> {
    let checked =
        if arguments.manifests.is_empty() { vec![here::look(arguments, environment)?] } else { pods::look(arguments)? };
    print(&match arguments.format {
        ReportFormat::Text => text::write(&checked, has_colour(environment)),
        ReportFormat::Json => json::write(&checked),
        ReportFormat::Github => github::write(&checked),
    })?;
    Ok(checked.into_iter().map(|checked| checked.exit).find(|exit| *exit != Exit::Success).unwrap_or(Exit::Success))
}

/// How many findings of each kind there are: errors, warnings, notes.
fn count(checked: &[Checked]) -> [usize; 3] {
    [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
        checked.iter().flat_map(|checked| &checked.findings).filter(|told| told.finding.severity == severity).count()
    })
}
