//! One node's life.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::answers::expect;
use crate::attach::{answers_and_leaves_nothing, dumps};
use crate::driver::cql;
use crate::every_state::every_state;
use crate::real::{RealNode, alone, fetched, signal, wait_until};
use crate::status;
use crate::support::{Outcome, binary, is_root};

/// Number of mutations that the start of this log replayed.
fn replayed(log: &str) -> u64 {
    if log.contains("No commitlog files found; skipping replay") {
        return 0;
    }
    let line = log.lines().find(|line| line.contains("Log replay complete")).expect("a line about the replay");
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("replayed")).unwrap();
    words[at - 1].parse().unwrap()
}

#[test]
fn a_node_starts_serves_drains_and_comes_back() {
    let _alone = alone();
    let node = RealNode::new();
    let mut start = node.start("first.log");
    wait_until("the JVM", || node.probe("liveness").stdout.contains("Cassandra runs"));
    let early = node.probe("readiness");
    assert_eq!(early.code, 1, "not ready before CQL serves: {early:?}");
    node.wait_ready(&mut start);
    wait_until("the log line", || start.log().contains("CQL is open on 127.0.0.1 port 9042"));
    for flag in ["cassandra.skip_wait_for_gossip_to_settle=0", "cassandra.ring_delay_ms=1000"] {
        let line = fs::read_to_string(format!("/proc/{}/cmdline", start.jvm())).unwrap();
        assert!(line.contains(flag), "the founding start has {flag}");
    }
    expect(&node, "serving");
    privileges(start.jvm());
    no_jvm_for_a_probe(&node);
    let nodetool = node.alias("nodetool");
    let status = traced(&node, &nodetool, &["status"]);
    assert!(status.stdout.contains("UN  127.0.0.1"), "{status:?}");
    status::agrees_with_nodetool(&node);
    status::tells_of_a_node_that_serves(&node, "5.0.");
    status::ends_in_time_while_the_jvm_is_paused(&node, start.jvm());
    cql(&[
        "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE k.t (id int PRIMARY KEY, v text)",
        "INSERT INTO k.t (id, v) VALUES (1, 'before the stop')",
    ]);
    drains_without_a_jvm(&node, &nodetool);
    signal(start.init(), Signal::SIGTERM);
    let log = node.path("first.log");
    assert_eq!(start.wait(), 0);
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("DRAINED"), "Cassandra says that it drained");
    assert!(log.contains("Cassandra drained and ended in"), "and so do we");

    let mut start = node.start("second.log");
    node.wait_ready(&mut start);
    assert_eq!(replayed(&start.log()), 0, "nothing is replayed after a drain");
    assert_eq!(cql(&["SELECT v FROM k.t WHERE id = 1"]), "before the stop\n");
    signal(start.init(), Signal::SIGTERM);
    wait_until("not ready while stopping", || node.probe("readiness").stdout == "the node is stopping\n");
    expect(&node, "stopping");
    assert_eq!(start.wait(), 0);

    let mut start = node.start("third.log");
    node.wait_ready(&mut start);
    assert_eq!(replayed(&start.log()), 0, "nor after SIGTERM alone");
    signal(start.jvm(), Signal::SIGKILL);
    assert_eq!(start.wait(), 137, "SIGKILL of the JVM from outside");
}

#[test]
fn a_node_of_4_1_runs_on_java_11_from_nothing_but_its_jars_and_is_in_every_state_what_the_table_says() {
    let _alone = alone();
    let node = RealNode::of_4_1();
    let mut start = node.start("log.txt");
    assert!(node.wait_ready(&mut start).contains(&"the node is starting".to_owned()), "{}", start.log());
    let command = fs::read_to_string(format!("/proc/{}/cmdline", start.jvm())).unwrap();
    assert!(command.contains("java-11") && command.contains("-XX:+UseConcMarkSweepGC"), "{command}");
    privileges(start.jvm());
    let release = fetched(&["cassandra", "4.1"]).file_name().unwrap().to_str().unwrap().replace("cassandra-", "");
    assert!(release.starts_with("4.1."));
    let answer = cql(&["SELECT cluster_name, release_version FROM system.local"]);
    assert_eq!(answer, format!("Test Cluster {release}\n"));
    status::agrees_with_nodetool(&node);
    status::tells_of_a_node_that_serves(&node, "4.1.");
    answers_and_leaves_nothing(start.jvm(), &|command| node.inside(&start, &[&["jcmd"], command].concat()));
    assert_eq!(dumps(&start.log()), 0, "no SIGQUIT of ours was taken for a wish to see the threads");
    every_state(&node, start, RealNode::of_4_1);
    assert!(fs::read_to_string(node.path("log.txt")).unwrap().contains("DRAINED"), "Cassandra says that it drained");
}

