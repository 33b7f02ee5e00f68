//! Generates the table of configuration keys (`cassandra::schema`) from data/keys.csv.

#![allow(clippy::expect_used, reason = "a build without its data must fail")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=data/keys.csv");
    println!("cargo:rerun-if-changed=build.rs");
    let text = fs::read_to_string("data/keys.csv").expect("data/keys.csv is readable");
    let mut rows: Vec<Vec<String>> = text.lines().skip(1).map(split_csv).collect();
    rows.sort();
    let mut out = String::from("static ROWS: &[Row] = &[\n");
    for row in &rows {
        let [key, line, first, last, kind, default, deprecated, alias_of, _converter] = row.as_slice() else {
            panic!("data/keys.csv: nine columns expected in {row:?}");
        };
        writeln!(
            out,
            "    Row {{ key: {key:?}, line: {line}, first: {first}, last: {last}, kind: {kind}, default: {default:?}, deprecated: {deprecated}, alias_of: {alias} }},",
            line = line_variant(line),
            first = patch(first).unwrap_or(0),
            last = patch(last).map_or("None".to_owned(), |patch| format!("Some({patch})")),
            kind = kind_variant(kind, key),
            deprecated = !deprecated.is_empty(),
            alias = if alias_of.is_empty() { "None".to_owned() } else { format!("Some({alias_of:?})") },
        )
        .expect("writing to a string");
    }
    out.push_str("];\n");
    let target = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("keys.rs");
    fs::write(target, out).expect("OUT_DIR is writable");
}

/// One CSV line; fields may be quoted with doubled quotes inside.
fn split_csv(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut().expect("one field").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("one field").push(c),
        }
    }
    fields
}

fn line_variant(line: &str) -> String {
    format!("Line::V{}", line.replace('.', "_"))
}

/// The patch number of "3.11.4"; none for a whole line ("6.0") or an empty field.
fn patch(version: &str) -> Option<u16> {
    version.split('.').nth(2).and_then(|patch| patch.parse().ok())
}

fn kind_variant(kind: &str, key: &str) -> String {
    let (name, argument) = match kind.split_once(['(', '<', ':']) {
        Some((name, rest)) => (name, rest.trim_end_matches([')', '>'])),
        None => (kind, ""),
    };
    let old_unit = |argument: &str| {
        let unit = match argument.split(';').next().unwrap_or_default() {
            "ms" => "Milliseconds",
            "s" => "Seconds",
            "min" => "Minutes",
            "B" => "Bytes",
            "KiB" => "Kibibytes",
            "MiB" => "Mebibytes",
            "MiB/s" => "MebibytesPerSecond",
            "megabit/s" => "MegabitsPerSecond",
            other => panic!("data/keys.csv: unit {other:?} of {key}"),
        };
        format!("Kind::Bare(Unit::{unit})")
    };
    match (name, argument) {
        ("int", "") => "Kind::Integer".into(),
        ("double", "") => "Kind::Number".into(),
        ("int" | "double", argument) => old_unit(argument),
        ("bool", _) => "Kind::Boolean".into(),
        ("string", _) => "Kind::Text".into(),
        ("duration", minimum) => format!("Kind::Duration({:?})", minimum.trim_start_matches("min=")),
        ("datasize", minimum) => format!("Kind::DataSize({:?})", minimum.trim_start_matches("min=")),
        ("datarate", _) => "Kind::DataRate".into(),
        ("enum", choices) => choice(choices),
        ("list", "string") => "Kind::TextList".into(),
        ("list", _) => "Kind::ChoiceList".into(),
        ("class_map", _) => "Kind::Class".into(),
        ("map", _) => "Kind::Map".into(),
        ("nested", class) => format!("Kind::Nested({class:?})"),
        ("same as new", _) => "Kind::SameAsNew".into(),
        other => panic!("data/keys.csv: type {other:?} of {key}"),
    }
}

fn choice(choices: &str) -> String {
    let list: Vec<String> = choices.split('|').map(|choice| format!("{choice:?}")).collect();
    format!("Kind::Choice(&[{}])", list.join(", "))
}
