//! The schema of data/ against Cassandra's own `Config` class: every key, type, default and alias of each newest patch.

use std::collections::{BTreeMap, BTreeSet};

use cassandra_init::cassandra::{Line, Version};

use crate::java::{self, Release};
use crate::support::project;

/// What a row says of a key, by class and key.
type Rows = BTreeMap<(String, String), Vec<String>>;

/// One CSV line; fields may be quoted with doubled quotes inside.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for part in line.split_inclusive(['"', ',']) {
        let (text, end) = match part.char_indices().last() {
            Some((at, end @ ('"' | ','))) => (&part[..at], Some(end)),
            _ => (part, None),
        };
        fields.last_mut().unwrap().push_str(text);
        match end {
            Some('"') => quoted = !quoted,
            Some(',') if quoted => fields.last_mut().unwrap().push(','),
            Some(',') => fields.push(String::new()),
            _ => {}
        }
    }
    fields
}

/// What the class itself says.
fn reflected(release: &Release) -> Rows {
    let text = java::run("Reflect", release, &[], "");
    let row = |line: &str| {
        let mut row = fields(line).into_iter();
        ((row.next().unwrap(), row.next().unwrap()), row.collect())
    };
    text.lines().map(row).collect()
}

/// What data/ says of a release.
fn recorded(version: Version) -> Rows {
    let mut rows = Rows::new();
    for (file, class) in [("data/keys.csv", Some("Config")), ("data/nested.csv", None)] {
        for line in std::fs::read_to_string(project().join(file)).unwrap().lines().skip(1) {
            let mut row = fields(line).into_iter();
            let class = class.map_or_else(|| row.next().unwrap(), str::to_owned);
            let (key, of, first, last) = (row.next().unwrap(), row.next().unwrap(), row.next(), row.next());
            let patch = |text: Option<String>| {
                text.filter(|text| !text.is_empty()).map(|text| text.parse::<Version>().unwrap())
            };
            let covers = of == version.line().name()
                && patch(first).is_none_or(|first| version >= first)
                && patch(last).is_none_or(|last| version <= last);
            if covers {
                let twice = rows.insert((class.clone(), key.clone()), row.collect());
                assert!(twice.is_none(), "{file}: {class} {key} has two rows for Cassandra {version}");
            }
        }
    }
    rows
}

#[test]
fn data_says_of_each_release_what_its_own_config_class_says() {
    let mut differences = Vec::new();
    for release in java::releases() {
        let (theirs, ours) = (reflected(release), recorded(release.version));
        let keys: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
        eprintln!("Cassandra {}: {} keys, {} of them at the top", release.name, theirs.len(), top(&theirs));
        assert!(top(&theirs) > 150, "Cassandra {}: the class was not read", release.name);
        for key in keys.into_iter().filter(|key| theirs.get(*key) != ours.get(*key)) {
            let (name, theirs, ours) = (&release.name, theirs.get(key), ours.get(key));
            differences.push(format!("{name} {}.{}: Cassandra {theirs:?}, data {ours:?}", key.0, key.1));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn top(rows: &Rows) -> usize {
    rows.keys().filter(|(class, _)| class == "Config").count()
}

#[test]
fn the_verified_patch_of_each_line_is_the_newest_that_is_fetched() {
    for line in Line::ALL {
        let newest = java::releases().iter().rfind(|release| release.version.line() == line).unwrap();
        assert_eq!(cassandra_init::cassandra::schema::verified(line), newest.name);
    }
}
