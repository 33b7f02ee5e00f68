//! A value of a document as people read it: on one line, without the quotes of a plain string.

use std::fmt::Write as _;

use serde_yaml::Value;

/// The text of a value; lists and maps as JSON.
pub fn of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => inline(other),
    }
}

fn inline(value: &Value) -> String {
    let joined = |items: Vec<String>| items.join(", ");
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Sequence(items) => format!("[{}]", joined(items.iter().map(inline).collect())),
        Value::Mapping(map) => {
            let entry = |(key, value)| format!("{}: {}", quoted(&of(key)), inline(value));
            format!("{{{}}}", joined(map.iter().map(entry).collect()))
        }
        Value::Tagged(tagged) => inline(&tagged.value),
    }
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_is_json_that_reads_back() {
        let value: Value = serde_yaml::from_str("a: [1, x, true, null]\nb: {c: \"q\\\"\\n\\e\"}\n").unwrap();
        let text = of(&value);
        assert!(!text.contains('\n'), "{text}");
        assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), value, "{text}");
        assert_eq!(of(&Value::String("on".into())), "on");
    }
}
