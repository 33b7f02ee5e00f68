//! The text of a variable as a value with the type of its key.

use serde_yaml::{Number, Value as Yaml};

use crate::cassandra::schema::{self, Kind};
use crate::config::yaml::{YamlDocument, YamlPath};
use crate::settings::value::FromText as _;

/// Takes a key out: the one word that no key takes as its value.
const NULL: &str = "null";

const INTEGER: &str = "a whole number";
const NUMBER: &str = "a number";
const BOOLEAN: &str = "true or false";
const LIST: &str = r#"a list, such as ["a", "b"]"#;
const TEXTS: &str = r#"a list of strings, such as ["a", "b"]"#;
const MAP: &str = r#"a map, such as {"key": "value"}"#;
const CLASS: &str = r#"a class name, or a map such as {"class_name": "…", "parameters": {}}"#;

/// The value of a key of the top level. `Err` is what was expected.
pub(super) fn whole(kind: Kind, text: &str) -> Result<Yaml, &'static str> {
    let trimmed = text.trim();
    if trimmed == NULL {
        return Ok(Yaml::Null);
    }
    match kind {
        Kind::Integer | Kind::Bare(_) => integer(trimmed),
        Kind::Number => number(trimmed),
        Kind::Boolean => bool::from_text(text).map(Yaml::Bool).map_err(|_| BOOLEAN),
        Kind::TextList | Kind::ChoiceList => texts(trimmed),
        Kind::Map | Kind::Nested(_) => structure(trimmed).filter(Yaml::is_mapping).ok_or(MAP),
        Kind::Class if trimmed.starts_with(['{', '[']) => structure(trimmed).ok_or(CLASS),
        // An old name takes what the new one takes, and a text that is a number stays one there.
        Kind::SameAsNew => Ok(guessed(trimmed)),
        _ => Ok(Yaml::String(text.to_owned())),
    }
}

/// The value of something inside a key: of the type that is there; else what it looks like, but a secret is always a string.
pub(super) fn inner(
    path: &YamlPath,
    there: Option<&Yaml>,
    kind: Option<Kind>,
    text: &str,
) -> Result<Yaml, &'static str> {
    let trimmed = text.trim();
    if trimmed == NULL {
        return Ok(Yaml::Null);
    }
    if matches!(kind, Some(Kind::TextList | Kind::ChoiceList)) {
        return Ok(Yaml::String(text.to_owned()));
    }
    let name = path.to_string();
    match there {
        _ if crate::settings::secret::is_secret(&name) || name.contains(".parameters") => {
            Ok(if trimmed.starts_with('{') { structure(trimmed).ok_or(MAP)? } else { Yaml::String(text.to_owned()) })
        }
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
pub(super) fn is_list(path: &YamlPath) -> bool {
    let listed = |kind| matches!(kind, Kind::TextList | Kind::ChoiceList);
    path.steps().len() == 1 && schema::rows_of(path.root()).any(|row| listed(row.kind))
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
    const KEY: &str = "value";
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let document = YamlDocument::parse("", &format!("{KEY}: {text}\n")).ok()?;
    document.get(&YamlPath::key(KEY)).filter(|value| value.is_mapping() || value.is_sequence()).cloned()
}

fn guessed(text: &str) -> Yaml {
    let trimmed = text.trim();
    match trimmed {
        "true" => Yaml::Bool(true),
        "false" => Yaml::Bool(false),
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

    #[test]
    fn a_text_key_gets_a_string_however_it_looks() {
        for text in ["on", "1_000", "12:30:45", "~", "0x1f", "=", "1e3", "true", "[a", "{x}", " a "] {
            assert_eq!(whole(Kind::Text, text), Ok(Yaml::String(text.into())), "{text}");
        }
        assert_eq!(whole(Kind::Text, "null"), Ok(Yaml::Null));
    }

    #[test]
    fn numbers_booleans_lists_and_maps_must_be_what_they_are() {
        assert_eq!(whole(Kind::Integer, " 16 "), Ok(Yaml::Number(16.into())));
        assert_eq!(whole(Kind::Integer, "16k"), Err(INTEGER));
        assert_eq!(whole(Kind::Number, "0.5"), Ok(Yaml::Number(0.5.into())));
        assert_eq!(whole(Kind::Number, "nan"), Err(NUMBER));
        assert_eq!(whole(Kind::Boolean, "yes"), Ok(Yaml::Bool(true)));
        assert_eq!(whole(Kind::Boolean, "2"), Err(BOOLEAN));
        assert_eq!(whole(Kind::TextList, "/a"), Err(LIST));
        assert_eq!(whole(Kind::TextList, "[1]"), Err(TEXTS));
        assert!(whole(Kind::TextList, r#"["/a", '/b', /c]"#).unwrap().is_sequence());
        assert_eq!(whole(Kind::Map, "x"), Err(MAP));
        assert_eq!(whole(Kind::Class, "[x"), Err(CLASS));
        assert!(whole(Kind::Class, r#"{"class_name": "A"}"#).unwrap().is_mapping());
    }

    #[test]
    fn inside_a_key_what_is_there_decides_and_a_secret_is_a_string() {
        let path = |text: &str| text.parse::<YamlPath>().unwrap();
        let number = Yaml::Number(1.into());
        assert_eq!(inner(&path("a.b"), Some(&number), None, "2"), Ok(Yaml::Number(2.into())));
        assert_eq!(inner(&path("a.b"), Some(&number), None, "x"), Err(INTEGER));
        assert_eq!(inner(&path("a.b"), None, None, "true"), Ok(Yaml::Bool(true)));
        assert_eq!(inner(&path("a.b"), None, None, "1_000"), Ok(Yaml::String("1_000".into())));
        assert_eq!(inner(&path("a.keystore_password"), None, None, "0123"), Ok(Yaml::String("0123".into())));
        assert_eq!(inner(&path("a[0].parameters[0].x"), None, None, "7"), Ok(Yaml::String("7".into())));
    }
}
