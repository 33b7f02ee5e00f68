//! Entries of a fragment, merged into a document behind its guard.

use std::collections::HashSet;

use serde_yaml::{Mapping, Value as Yaml};

use crate::cassandra::schema;
use crate::config::fragment::{CLASS_NAME, Entry, PARAMETERS};
use crate::config::yaml::{Edit, EditError, Node, Step, YamlDocument, YamlPath};

/// The document with `entries` merged into it, and what could not be merged, by its place among them.
///
/// Entries of different keys go in together, behind one guard: its cost is that of the document, not of the edit.
pub fn merged(document: &YamlDocument, entries: &[&Entry]) -> (YamlDocument, Vec<(usize, EditError)>) {
    let mut document = document.clone();
    let mut refused = Vec::new();
    let mut start = 0;
    while let Some(rest) = entries.get(start..).filter(|rest| !rest.is_empty()) {
        let length = together(rest);
        let batch = rest.get(..length).unwrap_or(rest);
        let all: Vec<Edit> = batch.iter().flat_map(|entry| edits(&document, entry)).collect();
        match document.edit(&all) {
            Ok(edited) => document = edited,
            // Which of them it is shows only one by one.
            Err(_) => {
                for (at, entry) in batch.iter().enumerate() {
                    match document.edit(&edits(&document, entry)) {
                        Ok(edited) => document = edited,
                        Err(error) => refused.push((start + at, error)),
                    }
                }
            }
        }
        start += length;
    }
    (document, refused)
}

/// How many of the entries are about keys that none before them is about, so that no edit depends on another.
fn together(entries: &[&Entry]) -> usize {
    let mut seen = HashSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let keys: Vec<&str> = entry.twins.iter().copied().chain([entry.path.root()]).collect();
        if keys.iter().any(|key| seen.contains(key)) {
            return at;
        }
        seen.extend(keys);
    }
    entries.len()
}

/// The edits that merge `entry` into `document`.
fn edits(document: &YamlDocument, entry: &Entry) -> Vec<Edit> {
    let mut edits = Vec::new();
    for twin in &entry.twins {
        let path = YamlPath::key(*twin);
        if document.get(&path).is_some() {
            edits.push(Edit::Remove(path));
        }
    }
    let there = document.get(&entry.path);
    if let Yaml::String(class) = &entry.value
        && let Some(edit) = class_edit(document, &entry.path, class)
    {
        edits.push(edit);
    } else if let Some(edit) = opened_class(document, entry) {
        edits.push(edit);
    } else {
        merge(there, &entry.path, &entry.node, &mut edits);
    }
    edits
}

/// A class that the file gives by its name, opened for what goes into it: another name, or a parameter.
fn opened_class(document: &YamlDocument, entry: &Entry) -> Option<Edit> {
    let root = entry.path.root();
    let (Step::Key(part), deeper) = entry.path.steps().get(1..)?.split_first()? else { return None };
    let path = YamlPath::key(root);
    let class = document.get(&path)?.as_str().filter(|_| schema::names_class(root))?;
    if part == CLASS_NAME && deeper.is_empty() {
        return Some(Edit::Set(path, entry.node.clone()));
    }
    if part != PARAMETERS {
        return None;
    }
    let inside = deeper.iter().rev().try_fold(entry.node.clone(), |node, step| match step {
        Step::Key(key) => Some(Node::Map(vec![(key.clone(), node)])),
        Step::Index(_) => None,
    })?;
    let name = (CLASS_NAME.to_owned(), Node::from(class));
    Some(Edit::Set(path, Node::Map(vec![name, (PARAMETERS.to_owned(), inside)])))
}

/// A class given by its name keeps the form that the file uses. Parameters are those of another class, and go with it. None
/// where the key is no class, or the file gives it by its name, too.
pub(in crate::config) fn class_edit(document: &YamlDocument, path: &YamlPath, class: &str) -> Option<Edit> {
    if !schema::names_class(path.root()) || path.steps().len() != 1 {
        return None;
    }
    let map = |path: &YamlPath, map: &Mapping| {
        let same = map.get(CLASS_NAME).and_then(Yaml::as_str) == Some(class);
        let named = Node::Map(vec![(CLASS_NAME.to_owned(), Node::from(class))]);
        if same { Edit::Set(path.child(CLASS_NAME), Node::from(class)) } else { Edit::Set(path.clone(), named) }
    };
    match document.get(path)? {
        Yaml::Mapping(entries) => Some(map(path, entries)),
        Yaml::Sequence(items) => Some(map(&path.item(0), items.first()?.as_mapping()?)),
        _ => None,
    }
}

fn merge(there: Option<&Yaml>, path: &YamlPath, node: &Node, edits: &mut Vec<Edit>) {
    match (there, node) {
        (_, Node::Null) => edits.push(Edit::Remove(path.clone())),
        (Some(Yaml::Mapping(there)), Node::Map(wanted)) => {
            for (key, node) in wanted {
                merge(there.get(key.as_str()), &path.child(key), node, edits);
            }
        }
        (_, node) => edits.push(Edit::Set(path.clone(), without_nulls(node))),
    }
}

/// In a map that is new there is nothing to remove.
fn without_nulls(node: &Node) -> Node {
    match node {
        Node::Map(entries) => {
            let live = entries.iter().filter(|(_, node)| *node != Node::Null);
            Node::Map(live.map(|(key, node)| (key.clone(), without_nulls(node))).collect())
        }
        other => other.clone(),
    }
}
