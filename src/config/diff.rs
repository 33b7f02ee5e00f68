//! The difference between two texts, as people read it.

use std::convert::Infallible;

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;
use similar::{ChangeTag, DiffOp};

/// Lines of unchanged text around each change.
const CONTEXT: usize = 3;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

/// The unified diff of a file, with three lines of context and `--- name` / `+++ name` above it; empty when the texts
/// are equal. `colour` adds terminal colours as git uses them.
///
/// The texts themselves are compared, and their lines shown as `shown` has them, one for each line: a line that only
/// differs in what is hidden is still told as changed. A carriage return is part of its line and stays in the output.
pub fn unified(name: &str, before: &str, after: &str, shown: impl Fn(&str) -> Vec<String>, colour: bool) -> String {
    if before == after {
        return String::new();
    }
    let paint = |code: &str, line: &str| {
        if colour { format!("{code}{line}{RESET}\n") } else { format!("{line}\n") }
    };
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let (old_shown, new_shown) = (shown(before), shown(after));
    let line_of = |lines: &[String], at: Option<usize>| at.and_then(|at| lines.get(at)).cloned();
    let mut out = paint(BOLD, &format!("--- {name}")) + &paint(BOLD, &format!("+++ {name}"));
    for hunk in hunks(&old, &new) {
        out.push_str(&paint(CYAN, &UnifiedHunkHeader::new(&hunk).to_string()));
        for change in hunk.iter().flat_map(|op| op.iter_changes(&old[..], &new[..])) {
            let sides = [line_of(&old_shown, change.old_index()), line_of(&new_shown, change.new_index())];
            // What either side hides is hidden.
            let whole: &str = change.value();
            let plain = whole.strip_suffix('\n').unwrap_or(whole);
            let mut lines = sides.into_iter().flatten();
            let line = lines.find(|line| line != plain).unwrap_or_else(|| plain.to_owned());
            match change.tag() {
                ChangeTag::Equal => out.extend([" ", &line, "\n"]),
                ChangeTag::Delete => out.push_str(&paint(RED, &format!("-{line}"))),
                ChangeTag::Insert => out.push_str(&paint(GREEN, &format!("+{line}"))),
            }
            if !whole.ends_with('\n') {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// The changes with their context, grouped. One algorithm is named: `TextDiff`, which takes any, is 220 kB of them all.
fn hunks(old: &[&str], new: &[&str]) -> Vec<Vec<DiffOp>> {
    let mut captured = Compact::new(Replace::new(Capture::new()), old, new);
    let done: Result<(), Infallible> = myers::diff(&mut captured, old, 0..old.len(), new, 0..new.len());
    match done {
        Ok(()) => captured.into_inner().into_inner().into_grouped_ops(CONTEXT),
    }
}

#[cfg(test)]
mod tests {
    fn unified(name: &str, before: &str, after: &str, colour: bool) -> String {
        super::unified(name, before, after, |text| text.lines().map(str::to_owned).collect(), colour)
    }

    #[test]
    fn a_change_of_what_is_hidden_is_told_and_what_either_side_hides_is_hidden() {
        let shown = |text: &str| text.lines().map(|line| line.replace(['1', '2'], "***")).collect();
        let diff = super::unified("x", "a\nb: 1\nc: 1\n", "a\nb: 2\nc: 1\n", shown, false);
        assert_eq!(diff, "--- x\n+++ x\n@@ -1,3 +1,3 @@\n a\n-b: ***\n+b: ***\n c: ***\n");
        let once =
            |text: &str| text.lines().map(|line| if text.contains('z') { "***".into() } else { line.into() }).collect();
        let diff = super::unified("x", "a\nz\n", "a\ny\n", once, false);
        assert_eq!(diff, "--- x\n+++ x\n@@ -1,2 +1,2 @@\n ***\n-***\n+y\n");
    }

    #[test]
    fn one_edit_is_one_hunk() {
        let before = "1\n2\n3\n4\na: 1\n6\n7\n8\n9\n";
        let expected = "--- c.yaml\n+++ c.yaml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-a: 1\n+a: 2\n 6\n 7\n 8\n";
        assert_eq!(unified("c.yaml", before, &before.replace("a: 1", "a: 2"), false), expected);
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(unified("c.yaml", "a\n", "a\n", true), "");
    }

    #[test]
    fn a_missing_final_line_end_is_told() {
        let expected = "--- x\n+++ x\n@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n";
        assert_eq!(unified("x", "a", "a\nb\n", false), expected);
    }

    #[test]
    fn colours_end_before_the_line_does() {
        let diff = unified("x", "a\n", "b\n", true);
        assert!(diff.contains("\u{1b}[31m-a\u{1b}[0m\n\u{1b}[32m+b\u{1b}[0m\n"), "{diff:?}");
    }
}
