//! The house rules that a machine can hold: who may know whom, and where `unsafe` lives.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::project;

/// Who may know whom: a room, and the rooms it may use. Every room may use `report` and `exit`.
const ARROWS: &[(&str, &[&str])] = &[
    ("cassandra", &[]),
    ("cli", &["cassandra", "settings"]),
    ("client", &[]),
    (
        "commands",
        &["cassandra", "cli", "client", "config", "host", "log", "manifest", "seeds", "settings", "supervisor"],
    ),
    ("config", &["cassandra", "settings"]),
    ("config/apply.rs", &["cassandra", "config", "host", "settings"]),
    ("exit", &["host"]),
    ("host", &[]),
    ("log", &["host", "settings"]),
    ("manifest", &[]),
    ("report", &[]),
    ("seeds", &["settings"]),
    ("settings", &["cassandra"]),
    ("supervisor", &["cassandra", "host"]),
];

/// The Rust files below a folder.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The room of a file below src: its first folder, or its own name at the top.
fn room(path: &Path) -> String {
    let relative = path.strip_prefix(project().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn rooms_know_only_whom_they_may() {
    let src = project().join("src");
    let mut arrows = 0;
    for path in sources(&src) {
        let (name, room) = (path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned(), room(&path));
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let allowed =
            ARROWS.iter().find(|(known, _)| *known == name).or(ARROWS.iter().find(|(known, _)| *known == room));
        let allowed = allowed.unwrap_or_else(|| panic!("{name}: no rule for the room {room}")).1;
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for target in line.split("crate::").skip(1) {
                let target: String = target.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = target.is_empty() || target == room || matches!(target.as_str(), "report" | "exit");
                assert!(
                    known || allowed.contains(&target.as_str()),
                    "src/{name}:{}: {room} may not know {target}",
                    number + 1
                );
                arrows += 1;
            }
        }
    }
    assert!(arrows > 100, "only {arrows} uses found: the test does not see them");
}

#[test]
fn pure_rooms_ask_nobody() {
    let src = project().join("src");
    let impure = ["std::env", "std::fs", "std::net::Tcp", "SystemTime", "Instant", "std::process"];
    for path in sources(&src) {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let pure = ["cassandra/", "settings/", "config/", "manifest/", "seeds/decide.rs", "supervisor/state.rs"];
        if !pure.iter().any(|room| name.starts_with(room))
            || name == "config/apply.rs"
            || name.contains("test")
            || name.contains("upstream")
        {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for word in impure {
            assert!(!code.contains(word), "src/{name} uses {word}, and this room is given what it needs");
        }
    }
}

/// A machine whose clock is set must not kill a drain. Log lines and files have the time of day; nothing else asks for it.
#[test]
fn supervision_asks_no_clock_that_can_be_set() {
    for room in ["supervisor", "host"] {
        for path in sources(&project().join("src").join(room)) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in ["SystemTime", "CLOCK_REALTIME", "CLOCK_BOOTTIME"] {
                assert!(!code.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn unsafe_has_an_address() {
    let src = project().join("src");
    for path in sources(&src) {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        if !name.starts_with("host/") {
            assert!(!text.contains("unsafe {") && !text.contains("unsafe fn"), "src/{name}");
        }
        if name.ends_with("/mod.rs") && name.matches('/').count() == 1 && !name.starts_with("host/") {
            assert!(text.contains("#![forbid(unsafe_code)]"), "src/{name}");
        }
    }
}

#[test]
fn a_file_says_first_what_it_is_for() {
    for path in sources(&project().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{}", path.display());
    }
    assert!(fs::read_to_string(project().join("src/main.rs")).unwrap().lines().count() < 30);
}

/// A file that no `mod` names is compiled by nobody, and its tests pass by not being there.
#[test]
fn every_file_of_the_suites_is_part_of_one() {
    let mut seen = 0;
    for suite in fs::read_dir(project().join("tests")).unwrap().flatten().filter(|suite| suite.path().is_dir()) {
        let Ok(main) = fs::read_to_string(suite.path().join("main.rs")) else { continue };
        for path in sources(&suite.path()) {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let nested = path.parent() != Some(suite.path().as_path());
            assert!(
                name == "main" || nested || main.contains(&format!("mod {name};")),
                "{} is left out",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} files found: the test does not see them");
}
