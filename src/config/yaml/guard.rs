//! A batch of edits, made in rounds, and the check that no text leaves without: it must mean the old document plus
//! the edits, and every comment that the edits do not own must still be there, in order.

use std::collections::{HashMap, HashSet};

use serde_yaml::Value;

use super::layout::Layout;
use super::path::Step;
use super::plan::{Change, plan};
use super::scan::scan;
use super::uncomment::Commented;
use super::{Edit, EditError};

/// A text that passed the guard.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) text: String,
    pub(super) layout: Layout,
    pub(super) tree: Value,
}

/// Makes the edits, in their order.
///
/// # Errors
/// The path that cannot be reached, or the first edit that does not pass the check.
pub(super) fn edit(
    name: &str,
    text: &str,
    layout: &Layout,
    tree: &Value,
    edits: &[Edit],
) -> Result<Checked, EditError> {
    match batch(name, text, layout, tree, edits) {
        Err(Failure::Check(_)) if edits.len() > 1 => {}
        Err(Failure::Check(reason)) => return Err(refusal(name, edits, reason)),
        Err(Failure::Edit(error)) => return Err(error),
        Ok(checked) => return Ok(checked),
    }
    // One after the other: they may only stand in each other's way, and else the first that fails is the one to name.
    let mut current = Checked { text: text.to_owned(), layout: layout.clone(), tree: tree.clone() };
    for edit in edits {
        let one = std::slice::from_ref(edit);
        current = match batch(name, &current.text, &current.layout, &current.tree, one) {
            Ok(next) => next,
            Err(Failure::Check(reason)) => return Err(refusal(name, one, reason)),
            Err(Failure::Edit(error)) => return Err(error),
        };
    }
    Ok(current)
}

fn refusal(name: &str, edits: &[Edit], reason: String) -> EditError {
    let paths = edits.iter().map(|edit| edit.path().to_string()).collect::<Vec<_>>().join("`, `");
    EditError::Refused { name: name.to_owned(), paths, reason }
}

enum Failure {
    Edit(EditError),
    Check(String),
}

fn batch(name: &str, text: &str, layout: &Layout, tree: &Value, edits: &[Edit]) -> Result<Checked, Failure> {
    let mut wanted = tree.clone();
    let mut current = (text.to_owned(), layout.clone());
    let mut open: Vec<&Edit> = edits.iter().collect();
    while !open.is_empty() {
        let (round, deferred) = Round::plan(name, &current.0, &current.1, &mut wanted, &open).map_err(Failure::Edit)?;
        open = deferred;
        if let Some(next) = round.write(&current.0, &current.1)? {
            current = next;
        }
    }
    let (text, layout) = current;
    let read: Value =
        serde_yaml::from_str(&text).map_err(|error| Failure::Check(format!("the result is no YAML: {error}")))?;
    let mut read = (layout.top)
        .as_snakeyaml(&text, read)
        .map_err(|_| Failure::Check("the result has a layout that cannot be edited".to_owned()))?;
    normalise(&mut read);
    if read != wanted {
        return Err(Failure::Check("the result would not mean the old values and the new one".to_owned()));
    }
    Ok(Checked { text, layout, tree: read })
}

/// A file without entries is an empty map.
pub(super) fn normalise(tree: &mut Value) {
    if tree.is_null() {
        *tree = Value::Mapping(serde_yaml::Mapping::new());
    }
}

/// Edits of one text that do not touch each other.
#[derive(Default)]
struct Round {
    changes: Vec<Change>,
    /// The sites by root key.
    sites: HashMap<String, Vec<Vec<Step>>>,
    /// Where something is written; for a new last entry or item with its parent, as its siblings may follow it there.
    starts: HashMap<usize, Option<Vec<Step>>>,
}

