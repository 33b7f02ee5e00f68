//! Whether Cassandra's loader got from a file what we say is in it.

use std::collections::BTreeMap;

use cassandra_init::cassandra::Version;
use cassandra_init::cassandra::schema::{self, Spelling};
use cassandra_init::settings::secret::HIDDEN;
use serde_yaml::Value;

use crate::loader::Field;

/// The end of a difference for a key that is no field of Cassandra's `Config`.
pub const NO_FIELD: &str = ": Cassandra has no such field";

/// Everything that a document sets and the loader did not get so, one line each; no line if all is well.
pub fn differences(version: Version, document: &Value, loaded: &BTreeMap<String, Field>) -> Vec<String> {
    let mut comparison = Comparison { loaded, differences: Vec::new() };
    for (key, value) in document.as_mapping().expect("a document is a map") {
        let key = key.as_str().expect("keys are strings");
        let (key, value) = today(key, value, version);
        comparison.check(&key, &value);
    }
    comparison.differences
}

/// Everything that `explain --format json` says of cassandra.yaml and the loader did not get so.
pub fn explained_otherwise(version: Version, explained: &Value, loaded: &BTreeMap<String, Field>) -> Vec<String> {
    let mut comparison = Comparison { loaded, differences: Vec::new() };
    let settings = explained["settings"].as_sequence().expect("a list of settings");
    let of_yaml = settings.iter().filter(|setting| setting["file"] == "cassandra.yaml");
    let mut shown = 0;
    for setting in of_yaml.filter(|setting| setting["value"] != HIDDEN) {
        let (key, value) = (setting["key"].as_str().unwrap(), &setting["value"]);
        // A number or a boolean comes as the text that it is in the file.
        let value = if value == "null" { &Value::Null } else { value };
        let (key, value) = today(key, &typed(value), version);
        // A class and its parameters in the form of a list are no list for Cassandra.
        let path = if loaded.contains_key(&key) { key } else { key.replace("[0]", "") };
        comparison.check(&path, &value);
        shown += 1;
    }
    assert!(shown > 50, "explain shows {shown} settings of cassandra.yaml");
    comparison.differences
}

/// The text of a value as YAML reads it.
fn typed(value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    match serde_yaml::from_str(text) {
        Ok(number @ Value::Number(_)) => number,
        _ => value.clone(),
    }
}

/// An old name that the release still takes, under the name that its `Config` has a field for.
fn today(key: &str, value: &Value, version: Version) -> (String, Value) {
    let plain = match value {
        Value::Null => schema::Value::Null,
        Value::Bool(flag) => schema::Value::Boolean(*flag),
        Value::Number(number) if number.is_i64() => schema::Value::Integer(number.as_i64().unwrap()),
        Value::String(text) => schema::Value::Text(text.clone()),
        _ => return (key.to_owned(), value.clone()),
    };
    let Spelling::Key { key, value, .. } = schema::spell(key, &plain, version) else {
        return (key.to_owned(), value.clone());
    };
    let value = match value {
        schema::Value::Null => Value::Null,
        schema::Value::Boolean(flag) => flag.into(),
        schema::Value::Integer(number) => number.into(),
        schema::Value::Number(number) => number.into(),
        schema::Value::Text(text) => text.into(),
    };
    (key.to_owned(), value)
}

struct Comparison<'a> {
    loaded: &'a BTreeMap<String, Field>,
    differences: Vec<String>,
}

