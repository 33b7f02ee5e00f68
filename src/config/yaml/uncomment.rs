//! Finding the one commented-out entry of a key, with the example below it, so that it can be enabled where it stands.

use std::collections::HashMap;
use std::ops::Range;

use serde_yaml::Value;

use super::layout::{Comment, Layout, line_start, next_line};
use super::node::Node;
use super::path::YamlPath;
use super::{Edit, YamlDocument, emit};

/// How much deeper than its key a commented example must stand at least: one blank more is mostly prose
/// (`#key:` above `# Some words`).
const STEP: usize = 2;

/// Every comment of a text that reads like an entry, by its key.
pub(super) struct Commented<'a> {
    text: &'a str,
    comments: &'a [Comment],
    /// Places in `comments`.
    by_key: HashMap<&'a str, Vec<usize>>,
}

/// A commented-out entry.
pub(super) struct Candidate<'a> {
    /// Its first line without the line break.
    pub(super) line: Range<usize>,
    /// Where its `#` is.
    pub(super) comment: usize,
    /// A comment behind the commented value: `# key: value # note`.
    pub(super) note: Option<&'a str>,
    /// The lines below a key without a value that belong to it: `#     - /var/lib/cassandra/data`.
    pub(super) example: Option<Example<'a>>,
}

/// The commented-out lines below a commented-out key.
pub(super) struct Example<'a> {
    /// From the start of its first line to the end of its last, without the line break.
    pub(super) span: Range<usize>,
    /// The column of the `#`.
    column: usize,
    /// The blanks between `#` and the first line.
    gap: usize,
    /// How much deeper than the key the first line stands.
    pub(super) deeper: usize,
    /// The key line and its example with their `#` taken away, at the column 0.
    live: String,
    key: &'a str,
}

impl<'a> Commented<'a> {
    /// Reads the comments of a text.
    pub(super) fn of(text: &'a str, layout: &'a Layout) -> Self {
        let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, comment) in layout.comments.iter().enumerate().filter(|(_, comment)| comment.alone) {
            if let Some((_, key, _)) = text.get(comment.span.clone()).and_then(entry) {
                by_key.entry(key).or_default().push(at);
            }
        }
        Self { text, comments: &layout.comments, by_key }
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
        self.single(key, within, |at, column, gap| {
            // `  # key:` and `  #key:` stand where their entry would; `#  key:` and `#   key:` are lines with a `#`, or
            // a `#` and a blank, before them.
            let fits = column == indent && gap <= 1 || column == 0 && (gap == indent || gap == indent + 1);
            fits && !occupied.iter().any(|span| span.contains(&at))
        })
    }

    /// The commented line of `key` on the first level of an example.
    pub(super) fn only_in(&self, key: &str, example: &Example<'_>) -> Option<Candidate<'a>> {
        self.single(key, &example.span, |_, column, gap| column == example.column && gap == example.gap)
    }

    fn single(
        &self,
        key: &str,
        within: &Range<usize>,
        fits: impl Fn(usize, usize, usize) -> bool,
    ) -> Option<Candidate<'a>> {
        let mut fitting = self.by_key.get(key)?.iter().filter(|at| {
            self.comments.get(**at).is_some_and(|comment| {
                let start = comment.span.start;
                let gap = self.text.get(comment.span.clone()).and_then(entry).map_or(0, |(gap, _, _)| gap);
                within.contains(&start) && fits(start, self.column(comment), gap)
            })
        });
        let (Some(at), None) = (fitting.next(), fitting.next()) else {
            return None;
        };
        let comment = self.comments.get(*at)?;
        let (gap, key, rest) = self.text.get(comment.span.clone()).and_then(entry)?;
        let (value, note) = value_and_note(rest)?;
        Some(Candidate {
            line: line_start(self.text, comment.span.start)..comment.span.end,
            comment: comment.span.start,
            note,
            example: if value.trim().is_empty() { self.example(*at, key, gap, rest) } else { None },
        })
    }

    fn column(&self, comment: &Comment) -> usize {
        comment.span.start - line_start(self.text, comment.span.start)
    }

    /// The comments right below the one at `at`, in its column and deeper than its key.
    fn example(&self, at: usize, key: &'a str, gap: usize, rest: &str) -> Option<Example<'a>> {
        let head = self.comments.get(at)?;
        let column = self.column(head);
        let mut live = format!("{key}:{rest}\n");
        let mut span: Option<Range<usize>> = None;
        let mut first_gap = 0;
        let mut expected = next_line(self.text, head.span.end);
        for comment in self.comments.iter().skip(at + 1) {
            let start = line_start(self.text, comment.span.start);
            let inner = self.text.get(comment.span.start + 1..comment.span.end).unwrap_or_default();
            let body = inner.trim_start_matches(' ');
            let inner_gap = inner.len() - body.len();
            // The dashes of a list may stand right below their key.
            let flush = |gap_of_first: usize| inner_gap == gap && gap_of_first == gap && is_dash(body);
            let belongs = match &span {
                None => inner_gap >= gap + STEP || flush(gap),
                Some(_) => inner_gap >= first_gap.max(gap + STEP) || flush(first_gap),
            };
            if !comment.alone || start != expected || self.column(comment) != column || body.is_empty() || !belongs {
                break;
            }
            if span.is_none() {
                first_gap = inner_gap;
            }
            live.push_str(&" ".repeat(inner_gap - gap));
            live.push_str(body);
            live.push('\n');
            span = Some(span.map_or(start, |span| span.start)..comment.span.end);
            expected = next_line(self.text, comment.span.end);
        }
        Some(Example { span: span?, column, gap: first_gap, deeper: first_gap - gap, live, key })
    }
}

