//! The text of a new value: one line where it fits, block lines otherwise.

use super::node::Node;
use super::scalar::{self, Place, Style};

/// How much deeper the entries of a new map or list stand than their key.
pub(super) const STEP: usize = 2;

/// The one-line form behind `key: ` or `- `; `None` for a list or map with something in it.
pub(super) fn inline(node: &Node, before: Style) -> Option<String> {
    match node {
        Node::List(items) if items.is_empty() => Some("[]".to_owned()),
        Node::Map(entries) if entries.is_empty() => Some("{}".to_owned()),
        _ => scalar::scalar(node, before, Place::Block),
    }
}

/// The form inside brackets, in one line whatever it holds; a scalar in the style of the one before it.
pub(super) fn flow(node: &Node, before: Style) -> String {
    let fresh = |node: &Node| flow(node, Style::Plain);
    match node {
        Node::List(items) => format!("[{}]", items.iter().map(fresh).collect::<Vec<_>>().join(", ")),
        Node::Map(_) => {
            let pair = |(key, value): (&str, &Node)| flow_entry(key, value);
            format!("{{{}}}", entries(node).into_iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        _ => scalar::scalar(node, before, Place::Flow).unwrap_or_default(),
    }
}

/// A map entry inside brackets.
pub(super) fn flow_entry(key: &str, value: &Node) -> String {
    format!("{}: {}", scalar::text(key, Style::Plain, Place::Flow), flow(value, Style::Plain))
}

/// A map entry as lines, its key at the column `indent`, the items of a list at `list_indent`.
pub(super) fn entry(key: &str, node: &Node, indent: usize, list_indent: usize) -> Vec<String> {
    let key = scalar::text(key, Style::Plain, Place::Block);
    let pad = " ".repeat(indent);
    if let Some(value) = inline(node, Style::Plain) {
        return vec![format!("{pad}{key}: {value}")];
    }
    let below = if matches!(node, Node::List(_)) { list_indent } else { indent + STEP };
    let mut out = vec![format!("{pad}{key}:")];
    out.extend(lines(node, below));
    out
}

/// A list item as lines, its dash at the column `indent`.
pub(super) fn item(node: &Node, indent: usize) -> Vec<String> {
    let pad = " ".repeat(indent);
    if let Some(value) = inline(node, Style::Plain) {
        return vec![format!("{pad}- {value}")];
    }
    let mut out = lines(node, indent + STEP);
    if let Some(first) = out.first_mut() {
        *first = format!("{pad}- {}", first.trim_start());
    }
    out
}

/// The lines of a list or map at the column `indent`.
pub(super) fn lines(node: &Node, indent: usize) -> Vec<String> {
    match node {
        Node::List(items) => items.iter().flat_map(|node| item(node, indent)).collect(),
        Node::Map(_) => {
            entries(node).into_iter().flat_map(|(key, node)| entry(key, node, indent, indent + STEP)).collect()
        }
        _ => inline(node, Style::Plain).into_iter().collect(),
    }
}

/// The entries of a map, each key once: at its first place, with its last value.
pub(super) fn entries(node: &Node) -> Vec<(&str, &Node)> {
    let Node::Map(all) = node else {
        return Vec::new();
    };
    let mut out: Vec<(&str, &Node)> = Vec::with_capacity(all.len());
    for (key, node) in all {
        match out.iter_mut().find(|(known, _)| known == key) {
            Some(known) => known.1 = node,
            None => out.push((key, node)),
        }
    }
    out
}
