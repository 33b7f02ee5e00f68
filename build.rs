//! Generates the tables of configuration keys (`cassandra::schema`) from data/.

#![allow(clippy::expect_used, reason = "a build without its data must fail")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A static position-independent program relocates itself, and each pointer in its tables would cost 24 bytes of the file:
/// packed (DT_RELR) they cost a bit. musl reads that from 1.2.4 on, which Rust brings; GNU ld knows it for x86-64 only.
fn pack_relocations() {
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("ARCH") == "x86_64" && target("ENV") == "musl" {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn main() {
    pack_relocations();
    println!("cargo:rerun-if-changed=data");
    println!("cargo:rerun-if-changed=build.rs");
    let top = read("keys.csv").into_iter().map(|mut row| {
        row.insert(0, "Config".to_owned());
        row
    });
    let mut rows: Vec<Vec<String>> = top.chain(read("nested.csv")).collect();
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut out = String::from("static ROWS: &[Row] = &[\n");
    for rows in same(&rows) {
        write_row(&mut out, &rows);
    }
    out.push_str("];\nstatic VERIFIED: &[(Line, &str)] = &[\n");
    for row in read("verified.csv") {
        let [line, release] = row.as_slice() else { panic!("data/verified.csv: two columns expected in {row:?}") };
        writeln!(out, "    ({}, {release:?}),", line_variant(line)).expect("writing to a string");
    }
    out.push_str("];\nstatic REMOVED: &[Removed] = &[\n");
    for row in read("removed.csv") {
        let [key, successor, reason] = row.as_slice() else {
            panic!("data/removed.csv: three columns expected in {row:?}")
        };
        writeln!(
            out,
            "    Removed {{ key: {key:?}, successor: {}, reason: {reason:?} }},",
            if successor.is_empty() { "None".to_owned() } else { format!("Some({successor:?})") }
        )
        .expect("writing to a string");
    }
    out.push_str("];\n");
    let target = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("keys.rs");
    fs::write(target, out).expect("OUT_DIR is writable");
}

/// The rows of a file of data/, without its head.
fn read(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(Path::new("data").join(name)).unwrap_or_else(|error| panic!("data/{name}: {error}"));
    text.lines().skip(1).map(split_csv).collect()
}

/// What rows are sorted by: class, key, line, first patch.
fn order(row: &[String]) -> (&str, &str, Vec<u16>) {
    let [class, key, _, first, ..] = row else { panic!("data: a row is too short: {row:?}") };
    (class, key, first.split('.').filter_map(|number| number.parse().ok()).collect())
}

/// Sorted rows, those together that say the same of a key, in the order of the first of each.
fn same(rows: &[Vec<String>]) -> Vec<Vec<&[String]>> {
    let mut groups: Vec<Vec<&[String]>> = Vec::new();
    for row in rows {
        let says = |row: &[String]| (row[..2].to_vec(), row[5..].to_vec());
        let key = |group: &&mut Vec<&[String]>| group[0][..2] == row[..2];
        match groups.iter_mut().rev().take_while(key).find(|group| says(group[0]) == says(row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn write_row(out: &mut String, rows: &[&[String]]) {
    let releases = rows.iter().map(|row| {
        let [_, _, line, first, last, ..] = row else { panic!("data: a row is too short: {row:?}") };
        format!(
            "Releases {{ line: {}, first: {}, last: {} }}",
            line_variant(line),
            patch(first).unwrap_or_else(|| panic!("data: no first patch in {row:?}")),
            patch(last).map_or("None".to_owned(), |patch| format!("Some({patch})")),
        )
    });
    let releases = releases.collect::<Vec<_>>().join(", ");
    let [class, key, _, _, _, kind, default, nullable, deprecated, alias_of, converter] = rows[0] else {
        panic!("data: eleven columns expected in {:?}", rows[0]);
    };
    writeln!(
        out,
        "    Row {{ class: {class:?}, key: {key:?}, releases: &[{releases}], kind: {kind}, \
         default: {default:?}, nullable: {nullable}, deprecated: {deprecated}, alias_of: {alias} }},",
        kind = kind_variant(kind, key).replace("NEGATIVE", if takes_negative(converter) { "true" } else { "false" }),
        // Cassandra takes an empty value where that is its own default, too (YamlConfigurationLoader.PropertiesChecker).
        nullable = !nullable.is_empty() || default.is_empty() && alias_of.is_empty(),
        deprecated = !deprecated.is_empty(),
        alias = if alias_of.is_empty() { "None".to_owned() } else { format!("Some({alias_of:?})") },
    )
    .expect("writing to a string");
}

/// Whether a converter of Cassandra's makes something of a negative number: none, or zero (`Converters.java`).
fn takes_negative(converter: &str) -> bool {
    converter.contains("CUSTOM") || converter.contains("NEGATIVE")
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

/// The patch number of "3.11.4"; none for an empty field.
fn patch(version: &str) -> Option<u16> {
    version.split('.').nth(2).and_then(|patch| patch.parse().ok())
}

/// The Rust of a type as tests/judge/Reflect.java prints it.
fn kind_variant(kind: &str, key: &str) -> String {
    let (name, argument) = match kind.find(['(', '<', ':']) {
        Some(at) => (&kind[..at], &kind[at + 1..]),
        None => (kind, ""),
    };
    let inner = argument.strip_suffix([')', '>']).unwrap_or(argument);
    match (name, inner) {
        ("int", "") => "Kind::Integer(Ceiling::Int)".into(),
        ("long", "") => "Kind::Integer(Ceiling::Long)".into(),
        ("double", "") => "Kind::Number".into(),
        (number @ ("int" | "long" | "double"), unit) => {
            let ceiling = match number {
                "int" => "Some(Ceiling::Int)",
                "long" => "Some(Ceiling::Long)",
                _ => "None",
            };
            let unit = unit_variant(unit, key);
            format!("Kind::Bare {{ unit: Unit::{unit}, ceiling: {ceiling}, negative: NEGATIVE }}")
        }
        ("bool", _) => "Kind::Boolean".into(),
        ("string", _) => "Kind::Text".into(),
        ("any", _) => "Kind::Any".into(),
        ("duration", spec) => measure("Duration", spec),
        ("datasize", spec) => measure("DataSize", spec),
        ("datarate", _) => "Kind::DataRate".into(),
        ("enum", choices) => format!("Kind::Choice(&{:?})", choices.split('|').collect::<Vec<_>>()),
        ("list", item) => format!("Kind::List(&{})", kind_variant(item, key)),
        ("map", value) => format!("Kind::Map(&{})", kind_variant(value, key)),
        ("class", forms) => {
            let has = |form: &str| forms.split('|').any(|each| each == form);
            format!("Kind::Class(Forms {{ list: {}, map: {}, string: {} }})", has("list"), has("map"), has("string"))
        }
        // The argument of `nested:Class(scalar)` still has its bracket.
        ("nested", _) => {
            let class = argument.trim_end_matches("(scalar)");
            format!("Kind::Nested {{ class: {class:?}, scalar: {} }}", class != argument)
        }
        other => panic!("data: type {other:?} of {key}"),
    }
}

/// `min=ms;int` or `min=s;int;bare`.
fn measure(name: &str, spec: &str) -> String {
    let mut parts = spec.split(';');
    let least = parts.next().unwrap_or_default().trim_start_matches("min=").to_owned();
    let ceiling = if parts.next() == Some("int") { "Int" } else { "Long" };
    let bare = if name == "Duration" { format!(", bare: {}", parts.next() == Some("bare")) } else { String::new() };
    format!("Kind::{name} {{ least: {least:?}, ceiling: Ceiling::{ceiling}{bare} }}")
}

fn unit_variant(unit: &str, key: &str) -> &'static str {
    match unit {
        "ms" => "Milliseconds",
        "s" => "Seconds",
        "min" => "Minutes",
        "B" => "Bytes",
        "KiB" => "Kibibytes",
        "MiB" => "Mebibytes",
        "MiB/s" => "MebibytesPerSecond",
        "megabit/s" => "MegabitsPerSecond",
        other => panic!("data: unit {other:?} of {key}"),
    }
}
