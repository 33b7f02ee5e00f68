//! Findings for people: what, where, the line in question, and the way out.

use std::fmt::Write as _;

use crate::commands::check::{At, Checked, Told, count};
use crate::report::{Place, Severity};

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const CYAN: &str = "\u{1b}[1;36m";
const BLUE: &str = "\u{1b}[1;34m";
const RESET: &str = "\u{1b}[0m";
/// A longer line says more than a terminal shows.
const WIDEST: usize = 160;

struct Paint(bool);

impl Paint {
    fn with(&self, colour: &str, text: &str) -> String {
        if self.0 { format!("{colour}{text}{RESET}") } else { text.to_owned() }
    }
}

/// All findings, and how many there are.
pub(super) fn write(checked: &[Checked], colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    for (index, one) in checked.iter().enumerate() {
        if let Some(title) = &one.title {
            let gap = if index > 0 { "\n" } else { "" };
            let _ = writeln!(out, "{gap}{}", paint.with(BOLD, title));
        }
        for told in &one.findings {
            finding(&mut out, told, &paint);
        }
        if one.findings.is_empty() {
            out.push_str("no findings\n");
        }
    }
    let [errors, warnings, notes] = count(checked);
    if errors + warnings + notes > 0 {
        let _ = writeln!(out, "{}, {}, {}", many(errors, "error"), many(warnings, "warning"), many(notes, "note"));
    }
    out
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn finding(out: &mut String, told: &Told, paint: &Paint) {
    let finding = &told.finding;
    let colour = match finding.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Note => CYAN,
    };
    let word = paint.with(colour, finding.severity.word());
    let _ = writeln!(out, "{word}: {}: {}", finding.place, finding.message);
    let width = told.at.as_ref().map_or(0, |at| at.line.to_string().len());
    if let Some(at) = &told.at {
        excerpt(out, at, &finding.place, width, colour, paint);
    }
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "{:width$} {} hint: {hint}", "", paint.with(BLUE, "="));
    }
}

/// The line with its number, and a caret below the column.
fn excerpt(out: &mut String, at: &At, place: &Place, width: usize, colour: &str, paint: &Paint) {
    let there = Place::file(at.file.as_str(), Some(at.line), at.column);
    if there != *place {
        let _ = writeln!(out, "{:width$}{} {there}", "", paint.with(BLUE, "-->"));
    }
    let Some(text) = &at.text else { return };
    let bar = paint.with(BLUE, "|");
    // A tab is as wide as the terminal likes, and a control character could be a command to it.
    let shown: String = text.chars().take(WIDEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let cut = if text.chars().count() > WIDEST { "…" } else { "" };
    let _ = writeln!(out, "{:width$} {bar}", "");
    let _ = writeln!(out, "{} {bar} {shown}{cut}", paint.with(BLUE, &at.line.to_string()));
    if let Some(column) = at.column.filter(|column| *column <= WIDEST) {
        let _ = writeln!(out, "{:width$} {bar} {:2$}{3}", "", "", column.saturating_sub(1), paint.with(colour, "^"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::report::Finding;

    fn written(finding: Finding, at: Option<At>, colour: bool) -> String {
        write(&[Checked { title: None, findings: vec![Told { finding, at }], exit: Exit::Success }], colour)
    }

    fn at(text: &str, line: usize, column: usize) -> At {
        At { file: "c.yaml".into(), line, column: Some(column), text: Some(text.into()) }
    }

    #[test]
    fn a_finding_shows_its_line_with_a_caret_and_its_hint() {
        let finding = Finding::error("c.yaml:12:3", "unknown key").hint("did you mean b?");
        let expected = "error: c.yaml:12:3: unknown key\n   |\n12 |   a: 1\n   |   ^\n   = hint: did you mean b?\n\
                        1 error, 0 warnings, 0 notes\n";
        assert_eq!(written(finding, Some(at("  a: 1", 12, 3)), false), expected);
    }

    #[test]
    fn a_variable_shows_where_it_was_set_and_a_hidden_line_only_its_place() {
        let text = written(Finding::warning("A", "odd"), Some(At { text: None, ..at("", 7, 2) }), false);
        assert_eq!(text, "warning: A: odd\n --> c.yaml:7:2\n0 errors, 1 warning, 0 notes\n");
    }

    #[test]
    fn control_characters_of_a_file_never_reach_the_terminal_and_colour_is_ours() {
        let text = written(Finding::error("c.yaml:1:1", "bad"), Some(at("a\u{1b}[2J\tb", 1, 1)), false);
        assert!(!text.contains('\u{1b}') && text.contains("1 | a [2J b\n"), "{text:?}");
        let text = written(Finding::error("A", "bad"), None, true);
        assert!(text.starts_with("\u{1b}[1;31merror\u{1b}[0m: A: bad\n"), "{text:?}");
    }
}
