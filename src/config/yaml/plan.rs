//! One edit, planned against one text: which splices make it, and whose comments may go with it.

use std::ops::Range;

use serde_yaml::Value;

use super::Edit;
use super::emit;
use super::layout::{Block, Kind, Layout, Slot, line_end, line_start};
use super::node::Node;
use super::path::{Step, YamlPath};
use super::scalar::Style;
use super::splice::{Pen, Splice};
use super::tree;
use super::uncomment::Commented;

/// What one edit does to a text.
pub(super) struct Change {
    pub(super) splices: Vec<Splice>,
    /// Comments that begin in here belong to what is replaced or removed.
    pub(super) owned: Range<usize>,
    /// A comment that stays while the line around it is enabled.
    pub(super) note: Option<String>,
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
    let mut planner =
        Planner { pen: Pen::new(text, layout), commented, owned: 0..0, note: None, site: steps.len(), appends: false };
    let place = Place::find(layout, steps);
    match edit {
        Edit::Set(_, node) => planner.set(&place, steps, tree, node)?,
        Edit::Remove(path) => planner.remove(&place, path, tree)?,
    }
    let site = steps.get(..planner.site).unwrap_or_default().to_vec();
    Ok(Change {
        splices: planner.pen.splices,
        owned: planner.owned,
        note: planner.note,
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
            place.next = match &place.block.kind {
                Kind::Map { entries, .. } => entries.get(slot.at + 1).map(|entry| entry.start),
                Kind::List { items, .. } => items.get(slot.at + 1).map(|item| item.start),
                _ => None,
            };
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
    note: Option<String>,
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
            (Kind::Flow, _, Some(slot)) => {
                self.rewrite_flow(*slot, place.found, value, |value| {
                    tree::set(value, &YamlPath::from_steps(missing), node)
                })?;
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

    /// Turns the one commented line of the key into the live entry; false when there is no such line.
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
        let mut lines = emit::entry(key, node, indent, candidate.list_indent.unwrap_or(indent + emit::STEP));
        if let (Some(first), Some(note)) = (lines.first_mut(), candidate.note) {
            *first = format!("{first} {note}");
            self.note = Some(note.to_owned());
        }
        self.owned = candidate.line.clone();
        self.pen.put(candidate.line, lines.join(self.pen.layout.newline));
        true
    }

    fn rewrite_flow(
        &mut self,
        slot: Slot<'_>,
        found: usize,
        value: &Value,
        change: impl FnOnce(&mut Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut changed = value.clone();
        change(&mut changed)?;
        self.site = found;
        if changed != *value {
            let node = Node::from_value(&changed).map_err(str::to_owned)?;
            self.pen.put(slot.value.span.clone(), emit::flow(&node));
        }
        Ok(())
    }

    fn remove(&mut self, place: &Place<'_>, path: &YamlPath, tree: &Value) -> Result<(), String> {
        let steps = path.steps();
        let (above, missing) = steps.split_at(place.found);
        if !missing.is_empty() {
            if let (Kind::Flow, Some(slot)) = (&place.block.kind, place.slots.last()) {
                let value = tree::get(tree, above).unwrap_or(&Value::Null);
                self.rewrite_flow(*slot, place.found, value, |value| {
                    tree::remove(value, &YamlPath::from_steps(missing));
                    Ok(())
                })?;
            }
            return Ok(());
        }
        let Some((slot, parents)) = place.slots.split_last() else {
            return Ok(());
        };
        self.owned = slot.start..line_end(self.pen.text, slot.value.span.end);
        // The parent's other entries decide how one goes: no two in one round.
        self.site = steps.len().saturating_sub(1).max(1);
        let parent_in_map = matches!(steps.iter().rev().nth(1), Some(Step::Key(_)));
        let alone = slot.at == 0 && place.next.is_none();
        match parents.last() {
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
        Ok(())
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
