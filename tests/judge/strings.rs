//! Strings that a YAML 1.1 reader would take for something else arrive at Cassandra as the strings that they were.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cassandra_init::cassandra::Line;
use cassandra_init::config::yaml::{Edit, Node, YamlDocument, YamlPath};
use tempfile::TempDir;

use crate::java::{self, Release};
use crate::loader::load;
use crate::support::binary;

/// What SnakeYAML, a reader of YAML 1.1, makes of them bare: booleans, nulls, numbers in four bases, times, dates, maps,
/// lists, comments, tags, anchors, nothing, an error.
const MISREAD: &[&str] = &[
    // Booleans and null.
    "on",
    "off",
    "yes",
    "no",
    "y",
    "n",
    "Y",
    "N",
    "true",
    "TRUE",
    "False",
    "On",
    "NO",
    "~",
    "null",
    "Null",
    "NULL",
    "",
    // Numbers.
    "1",
    "-1",
    "+1",
    "017",
    "0o17",
    "08",
    "0x1f",
    "0X1F",
    "0b101",
    "1_000",
    "0x_1f",
    "1e3",
    "1E3",
    "1.e+3",
    "1.0",
    ".5",
    "-.5",
    "5.",
    "1,000",
    ".inf",
    "-.inf",
    "+.Inf",
    ".nan",
    ".NaN",
    "190:20:30",
    "12:30:45",
    "-12:30",
    "12:30:45.5",
    "1:0",
    "_1",
    "1_",
    "1__0",
    // Dates.
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    "2001-1-1",
    // Structure.
    "- a",
    "-",
    "--",
    "---",
    "--- a",
    "...",
    "a: b",
    "a:",
    ":",
    ": a",
    "a:b",
    "?",
    "? a",
    "[a]",
    "[",
    "]",
    "{a: b}",
    "{",
    "}",
    ",",
    "a, b",
    "#x",
    "#",
    "a #b",
    "a#b",
    "&a",
    "&",
    "*a",
    "*",
    "!a",
    "!",
    "!!str a",
    "|",
    "|-",
    ">",
    ">+",
    "%a",
    "%YAML 1.1",
    "@a",
    "`a`",
    "=",
    "<<",
    "<<: a",
    "'",
    "''",
    "'a'",
    "\"",
    "\"\"",
    "\"a\"",
    "'a",
    "a'",
    "it's",
    "say \"it's\"",
    "a''b",
    "\\",
    "\\\\",
    "\\n",
    "\\x41",
    "a\\",
    "\\u263a",
    "$HOME",
    "${x}",
    "$(x)",
    // Blanks.
    " ",
    "  ",
    " a",
    "a ",
    " a ",
    "a  b",
    "\t",
    "\ta",
    "a\t",
    "a\tb",
    "a\nb",
    "a\n",
    "\na",
    "a\n\nb",
    "a\r\nb",
    "a\rb",
    "a\n b",
    "\n",
    " \n",
    // Characters beyond ASCII, and controls.
    "é",
    "Zürich",
    "日本語",
    "Ωmega: #1",
    "😀",
    "a\u{a0}b",
    "\u{feff}a",
    "a\u{feff}",
    "\u{85}",
    "a\u{85}b",
    "\u{2028}",
    "a\u{2029}b",
    "\u{7f}",
    "a\u{0}b",
    "\u{1}",
    "\u{1b}[0m",
    "\u{9f}",
    "\u{200b}",
    "\u{ad}",
    "\u{fffd}",
    // Sizes and durations that are strings here.
    "10ms",
    "1MiB",
    "3h",
    "4 h",
];

/// Passwords: all punctuation of ASCII in both directions, doubled, around and between, up to thousands of characters.
fn passwords() -> Vec<String> {
    let punctuation: String = (' '..='~').filter(|c| !c.is_ascii_alphanumeric()).collect();
    let backwards: String = punctuation.chars().rev().collect();
    let doubled: String = punctuation.chars().flat_map(|c| [c, c]).collect();
    let each = punctuation.chars().flat_map(|c| [format!("{c}a"), format!("a{c}"), format!("a{c} b"), format!("{c}")]);
    let printable: String = (' '..='~').collect();
    let long = printable.repeat(40);
    let mut all: Vec<String> = each.collect();
    all.extend([
        punctuation,
        backwards,
        doubled,
        printable,
        long,
        "a b ".repeat(400),
        "'".repeat(300),
        "\\".repeat(301),
    ]);
    all
}

fn strings() -> Vec<String> {
    MISREAD.iter().map(|text| (*text).to_owned()).chain(passwords()).collect()
}

