//! Where a value stands in the text, for messages.

use std::ops::{Range, RangeInclusive};

use super::YamlDocument;
use super::layout::{Block, Flow, Kind, line_number, line_start};
use super::path::YamlPath;

impl YamlDocument {
    /// The line and column, from 1, of the key or item that a path leads to. None where it leads nowhere.
    pub fn place_of(&self, path: &YamlPath) -> Option<(usize, usize)> {
        let (start, _) = self.slot(path)?;
        let before = self.text.get(line_start(&self.text, start)..start)?;
        Some((line_number(&self.text, start), before.chars().count() + 1))
    }

    /// The lines, from 1, over which the entry or item at the path runs; within a flow map or list, all of that.
    pub fn lines(&self, path: &YamlPath) -> Option<RangeInclusive<usize>> {
        let (start, block) = self.slot(path)?;
        let last = block.span.end.saturating_sub(1).max(start);
        Some(line_number(&self.text, start)..=line_number(&self.text, last))
    }

    /// The first of those lines.
    pub fn line(&self, path: &YamlPath) -> Option<usize> {
        self.lines(path).map(|lines| *lines.start())
    }

    /// Each scalar, and each list or map without entries, with the bytes that it takes in [`Self::text`], in their order.
    pub fn leaves(&self) -> Vec<(YamlPath, Range<usize>)> {
        let mut leaves = Vec::new();
        if let Kind::Map { entries, .. } = &self.layout.top.kind {
            for entry in entries {
                entry.value.add_leaves(&YamlPath::key(&entry.key), &mut leaves);
            }
        }
        leaves
    }

    /// Where the nearest entry or item begins that has a place of its own, and its value.
    fn slot(&self, path: &YamlPath) -> Option<(usize, &Block)> {
        self.get(path)?;
        let mut block = &self.layout.top;
        let mut start = None;
        for step in path.steps() {
            let Some(slot) = block.slot(step) else { break };
            (start, block) = (Some(slot.start), slot.value);
        }
        Some((start?, block))
    }
}

impl Block {
    fn add_leaves(&self, path: &YamlPath, leaves: &mut Vec<(YamlPath, Range<usize>)>) {
        match &self.kind {
            Kind::Map { entries, .. } | Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)) if !entries.is_empty() => {
                for entry in entries {
                    entry.value.add_leaves(&path.child(&entry.key), leaves);
                }
            }
            Kind::List { items, .. } | Kind::Flow(Flow::List(items)) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    item.value.add_leaves(&path.item(at), leaves);
                }
            }
            _ => leaves.push((path.clone(), self.span.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_that_of_the_key_or_item() {
        let text = "a: 1\nb:\n  # two\n  c: 2\nd:\n  - e\n  - f: {g: [1, 2]}\n";
        let document = YamlDocument::parse("x.yaml", text).unwrap();
        let place = |path: &str| document.place_of(&path.parse().unwrap());
        assert_eq!(place("a"), Some((1, 1)));
        assert_eq!(place("b.c"), Some((4, 3)));
        assert_eq!(place("d[1]"), Some((7, 3)));
        assert_eq!(place("d[1].f.g[1]"), Some((7, 16)));
        assert_eq!(place("d[2]"), None);
    }

    #[test]
    fn leaves_take_their_own_bytes_in_blocks_and_in_brackets() {
        let text = "a: 1 # one\nb:\n  - c: [x, {d: 'y z'}]\n  - |\n    e\nf: {}\n";
        let document = YamlDocument::parse("x.yaml", text).unwrap();
        let leaves = document.leaves().into_iter().map(|(path, span)| format!("{path}={}", &text[span]));
        assert_eq!(leaves.collect::<Vec<_>>(), ["a=1", "b[0].c[0]=x", "b[0].c[1].d='y z'", "b[1]=|\n    e", "f={}"]);
    }
}
