//! The command line: what was typed, and the name that we were called by.
#![forbid(unsafe_code)]

mod arguments;
mod help;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};

use arguments::span;
pub use arguments::{
    CheckArguments, CompletionShell, ExplainArguments, InputArguments, ListFormat, LookKind, OutputFormat, ProbeKind,
    RenderArguments, ReportFormat, StatusArguments,
};

use crate::cassandra::patience::Knock;
use crate::settings::value::Span;

/// PID 1 of an Apache Cassandra container.
#[derive(Debug, Parser)]
#[command(name = "cassandra-init", version, about, disable_help_subcommand = true)]
#[command(after_help = help::PROGRAM)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Configure and run Cassandra (the default)
    #[command(after_help = help::RUN)]
    Run {
        /// Arguments for Cassandra, such as -Dcassandra.join_ring=false
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Show what this start would write
    #[command(after_help = help::RENDER)]
    Render(RenderArguments),
    /// Show every effective setting with its layer and exact source
    #[command(after_help = help::EXPLAIN)]
    Explain(ExplainArguments),
    /// Report everything that is wrong with the configuration
    #[command(after_help = help::CHECK)]
    Check(CheckArguments),
    /// List the variables that are understood
    #[command(after_help = help::VARIABLES)]
    Variables {
        /// Form of the list
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
        /// Only those that are set here, with their values; secrets are hidden
        #[arg(long)]
        set: bool,
    },
    /// Ask this node for a probe's answer
    #[command(after_help = help::PROBE)]
    Probe {
        /// The probe
        #[arg(value_enum)]
        kind: ProbeKind,
        /// Time limit, such as 1s or 500ms
        #[arg(long, default_value = "1s", value_parser = span)]
        timeout: Span,
    },
    /// Show what this node is doing
    #[command(after_help = help::STATUS)]
    Status(StatusArguments),
    /// Drain this node: no clients, everything flushed; ends when that is done
    #[command(after_help = help::DRAIN)]
    Drain {
        /// Time limit, such as 90s or 5m [default: none]
        #[arg(long, value_parser = span)]
        timeout: Option<Span>,
    },
    /// Run a diagnostic command of the running JVM, where no JDK is
    #[command(after_help = help::JCMD)]
    Jcmd {
        /// Time limit, such as 90s or 5m
        #[arg(long, default_value = "1m", value_parser = span)]
        timeout: Span,
        /// The command and its arguments, such as Thread.print -l [default: help]
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Print the java command line of a direct launch, one argument a line
    #[command(name = "java-command", after_help = help::JAVA_COMMAND)]
    Java,
    /// Be PID 1 for any command, and nothing else
    #[command(after_help = help::SUPERVISE)]
    Supervise {
        /// User to become: name, uid, name:group or uid:gid
        #[arg(long)]
        user: Option<String>,
        /// The command
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Print a script that completes our command line in a shell
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: CompletionShell,
    },
    /// Print the manual page
    #[command(after_help = help::MAN)]
    Man,
    /// One look at the node for PID 1
    #[command(hide = true)]
    Observe {
        /// What to look at
        #[arg(value_enum, default_value = "clients")]
        kind: LookKind,
        /// Time limit in milliseconds
        #[arg(default_value = "2000")]
        millis: u64,
        /// What to do where the JVM would have to be sent SIGQUIT to make it listen for attaching
        #[arg(default_value = "not-yet", value_parser = knock)]
        knock: Knock,
    },
    /// Print our environment, each variable ended by a zero byte, to descriptor 3
    #[command(hide = true)]
    ExportEnvironment,
}

/// What is asked for.
#[derive(Debug)]
pub enum Invocation {
    /// Run Cassandra.
    Run {
        /// Cassandra's arguments.
        arguments: Vec<OsString>,
        /// The profile that the name stands for.
        profile: Option<&'static str>,
    },
    /// Show what would be written.
    Render(RenderArguments),
    /// Show who set what.
    Explain(ExplainArguments),
    /// Report what is wrong.
    Check(CheckArguments),
    /// List the variables.
    Variables {
        /// The form of the list.
        format: ListFormat,
        /// Only those that are set.
        set: bool,
    },
    /// A probe with its time limit.
    Probe(ProbeKind, Span),
    /// Show what the node is doing.
    Status(StatusArguments),
    /// Drain, within a time limit where there is one.
    Drain(Option<Span>),
    /// Run NodeTool with these arguments.
    Nodetool(Vec<OsString>),
    /// Print the java command line.
    JavaCommand,
    /// Supervise a command.
    Supervise {
        /// The user to become.
        user: Option<String>,
        /// The command.
        command: Vec<OsString>,
    },
    /// Run a diagnostic command of the JVM, within a time limit.
    Jcmd(Vec<String>, Span),
    /// Print a completion script.
    Completions(CompletionShell),
    /// Print the manual page.
    Man,
    /// One look at the node, within a time limit, and what to do where the JVM would have to be sent SIGQUIT to make it listen
    /// for attaching.
    Observe(LookKind, Duration, Knock),
    /// Print the environment to descriptor 3.
    ExportEnvironment,
    /// Execute something else.
    Execute(Vec<OsString>),
}

/// The subcommands; any other first word is a program.
pub(crate) const SUBCOMMANDS: &[&str] = &[
    "run",
    "render",
    "explain",
    "check",
    "variables",
    "probe",
    "status",
    "drain",
    "jcmd",
    "java-command",
    "supervise",
    "completions",
    "man",
    "observe",
    "export-environment",
    "help",
];

/// Where the Bitnami image keeps its entry points, `run.sh` among them, which other images have under that name, too.
const BITNAMI_SCRIPTS: &str = "/opt/bitnami/scripts/cassandra";

/// Reads the command line. `Err` is clap's own message, with help and version among them.
pub fn parse(arguments: &[OsString]) -> Result<Invocation, clap::Error> {
    let (name, rest) =
        arguments.split_first().map_or((OsStr::new(""), &[][..]), |(name, rest)| (name.as_os_str(), rest));
    let path = Path::new(name);
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    if path.parent() == Some(Path::new(BITNAMI_SCRIPTS)) {
        match (name, rest.split_first()) {
            ("run.sh", _) => return Ok(Invocation::Run { arguments: rest.to_vec(), profile: Some("bitnami") }),
            // The image's entry point is given its run.sh, and anything else is executed.
            ("entrypoint.sh", Some((first, rest))) if Path::new(first) == Path::new(BITNAMI_SCRIPTS).join("run.sh") => {
                return Ok(Invocation::Run { arguments: rest.to_vec(), profile: Some("bitnami") });
            }
            ("entrypoint.sh", _) => return typed(rest, Some("bitnami")),
            _ => {}
        }
    }
    match name {
        "run.sh" => Ok(Invocation::Run { arguments: rest.to_vec(), profile: Some("kubernetes-examples") }),
        "cassandra" => Ok(Invocation::Run { arguments: rest.to_vec(), profile: None }),
        "ready-probe.sh" | "readiness-probe.sh" => Ok(Invocation::Probe(ProbeKind::Readiness, Span::SECOND)),
        "liveness-probe.sh" => Ok(Invocation::Probe(ProbeKind::Liveness, Span::SECOND)),
        "pre_stop.sh" => Ok(Invocation::Drain(None)),
        "nodetool" if rest == ["drain"] => Ok(Invocation::Drain(None)),
        "nodetool" => Ok(Invocation::Nodetool(rest.to_vec())),
        "docker-entrypoint.sh" => typed(rest, Some("official")),
        _ => typed(rest, None),
    }
}

fn typed(rest: &[OsString], profile: Option<&'static str>) -> Result<Invocation, clap::Error> {
    let Some(first) = rest.first() else {
        return Ok(Invocation::Run { arguments: Vec::new(), profile });
    };
    match first.to_str() {
        Some("cassandra") => {
            return Ok(Invocation::Run { arguments: rest.get(1..).unwrap_or_default().to_vec(), profile });
        }
        Some("--help" | "-h" | "--version" | "-V") => {}
        Some(word) if word.starts_with('-') => return Ok(Invocation::Run { arguments: rest.to_vec(), profile }),
        Some(word) if SUBCOMMANDS.contains(&word) => {}
        _ => return Ok(Invocation::Execute(rest.to_vec())),
    }
    let program = std::iter::once(OsString::from("cassandra-init"));
    let words: Vec<OsString> = match rest.split_first() {
        Some((first, about)) if first == "help" => {
            program.chain(about.iter().cloned()).chain(["--help".into()]).collect()
        }
        _ => program.chain(rest.iter().cloned()).collect(),
    };
    Ok(match Typed::try_parse_from(words)?.command {
        Command::Run { arguments } => Invocation::Run { arguments, profile },
        Command::Render(arguments) => Invocation::Render(arguments),
        Command::Check(arguments) => Invocation::Check(arguments),
        Command::Explain(arguments) => Invocation::Explain(arguments),
        Command::Variables { format, set } => Invocation::Variables { format, set },
        Command::Probe { kind, timeout } => Invocation::Probe(kind, timeout),
        Command::Status(arguments) => Invocation::Status(arguments),
        Command::Drain { timeout } => Invocation::Drain(timeout),
        Command::Jcmd { timeout, command } => Invocation::Jcmd(command, timeout),
        Command::Java => Invocation::JavaCommand,
        Command::Supervise { user, command } => Invocation::Supervise { user, command },
        Command::Completions { shell } => Invocation::Completions(shell),
        Command::Man => Invocation::Man,
        Command::Observe { kind, millis, knock } => Invocation::Observe(kind, Duration::from_millis(millis), knock),
        Command::ExportEnvironment => Invocation::ExportEnvironment,
    })
}

/// The command line's definition, with what is hidden left out: for completions and the manual page.
pub fn definition() -> clap::Command {
    let whole = Typed::command();
    let shown: Vec<clap::Command> = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let bare = clap::Command::new("cassandra-init").version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    let bare = whole.get_about().into_iter().fold(bare, |command, about| command.about(about.clone()));
    bare.after_help(help::PROGRAM).subcommand_required(true).subcommands(shown)
}

/// Each exit code with what it means.
pub fn exit_codes() -> &'static [(&'static str, &'static str)] {
    help::EXIT_CODES
}

