//! `render`: what a start would write, as a diff or into a folder; nothing else is touched.

use std::io::IsTerminal as _;

use crate::cli::RenderArguments;
use crate::commands::situation::Situation;
use crate::commands::{Assignment, print};
use crate::config::plan::PlannedFile;
use crate::config::{diff, provenance};
use crate::exit::{Exit, Failure};
use crate::host::atomic::{self, Attributes};
use crate::host::folders;
use crate::settings::secret;

/// Prints the diff of every file that a start would change, or writes all files to `--output`.
pub(super) fn render(arguments: &RenderArguments, environment: &[Assignment]) -> Result<Exit, Failure> {
    crate::log::start(crate::settings::value::LogFormat::Text);
    let mut situation = Situation::read(environment, None, &arguments.input)?;
    let ready = situation.plan()?;
    crate::log::report(&situation.report);
    if let Some(hook) = &situation.hook {
        tracing::warn!("the pre-run hook {} is not run here, what it changes is not shown", hook.display());
    }
    if let Some(output) = &arguments.output {
        folders::create_folders(output, 0o755, None)?;
        for (name, text) in situation.files(&ready.plan) {
            // Somebody's own copy, to be looked at: a secret in it is nobody else's.
            let mode = secret::holds_secret(&text).then_some(0o600);
            atomic::write_atomic(&output.join(name), text.as_bytes(), Attributes { mode, owner: None })?;
        }
    }
    if arguments.diff || arguments.output.is_none() {
        let colour = std::io::stdout().is_terminal();
        let files = ready.plan.files.iter().filter(|file| file.before != file.after);
        print(&files.map(|file| shown(file, colour)).collect::<String>())?;
    }
    Ok(Exit::Success)
}

/// The diff of a file without its secrets.
fn shown(file: &PlannedFile, colour: bool) -> String {
    let diff = diff::unified(&file.name, &file.before, &file.after, colour);
    let texts = [&file.before, &file.after].into_iter();
    let secrets: Vec<String> = texts.flat_map(|text| provenance::secret_lines(&file.name, text)).collect();
    secret::hide_in_diff(&diff, &secrets)
}
