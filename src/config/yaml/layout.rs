//! Where everything in a YAML text is: byte spans of entries, values and comments.

use std::ops::Range;

use serde_yaml::Value;

use super::path::Step;
use super::scalar::Style;

/// A value in the text.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// From its first to its last byte, without the line end or a comment behind it.
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// What a value is made of.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Nothing at all, read as null; the span is empty and lies right behind the colon or dash.
    Empty,
    Scalar(Style),
    /// `[…]` or `{…}`, taken as a whole.
    Flow,
    Map {
        /// The column of the keys.
        indent: usize,
        entries: Vec<Entry>,
    },
    List {
        /// The column of the dashes.
        indent: usize,
        items: Vec<Item>,
    },
}

/// One `key: value` of a block map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) start: usize,
    /// Right behind the colon.
    pub(super) colon: usize,
    pub(super) value: Block,
}

/// One `- value` of a block list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Where the dash is.
    pub(super) start: usize,
    pub(super) value: Block,
}

/// A comment, from its `#` to the end of its line.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) span: Range<usize>,
    /// Nothing but blanks stands before it.
    pub(super) alone: bool,
}

/// A whole text, scanned.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The top level: a map, or [`Kind::Empty`] in a file without entries.
    pub(super) top: Block,
    pub(super) comments: Vec<Comment>,
    /// Where the document ends: at a final `...`, else at the end of the text.
    pub(super) end: usize,
    /// The line end in use: that of the first line.
    pub(super) newline: &'static str,
}

impl Block {
    /// The value one step deeper, with the place where its entry begins and where its value may be written.
    pub(super) fn slot(&self, step: &Step) -> Option<Slot<'_>> {
        match (&self.kind, step) {
            (Kind::Map { indent, entries }, Step::Key(key)) => {
                let at = entries.iter().position(|entry| entry.key == *key)?;
                let entry = entries.get(at)?;
                Some(Slot { start: entry.start, after: entry.colon, column: *indent, at, value: &entry.value })
            }
            (Kind::List { indent, items }, Step::Index(at)) => {
                let item = items.get(*at)?;
                Some(Slot { start: item.start, after: item.start + 1, column: *indent, at: *at, value: &item.value })
            }
            _ => None,
        }
    }

    /// How a scalar is quoted; plain for everything else.
    pub(super) fn style(&self) -> Style {
        match self.kind {
            Kind::Scalar(style) => style,
            _ => Style::Plain,
        }
    }

    /// Checks that another reader saw the same shape.
    ///
    /// # Errors
    /// The byte at which the two part ways.
    pub(super) fn agrees_with(&self, value: &Value) -> Result<(), usize> {
        match (&self.kind, value) {
            (Kind::Empty, Value::Null)
            | (Kind::Flow, Value::Mapping(_) | Value::Sequence(_))
            | (Kind::Scalar(_), Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(()),
            (Kind::Map { entries, .. }, Value::Mapping(map)) if entries.len() == map.len() => {
                entries.iter().zip(map).try_for_each(|(entry, (key, value))| match key {
                    Value::String(key) if *key != entry.key => Err(entry.start),
                    _ => entry.value.agrees_with(value),
                })
            }
            (Kind::List { items, .. }, Value::Sequence(values)) if items.len() == values.len() => {
                items.iter().zip(values).try_for_each(|(item, value)| item.value.agrees_with(value))
            }
            _ => Err(self.span.start),
        }
    }
}

/// A map entry or list item, seen from where it hangs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<'a> {
    /// Of the key or dash.
    pub(super) start: usize,
    /// Right behind the colon or dash.
    pub(super) after: usize,
    /// The column of the key or dash.
    pub(super) column: usize,
    /// Its number among its siblings.
    pub(super) at: usize,
    pub(super) value: &'a Block,
}

/// The end of the line that holds this byte, before its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    at + line.strip_suffix('\r').unwrap_or(line).len()
}

/// The start of the line that holds this byte.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The start of the line after the one that holds this byte, or the end of the text.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

/// The number of the line that holds this byte, from 1.
pub(super) fn line_number(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}
