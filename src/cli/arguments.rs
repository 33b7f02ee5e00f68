//! What the subcommands take: their options, and the words that some of these choose from.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cassandra::Version;
use crate::settings::value::{FromText, Span};

/// What `render` and `check` work on.
#[derive(Debug, Clone, Default, Args)]
pub struct InputArguments {
    /// Cassandra release to configure for, without looking for an installed one
    #[arg(long, value_name = "VERSION")]
    pub cassandra_version: Option<Version>,
    /// Folder of the configuration files
    #[arg(long, value_name = "DIR")]
    pub conf: Option<PathBuf>,
    /// File of NAME=value lines to read instead of the environment
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// What `render` does with the result.
#[derive(Debug, Clone, Args)]
pub struct RenderArguments {
    /// What to work on
    #[command(flatten)]
    pub input: InputArguments,
    /// Print a unified diff (the default without --output)
    #[arg(long)]
    pub diff: bool,
    /// Write the files to this folder; nothing else is touched
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// What `check` works on, and how it tells.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArguments {
    /// What to work on
    #[command(flatten)]
    pub input: InputArguments,
    /// Kubernetes manifest to check instead of the environment; repeatable, - is standard input
    #[arg(short = 'f', long = "filename", value_name = "MANIFEST", conflicts_with = "env_file")]
    pub manifests: Vec<PathBuf>,
    /// Container to check, where its image and command do not tell
    #[arg(long, value_name = "NAME", requires = "manifests")]
    pub container: Option<String>,
    /// Form of the findings
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
    /// Warnings are errors, as under CASSANDRA_INIT_STRICT=true
    #[arg(long)]
    pub strict: bool,
}

/// Form of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people, with the lines in question.
    #[default]
    Text,
    /// One JSON object (docs/check.md).
    Json,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
}

/// What `explain` shows.
#[derive(Debug, Clone, Args)]
pub struct ExplainArguments {
    /// Settings to show, all of them if none is named: a key or path of cassandra.yaml, a property, a JVM option, a variable
    #[arg(value_name = "KEY", allow_hyphen_values = true)]
    pub keys: Vec<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
    /// What to work on
    #[command(flatten)]
    pub input: InputArguments,
}

/// How `status` tells.
#[derive(Debug, Clone, Copy, Args)]
pub struct StatusArguments {
    /// One JSON object (docs/status.md); with --watch one a line
    #[arg(long)]
    pub json: bool,
    /// Look again and again, with this time between two looks [default: 2s]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2s", value_parser = span)]
    pub watch: Option<Span>,
    /// Time limit of a look, such as 1s or 500ms; what is not known by then is left out
    #[arg(long, default_value = "3s", value_parser = span)]
    pub timeout: Span,
}

/// Reads a time of the command line.
pub(super) fn span(text: &str) -> Result<Span, String> {
    Span::from_text(text).map_err(|_| format!("expected {}", Span::EXPECTED))
}

/// Form of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// A line for each.
    Text,
    /// JSON.
    Json,
}

/// Form of the list of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// Columns.
    Table,
    /// A Markdown table.
    Markdown,
    /// JSON.
    Json,
}

/// A shell that completes command lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CompletionShell {
    Bash,
    Zsh,
    Fish,
}

/// Which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProbeKind {
    /// Has the node ever served clients?
    Startup,
    /// Is the JVM alive?
    Liveness,
    /// Does the node serve clients now?
    Readiness,
}

/// What PID 1 wants to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LookKind {
    /// Whether clients are served, and why not.
    Clients,
    /// Whether the JVM gives a sign of life.
    Life,
}
