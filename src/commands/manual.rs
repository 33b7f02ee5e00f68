//! `man`: the manual page, from the command line's own definition.

use std::fmt::Write as _;

use crate::cli;
use crate::commands::print;
use crate::exit::{Exit, Failure};

const FILES: &str = "\
The known files of a mounted overlay replace those of the distribution: the folder that CASSANDRA_CONFIG_OVERLAY names, else
/configmap, /tmp/cassandra/configmap, /etc/cassandra-overlay or /bitnami/cassandra/conf.";

/// Prints the page.
pub(super) fn manual() -> Result<Exit, Failure> {
    print(&page())?;
    Ok(Exit::Success)
}

/// One page for the program and all subcommands, in the order of `--help`.
fn page() -> String {
    let mut whole = cli::definition();
    whole.build();
    let about = |command: &clap::Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = format!(
        ".TH cassandra-init 8 \"\" \"cassandra-init {}\" \"System administration\"\n.SH NAME\ncassandra\\-init \\- {}\n\
         .SH SYNOPSIS\n.B cassandra\\-init\n[\\fIsubcommand\\fR] [\\fIargument\\fR ...]\n.SH DESCRIPTION\n",
        env!("CARGO_PKG_VERSION"),
        escaped(&about(&whole))
    );
    paragraphs(&mut page, &help_of(&whole));
    page.push_str(".SH SUBCOMMANDS\n");
    for command in whole.get_subcommands() {
        let _ = write!(page, ".SS \"{}\"\n{}.\n", escaped(command.get_name()), escaped(&about(command)));
        let usage = command.clone().render_usage().to_string();
        paragraphs(&mut page, usage.trim_start_matches("Usage: "));
        for argument in
            command.get_arguments().filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
        {
            let _ = write!(page, ".TP\n.B {}\n{}\n", escaped(&argument.to_string()), escaped(&described(argument)));
        }
        paragraphs(&mut page, &help_of(command));
    }
    page.push_str(".SH \"EXIT STATUS\"\n");
    for (code, meaning) in cli::exit_codes() {
        let _ = write!(page, ".TP\n.B {}\n{}\n", escaped(code), escaped(meaning));
    }
    page.push_str(
        ".SH ENVIRONMENT\nEvery variable that is understood is listed by\n.BR \"cassandra\\-init variables\" .\n",
    );
    page.push_str(".SH FILES\n");
    paragraphs(&mut page, FILES);
    page
}

/// What an argument is for, the values it takes, and the one it has where nothing is said.
fn described(argument: &clap::Arg) -> String {
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    if argument.get_action().takes_values() {
        let values = argument.get_possible_values();
        let names: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
        if !names.is_empty() {
            let _ = write!(text, ": {}", names.join(", "));
        }
        if let Some(default) = argument.get_default_values().first() {
            let _ = write!(text, " (else {})", default.display());
        }
    }
    argument.get_short().map_or(text.clone(), |short| format!("{text}; also -{short}"))
}

fn help_of(command: &clap::Command) -> String {
    command.get_after_help().map(ToString::to_string).unwrap_or_default()
}

/// Text as it stands, its indented lines unfilled.
fn paragraphs(page: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    page.push_str(".PP\n.nf\n");
    for line in text.lines() {
        page.push_str(&escaped(line));
        page.push('\n');
    }
    page.push_str(".fi\n");
}

/// A line of text that roff takes for nothing else.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_subcommand_and_exit_code() {
        let page = page();
        for command in cli::definition().get_subcommands() {
            assert!(page.contains(&format!(".SS \"{}\"", escaped(command.get_name()))), "{}", command.get_name());
        }
        assert!(page.contains("\\-\\-cassandra\\-version") && page.contains(".B 78\n"), "{page}");
        assert!(!page.contains("export\\-environment"), "what is hidden stays so");
    }

    #[test]
    fn a_line_of_text_is_never_a_request() {
        assert_eq!(escaped(".so /etc/passwd"), "\\&.so /etc/passwd");
        assert_eq!(escaped("a\\b -x"), "a\\eb \\-x");
    }
}