fn privileges(jvm: i32) {
    if !is_root() {
        return;
    }
    let status = fs::read_to_string(format!("/proc/{jvm}/status")).unwrap();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert_eq!(line("Uid:"), "Uid:\t4242\t4242\t4242\t4242");
    assert_eq!(line("Gid:"), "Gid:\t4242\t4242\t4242\t4242");
    let capabilities = u64::from_str_radix(line("CapEff:").split('\t').nth(1).unwrap(), 16).unwrap();
    assert_eq!(capabilities & !(1 << 14), 0, "nothing but IPC_LOCK: {capabilities:x}");
}

/// The probe executes itself and nothing else.
fn no_jvm_for_a_probe(node: &RealNode) {
    traced(node, &binary(), &["probe", "readiness"]);
}

/// Runs a program under strace: it ends with 0, after one execve and without a child.
fn traced(node: &RealNode, program: &Path, arguments: &[&str]) -> Outcome {
    let trace = node.path("trace");
    let strace = ["-f", "-e", "trace=execve,clone,clone3,fork,vfork", "-o", trace.to_str().unwrap()];
    let arguments = [&strace[..], &[program.to_str().unwrap()], arguments].concat();
    let outcome = node.command("/usr/bin/strace".as_ref(), &arguments);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let trace = fs::read_to_string(trace).unwrap();
    let calls = trace.lines().filter(|line| line.contains('(') && !line.contains("exited")).count();
    assert_eq!(calls, 1, "one execve and no child:\n{trace}");
    outcome
}

/// `nodetool drain`, as a preStop hook calls it: over JMX, with one execve; the second one finds nothing to do.
fn drains_without_a_jvm(node: &RealNode, nodetool: &Path) {
    let drain = traced(node, nodetool, &["drain"]);
    assert!(drain.stdout.starts_with("drained in "), "{drain:?}");
    expect(node, "drained");
    status::tells_of_a_drained_node(node);
    let again = node.command(&binary(), &["drain", "--timeout", "1m"]);
    assert_eq!((again.code, again.stdout.starts_with("drained in ")), (0, true), "{again:?}");
}

#[test]
fn as_another_user_on_ports_that_options_chose_it_is_an_ordinary_process_that_drains_too() {
    if !is_root() {
        eprintln!("skipped: needs root to become another user; the other test runs as an ordinary user then");
        return;
    }
    let _alone = alone();
    let ports = "-XX:TieredStopAtLevel=1 -Dcassandra.native_transport_port=9142 -Dcassandra.jmx.local.port=7399";
    let node = RealNode::new().with("JVM_EXTRA_OPTS", ports).wrapped(&[
        "setpriv",
        "--reuid",
        "4242",
        "--regid",
        "4242",
        "--clear-groups",
    ]);
    for name in ["data", "log", "run", "conf", "."] {
        std::os::unix::fs::chown(node.path(name), Some(4242), Some(4242)).unwrap();
    }
    for entry in fs::read_dir(node.path("conf")).unwrap().flatten() {
        std::os::unix::fs::chown(entry.path(), Some(4242), Some(4242)).unwrap();
    }
    let mut start = node.start("log.txt");
    node.wait_ready(&mut start);
    assert!(start.log().contains("as an ordinary process"));
    assert_eq!(node.probe("readiness").stdout, "127.0.0.1:9142 serves CQL\n");
    let told = status::look(&node, "30s");
    assert_eq!(told["node"]["mode"].as_str(), Some("NORMAL"), "JMX is asked where it is: {told:?}");
    let log = node.path("log.txt");
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 0);
    assert!(fs::read_to_string(log).unwrap().contains("DRAINED"));
}