impl Comparison<'_> {
    /// The field at a path; Java's own names are in camel case where a setter takes ours.
    fn field(&self, path: &str) -> Option<&Field> {
        self.loaded.get(path).or_else(|| {
            let (top, below) = path.split_once('.')?;
            let below: Vec<String> = below.split('.').map(camel_case).collect();
            self.loaded.get(&format!("{top}.{}", below.join(".")))
        })
    }

    fn check(&mut self, path: &str, value: &Value) {
        let Some(field) = self.field(path).cloned() else {
            self.differences.push(format!("{path}{NO_FIELD}"));
            return;
        };
        match (value, field.java_type.as_str()) {
            (Value::Mapping(map), "Structure" | "Map") => {
                for (key, value) in map {
                    self.check(&format!("{path}.{}", text(key)), value);
                }
            }
            // A class and its parameters in the form of a list: the first item counts.
            (Value::Sequence(items), "Structure" | "Map") => {
                for item in items {
                    self.check(path, item);
                }
            }
            (Value::Sequence(items), "List") => {
                if field.value != items.len().to_string() {
                    self.differences.push(format!("{path}: {} items, Cassandra got {}", items.len(), field.value));
                }
                for (index, item) in items.iter().enumerate() {
                    self.check(&format!("{path}[{index}]"), item);
                }
            }
            (Value::Null, _) if field.java_type == "null" => {}
            (scalar, "Structure") if !scalar.is_null() => {
                let name = if self.loaded.contains_key(&format!("{path}.class_name")) { "class_name" } else { "value" };
                self.check(&format!("{path}.{name}"), scalar);
            }
            (scalar, java_type) if same(&text(scalar), java_type, &field.value) => {}
            (scalar, java_type) => self.differences.push(format!(
                "{path}: {} became {java_type} {}",
                serde_yaml::to_string(scalar).unwrap().trim(),
                field.value
            )),
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |so_far, word| so_far + &word[..1].to_uppercase() + &word[1..])
}

/// A scalar as it stands in a file, without quotes.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => panic!("not a scalar: {other:?}"),
    }
}

fn same(ours: &str, java_type: &str, theirs: &str) -> bool {
    if java_type.ends_with("Bound") {
        // The periods after which a cache is saved are bare seconds, or a duration (`DurationSpec.inSecondsString`).
        let seconds = || ours.parse::<f64>().ok().map(|number| (number * 1e9, 's'));
        return quantity(ours).or_else(seconds) == quantity(theirs) && quantity(theirs).is_some();
    }
    let number = |text: &str| text.parse::<f64>().ok();
    match java_type {
        "null" => false,
        // SnakeYAML hands a bare number to a string as it is written.
        "String" => ours == theirs || number(ours).is_some_and(|ours| Some(ours) == number(theirs)),
        "int" | "long" | "double" | "float" | "Integer" | "Long" | "Double" | "Float" => {
            number(ours).is_some() && number(ours) == number(theirs)
        }
        _ => ours == theirs,
    }
}

/// A number with a unit in nanoseconds, bytes or bytes a second.
fn quantity(text: &str) -> Option<(f64, char)> {
    let at = text.find(|c: char| c != '.' && c != 'E' && !c.is_ascii_digit())?;
    let (factor, kind) = match &text[at..] {
        "ns" => (1.0, 's'),
        "us" | "µs" => (1e3, 's'),
        "ms" => (1e6, 's'),
        "s" => (1e9, 's'),
        "m" => (60e9, 's'),
        "h" => (3600e9, 's'),
        "d" => (86400e9, 's'),
        "B" => (1.0, 'B'),
        "KiB" => (1024.0, 'B'),
        "MiB" => (1_048_576.0, 'B'),
        "GiB" => (1_073_741_824.0, 'B'),
        "B/s" => (1.0, '/'),
        "KiB/s" => (1024.0, '/'),
        "MiB/s" => (1_048_576.0, '/'),
        _ => return None,
    };
    Some((text[..at].parse::<f64>().ok()? * factor, kind))
}

#[test]
fn quantities_are_compared_by_what_they_mean_and_nothing_else() {
    assert!(same("4h", "IntSecondsBound", "14400s"));
    assert!(same("14400", "IntSecondsBound", "4h"));
    assert!(same("1MiB", "LongBytesBound", "1024KiB"));
    assert!(!same("1MiB", "LongBytesBound", "1024B"));
    assert!(!same("10ms", "LongMillisecondsBound", "10MiB"));
    assert!(!same("", "IntSecondsBound", "0s"));
    assert!(!same("on", "boolean", "true"), "our reader says that this is a string");
}