/// Values before the edit in each style that a file may have, and one that is not there yet.
const BASE: &str = "\
cluster_name: Test
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: \"127.0.0.1\"
data_file_directories:
  - '/data'
client_encryption_options:
  enabled: false
server_encryption_options: {keystore: 'conf/.keystore', truststore: conf/.truststore}
";

/// The places of a string, for us and for Cassandra: at the top, in the parameters of a class, in a list, new in a map, in
/// a map on one line.
const PLACES: [(&str, &str); 5] = [
    ("cluster_name", "cluster_name"),
    ("seed_provider[0].parameters[0].seeds", "seed_provider.parameters.seeds"),
    ("data_file_directories[0]", "data_file_directories[0]"),
    ("client_encryption_options.keystore_password", "client_encryption_options.keystore_password"),
    ("server_encryption_options.truststore", "server_encryption_options.truststore"),
];

#[test]
fn a_string_arrives_as_it_was_at_every_place_of_every_release() {
    let (strings, folder) = (strings(), TempDir::new().unwrap());
    let base = YamlDocument::parse("cassandra.yaml", BASE).unwrap();
    let paths = PLACES.map(|(path, _)| path.parse::<YamlPath>().unwrap());
    let write = |(at, text): (usize, &String)| {
        let edits: Vec<Edit> = paths.iter().map(|path| Edit::Set(path.clone(), Node::Text(text.clone()))).collect();
        let edited = base.edit(&edits).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let file = folder.path().join(format!("{at}.yaml"));
        fs::write(&file, edited.text()).unwrap();
        file
    };
    let files: Vec<PathBuf> = strings.iter().enumerate().map(write).collect();
    for release in java::releases() {
        let mut arrived = 0;
        for (text, loaded) in strings.iter().zip(load(release, &files)) {
            let loaded = loaded.unwrap_or_else(|message| panic!("{text:?} for {}: {message}", release.name));
            for (_, place) in PLACES {
                let field = &loaded[place];
                assert_eq!((field.java_type.as_str(), &field.value), ("String", text), "{place} of {}", release.name);
                arrived += 1;
            }
        }
        eprintln!("Cassandra {}: {arrived} strings arrived", release.name);
    }
}

/// Renders with a cluster name; the file, or none where the setting's own type refuses the name.
fn render(release: &Release, name: &str, folder: &std::path::Path) -> Option<PathBuf> {
    let output = Command::new(binary())
        .args(["render", "--cassandra-version", &release.name, "--conf"])
        .arg(folder)
        .arg("--output")
        .arg(folder.join("out"))
        .env_clear()
        .envs([
            ("CASSANDRA_CLUSTER_NAME", name),
            ("POD_IP", "10.0.0.1"),
            ("CASSANDRA_DATA", "/data"),
            ("MAX_HEAP_SIZE", "1G"),
        ])
        .env("CASSANDRA_CONFIG_OVERLAY", folder)
        .output()
        .unwrap();
    match output.status.code() {
        Some(0) => Some(folder.join("out/cassandra.yaml")),
        Some(78) => None,
        other => panic!("{name:?} ended with {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn a_cluster_name_from_the_environment_arrives_as_it_was_or_is_refused() {
    let release = java::releases().iter().find(|release| release.version.line() == Line::V5_0).unwrap();
    // A variable cannot hold a zero byte. A process for each: of the passwords, the long ones.
    let short = MISREAD.iter().map(|text| (*text).to_owned());
    let long = passwords().into_iter().filter(|text| text.len() > 4);
    let strings: Vec<String> = short.chain(long).filter(|text| !text.contains('\0')).collect();
    let (mut names, mut files, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let folders: Vec<TempDir> = strings.iter().map(|_| TempDir::new().unwrap()).collect();
    for (text, folder) in strings.iter().zip(&folders) {
        match render(release, text, folder.path()) {
            Some(file) => {
                names.push(text);
                files.push(file);
            }
            None => refused.push(text),
        }
    }
    // One line of printable characters: everything else is refused, and nothing else.
    for name in &refused {
        let quoted = name.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let empty = quoted.unwrap_or(name.trim()).is_empty();
        assert!(empty || name.trim().chars().any(char::is_control), "{name:?} is refused");
    }
    assert!(names.len() > 140, "{} names", names.len());
    for (name, loaded) in names.iter().zip(load(release, &files)) {
        let trimmed = name.trim();
        // The empty variable counts as unset; the quotes of run.sh's own default are taken off.
        let expected = match trimmed.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(unquoted) => unquoted,
            None if trimmed.is_empty() => "Test Cluster",
            None => trimmed,
        };
        assert_eq!(loaded.unwrap()["cluster_name"].value, expected, "{name:?}");
    }
}
