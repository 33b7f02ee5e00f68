//! `completions`: a script by which a shell completes our command line.

use clap_complete::Shell;

use crate::cli::{self, CompletionShell};
use crate::commands::print;
use crate::exit::{Exit, Failure};

/// Prints the script.
pub(super) fn completions(shell: CompletionShell) -> Result<Exit, Failure> {
    let shell = match shell {
        CompletionShell::Bash => Shell::Bash,
        CompletionShell::Zsh => Shell::Zsh,
        CompletionShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    // The bash script of clap_complete 4.6 loses the options of every subcommand of a program with a dash in its name.
    let name = if shell == Shell::Bash { "cassandra_init" } else { "cassandra-init" };
    clap_complete::generate(shell, &mut cli::definition(), name, &mut script);
    print(&String::from_utf8_lossy(&script).replace("default cassandra_init\n", "default cassandra-init\n"))?;
    Ok(Exit::Success)
}
