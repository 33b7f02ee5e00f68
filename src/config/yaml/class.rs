//! Class parameters: `seed_provider` and its like, in the list or the map form that Cassandra's `ParameterizedClass` reads.

use serde_yaml::Value;

use super::node::Node;
use super::path::YamlPath;
use super::{Edit, YamlDocument};

impl YamlDocument {
    /// Where a parameter of the class under `key` is, or would be, in the form that the file uses.
    ///
    /// The list form is `- class_name: X` with `parameters: [{k: v}]`, the map form `class_name: X` with
    /// `parameters: {k: v}`. `None` when the key is missing, null or a bare class name and so has no form yet:
    /// [`YamlDocument::set_class`] gives it one.
    pub fn class_parameter(&self, key: &str, parameter: &str) -> Option<YamlPath> {
        let root = YamlPath::key(key);
        Some(match self.get(&root)? {
            Value::Sequence(_) => parameters(&root.item(0), true).child(parameter),
            Value::Mapping(_) => parameters(&root, false).child(parameter),
            _ => return None,
        })
    }

    /// The edits that make `key` this class with exactly these parameters, in the form that the file uses.
    ///
    /// `seed_provider` and others are shipped in the list form, the authenticators of 5.0 in the map form; a key that has
    /// neither yet gets the list form, which every version reads. No parameters: the entry `parameters` goes.
    pub fn set_class(&self, key: &str, class_name: &str, values: &[(String, Node)]) -> Vec<Edit> {
        let root = YamlPath::key(key);
        let map_form = matches!(self.get(&root), Some(Value::Mapping(_)));
        let class = if map_form { root.clone() } else { root.item(0) };
        if !map_form && !matches!(self.get(&root), Some(Value::Sequence(items)) if !items.is_empty()) {
            let mut entries = vec![("class_name".to_owned(), Node::from(class_name))];
            if !values.is_empty() {
                entries.push(("parameters".to_owned(), Node::List(vec![Node::Map(values.to_vec())])));
            }
            return vec![Edit::Set(root, Node::List(vec![Node::Map(entries)]))];
        }
        let name = Edit::Set(class.child("class_name"), class_name.into());
        let parameters = if values.is_empty() {
            Edit::Remove(class.child("parameters"))
        } else {
            let map = Node::Map(values.to_vec());
            Edit::Set(class.child("parameters"), if map_form { map } else { Node::List(vec![map]) })
        };
        vec![name, parameters]
    }
}

fn parameters(class: &YamlPath, list_form: bool) -> YamlPath {
    let parameters = class.child("parameters");
    if list_form { parameters.item(0) } else { parameters }
}
