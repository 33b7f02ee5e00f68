//! A second node: held while it joins, stopped there, joined, and decommissioned.

use std::fs;

use nix::sys::signal::Signal;

use crate::answers::{expect, words};
use crate::driver::cql;
use crate::real::{RealNode, RealStart, alone, signal, wait_until};
use crate::status;

/// What holds a join: before it takes data it waits this long for the ring to learn of it.
const HOLD: &str = "-Dcassandra.ring_delay_ms=3600000";
/// What lets it go on.
const HURRY: &str = "-Dcassandra.ring_delay_ms=2000 -Dcassandra.skip_wait_for_gossip_to_settle=0";

/// A second node that is held while it joins is not yet up, and alive; its end is by force, and soon, as its grace period is
/// shorter than what it gets without one. At its next start it joins `first`, and then it leaves.
pub fn joins_and_leaves(first: &RealNode, second: RealNode) {
    let second = second.with_options(HOLD).with("CASSANDRA_STOP_GRACE", "6s");
    let joining = held(&second);
    signal(joining.init(), Signal::SIGTERM);
    let log = joining.log_path();
    wait_until("the stop", || second.probe("readiness").stdout == "the node is stopping\n");
    expect(&second, "stopping");
    assert_eq!(joining.wait(), 137, "{}", fs::read_to_string(log).unwrap());
    leaves(first, second.with("CASSANDRA_STOP_GRACE", "2m"));
}

/// Starts a node that does not come to the end of its join.
fn held(node: &RealNode) -> RealStart {
    let mut start = node.start("held.log");
    let joining = words(node, "joining");
    wait_until("the join", || {
        start.must_run();
        node.probe("readiness").stdout.starts_with(&joining)
    });
    expect(node, "joining");
    start
}

/// A node that was held joins after all, and is decommissioned.
fn leaves(first: &RealNode, second: RealNode) {
    let second = second.with_options(HURRY);
    let mut joined = second.start("joined.log");
    second.wait_ready(&mut joined);
    expect(&second, "serving");
    assert_eq!(cql(&["SELECT peer FROM system.peers"]), "127.0.0.2\n");
    if first.line() == "5.0" {
        status::agrees_with_nodetool(first);
    }
    // The tables of two copies would have one: from 4.0 on it wants to be told that this is meant (CASSANDRA-12510).
    let force = if second.line() == "3.11" { &[][..] } else { &["--force"] };
    second.nodetool(&joined, &[&["decommission"], force].concat());
    expect(&second, "decommissioned");
    joined.stop();
    expect(first, "serving");
}

#[test]
fn a_node_joins_as_long_as_it_takes_and_is_not_restarted_once_it_has_left() {
    let _alone = alone();
    let first = RealNode::new();
    let mut founder = first.start("log.txt");
    first.wait_ready(&mut founder);

    let second = RealNode::new().second().with_options(HOLD);
    let joining = held(&second);
    expect(&first, "serving");
    // Its drain waits for the end of the join; nothing of value is lost without it.
    ended_by_force(joining);
    expect(&first, "serving");
    leaves(&first, second);
    founder.stop();
}

/// Stops a node that joins, without a grace period of its own: it has thirty seconds.
fn ended_by_force(start: RealStart) {
    signal(start.init(), Signal::SIGTERM);
    let log = start.log_path();
    assert_eq!(start.wait(), 137);
    let log = fs::read_to_string(log).unwrap();
    for words in ["which is killed after 28.5 s", "Full thread dump", "Cassandra was killed after 28."] {
        assert!(log.contains(words), "no {words:?} in\n{log}");
    }
}