impl Example<'_> {
    /// The lines of the key and its example, live, with the node as value, at the column 0, and the comments in them.
    ///
    /// `None` when the example is no list, or when an entry, a sentence or a comment of it would be lost.
    pub(super) fn as_list(&self, node: &Node) -> Option<(Vec<String>, Vec<String>)> {
        let path = YamlPath::key(self.key);
        let example = YamlDocument::parse(self.key, &self.live).ok()?;
        example.get(&path).filter(|value| value.is_sequence() && is_covered(value, node))?;
        // A sentence below an item reads like its second line, and would go with it.
        if example.layout.top.has_scalar_of_lines(example.text()) {
            return None;
        }
        let live = example.edit(&[Edit::Set(path, node.clone())]).ok()?;
        if live.layout.comments.len() < example.layout.comments.len() {
            return None;
        }
        let text = live.text();
        let comments = live.layout.comments.iter().filter_map(|comment| text.get(comment.span.clone()));
        Some((text.lines().map(str::to_owned).collect(), comments.map(str::to_owned).collect()))
    }
}

/// True when every entry that the example shows has a place in the node too.
fn is_covered(example: &Value, node: &Node) -> bool {
    match (example, node) {
        (Value::Mapping(map), Node::Map(_)) => {
            let entries = emit::entries(node);
            map.iter().all(|(key, value)| {
                let same = entries.iter().find(|(name, _)| key.as_str() == Some(name));
                same.is_some_and(|(_, node)| is_covered(value, node))
            })
        }
        (Value::Sequence(items), Node::List(nodes)) => items.iter().enumerate().all(|(at, item)| match nodes.get(at) {
            Some(node) => is_covered(item, node),
            None => !item.is_mapping() && !item.is_sequence(),
        }),
        (Value::Mapping(_) | Value::Sequence(_), _) => false,
        _ => true,
    }
}

/// The value on a commented-out line and the comment behind it; `None` for what is no value, or only the start of one.
fn value_and_note(rest: &str) -> Option<(&str, Option<&str>)> {
    let marks = rest.match_indices(" #").map(|(at, _)| at).chain([rest.len()]);
    marks
        .filter_map(|at| Some((rest.get(..at)?, rest.get(at + 1..))))
        .find(|(value, _)| YamlDocument::parse("", &format!("key:{value}")).is_ok())
}

fn is_dash(body: &str) -> bool {
    body == "-" || body.starts_with("- ")
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
