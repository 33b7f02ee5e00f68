//! The table of docs/pid1.md and the tests must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::project;

/// The functions without arguments in the Rust files below a folder, which is what tests are.
fn functions(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(functions(&entry.path()));
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.split_once('('));
            found.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
    found
}

/// The points in a test's name: 12 and 13 in `p12_13_entered_…`.
fn points(name: &str) -> BTreeSet<u32> {
    let Some(numbers) = name.strip_prefix('p') else { return BTreeSet::new() };
    numbers.split('_').map_while(|word| (word.len() == 2).then(|| word.parse().ok())?).collect()
}

/// What stands between backquotes in the last column.
fn tests(row: &str) -> BTreeSet<String> {
    let column = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
    column.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

#[test]
fn every_point_is_in_the_table_with_the_tests_that_carry_its_number() {
    let page = fs::read_to_string(project().join("docs/pid1.md")).unwrap();
    let here = functions(&project().join("tests/pid1"));
    let mut rows = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let first = row.split_whitespace().nth(1).unwrap();
        if let Ok(number) = first.parse::<u32>() {
            assert!(rows.insert(number, tests(row)).is_none(), "{number} is there twice");
        }
    }
    assert!(rows.keys().copied().eq(1..=59), "{:?}", rows.keys());
    for (number, named) in &rows {
        let carrying: BTreeSet<_> = here.iter().filter(|name| points(name).contains(number)).cloned().collect();
        assert!(!carrying.is_empty(), "no test carries the number {number}");
        let missing: Vec<_> = carrying.difference(named).collect();
        assert!(missing.is_empty(), "{number}: the table does not name {missing:?}");
    }
}

#[test]
fn every_test_in_the_table_is_there() {
    let page = fs::read_to_string(project().join("docs/pid1.md")).unwrap();
    let mut known = functions(&project().join("tests"));
    known.extend(functions(&project().join("src")));
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |"));
    for row in rows {
        let named = tests(row);
        assert!(!named.is_empty(), "{row}");
        for name in named {
            assert!(known.contains(&name), "{name}: {row}");
        }
    }
}
