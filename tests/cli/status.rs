//! `status` of a node whose JVM is a stand-in that answers nobody. Real nodes: tests/cassandra/status.rs.

use std::process::{Command, Stdio};

use serde_yaml::Value;

use crate::boot::crate_child;
use crate::support::{Node, Outcome, binary};

/// `status` beside a node.
fn status(node: &Node, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(binary());
    command.arg("status").args(arguments).env_clear().env("CASSANDRA_INIT_RUN_DIR", node.path("run"));
    command.output().unwrap().into()
}

#[test]
fn a_node_that_answers_nobody_is_told_as_far_as_pid_1_and_its_files_know_it() {
    let node = Node::new();
    status(&node, &[]).code(69).says("no node runs under cassandra-init here");
    let running = node.start();
    crate_child(&running);
    let told = status(&node, &["--json", "--timeout", "20s"]).code(0);
    // JSON is YAML.
    let told: Value = serde_yaml::from_str(&told.stdout).unwrap();
    assert_eq!(told["node"]["phase"].as_str(), Some("starting"), "{told:?}");
    assert_eq!(told["node"]["ready"].as_bool(), Some(false), "{told:?}");
    assert!(told["node"]["reason"].as_str().unwrap().contains("cannot connect"), "{told:?}");
    assert_eq!(told["init"]["profile"].as_str(), Some("native"), "{told:?}");
    assert_eq!(told["addresses"]["listen"].as_str(), Some(node.yaml("listen_address").as_str()), "{told:?}");
    assert_eq!(told["storage"]["data_root"].as_str(), node.path("data").to_str(), "{told:?}");
    let gap = |fact: &str| {
        let gaps = told["unknown"].as_sequence().unwrap();
        gaps.iter().find(|gap| gap["fact"].as_str() == Some(fact))?["reason"].as_str()
    };
    assert!(gap("jvm.heap_used_bytes").unwrap().contains("connection refused"), "{told:?}");
    assert_eq!(gap("stop.asked_by"), None, "none is under way, which is no gap");
    let screen = status(&node, &["--timeout", "20s"]).code(0).stdout;
    assert!(screen.starts_with("STARTING, not ready\n  why not     "), "{screen}");
    assert!(screen.contains("\n  not known   "), "{screen}");
    running.stop().code(0);
    status(&node, &[]).code(69);
}

#[test]
fn a_watch_prints_a_line_for_each_look_and_ends_with_the_node() {
    let node = Node::new();
    let running = node.start();
    crate_child(&running);
    let mut watch = Command::new(binary())
        .args(["status", "--watch", "0", "--timeout", "20s"])
        .env_clear()
        .env("CASSANDRA_INIT_RUN_DIR", node.path("run"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = std::io::BufReader::new(watch.stdout.take().unwrap());
    for _ in 0..3 {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
        assert!(line.starts_with("STARTING, not ready  "), "{line:?}");
    }
    running.stop().code(0);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut reader, &mut rest).unwrap();
    assert!(!rest.contains('\x1b'), "{rest:?}");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut watch.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(watch.wait().unwrap().code(), Some(69), "{said}");
    assert!(said.contains("no node runs under cassandra-init here"), "{said}");
}

/// script(1) gives it a terminal.
#[test]
fn a_terminal_gets_colours_unless_it_is_asked_not_to() {
    let node = Node::new();
    let running = node.start();
    crate_child(&running);
    let on_terminal = |variables: &[(&str, &str)]| {
        let line = format!("{} status --timeout 20s", binary().display());
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).env("CASSANDRA_INIT_RUN_DIR", node.path("run"));
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(on_terminal(&[]).starts_with("\x1b[1;33mSTARTING, not ready\x1b[0m\r\n"));
    assert!(on_terminal(&[("NO_COLOR", "1")]).starts_with("STARTING, not ready\r\n"));
    assert!(on_terminal(&[("TERM", "dumb")]).starts_with("STARTING, not ready\r\n"));
    running.stop().code(0);
}
