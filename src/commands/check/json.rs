//! Findings as one JSON object; docs/check.md describes it.

use crate::commands::check::{At, Checked, Told, count};
use crate::commands::json::{object, string};
use crate::report::Place;

/// The version of the object's form: a reader that knows it may rely on every field of it.
const VERSION: u32 = 1;

/// The object, indented so that people can read it, too.
pub(super) fn write(checked: &[Checked]) -> String {
    let rows: Vec<String> = checked
        .iter()
        .flat_map(|one| one.findings.iter().map(|told| format!("    {}", finding(told, one.title.as_deref()))))
        .collect();
    let findings = if rows.is_empty() { "[]".to_owned() } else { format!("[\n{}\n  ]", rows.join(",\n")) };
    let [errors, warnings, notes] = count(checked).map(|count| count.to_string());
    let summary = object(&[("errors", errors), ("warnings", warnings), ("notes", notes)]);
    format!("{{\n  \"version\": {VERSION},\n  \"findings\": {findings},\n  \"summary\": {summary}\n}}\n")
}

fn finding(told: &Told, subject: Option<&str>) -> String {
    let finding = &told.finding;
    object(&[
        ("severity", string(finding.severity.word())),
        ("subject", subject.map_or_else(|| "null".to_owned(), string)),
        ("place", place(&finding.place, told.at.as_ref())),
        ("message", string(&finding.message)),
        ("hint", finding.hint.as_deref().map_or_else(|| "null".to_owned(), string)),
    ])
}

fn place(place: &Place, at: Option<&At>) -> String {
    let (kind, name) = match place {
        Place::Variable(name) => ("variable", name.as_str()),
        Place::File { name, .. } => ("file", name.as_str()),
        Place::Other(text) => ("other", text.as_str()),
    };
    let own = match place {
        Place::File { name, line, column } => (Some(name.as_str()), *line, *column),
        _ => (None, None, None),
    };
    let (file, line, column) = at.map_or(own, |at| (Some(at.file.as_str()), Some(at.line), at.column));
    let number = |number: Option<usize>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    object(&[
        ("kind", string(kind)),
        ("name", string(name)),
        ("file", file.map_or_else(|| "null".to_owned(), string)),
        ("line", number(line)),
        ("column", number(column)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::report::Finding;

    #[test]
    fn every_field_is_there_and_the_text_is_json() {
        let at = At { file: "m.yaml".into(), line: 3, column: None, text: None };
        let findings = vec![
            Told { finding: Finding::error("A_B", "x \"y\"\u{7}\n").hint("h"), at: Some(at) },
            Told { finding: Finding::note("cassandra.yaml:4:2", "z"), at: None },
        ];
        let text = write(&[Checked { title: Some("pod".into()), findings, exit: Exit::Success }]);
        // JSON is YAML.
        let tree: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let first = &tree["findings"][0];
        assert_eq!(first["message"].as_str(), Some("x \"y\"\u{7}\n"));
        assert_eq!((first["place"]["kind"].as_str(), first["place"]["line"].as_u64()), (Some("variable"), Some(3)));
        assert_eq!(tree["findings"][1]["place"]["file"].as_str(), Some("cassandra.yaml"));
        assert_eq!(tree["findings"][1]["place"]["column"].as_u64(), Some(2));
        assert_eq!((tree["version"].as_u64(), tree["summary"]["errors"].as_u64()), (Some(1), Some(1)));
        let none = write(&[]);
        assert!(none.contains("\"findings\": []") && none.contains("\"errors\": 0"), "{none}");
    }
}
