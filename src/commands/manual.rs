//! `man`: the manual page, from the command line's own definition.

use std::fmt::Write as _;

use clap_mangen::Man;

use crate::cli;
use crate::commands::print;
use crate::exit::{Exit, Failure};

const FILES: &str = "\
The known files of a mounted overlay replace those of the distribution: the folder that CASSANDRA_CONFIG_OVERLAY names, else
/configmap, /tmp/cassandra/configmap, /etc/cassandra-overlay or /bitnami/cassandra/conf.";

/// Prints the page.
pub(super) fn manual() -> Result<Exit, Failure> {
    print(&page().map_err(|error| Failure::new(Exit::Internal, error))?)?;
    Ok(Exit::Success)
}

/// One page for the program and all subcommands, in the order of `--help`.
fn page() -> std::io::Result<String> {
    let mut whole = cli::definition();
    whole.build();
    let mut page = Vec::new();
    let man = Man::new(whole.clone()).section("8").manual("System administration");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    paragraphs(&mut page, &help_of(&whole));
    page.push_str(".SH SUBCOMMANDS\n");
    for command in whole.get_subcommands() {
        let mut part = Vec::new();
        let man = Man::new(command.clone());
        man.render_options_section(&mut part)?;
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let _ = write!(page, ".SS \"{}\"\n{}.\n", escaped(command.get_name()), escaped(&about));
        paragraphs(&mut page, usage);
        // The options of a subcommand are no section of the page's own.
        page.push_str(&String::from_utf8_lossy(&part).replace(".SH OPTIONS\n", ""));
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
    Ok(page)
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
        let page = page().unwrap();
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
