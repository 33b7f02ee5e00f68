//! Finding the one commented-out line of a key: `# cdc_enabled: false`, so that it can be enabled where it stands.

use std::collections::HashMap;
use std::ops::Range;

use super::layout::{Comment, Layout, line_start};

/// Every comment of a text that reads like an entry, by its key.
pub(super) struct Commented<'a> {
    text: &'a str,
    by_key: HashMap<&'a str, Vec<&'a Comment>>,
}

/// A commented-out entry.
pub(super) struct Candidate<'a> {
    /// The line without its line break.
    pub(super) line: Range<usize>,
    /// A comment behind the commented value: `# key: value # note`.
    pub(super) note: Option<&'a str>,
    /// The column of the dashes of a commented example list below it: `#     - /var/lib/cassandra/data`.
    pub(super) list_indent: Option<usize>,
}

impl<'a> Commented<'a> {
    /// Reads the comments of a text.
    pub(super) fn of(text: &'a str, layout: &'a Layout) -> Self {
        let mut by_key: HashMap<&str, Vec<&Comment>> = HashMap::new();
        for comment in layout.comments.iter().filter(|comment| comment.alone) {
            if let Some((_, key, _)) = text.get(comment.span.clone()).and_then(entry) {
                by_key.entry(key).or_default().push(comment);
            }
        }
        Self { text, by_key }
    }

    /// The commented line of `key` whose uncommented form belongs at the column `indent`, when there is exactly one
    /// inside `within` and outside of the spans of the live entries, `occupied`.
    ///
    /// Exactly one, because a sentence can look like an entry (`# stop: shut down the node`) and of two examples
    /// nobody knows which is meant.
    pub(super) fn only(
        &self,
        key: &str,
        indent: usize,
        within: &Range<usize>,
        occupied: &[Range<usize>],
    ) -> Option<Candidate<'a>> {
        let mut fitting = self.by_key.get(key)?.iter().filter(|comment| {
            let at = comment.span.start;
            within.contains(&at) && !occupied.iter().any(|span| span.contains(&at)) && self.fits(comment, indent)
        });
        let (Some(comment), None) = (fitting.next(), fitting.next()) else {
            return None;
        };
        let (_, _, rest) = self.text.get(comment.span.clone()).and_then(entry)?;
        let note = rest.find(" #").filter(|at| !rest.get(..*at).unwrap_or_default().contains(['"', '\'']));
        Some(Candidate {
            line: line_start(self.text, comment.span.start)..comment.span.end,
            note: note.and_then(|at| rest.get(at + 1..)),
            list_indent: self.list_indent(comment, indent),
        })
    }

    /// `  # key:` and `  #key:` stand where their entry would; `#  key:` is a line with a `#` before it.
    fn fits(&self, comment: &Comment, indent: usize) -> bool {
        let column = comment.span.start - line_start(self.text, comment.span.start);
        let gap = self.text.get(comment.span.clone()).and_then(entry).map_or(0, |(gap, _, _)| gap);
        column == indent && gap <= 1 || column == 0 && gap == indent
    }

    fn list_indent(&self, comment: &Comment, indent: usize) -> Option<usize> {
        let (gap, _, _) = self.text.get(comment.span.clone()).and_then(entry)?;
        let below = self.text.get(comment.span.end..)?.lines().nth(1)?;
        let column = comment.span.start - line_start(self.text, comment.span.start);
        let inner = below.get(column..)?.strip_prefix('#')?;
        let item = inner.trim_start_matches(' ');
        let deeper = (inner.len() - item.len()).checked_sub(gap)?;
        (item.starts_with("- ") && below.get(..column)?.trim().is_empty() && deeper > 0).then_some(indent + deeper)
    }
}

/// The blanks behind the `#`, the key, and what follows its colon.
fn entry(comment: &str) -> Option<(usize, &str, &str)> {
    let inner = comment.strip_prefix('#')?;
    let body = inner.trim_start_matches([' ', '\t']);
    let (key, rest) = body.split_once(':')?;
    let is_key = !key.is_empty() && !key.contains([' ', '\t', '#']);
    let ends = rest.is_empty() || rest.starts_with([' ', '\t']);
    (is_key && ends).then_some((inner.len() - body.len(), key, rest))
}
