//! One edit, planned against one text: which splices make it, and whose comments may go with it.

use std::ops::Range;

use serde_yaml::Value;

use super::Edit;
use super::emit;
use super::layout::{Block, Flow, Kind, Layout, Slot, line_end, line_start};
use super::node::Node;
use super::path::{Step, YamlPath};
use super::scalar::{self, Style};
use super::splice::{Pen, Splice};
use super::tree;
use super::uncomment::{Candidate, Commented};

/// What one edit does to a text.
pub(super) struct Change {
    pub(super) splices: Vec<Splice>,
    /// Comments that begin in here belong to what is replaced or removed.
    pub(super) owned: Range<usize>,
    /// Comments inside a commented-out entry that stay when it is enabled, by where the `#` before them all is.
    pub(super) notes: Vec<(usize, Vec<String>)>,
    /// The steps down to what is written: two edits in one round must not share it.
    pub(super) site: Vec<Step>,
    /// Nothing but a new entry or item behind the last of its parent.
    pub(super) appends: bool,
}

impl Change {
    /// The steps to the parent of a new last entry or item; `None` for every other change.
    pub(super) fn parent_of_new(&self) -> Option<&[Step]> {
        self.site.split_last().map(|(_, parent)| parent).filter(|_| self.appends)
    }
}

/// Plans one edit.
///
/// # Errors
/// What would have to be there for the path to lead on.
pub(super) fn plan(
    text: &str,
    layout: &Layout,
    commented: &Commented<'_>,
    tree: &Value,
    edit: &Edit,
) -> Result<Change, String> {
    let steps = edit.path().steps();
    let mut planner = Planner {
        pen: Pen::new(text, layout),
        commented,
        owned: 0..0,
        notes: Vec::new(),
        site: steps.len(),
        appends: false,
    };
    let place = Place::find(layout, steps);
    match edit {
        Edit::Set(_, node) => planner.set(&place, steps, tree, node)?,
        Edit::Remove(path) => planner.remove(&place, path),
    }
    let site = steps.get(..planner.site).unwrap_or_default().to_vec();
    Ok(Change {
        splices: planner.pen.splices,
        owned: planner.owned,
        notes: planner.notes,
        site,
        appends: planner.appends,
    })
}

/// How far a path leads.
struct Place<'a> {
    /// How many steps were found.
    found: usize,
    /// What the found steps lead to.
    block: &'a Block,
    /// Where that hangs, and where its parent hangs; `None` for the top level.
    slots: Vec<Slot<'a>>,
    /// Where the next thing after the block begins that is not part of it.
    limit: usize,
    /// The start of the next sibling.
    next: Option<usize>,
}

impl<'a> Place<'a> {
    fn find(layout: &'a Layout, steps: &[Step]) -> Self {
        let mut place = Self { found: 0, block: &layout.top, slots: Vec::new(), limit: layout.end, next: None };
        for step in steps {
            let Some(slot) = place.block.slot(step) else {
                break;
            };
            place.next = place.block.start_of_child(slot.at + 1);
            place.limit = place.next.unwrap_or(place.limit);
            place.block = slot.value;
            place.slots.push(slot);
            place.found += 1;
        }
        place
    }
}

struct Planner<'a> {
    pen: Pen<'a>,
    commented: &'a Commented<'a>,
    owned: Range<usize>,
    notes: Vec<(usize, Vec<String>)>,
    /// How many steps of the path make the site.
    site: usize,
    appends: bool,
}