impl Round {
    /// Takes every edit that is independent of those before it; the others wait for the next round. The taken ones
    /// are made in `tree` too.
    fn plan<'e>(
        name: &str,
        text: &str,
        layout: &Layout,
        tree: &mut Value,
        edits: &[&'e Edit],
    ) -> Result<(Self, Vec<&'e Edit>), EditError> {
        let commented = Commented::of(text, layout);
        let mut round = Self::default();
        let mut deferred: Vec<&Edit> = Vec::new();
        let mut waiting: HashSet<&str> = HashSet::new();
        for edit in edits {
            let root = edit.path().root();
            let touched = round.sites.contains_key(root);
            if waiting.contains(root) {
                deferred.push(edit);
                continue;
            }
            let change = match plan(text, layout, &commented, tree, edit) {
                Ok(change) => (!round.meets(text, root, &change)).then_some(change),
                Err(_) if touched => None,
                Err(expected) => return Err(unreachable(name, edit, expected)),
            };
            if let Some(change) = change {
                edit.apply(tree).map_err(|expected| unreachable(name, edit, expected))?;
                round.take(root, change);
            } else {
                deferred.push(edit);
                waiting.insert(root);
            }
        }
        Ok((round, deferred))
    }

    fn meets(&self, text: &str, root: &str, change: &Change) -> bool {
        let same_site = |site: &Vec<Step>| site.starts_with(&change.site) || change.site.starts_with(site);
        let parent = change.parent_of_new();
        let unfinished = !text.ends_with('\n');
        let same_start = |start: usize| {
            let last = unfinished && start == text.len();
            let other = self.starts.get(&start);
            other.is_some_and(|other| last || parent.is_none() || other.as_deref() != parent)
        };
        self.sites.get(root).is_some_and(|sites| sites.iter().any(same_site))
            || change.splices.iter().any(|splice| same_start(splice.range.start))
    }

    fn take(&mut self, root: &str, change: Change) {
        let parent = change.parent_of_new().map(<[Step]>::to_vec);
        for splice in &change.splices {
            self.starts.insert(splice.range.start, parent.clone());
        }
        self.sites.entry(root.to_owned()).or_default().push(change.site.clone());
        self.changes.push(change);
    }

    /// Writes the changes and checks the comments; `None` when nothing changes.
    fn write(&self, text: &str, layout: &Layout) -> Result<Option<(String, Layout)>, Failure> {
        let mut splices: Vec<_> = self.changes.iter().flat_map(|change| &change.splices).collect();
        if splices.is_empty() {
            return Ok(None);
        }
        // An insertion goes before what is cut out at the same place.
        splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
        let overlap = || Failure::Check("two changes meet at one place".to_owned());
        let mut out = String::with_capacity(text.len() + 1024);
        let mut at = 0;
        for splice in splices {
            out.push_str(text.get(at..splice.range.start).ok_or_else(overlap)?);
            out.push_str(&splice.text);
            at = splice.range.end;
        }
        out.push_str(text.get(at..).ok_or_else(overlap)?);
        let next = scan(&out).map_err(|findings| {
            let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
            Failure::Check(format!("the result would hold: {first}"))
        })?;
        let found = next.comments.iter().filter_map(|comment| out.get(comment.span.clone()));
        if !self.comments_after(text, layout).eq(found) {
            return Err(Failure::Check("a comment would be lost or changed".to_owned()));
        }
        Ok(Some((out, next)))
    }

    /// The comments that must be there afterwards.
    fn comments_after<'a>(&'a self, text: &'a str, layout: &'a Layout) -> impl Iterator<Item = &'a str> {
        let mut owned: Vec<&Change> = self.changes.iter().filter(|change| !change.owned.is_empty()).collect();
        owned.sort_by_key(|change| change.owned.start);
        layout.comments.iter().flat_map(move |comment| {
            let start = comment.span.start;
            // Sites do not contain each other, so owned stretches never overlap.
            let before = owned.partition_point(|change| change.owned.start <= start);
            let holder = before
                .checked_sub(1)
                .and_then(|at| owned.get(at).copied())
                .filter(|change| change.owned.contains(&start));
            let gone = holder.filter(|change| change.splices.iter().any(|splice| splice.range.contains(&start)));
            let notes = gone.into_iter().flat_map(move |change| &change.notes).filter(move |(at, _)| *at == start);
            let notes = notes.flat_map(|(_, notes)| notes).map(String::as_str);
            let kept = if gone.is_none() { text.get(comment.span.clone()) } else { None };
            kept.into_iter().chain(notes)
        })
    }
}

fn unreachable(name: &str, edit: &Edit, expected: String) -> EditError {
    EditError::Unreachable { name: name.to_owned(), path: edit.path().clone(), expected }
}
