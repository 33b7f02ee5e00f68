//! `variables --set`: the variables of this environment that are understood, what they say and where that goes.

use std::fmt::Write as _;

use crate::cli::ListFormat;
use crate::commands::json::{object, string};
use crate::commands::{Assignment, environment, print};
use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::settings::generic::{self, Target};
use crate::settings::value::LogFormat;
use crate::settings::{CONTRACT, RawEnv, secret};

/// One variable that is set.
struct Row {
    name: String,
    value: String,
    /// The name that the contract lists it under.
    stands_for: String,
    target: String,
    source: String,
}

/// Prints them in the order of the contract, then those of a family.
pub(super) fn set_variables(format: ListFormat, environment: &[Assignment]) -> Result<Exit, Failure> {
    let mut report = Report::default();
    let env = environment::of_process(environment, &mut report);
    crate::log::start(LogFormat::Text);
    crate::log::report(&report);
    let rows = rows(&env);
    print(&match format {
        ListFormat::Table => table(&rows),
        ListFormat::Markdown => markdown(&rows),
        ListFormat::Json => json(&rows),
    })?;
    Ok(Exit::Success)
}

fn rows(env: &RawEnv) -> Vec<Row> {
    let row = |name: &str, stands_for: &str, target: String| {
        let variable = env.get(name)?;
        Some(Row {
            name: name.to_owned(),
            value: secret::shown(name, &variable.text).into_owned(),
            stands_for: stands_for.to_owned(),
            target,
            source: variable.source.to_string(),
        })
    };
    let known = CONTRACT.iter().flat_map(|listed| {
        std::iter::once(listed.name).chain(listed.aliases.iter().copied()).map(move |name| (name, listed))
    });
    let named = known.filter_map(|(name, listed)| row(name, listed.name, listed.target.to_owned()));
    let families = env.names().filter_map(|name| {
        let target = match generic::target(name)? {
            Target::Yaml(path) => format!("cassandra.yaml: {}", path.join(".").to_lowercase()),
            Target::Rackdc(key) => format!("cassandra-rackdc.properties: {}", key.to_lowercase()),
        };
        row(name, name, target)
    });
    named.chain(families).collect()
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no variable that is understood is set\n".to_owned();
    }
    let mut text = String::new();
    for row in rows {
        let alias = if row.name == row.stands_for { String::new() } else { format!(", as {}", row.stands_for) };
        let from = if row.source == row.name { String::new() } else { format!(", from {}", row.source) };
        let _ = writeln!(text, "{}={}  ({}{alias}{from})", row.name, row.value.escape_debug(), row.target);
    }
    text
}

fn markdown(rows: &[Row]) -> String {
    let mut text = String::from("| variable | value | goes to |\n|---|---|---|\n");
    for row in rows {
        let value = row.value.escape_debug().to_string().replace('|', "\\|");
        let _ = writeln!(text, "| `{}` | {value} | {} |", row.name, row.target);
    }
    text
}

fn json(rows: &[Row]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let field = |name, text: &str| (name, string(text));
            let fields = object(&[
                field("name", &row.name),
                field("value", &row.value),
                field("stands_for", &row.stands_for),
                field("target", &row.target),
                field("source", &row.source),
            ]);
            format!("  {fields}")
        })
        .collect();
    if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_listed_under_its_own_name_with_where_it_goes() {
        let env: RawEnv = [
            ("MAX_HEAP_SIZE", "1G"),
            ("CASSANDRA_NUM_TOKENS", "16"),
            ("PATH", "/bin"),
            ("CASSANDRA_YAML_X__PASSWORD", "geheim"),
        ]
        .into_iter()
        .collect();
        let text = table(&rows(&env));
        assert!(
            text.starts_with("CASSANDRA_NUM_TOKENS=16  (cassandra.yaml: num_tokens)\nMAX_HEAP_SIZE=1G  ("),
            "{text}"
        );
        assert!(text.contains(", as CASSANDRA_MAX_HEAP)\n") && text.lines().count() == 3, "{text}");
        assert!(text.ends_with("CASSANDRA_YAML_X__PASSWORD=***  (cassandra.yaml: x.password)\n"), "{text}");
        let tree: serde_yaml::Value = serde_yaml::from_str(&json(&rows(&env))).unwrap();
        assert_eq!(tree[1]["stands_for"].as_str(), Some("CASSANDRA_MAX_HEAP"));
        assert_eq!(table(&[]), "no variable that is understood is set\n");
    }
}
