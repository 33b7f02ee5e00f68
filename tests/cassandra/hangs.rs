//! Real nodes that answer nobody, serve nobody any more, or do not come to the end of their drain: when they are no longer alive
//! to probes, and what the log says then.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use crate::answers::expect;
use crate::attach::{dumps, socket};
use crate::real::{RealNode, RealStart, alone, signal, wait_until};
use crate::support::{Outcome, binary};

/// Asks for liveness until the answer is this, and returns it.
fn liveness_becomes(node: &RealNode, start: &mut RealStart, code: i32) -> Outcome {
    let mut last = None;
    wait_until("liveness to change", || {
        start.must_run();
        let probe = node.probe("liveness");
        let done = probe.code == code;
        last = Some(probe);
        done
    });
    last.unwrap()
}

/// The state of a process (proc(5)).
fn state(pid: i32) -> char {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("State:")).unwrap().trim().chars().next().unwrap()
}

/// The node, of which a JVM that answers nobody is not kept for long: longer than a busy machine takes to ask it everything.
pub fn impatient(node: RealNode) -> RealNode {
    node.with("CASSANDRA_INIT_WEDGED_AFTER", "10s")
}

/// An impatient node that serves is paused, until it is dead to probes, and goes on.
pub fn is_paused_and_goes_on(node: &RealNode, start: &mut RealStart, serving: &str) {
    let jvm = start.jvm();
    assert!(node.probe("liveness").stdout.ends_with(" and answers CQL\n"));
    signal(jvm, Signal::SIGSTOP);
    wait_until("the stop", || state(jvm) == 'T');
    // A look of just before answers for a moment, too.
    wait_until("the first look at it", || {
        let first = node.probe("liveness");
        assert_eq!(first.code, 0, "{first:?}");
        first.stdout.contains("has answered nobody for 0 s: a signal has stopped it")
    });
    wait_until("the first look for clients", || node.probe_within("readiness", "500ms").code == 1);
    // Who waited for the JVM would wait for ever: it goes on only after all have answered.
    expect(node, "paused");
    assert_eq!(state(jvm), 'T', "it answered while the JVM was stopped");
    let dead = liveness_becomes(node, start, 1);
    for words in
        ["has answered nobody for ", " s: a signal has stopped it (SIGCONT lets it go on); threads: ", " stopped"]
    {
        assert!(dead.stdout.contains(words), "{dead:?}");
    }
    expect(node, "paused for long");
    let log = start.log();
    let (asked, failed) = (log.find("it is asked for its threads"), log.find("liveness fails: Cassandra, process"));
    assert!(asked.is_some() && asked < failed, "the threads first: {asked:?} {failed:?}");
    signal(jvm, Signal::SIGCONT);
    liveness_becomes(node, start, 0);
    wait_until("the threads", || dumps(&start.log()) == 1);
    node.wait_ready(start);
    expect(node, serving);
    assert!(start.log().contains("alive again: "));
    assert_eq!(start.jvm(), jvm, "nobody restarted it");
    assert!(!socket(jvm).exists(), "and nobody attached to a JVM of which CQL tells enough");
}

/// The node with a drain that does not end: it says good-bye for ten minutes.
pub fn drains_for_ever(node: RealNode) -> RealNode {
    node.with_options("-Dcassandra.shutdown_announce_in_ms=600000").with("CASSANDRA_STOP_GRACE", "10s")
}

/// Such a node is stopped: what it does is logged before it is killed, and that it was.
pub fn is_killed_with_its_threads_told(start: RealStart) {
    let (log, told_before) = (start.log_path(), start.log().len());
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 137);
    let log = fs::read_to_string(log).unwrap().split_off(told_before);
    let place = |words: &str| log.find(words).unwrap_or_else(|| panic!("no {words:?} in\n{log}"));
    let told = [
        "Cassandra drains for ",
        "Full thread dump",
        "\"StorageServiceShutdownHook\"",
        "org.apache.cassandra.gms.Gossiper.stop",
        "the grace period ends, Cassandra is killed after ",
        "Cassandra was killed after ",
    ];
    let places = told.map(place);
    assert!(places.is_sorted(), "{told:?} stand at {places:?} in\n{log}");
}

#[test]
fn a_stopped_jvm_is_dead_to_probes_after_a_while_and_alive_again_when_it_goes_on() {
    let _alone = alone();
    let node = impatient(RealNode::new());
    let mut start = node.start("log.txt");
    node.wait_ready(&mut start);
    is_paused_and_goes_on(&node, &mut start, "serving");
    start.stop();
}

#[test]
fn a_node_that_is_drained_and_not_stopped_is_dead_to_probes_after_a_while() {
    let _alone = alone();
    let node = RealNode::new().with("CASSANDRA_INIT_DRAINED_AFTER", "3s");
    let mut start = node.start("log.txt");
    node.wait_ready(&mut start);
    let nodetool = node.path("nodetool");
    symlink(binary(), &nodetool).unwrap();
    // With an option it is NodeTool's: nobody tells PID 1.
    node.command(&nodetool, &["-p", "7199", "drain"]).code(0);
    let first = node.probe("liveness");
    assert_eq!(first.code, 0, "{first:?}");
    let dead = liveness_becomes(&node, &mut start, 1);
    assert!(dead.stdout.contains("s and nobody has stopped it; it serves again only after a restart"), "{dead:?}");
    assert_eq!((node.probe("readiness").code, node.probe("startup").code), (1, 0));
    assert_eq!(dumps(&start.log()), 0, "it answers: its threads are no riddle");
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 0);
}

#[test]
fn a_node_whose_other_doors_are_closed_is_alive_by_its_attach_socket() {
    let _alone = alone();
    // Where the plan looks for JMX nobody listens, as it does not know what such a file says, and no clients are served.
    let node = RealNode::new();
    let (options, elsewhere) = (node.path("jmx.options"), "-Dcassandra.jmx.local.port=7999\n");
    fs::write(&options, elsewhere).unwrap();
    let node = node
        .with("CASSANDRA_INIT_WEDGED_AFTER", "3s")
        .with("CASSANDRA_YAML_start_native_transport", "false")
        .with("JVM_EXTRA_OPTS", &format!("-XX:TieredStopAtLevel=1 -XX:VMOptionsFile={}", options.display()));
    let mut start = node.start("log.txt");
    wait_until("the end of Cassandra's start", || {
        start.must_run();
        start.log().contains("Startup complete")
    });
    let mut unsure = 0;
    wait_until("an answer by attach", || {
        let probe = node.probe("liveness");
        assert_eq!(probe.code, 0, "{probe:?}");
        unsure += usize::from(!probe.stdout.contains("answers"));
        probe.stdout.ends_with(" and answers attach\n")
    });
    assert!(unsure > 0, "it is not asked to listen at the first look");
    for _ in 0..20 {
        assert!(node.probe("liveness").stdout.ends_with(" and answers attach\n"));
    }
    assert_eq!(dumps(&start.log()), 0);
    // Now its last door is shut, too, while the kernel would let it go on.
    let jvm = start.jvm();
    fs::remove_file(socket(jvm)).unwrap();
    fs::write(socket(jvm), "").unwrap();
    let unknown = node.probe("liveness");
    assert_eq!(unknown.code, 0, "nobody can tell, and that is no fault of the JVM: {unknown:?}");
    fs::remove_file(socket(jvm)).unwrap();
    signal(start.init(), Signal::SIGTERM);
    start.wait();
}
