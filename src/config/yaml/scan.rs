//! One pass over a YAML text that finds the span of every entry, value and comment, and all that is refused.
//!
//! It knows block maps and lists, scalars, and what is inside brackets. It need not judge validity: the real parser
//! reads the same text, and the two must agree ([`super::layout::Block::as_snakeyaml`]).

use std::cell::OnceCell;
use std::collections::HashMap;

use super::error::Finding;
use super::layout::{Block, Comment, Entry, Item, Kind, Layout, looked_at};
use super::leaf;

/// Deeper nesting than this is refused, so that no text can exhaust the stack.
pub(super) const MAX_DEPTH: usize = 64;

/// Scans a text without a byte order mark.
///
/// # Errors
/// Every refusal found: tabs in indentation, duplicate keys, a second document, anchors, aliases, tags, merge and
/// complex keys, directives.
pub(super) fn scan(text: &str) -> Result<Layout, Vec<Finding>> {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        pos: 0,
        end: text.len(),
        begun: false,
        depth: 0,
        comments: Vec::new(),
        findings: Vec::new(),
        breaks: OnceCell::new(),
    };
    let top = scanner.value(None, false);
    // What is left over is no YAML, or the parser's tree is larger than ours: both are found there.
    scanner.next_content();
    if scanner.findings.is_empty() {
        let newline = if text.split('\n').next().is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" };
        Ok(Layout { top, comments: scanner.comments, end: scanner.end, newline })
    } else {
        Err(scanner.findings)
    }
}

pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    bytes: &'a [u8],
    pub(super) pos: usize,
    /// Where the document ends.
    pub(super) end: usize,
    /// Content or a `---` was seen.
    begun: bool,
    pub(super) depth: usize,
    pub(super) comments: Vec<Comment>,
    findings: Vec<Finding>,
    /// Where the line breaks are.
    breaks: OnceCell<Vec<usize>>,
}