fn knock(text: &str) -> Result<Knock, &'static str> {
    Knock::parse(text).ok_or("expected not-yet, now or in-vain")
}

/// Options for the JVM among Cassandra's arguments, in their order: `-Dx=y`, `-D x=y`, `-X…`. `bin/cassandra` takes only the
/// properties of them ([`Plan::for_script`](crate::config::plan::Plan::for_script)). `-f` and `-R` of `bin/cassandra` are what we do
/// anyway. Anything else is handed back as not understood.
pub fn jvm_options(arguments: &[OsString]) -> Result<Vec<String>, String> {
    let mut options = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let word = word.to_str().ok_or_else(|| format!("{} is not valid UTF-8", word.display()))?;
        match word {
            "-f" | "-R" | "cassandra" => {}
            "-D" => match words.next().and_then(|next| next.to_str()) {
                Some(property) => options.push(format!("-D{property}")),
                None => return Err("-D needs a property: -Dname=value".into()),
            },
            _ if word.starts_with("-D") || word.starts_with("-X") => options.push(word.to_owned()),
            _ => return Err(format!("'{word}' is not an argument for Cassandra, expected -Dname=value or -X…")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Invocation {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        parse(&words).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_name_that_we_are_called_by_decides() {
        assert!(matches!(read("/run.sh"), Invocation::Run { profile: Some("kubernetes-examples"), .. }));
        assert!(matches!(
            read("/docker-entrypoint.sh cassandra -f"),
            Invocation::Run { profile: Some("official"), .. }
        ));
        assert!(matches!(read("/ready-probe.sh"), Invocation::Probe(ProbeKind::Readiness, _)));
        assert!(matches!(read("/usr/local/bin/nodetool status"), Invocation::Nodetool(words) if words == ["status"]));
        assert!(matches!(read("/usr/bin/nodetool -p 7200 drain"), Invocation::Nodetool(words) if words.len() == 3));
        for line in ["/pre_stop.sh", "/usr/local/bin/nodetool drain", "cassandra-init drain"] {
            assert!(matches!(read(line), Invocation::Drain(None)), "{line}");
        }
    }

    #[test]
    fn the_entry_points_of_the_bitnami_image_choose_its_profile() {
        for line in [
            "/opt/bitnami/scripts/cassandra/run.sh -Dx=y",
            "/opt/bitnami/scripts/cassandra/entrypoint.sh /opt/bitnami/scripts/cassandra/run.sh -Dx=y",
            "/opt/bitnami/scripts/cassandra/entrypoint.sh -Dx=y",
        ] {
            let Invocation::Run { arguments, profile } = read(line) else { panic!("{line}") };
            assert_eq!((profile, arguments), (Some("bitnami"), vec!["-Dx=y".into()]), "{line}");
        }
        assert!(matches!(
            read("/opt/bitnami/scripts/cassandra/entrypoint.sh cqlsh"),
            Invocation::Execute(words) if words == ["cqlsh"]
        ));
    }

    #[test]
    fn running_cassandra_is_the_default() {
        assert!(matches!(read("cassandra-init"), Invocation::Run { .. }));
        assert!(matches!(read("cassandra-init -Dx=y"), Invocation::Run { arguments, .. } if arguments == ["-Dx=y"]));
        assert!(matches!(read("cassandra-init run -f"), Invocation::Run { arguments, .. } if arguments == ["-f"]));
        assert!(matches!(read("cassandra-init cqlsh -e x"), Invocation::Execute(words) if words.len() == 3));
    }

    #[test]
    fn cassandra_arguments_become_jvm_options() {
        let words = ["-f", "-Da=1", "-D", "b=2", "-Xmx1G", "-R"].map(OsString::from);
        assert_eq!(jvm_options(&words).unwrap(), ["-Da=1", "-Db=2", "-Xmx1G"]);
        assert!(jvm_options(&["-p".into()]).is_err());
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Typed::command().debug_assert();
        for subcommand in Typed::command().get_subcommands() {
            assert!(SUBCOMMANDS.contains(&subcommand.get_name()), "{}", subcommand.get_name());
        }
    }
}
