//! Nodes of 4.1 or 3.11 in every state that the table of answers has, one after the other: one, a second one that joins it and
//! leaves, and one that is guarded by logins and certificates. Those of 5.0 are in tests of their own.

use crate::answers::{all_rows_were_held, expect};
use crate::encrypted::{a_stranger_is_asked_for_a_certificate, with_keys_of_its_java};
use crate::hangs::{drains_for_ever, impatient, is_killed_with_its_threads_told, is_paused_and_goes_on};
use crate::pair::joins_and_leaves;
use crate::real::{RealNode, RealStart};

/// A node that serves; `another` is of the same line and cluster.
pub fn every_state(node: &RealNode, start: RealStart, another: impl Fn() -> RealNode) {
    expect(node, "serving");
    joins_and_leaves(node, another().second());
    without_native_transport(node, &start, "serving");
    node.nodetool(&start, &["drain"]);
    expect(node, "drained");
    start.stop();
    guarded(another());
    all_rows_were_held();
}

/// The native transport is closed, and opened again.
pub fn without_native_transport(node: &RealNode, start: &RealStart, serving: &str) {
    node.nodetool(start, &["disablebinary"]);
    expect(node, "without native transport");
    node.nodetool(start, &["enablebinary"]);
    expect(node, serving);
}

/// A node that speaks only TLS, and only with who has a certificate and logs in; it is paused, and its drain hangs.
fn guarded(node: RealNode) {
    let node = with_keys_of_its_java(node).with("CASSANDRA_YAML_authenticator", "PasswordAuthenticator");
    let node = impatient(drains_for_ever(node));
    let mut start = node.start("guarded.log");
    node.wait_ready(&mut start);
    let serving = "serving who logs in over TLS";
    expect(&node, serving);
    a_stranger_is_asked_for_a_certificate(&node, &start);
    is_paused_and_goes_on(&node, &mut start, serving);
    is_killed_with_its_threads_told(start);
}
