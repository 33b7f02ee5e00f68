//! The text of a variable as a value with the type of its key.

use serde_yaml::{Number, Value as Yaml};

use crate::cassandra::Version;
use crate::cassandra::schema::{self, Forms, Kind};
use crate::config::yaml::{Node, YamlDocument, YamlPath};
use crate::settings::secret;
use crate::settings::value::FromText as _;

/// Takes a key out: the one word that no key takes as its value.
const NULL: &str = "null";

const INTEGER: &str = "a whole number";
const NUMBER: &str = "a number";
const BOOLEAN: &str = "true or false";
const LIST: &str = r#"a list, such as ["a", "b"]"#;
const TEXTS: &str = r#"a list of strings, such as ["a", "b"]"#;
pub(super) const MAP: &str = r#"a map, such as {"key": "value"}"#;
pub(super) const CLASS: &str = r#"a class name, or a map such as {"class_name": "…", "parameters": {}}"#;

/// The value of a key of the top level. `Err` is what was expected.
pub(super) fn whole(kind: Kind, text: &str) -> Result<Yaml, &'static str> {
    let trimmed = text.trim();
    if trimmed == NULL {
        return Ok(Yaml::Null);
    }
    match kind {
        Kind::Integer(_) | Kind::Bare { .. } => integer(trimmed),
        Kind::Number => number(trimmed),
        Kind::Boolean => bool::from_text(text).map(Yaml::Bool).map_err(|_| BOOLEAN),
        Kind::List(Kind::Text | Kind::Choice(_)) => texts(trimmed),
        Kind::List(_) => structure(trimmed).filter(Yaml::is_sequence).ok_or(LIST),
        Kind::Map(_) | Kind::Nested { scalar: false, .. } => structure(trimmed).filter(Yaml::is_mapping).ok_or(MAP),
        Kind::Class(_) => class(text),
        // Some take a number without a unit, and all say themselves what is wrong with one that they do not take.
        Kind::Duration { .. } | Kind::DataSize { .. } | Kind::DataRate => {
            integer(trimmed).or_else(|_| Ok(Yaml::String(trimmed.to_owned())))
        }
        Kind::Any | Kind::Nested { scalar: true, .. } => Ok(guessed(text)),
        Kind::Text | Kind::Choice(_) => Ok(Yaml::String(text.to_owned())),
    }
}

/// A class by its name, or with its parameters.
pub(super) fn class(text: &str) -> Result<Yaml, &'static str> {
    match text.trim() {
        NULL => Ok(Yaml::Null),
        structured if structured.starts_with(['{', '[']) => structure(structured).ok_or(CLASS),
        _ => Ok(Yaml::String(text.to_owned())),
    }
}

/// The value of something inside a key: of the type that the release gives it; where it gives none, of the type that is there;
/// else what it looks like. A secret and what is a class's own business is a string.
pub(super) fn inner(path: &YamlPath, there: Option<&Yaml>, version: Version, text: &str) -> Result<Yaml, &'static str> {
    let trimmed = text.trim();
    let name = path.to_string();
    match schema::field(&name, version).map(|field| field.kind) {
        None | Some(Kind::Any) => {}
        Some(kind) => return whole(kind, text),
    }
    if trimmed == NULL {
        return Ok(Yaml::Null);
    }
    if secret::is_secret(&name) || name.contains(".parameters") {
        return Ok(Yaml::String(text.to_owned()));
    }
    match there {
        Some(Yaml::Bool(_)) => bool::from_text(text).map(Yaml::Bool).map_err(|_| BOOLEAN),
        Some(Yaml::Number(old)) if old.is_f64() => number(trimmed),
        Some(Yaml::Number(_)) => integer(trimmed),
        Some(Yaml::Sequence(_)) => structure(trimmed).filter(Yaml::is_sequence).ok_or(LIST),
        Some(Yaml::Mapping(_)) => structure(trimmed).filter(Yaml::is_mapping).ok_or(MAP),
        Some(Yaml::String(_)) if !trimmed.starts_with(['{', '[']) => Ok(Yaml::String(text.to_owned())),
        _ => Ok(guessed(text)),
    }
}

/// Whether a number after this path is the place in a list.
pub(super) fn is_list(path: &YamlPath, version: Version) -> bool {
    let kind = schema::field(&path.to_string(), version).map(|field| field.kind);
    matches!(kind, Some(Kind::List(_) | Kind::Class(Forms { list: true, .. })))
}

fn integer(text: &str) -> Result<Yaml, &'static str> {
    text.parse::<i64>().map(|number| Yaml::Number(number.into())).map_err(|_| INTEGER)
}

fn number(text: &str) -> Result<Yaml, &'static str> {
    if let Ok(whole) = integer(text) {
        return Ok(whole);
    }
    let digits = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let fraction = text.parse::<f64>().ok().filter(|number| digits && number.is_finite());
    fraction.map(|number| Yaml::Number(Number::from(number))).ok_or(NUMBER)
}

fn texts(text: &str) -> Result<Yaml, &'static str> {
    let list = structure(text).ok_or(LIST)?;
    let all = list.as_sequence().is_some_and(|items| items.iter().all(Yaml::is_string));
    if all { Ok(list) } else { Err(if list.is_sequence() { TEXTS } else { LIST }) }
}