impl Planner<'_> {
    fn set(&mut self, place: &Place<'_>, steps: &[Step], tree: &Value, node: &Node) -> Result<(), String> {
        let (above, missing) = steps.split_at(place.found);
        let value = tree::get(tree, above).unwrap_or(&Value::Null);
        let in_map = matches!(above.last(), Some(Step::Key(_)));
        let Some((first, below)) = missing.split_first() else {
            if let Some(slot) = place.slots.last() {
                self.owned = slot.start..line_end(self.pen.text, slot.value.span.end);
                self.pen.rewrite(*slot, in_map, value, node);
            }
            return Ok(());
        };
        self.site = place.found + 1;
        match (&place.block.kind, first, place.slots.last()) {
            (Kind::Map { indent, entries }, Step::Key(key), slot) => {
                let occupied: Vec<_> = entries.iter().map(|entry| entry.start..entry.value.span.end).collect();
                let start = slot.map_or(0, |slot| slot.after);
                let node = wrap(node, below)?;
                if !self.enable(key, &node, *indent, &(start..place.limit), &occupied) {
                    let lines = emit::entry(key, &node, *indent, indent + emit::STEP);
                    match slot {
                        Some(_) => self.append_below(place.block.span.end, &lines),
                        None => self.append_last(&lines),
                    }
                }
            }
            (Kind::Empty, Step::Key(key), None) => {
                let node = wrap(node, below)?;
                if !self.enable(key, &node, 0, &(0..place.limit), &[]) {
                    self.append_last(&emit::entry(key, &node, 0, emit::STEP));
                }
            }
            (Kind::List { indent, items }, Step::Index(index), Some(_)) if *index == items.len() => {
                let node = wrap(node, below)?;
                self.append_below(place.block.span.end, &emit::item(&node, *indent));
            }
            (Kind::Flow(Flow::Map(_)), Step::Key(key), _) => {
                let text = emit::flow_entry(key, &wrap(node, below)?);
                self.pen.append_in_brackets(place.block, &[text]);
            }
            (Kind::Flow(Flow::List(items)), Step::Index(index), _) if *index == items.len() => {
                let text = emit::flow(&wrap(node, below)?, Style::Plain);
                self.pen.append_in_brackets(place.block, &[text]);
            }
            (Kind::Flow(Flow::Pair(_)), Step::Key(key), _) => {
                self.site = place.found;
                let mut entries = match Node::of(place.block, self.pen.text, value) {
                    Node::Map(entries) => entries,
                    _ => Vec::new(),
                };
                entries.push((key.clone(), wrap(node, below)?));
                self.pen.put(place.block.span.clone(), emit::flow(&Node::Map(entries), Style::Plain));
            }
            (Kind::Empty | Kind::Scalar(_), _, Some(slot)) if value.is_null() => {
                self.site = place.found;
                self.owned = slot.start..line_end(self.pen.text, slot.value.span.end);
                self.pen.replace(*slot, in_map, &wrap(node, missing)?);
            }
            (_, Step::Key(key), _) => return Err(format!("expected a map that holds `{key}`")),
            (_, Step::Index(index), _) => {
                return Err(format!("expected a list with at least {index} items"));
            }
        }
        Ok(())
    }

    /// New lines behind the line that holds `at`.
    fn append_below(&mut self, at: usize, lines: &[String]) {
        self.pen.insert_lines(at, lines);
        self.appends = true;
    }

    /// New lines at the end of the document.
    fn append_last(&mut self, lines: &[String]) {
        let end = self.pen.layout.end;
        self.pen.insert_at_line_start(end, lines);
        self.appends = true;
    }

    /// Turns the one commented-out entry of the key into a live one; false when there is none.
    fn enable(
        &mut self,
        key: &str,
        node: &Node,
        indent: usize,
        within: &Range<usize>,
        occupied: &[Range<usize>],
    ) -> bool {
        let Some(candidate) = self.commented.only(key, indent, within, occupied) else {
            return false;
        };
        let first = self.pen.splices.len();
        self.enable_at(&candidate, key, node, indent);
        let written = self.pen.splices.get(first..).unwrap_or_default();
        let start = written.iter().map(|splice| splice.range.start).min().unwrap_or_default();
        let end = written.iter().map(|splice| splice.range.end).max().unwrap_or_default();
        self.owned = start..end;
        true
    }

    /// Makes a commented-out entry live: an example list becomes the wanted one, each wanted entry of a map takes its
    /// own commented-out line if it has one, and every other line of the example stays a comment.
    fn enable_at(&mut self, candidate: &Candidate<'_>, key: &str, node: &Node, indent: usize) {
        let newline = self.pen.layout.newline;
        let pad = " ".repeat(indent);
        let mut lines = match (node, &candidate.example) {
            (Node::List(items), Some(example)) if !items.is_empty() => {
                if let Some((lines, comments)) = example.as_list(node) {
                    let lines: Vec<_> = lines.iter().map(|line| format!("{pad}{line}")).collect();
                    self.notes.push((candidate.comment, comments));
                    self.pen.put(candidate.line.start..example.span.end, lines.join(newline));
                    return;
                }
                emit::entry(key, node, indent, indent + example.deeper)
            }
            (Node::Map(entries), Some(example)) if !entries.is_empty() && example.deeper > 0 => {
                let below = indent + example.deeper;
                let mut lines = vec![format!("{pad}{}:", scalar::text(key, Style::Plain, scalar::Place::Block))];
                for (key, node) in emit::entries(node) {
                    match self.commented.only_in(key, example) {
                        Some(candidate) => self.enable_at(&candidate, key, node, below),
                        None => lines.extend(emit::entry(key, node, below, below + emit::STEP)),
                    }
                }
                lines
            }
            _ => emit::entry(key, node, indent, indent + emit::STEP),
        };
        if let (Some(first), Some(note)) = (lines.first_mut(), candidate.note) {
            *first = format!("{first} {note}");
            self.notes.push((candidate.comment, vec![note.to_owned()]));
        }
        self.pen.put(candidate.line.clone(), lines.join(newline));
    }

    fn remove(&mut self, place: &Place<'_>, path: &YamlPath) {
        let steps = path.steps();
        if place.found < steps.len() {
            return;
        }
        let Some((slot, parents)) = place.slots.split_last() else {
            return;
        };
        self.owned = slot.start..line_end(self.pen.text, slot.value.span.end);
        // The parent's other entries decide how one goes: no two in one round.
        self.site = steps.len().saturating_sub(1).max(1);
        let parent_in_map = matches!(steps.iter().rev().nth(1), Some(Step::Key(_)));
        let alone = slot.at == 0 && place.next.is_none();
        match parents.last() {
            Some(parent) if slot.flow => self.pen.take_out_of_brackets(parent.value, slot.at),
            Some(parent) if alone => {
                let empty = if matches!(steps.last(), Some(Step::Key(_))) {
                    Node::Map(Vec::new())
                } else {
                    Node::List(Vec::new())
                };
                let text = self.pen.text;
                let before = text.get(line_start(text, slot.start)..slot.start).unwrap_or_default();
                if before.bytes().all(|byte| byte == b' ') {
                    // Comments around the last entry stay below the now empty parent.
                    let empty = emit::inline(&empty, Style::Plain).unwrap_or_default();
                    self.pen.put(parent.after..parent.after, format!(" {empty}"));
                    self.pen.take_out(*slot, None);
                } else {
                    self.pen.replace(*parent, parent_in_map, &empty);
                }
            }
            _ => self.pen.take_out(*slot, place.next),
        }
    }
}

/// The node that leads to `node` by these steps.
fn wrap(node: &Node, steps: &[Step]) -> Result<Node, String> {
    steps.iter().rev().try_fold(node.clone(), |inner, step| match step {
        Step::Key(key) => Ok(Node::Map(vec![(key.clone(), inner)])),
        Step::Index(0) => Ok(Node::List(vec![inner])),
        Step::Index(index) => Err(format!("expected a list with at least {index} items")),
    })
}
