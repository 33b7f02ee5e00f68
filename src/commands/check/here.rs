//! The start of this container, or of the one whose environment and folder are given.

use std::path::Path;

use crate::cli::CheckArguments;
use crate::commands::Assignment;
use crate::commands::check::source::Sources;
use crate::commands::check::start::Start;
use crate::commands::check::{Checked, Told};
use crate::exit::Failure;
use crate::host::files;
use crate::report::{Finding, Place};
use crate::settings::secret::is_secret;

/// Looks at it.
pub(super) fn look(arguments: &CheckArguments, environment: &[Assignment]) -> Result<Checked, Failure> {
    let input = &arguments.input;
    let start = Start::look(environment, None, input, None, arguments.strict)?;
    let mut sources = Sources::default();
    for (name, file) in &start.base {
        sources.add(name.as_str(), file.text.as_str());
    }
    for fragment in &start.fragments {
        sources.add(fragment.path(), fragment.text.as_str());
    }
    let assigned = input.env_file.as_deref().and_then(Assigned::read);
    if let Some(assigned) = &assigned {
        sources.add(assigned.name.as_str(), assigned.text.as_str());
    }
    let findings = start.report.iter().map(|finding| Told {
        at: match &finding.place {
            Place::Variable(name) => {
                let place = assigned.as_ref().and_then(|assigned| assigned.place(name));
                place.and_then(|place| sources.at(&place, is_secret(name)))
            }
            place => sources.at(place, false),
        },
        finding: Finding::clone(finding),
    });
    Ok(Checked { title: None, findings: findings.collect(), exit: start.exit })
}

/// The file of assignments.
struct Assigned {
    name: String,
    text: String,
}

impl Assigned {
    fn read(path: &Path) -> Option<Self> {
        Some(Self { name: path.display().to_string(), text: files::read_trusted_text(path).ok()? })
    }

    /// The line that sets a variable; the last one counts.
    fn place(&self, variable: &str) -> Option<Place> {
        let sets = |line: &str| line.trim_start().split_once('=').is_some_and(|(name, _)| name == variable);
        let line = self.text.lines().enumerate().filter(|(_, line)| sets(line)).last()?.0 + 1;
        let column = self.text.lines().nth(line - 1)?.split_once('=').map(|(name, _)| name.chars().count() + 2);
        Some(Place::file(self.name.as_str(), Some(line), column))
    }
}
