//! Our own complete files: every release of their line reads them, and they say what a stock installation says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cassandra_init::cassandra::{Line, schema};
use cassandra_init::config::defaults;
use cassandra_init::config::yaml::YamlDocument;
use serde_yaml::Value;

use crate::compare::differences;
use crate::java::{self, Release};
use crate::loader::{Field, load};
use crate::support::project;

/// Where our files differ from the stock ones in what Cassandra gets, and why.
const DOCUMENTED: [(&str, &str); 1] =
    [("windows_timer_interval", "the stock files of 3.11 and 4.0 set it, and nothing but Windows reads it")];

/// Our cassandra.yaml of a line.
pub fn ours(line: Line) -> &'static str {
    defaults::files(line).iter().find(|(name, _)| *name == "cassandra.yaml").unwrap().1
}

/// The configuration files of a line as they are shipped, where they are at hand: 3.11.4 comes whole from Maven.
pub fn shipped(line: Line) -> Option<PathBuf> {
    let folder = match line {
        Line::V3_11 => java::releases()[0].lib.join("../conf"),
        _ => std::env::var_os("CASSANDRA_INIT_UPSTREAM_CONF")
            .map_or_else(|| project().join("../shared/upstream-conf"), PathBuf::from)
            .join(line.name()),
    };
    folder.join("cassandra.yaml").is_file().then_some(folder)
}

/// The values that a stock cassandra.yaml sets, those that this release of the line already knows.
pub fn stock(release: &Release) -> String {
    let line = release.version.line().name();
    let text = std::fs::read_to_string(project().join(format!("tests/judge/stock/{line}.yaml"))).unwrap();
    let known = |row: &&str| schema::row(row.split(':').next().unwrap(), release.version).is_some();
    text.lines().filter(known).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn our_files_mean_to_each_release_what_the_stock_files_mean() {
    let mut documented = std::collections::BTreeSet::new();
    for release in java::releases() {
        let folder = tempfile::TempDir::new().unwrap();
        let files = ["ours.yaml", "stock.yaml"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], ours(release.version.line())).unwrap();
        let stock = stock(release);
        assert!(stock.lines().count() > 70, "{}: {} stock values", release.name, stock.lines().count());
        std::fs::write(&files[1], stock).unwrap();
        let answers = load(release, &files);
        let fields = |at: usize| -> &BTreeMap<String, Field> {
            answers[at].as_ref().unwrap_or_else(|message| panic!("{}: {message}", release.name))
        };
        let (ours, stock) = (fields(0), fields(1));
        let paths: std::collections::BTreeSet<&String> = ours.keys().chain(stock.keys()).collect();
        let different = paths.into_iter().filter(|path| ours.get(*path) != stock.get(*path));
        let (known, unknown): (Vec<_>, Vec<_>) =
            different.partition(|path| DOCUMENTED.iter().any(|(known, _)| known == path));
        documented.extend(known.into_iter().cloned());
        let told =
            unknown.iter().map(|path| format!("{path}: ours {:?}, stock {:?}\n", ours.get(*path), stock.get(*path)));
        assert!(unknown.is_empty(), "Cassandra {}\n{}", release.name, told.collect::<String>());
    }
    assert!(DOCUMENTED.iter().all(|(path, _)| documented.contains(*path)), "documented, but the same: {documented:?}");
}

/// The live options of a file, whatever their order.
fn options(text: &str) -> Vec<&str> {
    let mut live: Vec<&str> = text.lines().map(str::trim_end).filter(|line| line.starts_with('-')).collect();
    live.sort_unstable();
    live
}

#[test]
fn our_option_files_hold_the_options_of_the_stock_files() {
    let mut compared = 0;
    for release in java::releases() {
        let Some(conf) = shipped(release.version.line()) else {
            eprintln!("Cassandra {}: the shipped option files are not here to compare with", release.name);
            continue;
        };
        for (name, ours) in defaults::files(release.version.line()).iter().filter(|(name, _)| name.ends_with("options"))
        {
            let theirs = std::fs::read_to_string(conf.join(name)).unwrap();
            assert_eq!(options(ours), options(&theirs), "{name} of {}", release.version.line().name());
            compared += 1;
        }
    }
    assert!(compared > 0, "3.11.4 comes whole from Maven");
}

#[test]
fn each_release_gets_from_our_files_what_they_say() {
    for release in java::releases() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("cassandra.yaml");
        let document = YamlDocument::parse("cassandra.yaml", ours(release.version.line())).unwrap();
        std::fs::write(&file, document.text()).unwrap();
        let loaded = load(release, &[file]).remove(0).unwrap_or_else(|message| panic!("{}: {message}", release.name));
        let differences = differences(release.version, document.tree(), &loaded);
        assert!(differences.is_empty(), "Cassandra {}\n{}", release.name, differences.join("\n"));
        // And a wrong statement about the same file is found.
        let mut wrong = document.tree().clone();
        wrong["cluster_name"] = Value::from("another");
        assert_eq!(super::compare::differences(release.version, &wrong, &loaded).len(), 1);
    }
}
