//! Edits inside `[…]` and `{…}`: the author's lines stay, only the entry that changes is written.

use std::ops::Range;

use serde_yaml::Value;

use super::emit;
use super::layout::{Block, Flow, Kind, Slot, line_end, line_start, next_line};
use super::node::Node;
use super::path::Step;
use super::scalar::Style;
use super::splice::Pen;
use super::tree;

impl Pen<'_> {
    /// Turns a collection in brackets into the list or map of the node, entry by entry where the two are alike.
    pub(super) fn rewrite_in_brackets(&mut self, slot: Slot<'_>, flow: &Flow, value: &Value, node: &Node) {
        match (flow, node) {
            (Flow::List(items), Node::List(wanted)) if !wanted.is_empty() => {
                for (at, node) in wanted.iter().enumerate().take(items.len()) {
                    self.rewrite_child(slot.value, &Step::Index(at), value, node);
                }
                let added: Vec<_> =
                    wanted.iter().skip(items.len()).map(|node| emit::flow(node, Style::Plain)).collect();
                self.append_in_brackets(slot.value, &added);
                let spans = children(slot.value);
                if let (Some(last), Some(end)) = (spans.get(wanted.len() - 1), spans.last())
                    && last.end < end.end
                {
                    self.put(last.end..end.end, "");
                }
            }
            (Flow::Map(entries), Node::Map(_)) if has_all(entries.iter().map(|entry| entry.key.as_str()), node) => {
                let mut added = Vec::new();
                for (key, node) in emit::entries(node) {
                    if !self.rewrite_child(slot.value, &Step::Key(key.to_owned()), value, node) {
                        added.push(emit::flow_entry(key, node));
                    }
                }
                self.append_in_brackets(slot.value, &added);
            }
            _ => self.put(slot.value.span.clone(), emit::flow(node, Style::Plain)),
        }
    }

    /// False when there is no such child.
    fn rewrite_child(&mut self, block: &Block, step: &Step, value: &Value, node: &Node) -> bool {
        let found = block.slot(step).zip(tree::get(value, std::slice::from_ref(step)));
        if let Some((slot, value)) = found {
            self.rewrite(slot, false, value, node);
        }
        found.is_some()
    }

    /// Writes the node in place of a value inside brackets.
    pub(super) fn replace_in_brackets(&mut self, slot: Slot<'_>, node: &Node) {
        let old = slot.value;
        let text = emit::flow(node, old.style());
        if !matches!(old.kind, Kind::Empty) {
            self.put(old.span.clone(), text);
        } else if self.text.get(..slot.after).is_some_and(|before| before.ends_with(':')) {
            self.put(slot.after..slot.after, format!(" {text}"));
        } else {
            self.put(slot.after..slot.after, format!(": {text}"));
        }
    }

    /// Adds entries behind the last one: each on a line of its own where the last one has one.
    pub(super) fn append_in_brackets(&mut self, block: &Block, added: &[String]) {
        if added.is_empty() {
            return;
        }
        let Some(last) = children(block).pop() else {
            let inside = block.span.start + 1;
            self.put(inside..inside, added.join(", "));
            return;
        };
        let comma = self.comma_behind(last.end, block);
        let behind = comma.map_or(last.end, |comma| comma + 1);
        let Some(pad) = self.pad_of_own_line(last.start).map(str::to_owned) else {
            let joint = if comma.is_some() { " " } else { ", " };
            self.put(behind..behind, format!("{joint}{}", added.join(", ")));
            return;
        };
        if comma.is_none() {
            self.put(behind..behind, ",");
        }
        // A comment behind the last entry stays with it, unless the bracket closes before it.
        let end = line_end(self.text, behind);
        let at = if end < block.span.end { end } else { behind };
        let joint = format!("{}{pad}", self.layout.newline);
        let ending = if comma.is_some() { "," } else { "" };
        self.put(at..at, format!("{joint}{}{ending}", added.join(&format!(",{joint}"))));
    }

    /// Takes one entry out, with its comma and a comment on its own line.
    pub(super) fn take_out_of_brackets(&mut self, block: &Block, at: usize) {
        let spans = children(block);
        let Some(child) = spans.get(at) else {
            return;
        };
        if matches!(block.kind, Kind::Flow(Flow::Pair(_))) {
            self.put(block.span.clone(), "{}");
            return;
        }
        let next = spans.get(at + 1);
        let behind = self.comma_behind(child.end, block).map_or(child.end, |comma| comma + 1);
        let end = line_end(self.text, behind);
        let own_line = self.pad_of_own_line(child.start).is_some();
        if own_line && end < block.span.end && next.is_none_or(|next| end < next.start) {
            self.put(line_start(self.text, child.start)..next_line(self.text, behind), "");
            return;
        }
        let previous = at.checked_sub(1).and_then(|at| spans.get(at));
        let range = match (previous, next) {
            (_, Some(next)) if !self.has_comment(&(behind..next.start)) => child.start..next.start,
            (Some(previous), None) if !self.has_comment(&(previous.end..child.start)) => previous.end..child.end,
            _ => child.start..behind,
        };
        self.put(range, "");
    }

    fn has_comment(&self, within: &Range<usize>) -> bool {
        let first = self.layout.comments.partition_point(|comment| comment.span.start < within.start);
        self.layout.comments.get(first).is_some_and(|comment| comment.span.start < within.end)
    }

    /// The comma behind an entry that ends here, before the closing bracket.
    fn comma_behind(&self, end: usize, block: &Block) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = end;
        while at < block.span.end {
            match bytes.get(at)? {
                b',' => return Some(at),
                b'#' => at = line_end(self.text, at),
                byte if byte.is_ascii_whitespace() => at += 1,
                _ => return None,
            }
        }
        None
    }

    /// The blanks before an entry that begins its line.
    fn pad_of_own_line(&self, start: usize) -> Option<&str> {
        let before = self.text.get(line_start(self.text, start)..start)?;
        before.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then_some(before)
    }
}

/// The entries of a collection in brackets, from key to value.
fn children(block: &Block) -> Vec<Range<usize>> {
    match &block.kind {
        Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)) => {
            entries.iter().map(|entry| entry.start..entry.value.span.end.max(entry.colon)).collect()
        }
        Kind::Flow(Flow::List(items)) => items.iter().map(|item| item.value.span.clone()).collect(),
        _ => Vec::new(),
    }
}

fn has_all<'a>(mut keys: impl Iterator<Item = &'a str>, node: &Node) -> bool {
    let wanted = emit::entries(node);
    keys.all(|key| wanted.iter().any(|(other, _)| *other == key))
}
