//! Reading and changing the parsed tree: the model that the edited text must equal.

use serde_yaml::{Mapping, Value};

use super::node::Node;
use super::path::{Step, YamlPath};

/// The value at the path.
pub(super) fn get<'a>(tree: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.as_mapping()?.get(key.as_str()),
        Step::Index(index) => value.as_sequence()?.get(*index),
    })
}

/// Puts a node at the path; missing maps, lists and nulls on the way become what the path needs.
///
/// # Errors
/// What would have to be there for the path to lead on.
pub(super) fn set(tree: &mut Value, path: &YamlPath, node: &Node) -> Result<(), String> {
    let mut value = tree;
    for step in path.steps() {
        value = match step {
            Step::Key(key) => {
                if value.is_null() {
                    *value = Value::Mapping(Mapping::new());
                }
                let map = value.as_mapping_mut().ok_or_else(|| format!("expected a map that holds `{key}`"))?;
                map.entry(Value::String(key.clone())).or_insert(Value::Null)
            }
            Step::Index(index) => {
                if value.is_null() {
                    *value = Value::Sequence(Vec::new());
                }
                let list = value.as_sequence_mut().ok_or_else(|| format!("expected a list with an item {index}"))?;
                if *index == list.len() {
                    list.push(Value::Null);
                }
                list.get_mut(*index).ok_or_else(|| format!("expected a list with at least {index} items"))?
            }
        };
    }
    *value = node.to_value();
    Ok(())
}

/// Takes away what is at the path; nothing happens when there is nothing.
pub(super) fn remove(tree: &mut Value, path: &YamlPath) {
    let Some((last, parents)) = path.steps().split_last() else {
        return;
    };
    let parent = parents.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.as_mapping_mut()?.get_mut(key.as_str()),
        Step::Index(index) => value.as_sequence_mut()?.get_mut(*index),
    });
    match (parent, last) {
        (Some(Value::Mapping(map)), Step::Key(key)) => {
            map.shift_remove(key.as_str());
        }
        (Some(Value::Sequence(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}
