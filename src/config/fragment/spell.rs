//! A key of a fragment under the name, and in the form, that a release takes.

use serde_yaml::{Mapping, Value as Yaml};

use crate::cassandra::Version;
use crate::cassandra::schema::{self, Forms, Kind, Spelling, Value};
use crate::config::fragment::{CLASS_NAME, PARAMETERS};
use crate::config::validate;
use crate::report::{Finding, Place};

/// Why a key cannot be written for a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    message: String,
    hint: Option<String>,
}

impl Problem {
    /// The finding that tells it.
    pub fn finding(self, place: impl Into<Place>) -> Finding {
        let finding = Finding::error(place, self.message);
        match self.hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }
}

/// A key as a release takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spelled {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Yaml,
    /// Other names of the same setting, which must go.
    pub twins: Vec<&'static str>,
    /// Whether the value is a null that has to be written: left out, the key would be its default.
    pub is_none: bool,
}

/// The name, value and twins that `version` takes for a key of the top level. A key that the schema lacks passes where the
/// release is newer than the schema; whether it is right is found when the document is validated.
pub fn spell(key: &str, value: &Yaml, version: Version) -> Result<Spelled, Problem> {
    let scalar = scalar(value);
    match schema::spell(key, scalar.as_ref().unwrap_or(&Value::Null), version) {
        Spelling::Key { key, value: spelled, twins } => {
            let is_none = scalar.as_ref().is_some_and(|given| schema::is_none(key, given, &spelled, version));
            let value = if scalar.is_some() { yaml(spelled) } else { value.clone() };
            let forms = match schema::row(key, version).map(|row| row.kind) {
                Some(Kind::Class(forms)) => Some(forms),
                // What is a class with parameters today was a name before.
                Some(Kind::Text) if schema::names_class(key) => Some(Forms { list: false, map: false, string: true }),
                _ => None,
            };
            let value = match forms {
                Some(forms) => class_form(key, value, forms).map_err(|what| Problem {
                    message: format!("{what}, and Cassandra {version} takes the name of a class alone"),
                    hint: Some(format!("give {key} the name of the class")),
                })?,
                None => value,
            };
            Ok(Spelled { key: key.to_owned(), value, twins, is_none })
        }
        Spelling::Unknown { first: None } if !schema::is_verified(version) => {
            Ok(Spelled { key: key.to_owned(), value: value.clone(), twins: Vec::new(), is_none: false })
        }
        Spelling::Removed { .. } | Spelling::Unknown { .. } => {
            let (message, hint) = validate::unknown_key(key, version);
            Err(Problem { message: format!("'{key}' {message}"), hint })
        }
    }
}

/// A class in a form that the release takes: by its name, as a map, or as a list of one map.
fn class_form(key: &str, value: Yaml, forms: Forms) -> Result<Yaml, String> {
    match value {
        Yaml::String(class) if !forms.string => {
            let named: Mapping = [(Yaml::from(CLASS_NAME), Yaml::String(class))].into_iter().collect();
            class_form(key, Yaml::Mapping(named), forms)
        }
        Yaml::Mapping(map) if !forms.map && forms.list => {
            let listed = |(key, value): (Yaml, Yaml)| match value {
                parameters @ Yaml::Mapping(_) if key.as_str() == Some(PARAMETERS) => {
                    (key, Yaml::Sequence(vec![parameters]))
                }
                value => (key, value),
            };
            Ok(Yaml::Sequence(vec![Yaml::Mapping(map.into_iter().map(listed).collect())]))
        }
        Yaml::Mapping(map) if !forms.map => name_alone(key, &map),
        Yaml::Sequence(items) if !forms.list => match items.as_slice() {
            [Yaml::Mapping(only)] => class_form(key, Yaml::Mapping(unlisted(only)), forms),
            _ => Ok(Yaml::Sequence(items)),
        },
        other => Ok(other),
    }
}

/// The parameters of a class in a list are a list of one map.
fn unlisted(map: &Mapping) -> Mapping {
    let plain = |(key, value): (&Yaml, &Yaml)| match value {
        Yaml::Sequence(items) if key.as_str() == Some(PARAMETERS) && items.len() <= 1 => {
            (key.clone(), items.first().cloned().unwrap_or(Yaml::Null))
        }
        value => (key.clone(), value.clone()),
    };
    map.iter().map(plain).collect()
}