/// JSON, or YAML in its flow form, as Cassandra's reader takes it.
fn structure(text: &str) -> Option<Yaml> {
    let is_structure = |value: &&Yaml| value.is_mapping() || value.is_sequence();
    parsed(text)?.get(&YamlPath::key(KEY)).filter(is_structure).cloned()
}

/// A structure as it was typed: `0123` in it is a string to a key that takes strings, not the number that it looks like.
pub(super) fn as_typed(text: &str, value: &Yaml) -> Option<Node> {
    let document = parsed(text.trim())?;
    let path = YamlPath::key(KEY);
    document.node(&path).filter(|_| document.get(&path) == Some(value))
}

/// What a structure is put under to be read.
const KEY: &str = "value";

fn parsed(text: &str) -> Option<YamlDocument> {
    text.starts_with(['{', '[']).then(|| YamlDocument::parse("", &format!("{KEY}: {text}\n")).ok())?
}

/// What a text looks like.
pub(super) fn guessed(text: &str) -> Yaml {
    let trimmed = text.trim();
    match trimmed {
        "true" => Yaml::Bool(true),
        "false" => Yaml::Bool(false),
        // A number does not begin with a zero: whoever takes it for one loses what was typed.
        digits if digits.len() > 1 && digits.starts_with('0') && digits.chars().all(|c| c.is_ascii_digit()) => {
            Yaml::String(text.to_owned())
        }
        _ => integer(trimmed)
            .or_else(|_| number(trimmed))
            .ok()
            .or_else(|| structure(trimmed))
            .unwrap_or_else(|| Yaml::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::Line;
    use crate::cassandra::schema::Ceiling;

    const V5: Version = Version::new(Line::V5_0, 8);
    const CLASS_KIND: Kind = Kind::Class(Forms { list: true, map: true, string: true });

    #[test]
    fn a_text_key_gets_a_string_however_it_looks() {
        for text in ["on", "1_000", "12:30:45", "~", "0x1f", "=", "1e3", "true", "[a", "{x}", " a "] {
            assert_eq!(whole(Kind::Text, text), Ok(Yaml::String(text.into())), "{text}");
        }
        assert_eq!(whole(Kind::Text, "null"), Ok(Yaml::Null));
    }

    #[test]
    fn numbers_booleans_lists_and_maps_must_be_what_they_are() {
        assert_eq!(whole(Kind::Integer(Ceiling::Int), " 16 "), Ok(Yaml::Number(16.into())));
        assert_eq!(whole(Kind::Integer(Ceiling::Int), "16k"), Err(INTEGER));
        assert_eq!(whole(Kind::Number, "0.5"), Ok(Yaml::Number(0.5.into())));
        assert_eq!(whole(Kind::Number, "nan"), Err(NUMBER));
        assert_eq!(whole(Kind::Boolean, "yes"), Ok(Yaml::Bool(true)));
        assert_eq!(whole(Kind::Boolean, "2"), Err(BOOLEAN));
        assert_eq!(whole(Kind::List(&Kind::Text), "/a"), Err(LIST));
        assert_eq!(whole(Kind::List(&Kind::Text), "[1]"), Err(TEXTS));
        assert!(whole(Kind::List(&Kind::Text), r#"["/a", '/b', /c]"#).unwrap().is_sequence());
        assert_eq!(whole(Kind::Map(&Kind::Any), "x"), Err(MAP));
        assert_eq!(whole(CLASS_KIND, "[x"), Err(CLASS));
        assert!(whole(CLASS_KIND, r#"{"class_name": "A"}"#).unwrap().is_mapping());
    }

    #[test]
    fn inside_a_key_the_release_decides_and_what_is_there_where_it_does_not() {
        let at = |path: &str, there: Option<&Yaml>, text: &str| inner(&path.parse().unwrap(), there, V5, text);
        let number = Yaml::Number(1.into());
        assert_eq!(at("client_encryption_options.enabled", None, "yes"), Ok(Yaml::Bool(true)));
        assert_eq!(at("client_encryption_options.enabled", None, "2"), Err(BOOLEAN));
        assert_eq!(at("client_encryption_options.keystore_password", None, "0123"), Ok(Yaml::String("0123".into())));
        assert_eq!(at("data_file_directories[1]", None, "7"), Ok(Yaml::String("7".into())));
        assert_eq!(at("seed_provider[0].parameters[0].x", None, "7"), Ok(Yaml::String("7".into())));
        assert_eq!(at("a.b", Some(&number), "2"), Ok(Yaml::Number(2.into())));
        assert_eq!(at("a.b", Some(&number), "x"), Err(INTEGER));
        assert_eq!(at("a.b", None, "true"), Ok(Yaml::Bool(true)));
        assert_eq!(at("a.b", None, "1_000"), Ok(Yaml::String("1_000".into())));
        assert_eq!(at("a.b", None, "0123"), Ok(Yaml::String("0123".into())));
        assert_eq!(at("a.b", None, "0"), Ok(Yaml::Number(0.into())));
        assert!(is_list(&YamlPath::key("seed_provider"), V5) && !is_list(&YamlPath::key("num_tokens"), V5));
    }
}
