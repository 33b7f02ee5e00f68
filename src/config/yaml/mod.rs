//! A YAML document that is edited, not re-dumped: comments, order, blank lines, line ends and untouched bytes stay.
//!
//! [`YamlDocument::parse`] reads a text twice, with the real parser for its values and with our own scanner for the
//! place of each, and refuses what the two see differently. [`YamlDocument::edit`] splices new text into the old and
//! lets no result out that does not mean the old document plus the edits, with every other comment kept.

mod brackets;
mod class;
mod emit;
mod error;
mod flow;
mod guard;
mod layout;
mod leaf;
mod node;
mod path;
mod place;
mod plan;
mod resolve;
mod scalar;
mod scan;
mod splice;
pub mod text;
mod tree;
mod uncomment;

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upstream;

use serde_yaml::Value;

pub use error::{EditError, Finding, YamlError};
pub use node::Node;
pub use path::{PathError, Step, YamlPath};

use layout::{Kind, Layout, line_number};

/// A change of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Puts a node at the path, replacing what is there; missing parents are made.
    Set(YamlPath, Node),
    /// Takes away the entry or item; a path that leads nowhere is no error.
    Remove(YamlPath),
}

impl Edit {
    /// Where the change is.
    pub fn path(&self) -> &YamlPath {
        match self {
            Self::Set(path, _) | Self::Remove(path) => path,
        }
    }

    /// Makes the change in a tree.
    fn apply(&self, tree: &mut Value) -> Result<(), String> {
        match self {
            Self::Set(path, node) => tree::set(tree, path, node),
            Self::Remove(path) => {
                tree::remove(tree, path);
                Ok(())
            }
        }
    }
}

/// A parsed document whose text can be edited.
#[derive(Debug, Clone)]
pub struct YamlDocument {
    name: String,
    text: String,
    layout: Layout,
    tree: Value,
}

impl YamlDocument {
    /// Reads a text; `name` stands for it in errors. A byte order mark is dropped. A file without entries is an
    /// empty map.
    ///
    /// # Errors
    /// Everything found that is refused: tabs in indentation, duplicate keys, more than one document, anchors,
    /// aliases, tags, merge keys, complex keys, directives, invalid YAML, a top level that is not a map.
    pub fn parse(name: &str, text: &str) -> Result<Self, YamlError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let refuse = |findings| YamlError { name: name.to_owned(), findings };
        let finding = |at, message: &str| {
            refuse(vec![Finding { line: line_number(text, at), column: None, message: message.to_owned() }])
        };
        // Our findings come first: the parser stops at its first error, which is mostly one of them in its own words.
        let layout = scan::scan(text).map_err(|findings| refuse(sorted(findings)))?;
        let read = serde_yaml::from_str(text).map_err(|error| refuse(vec![parser_finding(&error)]))?;
        if !matches!(layout.top.kind, Kind::Map { .. } | Kind::Empty) {
            return Err(finding(layout.top.span.start, "expected a map (`key: value`) at the top level"));
        }
        let mut tree = (layout.top)
            .as_snakeyaml(text, read)
            .map_err(|at| finding(at, "layout that cannot be edited safely; expected plain block YAML"))?;
        guard::normalise(&mut tree);
        Ok(Self { name: name.to_owned(), text: text.to_owned(), layout, tree })
    }

    /// The name given to [`YamlDocument::parse`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text as it stands.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All values, as SnakeYAML sees them where it does not know which type a field wants: `on` is a boolean, `017` is
    /// fifteen, `12:30` is 750. Always a map; its keys are strings, as they are written.
    pub fn tree(&self) -> &Value {
        &self.tree
    }

    /// The value at the path.
    pub fn get(&self, path: &YamlPath) -> Option<&Value> {
        tree::get(&self.tree, path.steps())
    }

    /// The scalar at the path, as a field of type String gets it: a plain `1_000` or `on` as it is written. `None` for a
    /// list, a map and null, which such a field gets as null.
    pub fn text_at(&self, path: &YamlPath) -> Option<&str> {
        match self.get(path)? {
            Value::String(text) => Some(text),
            Value::Bool(_) | Value::Number(_) => self.text.get(self.layout.top.at(path.steps())?.span.clone()),
            _ => None,
        }
    }

    /// What is at the path, to be written into another document with the same meaning there.
    pub fn node(&self, path: &YamlPath) -> Option<Node> {
        Some(Node::of(self.layout.top.at(path.steps())?, &self.text, self.get(path)?))
    }

    /// The top-level entries in their order, each as [`YamlDocument::node`] gives it.
    pub fn entries(&self) -> Vec<(String, Node)> {
        match Node::of(&self.layout.top, &self.text, &self.tree) {
            Node::Map(entries) => entries,
            _ => Vec::new(),
        }
    }

    /// The document after the edits, made in their order. An edit that says what is there changes no byte.
    ///
    /// # Errors
    /// A path that cannot be reached, or an edit that the guard refuses, named by its path.
    pub fn edit(&self, edits: &[Edit]) -> Result<Self, EditError> {
        let checked = guard::edit(&self.name, &self.text, &self.layout, &self.tree, edits)?;
        Ok(Self { name: self.name.clone(), text: checked.text, layout: checked.layout, tree: checked.tree })
    }

    /// Makes one [`Edit::Set`]. Many edits are cheaper in one [`YamlDocument::edit`].
    ///
    /// # Errors
    /// As [`YamlDocument::edit`]; the document stays as it was.
    pub fn set(&mut self, path: &YamlPath, node: impl Into<Node>) -> Result<(), EditError> {
        *self = self.edit(&[Edit::Set(path.clone(), node.into())])?;
        Ok(())
    }

    /// Makes one [`Edit::Remove`].
    ///
    /// # Errors
    /// As [`YamlDocument::edit`]; the document stays as it was.
    pub fn remove(&mut self, path: &YamlPath) -> Result<(), EditError> {
        *self = self.edit(&[Edit::Remove(path.clone())])?;
        Ok(())
    }
}

fn parser_finding(error: &serde_yaml::Error) -> Finding {
    let (line, column) = error.location().map_or((1, None), |at| (at.line(), Some(at.column())));
    let message = error.to_string();
    // The parser repeats the place in its words.
    let bare = message.split(" at line ").next().unwrap_or(&message);
    Finding { line, column, message: format!("{bare}; expected valid YAML") }
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.line);
    findings
}