/// The name of a class, where that is all that the release takes and all that is said of it.
fn name_alone(key: &str, map: &Mapping) -> Result<Yaml, String> {
    let is_empty = |value: &Yaml| match value {
        Yaml::Null => true,
        Yaml::Mapping(map) => map.is_empty(),
        Yaml::Sequence(items) => items.iter().all(|item| item.as_mapping().is_some_and(Mapping::is_empty)),
        _ => false,
    };
    for (part, value) in map {
        match part.as_str() {
            Some(CLASS_NAME) => {}
            Some(PARAMETERS) if is_empty(value) => {}
            Some(PARAMETERS) => return Err(format!("'{key}' has parameters")),
            _ => return Err(format!("'{key}' has more than a class name")),
        }
    }
    map.get(CLASS_NAME).cloned().ok_or_else(|| format!("'{key}' has no {CLASS_NAME}"))
}

fn scalar(value: &Yaml) -> Option<Value> {
    match value {
        Yaml::Null => Some(Value::Null),
        Yaml::Bool(truth) => Some(Value::Boolean(*truth)),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Some(Value::Integer(whole)),
            (None, fraction) => fraction.map(Value::Number),
        },
        Yaml::String(text) => Some(Value::Text(text.clone())),
        _ => None,
    }
}

pub(in crate::config) fn yaml(value: Value) -> Yaml {
    match value {
        Value::Null => Yaml::Null,
        Value::Boolean(truth) => Yaml::Bool(truth),
        Value::Integer(number) => Yaml::Number(number.into()),
        Value::Number(number) => Yaml::Number(number.into()),
        Value::Text(text) => Yaml::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::Line;
    use crate::config::yaml::text;

    const V4_0: Version = Version::new(Line::V4_0, 19);
    const V4_1: Version = Version::new(Line::V4_1, 10);
    const V5: Version = Version::new(Line::V5_0, 8);

    fn written(key: &str, value: &str, version: Version) -> Result<String, String> {
        let value: Yaml = serde_yaml::from_str(value).unwrap();
        let spelled = spell(key, &value, version).map_err(|problem| problem.finding("x").to_string())?;
        Ok(text::of(&spelled.value))
    }

    #[test]
    fn a_class_is_written_in_a_form_that_the_release_takes() {
        let listed = "[{class_name: A, parameters: [{x: y}]}]";
        assert_eq!(written("authenticator", "{class_name: A, parameters: {}}", V4_0).unwrap(), "A");
        assert_eq!(written("authorizer", "[{class_name: A, parameters: [{}]}]", V4_1).unwrap(), "A");
        assert_eq!(written("authenticator", "A", V5).unwrap(), "A");
        let map: Yaml = serde_yaml::from_str("{class_name: A, parameters: {seeds: b}}").unwrap();
        let only_list = class_form("k", map, Forms { list: true, map: false, string: false }).unwrap();
        assert_eq!(text::of(&only_list), r#"[{"class_name": "A", "parameters": [{"seeds": "b"}]}]"#);
        let list: Yaml = serde_yaml::from_str(listed).unwrap();
        let only_map = class_form("k", list, Forms { list: false, map: true, string: true }).unwrap();
        assert_eq!(text::of(&only_map), r#"{"class_name": "A", "parameters": {"x": "y"}}"#);
    }

    #[test]
    fn what_a_release_that_takes_a_class_by_its_name_would_lose_is_refused_and_named() {
        assert_eq!(
            written("authenticator", "{class_name: A, parameters: {x: y}}", V4_1).unwrap_err(),
            "x: 'authenticator' has parameters, and Cassandra 4.1.10 takes the name of a class alone (hint: give authenticator the name of the class)"
        );
        let told = |value: &str| written("authorizer", value, V4_0).unwrap_err();
        assert!(told("{parameters: {}}").contains("'authorizer' has no class_name,"));
        assert!(told("{class_name: A, class: B}").contains("'authorizer' has more than a class name,"));
    }

    #[test]
    fn a_release_newer_than_the_schema_may_have_keys_that_it_lacks() {
        let newer = Version::new(Line::V5_0, 99);
        assert_eq!(spell("brand_new", &Yaml::from(1), newer).unwrap().key, "brand_new");
        assert!(spell("brand_new", &Yaml::from(1), V5).is_err());
    }
}
