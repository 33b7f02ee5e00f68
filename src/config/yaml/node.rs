//! A value to be written into a YAML document.

use serde_yaml::Value;

use super::layout::{Block, Entry, Flow, Kind};
use super::resolve::resolve;

/// What an edit puts at a path.
///
/// Apart from [`serde_yaml::Value`] on purpose: keys are strings, there are no tags, and [`Node::Text`] stays a
/// string for every reader, however it looks. [`super::YamlDocument::node`] reads one out of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Written as `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, written in decimal.
    Integer(i64),
    /// A number with a fraction, always written with a dot.
    Float(f64),
    /// A string, quoted where a YAML 1.1 reader would take it for something else.
    Text(String),
    /// A scalar without quotes, as it is written in another document: `on` is a boolean, yet the text `on` to a field
    /// that takes strings. Written as it is; what is a string to every reader is the same as [`Node::Text`].
    Plain(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of its entries; a key given twice counts once, with its last value.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The node that a document holds: `value` is what SnakeYAML sees in `block`.
    pub(super) fn of(block: &Block, text: &str, value: &Value) -> Self {
        match (&block.kind, value) {
            (Kind::Map { entries, .. } | Kind::Flow(Flow::Map(entries) | Flow::Pair(entries)), _) => {
                let child = |key: &str| value.get(key).unwrap_or(&Value::Null);
                let node = |entry: &Entry| (entry.key.clone(), Self::of(&entry.value, text, child(&entry.key)));
                Self::Map(entries.iter().map(node).collect())
            }
            (Kind::List { items, .. } | Kind::Flow(Flow::List(items)), _) => {
                let child = |at: usize| value.get(at).unwrap_or(&Value::Null);
                Self::List(items.iter().enumerate().map(|(at, item)| Self::of(&item.value, text, child(at))).collect())
            }
            (_, Value::Null) => Self::Null,
            (_, Value::String(string)) => Self::Text(string.clone()),
            _ => Self::Plain(text.get(block.span.clone()).unwrap_or_default().to_owned()),
        }
    }

    /// The tree that a YAML reader must get from the written form of this node.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Integer(number) => Value::Number((*number).into()),
            Self::Float(number) => Value::Number((*number).into()),
            Self::Text(text) => Value::String(text.clone()),
            Self::Plain(text) => resolve(text),
            Self::List(items) => Value::Sequence(items.iter().map(Self::to_value).collect()),
            Self::Map(entries) => Value::Mapping(
                entries.iter().map(|(key, node)| (Value::String(key.clone()), node.to_value())).collect(),
            ),
        }
    }

    /// The node that stands for a tree read elsewhere, say from an overlay or a fragment in a variable.
    ///
    /// # Errors
    /// Says what cannot be written: a key that is no scalar, a tag, a whole number beyond 64 bits.
    pub fn from_value(value: &Value) -> Result<Self, &'static str> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Integer(whole),
                (None, Some(float)) if number.is_f64() => Self::Float(float),
                _ => return Err("expected a whole number that fits 64 bits"),
            },
            Value::String(text) => Self::Text(text.clone()),
            Value::Sequence(items) => Self::List(items.iter().map(Self::from_value).collect::<Result<_, _>>()?),
            Value::Mapping(map) => {
                let entry = |(key, value)| key_text(key).and_then(|key| Ok((key, Self::from_value(value)?)));
                Self::Map(map.iter().map(entry).collect::<Result<_, &'static str>>()?)
            }
            Value::Tagged(_) => return Err("expected a value without a tag"),
        })
    }
}

fn key_text(key: &Value) -> Result<String, &'static str> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err("expected keys that are plain words"),
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<T: Into<Node>> From<Vec<T>> for Node {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
