//! Where a value stands in the text, for messages.

use std::ops::RangeInclusive;

use super::YamlDocument;
use super::layout::{Block, line_number, line_start};
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
}
