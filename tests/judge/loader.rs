//! What Cassandra's own loader got from cassandra.yaml files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::java::{self, Release};

/// What the loader got from one file: for each field's path its Java type and value, or what the loader said.
pub type Loaded = Result<BTreeMap<String, Field>, String>;

/// The value of one field of Cassandra's `Config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The simple name of its Java type; `null` for no value.
    pub java_type: String,
    /// The value as Java prints it, unescaped.
    pub value: String,
}

/// Loads the files with the loader of `release`, in one JVM; the answers are in the order of the files.
pub fn load(release: &Release, files: &[PathBuf]) -> Vec<Loaded> {
    let list: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let mut loaded: Vec<Loaded> = Vec::new();
    for line in java::run("Judge", release, &[], &list.join("\n")).lines() {
        let mut columns = line.splitn(3, '\t');
        match (columns.next().unwrap(), columns.next(), columns.next()) {
            (file, None, None) => {
                assert_eq!(file, format!("= {}", files[loaded.len()].display()), "one answer for each file");
                loaded.push(Ok(BTreeMap::new()));
            }
            ("!", Some(message), None) => *loaded.last_mut().unwrap() = Err(unescape(message)),
            (path, Some(java_type), Some(value)) => {
                let field = Field { java_type: java_type.to_owned(), value: unescape(value) };
                loaded.last_mut().unwrap().as_mut().unwrap().insert(unescape(path), field);
            }
            _ => panic!("not a line of Judge.java: {line}"),
        }
    }
    assert_eq!(loaded.len(), files.len(), "Judge.java answered for each file");
    loaded
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        plain.push(match c {
            '\\' => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            c => c,
        });
    }
    plain
}

#[test]
fn every_release_reads_a_file_and_refuses_one_with_an_unknown_key() {
    let folder = tempfile::TempDir::new().unwrap();
    let (good, bad) = (folder.path().join("good.yaml"), folder.path().join("bad.yaml"));
    std::fs::write(&good, "cluster_name: \"two\\ttabs\\t\"\n").unwrap();
    std::fs::write(&bad, "cluster_nam: typo\n").unwrap();
    for release in java::releases() {
        let answers = load(release, &[good.clone(), bad.clone()]);
        assert_eq!(answers[0].as_ref().unwrap()["cluster_name"].value, "two\ttabs\t", "{}", release.name);
        let refusal = answers[1].as_ref().unwrap_err();
        assert!(refusal.contains("cluster_nam"), "{}: {refusal}", release.name);
    }
}