impl Scanner<'_> {
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        looked_at(1);
        self.bytes.get(at).copied()
    }

    pub(super) fn refuse(&mut self, at: usize, message: impl Into<String>) {
        let line = self.line_number(at);
        self.findings.push(Finding { line, column: None, message: message.into() });
    }

    /// The number of the line that holds this byte, from 1. The lines are counted once, however much is refused.
    fn line_number(&self, at: usize) -> usize {
        let breaks = self.breaks.get_or_init(|| self.text.match_indices('\n').map(|(at, _)| at).collect());
        1 + breaks.partition_point(|newline| *newline < at)
    }

    /// The column of the current byte.
    fn column(&self) -> usize {
        self.pos - super::layout::line_start(self.text, self.pos)
    }

    /// True when the byte is a blank, a line break or the end.
    pub(super) fn is_break_or_blank(&self, at: usize) -> bool {
        matches!(self.byte(at), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.byte(self.pos), Some(b' ' | b'\t')) {
            self.pos += 1;
        }
    }

    /// Takes a comment at the current byte, if there is one, up to the end of its line.
    pub(super) fn take_comment(&mut self, alone: bool) {
        if self.byte(self.pos) == Some(b'#') {
            let end = super::layout::line_end(self.text, self.pos);
            self.comments.push(Comment { span: self.pos..end, alone });
            self.pos = end;
        }
    }

    /// Goes to the next byte that is neither blank nor comment and tells its column; `None` at the end.
    /// Content that does not begin its line has no column of its own: `usize::MAX`.
    fn next_content(&mut self) -> Option<usize> {
        let before = self.text.get(super::layout::line_start(self.text, self.pos)..self.pos).unwrap_or_default();
        let mut alone = before.bytes().all(|byte| byte == b' ');
        let mut after_blank = before.is_empty() || before.ends_with([' ', '\t']);
        loop {
            match self.byte(self.pos)? {
                b'\n' => {
                    self.pos += 1;
                    (alone, after_blank) = (true, true);
                }
                b' ' | b'\r' => {
                    self.pos += 1;
                    after_blank = true;
                }
                b'\t' => {
                    self.tab(alone);
                    after_blank = true;
                }
                b'#' if after_blank => self.take_comment(alone),
                _ if !alone => return self.within().then_some(usize::MAX),
                _ => {
                    let column = self.column();
                    if column > 0 || !self.marker() {
                        self.begun = true;
                        return self.within().then_some(column);
                    }
                }
            }
        }
    }

    /// False, with a finding, behind the end of the document.
    fn within(&mut self) -> bool {
        let inside = self.pos < self.end;
        if !inside && self.findings.is_empty() {
            self.refuse(self.pos, "text after the end of the document; expected one document");
        }
        inside
    }

    fn tab(&mut self, indentation: bool) {
        let at = self.pos;
        self.skip_blanks();
        if indentation && !matches!(self.byte(self.pos), None | Some(b'#' | b'\n' | b'\r')) {
            self.refuse(at, "tab in indentation; YAML allows only spaces");
            self.pos = super::layout::line_end(self.text, self.pos);
        }
    }

    /// Deals with `---`, `...` and `%` at the start of a line; true when the scan goes on behind it.
    fn marker(&mut self) -> bool {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        if rest.starts_with('%') && !self.begun {
            self.refuse(self.pos, "directive; expected plain entries");
            self.pos = super::layout::line_end(self.text, self.pos);
            return true;
        }
        if !self.at_marker(self.pos) {
            return false;
        }
        if rest.starts_with("---") && self.begun {
            self.refuse(self.pos, "second document (`---`); expected one");
            self.end = self.end.min(self.pos);
            self.pos = self.text.len();
        } else {
            if rest.starts_with("...") {
                self.end = self.end.min(self.pos);
            }
            self.begun = true;
            self.pos += 3;
        }
        true
    }

    /// True at a `---` or `...` that begins its line.
    pub(super) fn at_marker(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        (rest.starts_with("---") || rest.starts_with("...")) && self.is_break_or_blank(at + 3)
    }

    /// The value behind a colon (`in_map`) or dash at the column `parent`, or at the top level.
    pub(super) fn value(&mut self, parent: Option<usize>, in_map: bool) -> Block {
        let start = self.pos;
        let empty = Block { span: start..start, kind: Kind::Empty };
        self.skip_blanks();
        let inline = parent.is_some()
            && !self.is_break_or_blank(self.pos)
            && !(self.byte(self.pos) == Some(b'#') && self.pos > start);
        if inline && in_map {
            return self.leaf(parent);
        }
        let column = if inline {
            self.column()
        } else {
            match self.next_content() {
                None | Some(usize::MAX) => return empty,
                Some(column) => column,
            }
        };
        let dash_below_key = in_map && parent == Some(column) && self.at_dash();
        if parent.is_some_and(|parent| column <= parent) && !dash_below_key {
            return empty;
        }
        if self.depth == MAX_DEPTH {
            self.refuse(self.pos, "nesting too deep");
            self.pos = self.text.len();
            return empty;
        }
        self.depth += 1;
        let block = if self.at_dash() {
            self.list(column)
        } else if leaf::key(self.text, self.pos).is_some() {
            self.map(column)
        } else {
            self.leaf(parent)
        };
        self.depth -= 1;
        block
    }

    fn at_dash(&self) -> bool {
        self.byte(self.pos) == Some(b'-') && self.is_break_or_blank(self.pos + 1)
    }

    fn list(&mut self, indent: usize) -> Block {
        let first = self.pos;
        let mut items: Vec<Item> = Vec::new();
        loop {
            let start = self.pos;
            self.pos += 1;
            let value = self.value(Some(indent), false);
            items.push(Item { start, value });
            if self.next_content() != Some(indent) || !self.at_dash() {
                break;
            }
        }
        let end = items.last().map_or(first, |item| item.value.span.end);
        Block { span: first..end, kind: Kind::List { indent, items } }
    }

    /// Refuses what cannot be the key of an entry: a merge key, and one that its map has already.
    pub(super) fn check_key(&mut self, key: &str, start: usize, seen: &mut HashMap<String, usize>) {
        if key == "<<" {
            self.refuse(start, "merge key `<<`; expected plain entries");
        } else if let Some(before) = seen.insert(key.to_owned(), start) {
            let line = self.line_number(before);
            self.refuse(start, format!("key `{key}` is already on line {line}; expected it once"));
        }
    }

    fn map(&mut self, indent: usize) -> Block {
        let first = self.pos;
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        while let Some((key, colon)) = leaf::key(self.text, self.pos) {
            let start = self.pos;
            self.check_key(&key, start, &mut seen);
            self.pos = colon;
            let value = self.value(Some(indent), true);
            entries.push(Entry { key, start, colon, value });
            if self.next_content() != Some(indent) {
                break;
            }
        }
        let end = entries.last().map_or(first, |entry| entry.value.span.end);
        Block { span: first..end, kind: Kind::Map { indent, entries } }
    }
}
