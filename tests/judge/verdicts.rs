//! What the validator says of a value, against what Cassandra's own loader does with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cassandra_init::cassandra::schema::{self, Kind};
use cassandra_init::config::validate::validate;
use cassandra_init::config::yaml::YamlDocument;

use crate::java::{self, Release};
use crate::loader::load;

/// Values of every form, right for some keys and wrong for others.
const VALUES: [&str; 24] = [
    "",
    "7",
    "-1",
    "99999999999",
    "7.5",
    "true",
    "yes",
    "text",
    "'7'",
    "'true'",
    "10ms",
    "10us",
    "3s",
    "2147483647s",
    "10 s",
    "1.5s",
    "10MiB",
    "10B",
    "10MB",
    "1TiB",
    "5MiB/s",
    "[a, b]",
    "{a: b}",
    "[{class_name: A, parameters: [{a: b}]}]",
];

/// Keys that are left out: the words of the first are names of checks, the converters of the next two want a running node, and
/// the last is in 6.0 a class that judges its own text.
const UNJUDGED: [&str; 4] =
    ["startup_checks", "keyspace_count_warn_threshold", "table_count_warn_threshold", "available_processors"];

/// Where we are stricter: SnakeYAML makes nothing of a word for a truth value, a class of a number, a set of a map.
fn stricter(kind: Kind) -> bool {
    matches!(kind, Kind::Boolean | Kind::Class(_) | Kind::List(_) | Kind::Map(_) | Kind::Nested { .. })
}

/// How many keys of one type get every value; one value of its type goes to every key.
const KEYS_OF_A_KIND: usize = 3;

/// The lines `key: value` to ask about.
fn questions(release: &Release) -> Vec<(&'static schema::Row, String, bool)> {
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    let mut questions = Vec::new();
    for row in schema::keys(release.version).filter(|row| !UNJUDGED.contains(&row.key)) {
        questions.push((row, row.example(), true));
        let count = asked.entry(format!("{:?} {}", row.kind, row.nullable)).or_default();
        *count += 1;
        if *count <= KEYS_OF_A_KIND {
            questions.extend(VALUES.iter().map(|value| (row, (*value).to_owned(), false)));
        }
    }
    questions
}

/// Whether our validator finds something about that key.
fn refused(release: &Release, key: &str, text: &str) -> bool {
    let document = YamlDocument::parse("cassandra.yaml", text).unwrap();
    validate(&document, release.version).iter().any(|problem| {
        // Of the rules for several keys only those of the values themselves are the loader's.
        problem.path.root() == key && !problem.message.contains("is missing") && !problem.message.contains("needs")
    })
}

#[test]
fn the_validator_refuses_what_the_loader_refuses_and_every_key_takes_a_value_of_its_type() {
    let mut differences = Vec::new();
    for release in java::releases() {
        let folder = tempfile::TempDir::new().unwrap();
        let questions = questions(release);
        let texts: Vec<String> = questions.iter().map(|(row, value, _)| format!("{}: {value}\n", row.key)).collect();
        let files: Vec<PathBuf> = (0..texts.len()).map(|at| folder.path().join(format!("{at}.yaml"))).collect();
        for (file, text) in files.iter().zip(&texts) {
            std::fs::write(file, text).unwrap();
        }
        let mut valid = 0;
        for (((row, _, example), text), answer) in questions.iter().zip(&texts).zip(load(release, &files)) {
            let said = refused(release, row.key, text);
            let text = text.trim_end();
            if *example && answer.is_err() {
                differences.push(format!("{}: `{text}` is our example, and Cassandra says {answer:?}", release.name));
            } else if said != answer.is_err() && !(said && stricter(row.kind)) {
                let theirs = answer.err().map_or_else(|| "takes it".to_owned(), |error| format!("says {error}"));
                let ours = if said { "refuse" } else { "take" };
                differences.push(format!("{}: `{text}`: we {ours} it, Cassandra {theirs}", release.name));
            }
            valid += usize::from(*example);
        }
        eprintln!("Cassandra {}: {valid} keys with a valid value, {} values judged", release.name, questions.len());
    }
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}
