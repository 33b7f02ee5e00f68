//! The smallest change of the text that puts a node where a value is.

use std::ops::Range;

use serde_yaml::Value;

use super::emit;
use super::layout::{Block, Flow, Kind, Layout, Slot, line_end, line_start, next_line};
use super::node::Node;
use super::path::Step;
use super::scalar::{Style, is_doubtful};
use super::tree;

/// One replaced stretch of the text; an empty range is an insertion.
#[derive(Debug, Clone)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// A text with its layout, and the splices collected so far.
pub(super) struct Pen<'a> {
    pub(super) text: &'a str,
    pub(super) layout: &'a Layout,
    pub(super) splices: Vec<Splice>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(text: &'a str, layout: &'a Layout) -> Self {
        Self { text, layout, splices: Vec::new() }
    }

    pub(super) fn put(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.splices.push(Splice { range, text: text.into() });
    }

    /// Lines, each with a line break before it.
    fn below(&self, lines: &[String]) -> String {
        lines.iter().flat_map(|line| [self.layout.newline, line]).collect()
    }

    /// Inserts whole lines behind the line that holds `at`.
    pub(super) fn insert_lines(&mut self, at: usize, lines: &[String]) {
        let at = next_line(self.text, at).min(self.layout.end.max(at));
        self.insert_at_line_start(at, lines);
    }

    /// Inserts whole lines at the start of a line or the end of the text.
    pub(super) fn insert_at_line_start(&mut self, at: usize, lines: &[String]) {
        let unfinished = self.text.get(..at).is_some_and(|before| !before.is_empty() && !before.ends_with('\n'));
        let mut out = String::from(if unfinished { self.layout.newline } else { "" });
        out.extend(lines.iter().flat_map(|line| [line, self.layout.newline]));
        self.put(at..at, out);
    }

    /// Turns the value of a slot into the node, touching only what differs.
    pub(super) fn rewrite(&mut self, slot: Slot<'_>, in_map: bool, value: &Value, node: &Node) {
        if self.is_same(slot.value, value, node) {
            return;
        }
        match (&slot.value.kind, node) {
            (Kind::Flow(flow), Node::Map(_) | Node::List(_)) => {
                self.rewrite_in_brackets(slot, flow, value, node);
                return;
            }
            (Kind::Map { indent, entries }, Node::Map(_)) => {
                let wanted = emit::entries(node);
                let kept = entries.iter().all(|entry| wanted.iter().any(|(key, _)| *key == entry.key));
                if kept {
                    self.rewrite_map(slot.value, *indent, value, &wanted);
                    return;
                }
            }
            (Kind::List { indent, items }, Node::List(wanted)) if !wanted.is_empty() => {
                let (at, surplus) = (*indent, items.get(wanted.len()));
                if let Some(first) = surplus {
                    let end = next_line(self.text, slot.value.span.end);
                    self.put(line_start(self.text, first.start)..end, "");
                }
                self.rewrite_list(slot.value, at, value, wanted);
                return;
            }
            _ => {}
        }
        self.replace(slot, in_map, node);
    }

    fn rewrite_map(&mut self, block: &Block, indent: usize, value: &Value, wanted: &[(&str, &Node)]) {
        let mut added = Vec::new();
        for (key, node) in wanted {
            let step = [Step::Key((*key).to_owned())];
            match (block.slot(&step[0]), tree::get(value, &step)) {
                (Some(slot), Some(value)) => self.rewrite(slot, true, value, node),
                _ => added.extend(emit::entry(key, node, indent, indent + emit::STEP)),
            }
        }
        if !added.is_empty() {
            self.insert_lines(block.span.end, &added);
        }
    }

    fn rewrite_list(&mut self, block: &Block, indent: usize, value: &Value, wanted: &[Node]) {
        let mut added = Vec::new();
        for (at, node) in wanted.iter().enumerate() {
            let step = [Step::Index(at)];
            match (block.slot(&step[0]), tree::get(value, &step)) {
                (Some(slot), Some(value)) => self.rewrite(slot, false, value, node),
                _ => added.extend(emit::item(node, indent)),
            }
        }
        if !added.is_empty() {
            self.insert_lines(block.span.end, &added);
        }
    }

    /// Writes the node in place of the whole value.
    pub(super) fn replace(&mut self, slot: Slot<'_>, in_map: bool, node: &Node) {
        let old = slot.value;
        if slot.flow {
            self.replace_in_brackets(slot, node);
            return;
        }
        let first_line_end = line_end(self.text, slot.after);
        let last_line_end = line_end(self.text, old.span.end);
        let block = matches!(old.kind, Kind::Map { .. } | Kind::List { .. });
        let starts_here = line_start(self.text, old.span.start) == line_start(self.text, slot.after);
        match (emit::inline(node, old.style()), block) {
            (Some(value), false) if matches!(old.kind, Kind::Empty) => {
                self.put(slot.after..slot.after, format!(" {value}"));
            }
            (Some(value), false) => self.put(old.span.clone(), value),
            (Some(value), true) if starts_here => self.put(old.span.start..last_line_end, value),
            (Some(value), true) => {
                self.put(slot.after..slot.after, format!(" {value}"));
                self.put(first_line_end..last_line_end, "");
            }
            (None, true) if in_map => {
                let lines = emit::lines(node, slot.column + emit::STEP);
                self.put(first_line_end..last_line_end, self.below(&lines));
            }
            (None, false) if in_map => {
                let lines = emit::lines(node, slot.column + emit::STEP);
                self.put(slot.after..old.span.end, "");
                self.put(last_line_end..last_line_end, self.below(&lines));
            }
            (None, _) => {
                let lines = emit::lines(node, slot.column + emit::STEP);
                let (first, rest) =
                    lines.split_first().map_or(("", &[][..]), |(first, rest)| (first.trim_start(), rest));
                if block {
                    self.put(slot.after..last_line_end, format!(" {first}{}", self.below(rest)));
                } else {
                    self.put(slot.after..old.span.end, format!(" {first}"));
                    self.put(last_line_end..last_line_end, self.below(rest));
                }
            }
        }
    }

    /// True when the text already says the node, to a YAML 1.1 reader too.
    fn is_same(&self, block: &Block, value: &Value, node: &Node) -> bool {
        let raw = self.text.get(block.span.clone()).unwrap_or_default();
        let plain = block.style() == Style::Plain;
        if *value != node.to_value() {
            return false;
        }
        match (&block.kind, node) {
            (Kind::Scalar(_), Node::Text(_)) => !(plain && is_doubtful(raw)),
            (Kind::Scalar(_), Node::Plain(text)) => match value {
                Value::String(_) => !(plain && is_doubtful(raw)),
                _ => raw == text,
            },
            (Kind::Map { entries, .. } | Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)), Node::Map(_)) => {
                emit::entries(node).into_iter().all(|(key, node)| {
                    let entry = entries.iter().find(|entry| entry.key == key);
                    entry.zip(value.get(key)).is_some_and(|(entry, value)| self.is_same(&entry.value, value, node))
                })
            }
            (Kind::List { items, .. } | Kind::Flow(Flow::List(items)), Node::List(nodes)) => items
                .iter()
                .zip(nodes)
                .enumerate()
                .all(|(at, (item, node))| value.get(at).is_some_and(|value| self.is_same(&item.value, value, node))),
            _ => true,
        }
    }

    /// Takes an entry or item out of its parent, which keeps at least one other.
    pub(super) fn take_out(&mut self, slot: Slot<'_>, next_sibling: Option<usize>) {
        let end = slot.value.span.end;
        let start = line_start(self.text, slot.start);
        let before = self.text.get(start..slot.start).unwrap_or_default();
        if before.bytes().all(|byte| byte == b' ') {
            self.put(start..next_line(self.text, end).min(self.layout.end.max(end)), "");
            return;
        }
        // The first entry of a compact `- key: value`: its dash must stay.
        let gap = next_sibling.and_then(|next| Some((next, self.text.get(end..next)?)));
        match gap {
            Some((next, gap)) if gap.trim().is_empty() => self.put(slot.start..next, ""),
            _ => self.put(start + before.trim_end().len()..line_end(self.text, end), ""),
        }
    }
}
