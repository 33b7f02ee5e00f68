//! Where everything in a YAML text is: byte spans of entries, values and comments.

use std::ops::Range;

use serde_yaml::Value;

use super::path::Step;
use super::resolve::resolve;
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
    /// `[…]` or `{…}`.
    Flow(Flow),
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

/// What is inside brackets.
#[derive(Debug, Clone)]
pub(super) enum Flow {
    /// `{a: 1, b: 2}`.
    Map(Vec<Entry>),
    /// `[a, b]`.
    List(Vec<Item>),
    /// The `a: 1` of `[a: 1]`: a map of one entry without brackets of its own.
    Pair(Vec<Entry>),
}

/// One `key: value` of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) start: usize,
    /// Right behind the colon; behind the key where `{a, b}` has none.
    pub(super) colon: usize,
    pub(super) value: Block,
}

/// One `- value` of a block list, or one value of a list in brackets.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Where the dash is; in brackets, where the value begins.
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
            (Kind::Map { indent, entries }, Step::Key(key)) => of_entry(entries, key, *indent, false),
            (Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)), Step::Key(key)) => of_entry(entries, key, 0, true),
            (Kind::List { indent, items }, Step::Index(at)) => of_item(items, *at, *indent, false),
            (Kind::Flow(Flow::List(items)), Step::Index(at)) => of_item(items, *at, 0, true),
            _ => None,
        }
    }

    /// The value that the steps lead to.
    pub(super) fn at(&self, steps: &[Step]) -> Option<&Self> {
        steps.iter().try_fold(self, |block, step| Some(block.slot(step)?.value))
    }

    /// True when some scalar in here goes over more than one line.
    pub(super) fn has_scalar_of_lines(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Map { entries, .. } | Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)) => {
                entries.iter().any(|entry| entry.value.has_scalar_of_lines(text))
            }
            Kind::List { items, .. } | Kind::Flow(Flow::List(items)) => {
                items.iter().any(|item| item.value.has_scalar_of_lines(text))
            }
            Kind::Empty | Kind::Scalar(_) => text.get(self.span.clone()).is_some_and(|raw| raw.contains('\n')),
        }
    }

    /// How a scalar is quoted; plain for everything else.
    pub(super) fn style(&self) -> Style {
        match self.kind {
            Kind::Scalar(style) => style,
            _ => Style::Plain,
        }
    }

    /// Where the next sibling of the child with this number begins.
    pub(super) fn start_of_child(&self, at: usize) -> Option<usize> {
        match &self.kind {
            Kind::Map { entries, .. } | Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)) => {
                entries.get(at).map(|entry| entry.start)
            }
            Kind::List { items, .. } | Kind::Flow(Flow::List(items)) => items.get(at).map(|item| item.start),
            Kind::Empty | Kind::Scalar(_) => None,
        }
    }

    /// What SnakeYAML sees where the parser, a YAML 1.2 reader, saw `value`: keys as they are written, plain scalars by
    /// the rules of YAML 1.1.
    ///
    /// # Errors
    /// The byte at which the parser saw another shape or another text than the scanner.
    pub(super) fn as_snakeyaml(&self, text: &str, value: Value) -> Result<Value, usize> {
        match (&self.kind, value) {
            (Kind::Empty, Value::Null) => Ok(Value::Null),
            (Kind::Scalar(Style::Plain), value) => self.plain(text, value),
            (Kind::Scalar(_), Value::String(string)) => Ok(Value::String(string)),
            (Kind::Map { entries, .. } | Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)), Value::Mapping(map))
                if entries.len() == map.len() =>
            {
                let pairs = entries.iter().zip(map).map(|(entry, (key, value))| match key {
                    Value::String(key) if key != entry.key => Err(entry.start),
                    _ => Ok((Value::String(entry.key.clone()), entry.value.as_snakeyaml(text, value)?)),
                });
                Ok(Value::Mapping(pairs.collect::<Result<_, _>>()?))
            }
            (Kind::List { items, .. } | Kind::Flow(Flow::List(items)), Value::Sequence(values))
                if items.len() == values.len() =>
            {
                let values = items.iter().zip(values).map(|(item, value)| item.value.as_snakeyaml(text, value));
                Ok(Value::Sequence(values.collect::<Result<_, _>>()?))
            }
            _ => Err(self.span.start),
        }
    }

    fn plain(&self, text: &str, value: Value) -> Result<Value, usize> {
        let raw = text.get(self.span.clone()).unwrap_or_default();
        match value {
            Value::String(joined) if raw.contains('\n') => Ok(resolve(&joined)),
            Value::String(same) if same != raw => Err(self.span.start),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(resolve(raw)),
            _ => Err(self.span.start),
        }
    }
}

fn of_entry<'a>(entries: &'a [Entry], key: &str, column: usize, flow: bool) -> Option<Slot<'a>> {
    let at = entries.iter().position(|entry| entry.key == *key)?;
    let entry = entries.get(at)?;
    Some(Slot { start: entry.start, after: entry.colon, column, at, flow, value: &entry.value })
}

fn of_item(items: &[Item], at: usize, column: usize, flow: bool) -> Option<Slot<'_>> {
    let item = items.get(at)?;
    let after = if flow { item.start } else { item.start + 1 };
    Some(Slot { start: item.start, after, column, at, flow, value: &item.value })
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
    /// Inside brackets.
    pub(super) flow: bool,
    pub(super) value: &'a Block,
}

#[cfg(test)]
thread_local! {
    /// How many bytes were looked at: what a test of the cost counts instead of time.
    pub(super) static WORK: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts bytes, in tests.
pub(super) fn looked_at(bytes: usize) {
    #[cfg(test)]
    WORK.set(WORK.get() + bytes);
    #[cfg(not(test))]
    let _ = bytes;
}

/// The end of the line that holds this byte, before its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    looked_at(line.len());
    at + line.strip_suffix('\r').unwrap_or(line).len()
}

/// The start of the line that holds this byte.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    looked_at(at.saturating_sub(start));
    start
}

/// The start of the line after the one that holds this byte, or the end of the text.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let next = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline + 1);
    looked_at(next.saturating_sub(at));
    next
}

/// The number of the line that holds this byte, from 1.
pub(super) fn line_number(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}
