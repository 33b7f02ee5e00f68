//! `make run` as a newcomer types it, under a terminal.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::real::{alone, java_below, parent, signal, wait_until};
use crate::support::project;

/// Runs `make run` under a pty with default signals; `stop` ends it. Returns what was printed, up to the prompt.
fn make_run(stop: impl FnOnce(&mut Child)) -> String {
    let dir = tempfile::TempDir::new().unwrap();
    let output = dir.path().join("output");
    // script(1) makes the pty; the shell behind it prints the prompt's stand-in only when make has ended.
    let line = format!("cd '{}' && make run; echo \"prompt back, make ended with $?\"", project().display());
    let mut terminal = Command::new("script")
        .args(["--quiet", "--flush", "--command", &line, "/dev/null"])
        .env("MAX_HEAP_SIZE", "512M")
        .env("JVM_EXTRA_OPTS", "-XX:TieredStopAtLevel=1")
        .env_remove("CASSANDRA_INIT_BINARY")
        .stdin(Stdio::piped())
        .stdout(File::create(&output).unwrap())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let printed = || String::from_utf8_lossy(&fs::read(&output).unwrap()).into_owned();
    wait_until("CQL to open", || {
        assert!(!printed().contains("prompt back"), "{}", printed());
        printed().contains("CQL is open on")
    });
    stop(&mut terminal);
    wait_until("the prompt", || printed().contains("prompt back"));
    drop(terminal.stdin.take());
    terminal.wait().unwrap();
    printed()
}

fn drained(printed: &str) {
    let end = printed.find("Cassandra drained and ended").unwrap_or_else(|| panic!("no drain in\n{printed}"));
    let prompt =
        printed.find("prompt back, make ended with 0").unwrap_or_else(|| panic!("make did not end with 0\n{printed}"));
    assert!(printed.contains("DRAINED"));
    assert!(end < prompt, "the prompt is back before the drain is complete");
    assert!(printed.contains("connect with: cqlsh 127.0.0.1 9042"));
}

#[test]
fn ctrl_c_drains_before_the_prompt_is_back() {
    let _alone = alone();
    drained(&make_run(|terminal| terminal.stdin.as_mut().unwrap().write_all(b"\x03").unwrap()));
}

#[test]
fn sigterm_to_the_binary_does_the_same() {
    let _alone = alone();
    drained(&make_run(|terminal| {
        let java = java_below(i32::try_from(terminal.id()).unwrap()).expect("java below make run");
        signal(parent(java), nix::sys::signal::Signal::SIGTERM);
    }));
}
