//! Nodes whose clients speak TLS, and what a probe makes of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::answers::expect;
use crate::driver::cql;
use crate::jdk;
use crate::real::{RealNode, RealStart, alone, signal, wait_until};
use crate::support::{Outcome, binary, is_root};

/// Opens keystores that hold nothing.
const PASSWORD: &str = "cassandra";

/// Runs a tool that must succeed.
#[track_caller]
fn tool(name: &str, arguments: &[&str]) {
    succeeds(Command::new(name).args(arguments));
}

#[track_caller]
fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A keystore as the tool of the node's own Java makes it, with a key and its certificate, which it trusts.
fn keystore(node: &RealNode, name: &str, kind: &str) -> String {
    let keys = node.path("keys");
    let path = keys.join(name).display().to_string();
    let line = format!("-genkeypair -alias node -keyalg EC -keysize 256 -dname CN=node -validity 10 -storetype {kind}");
    let passwords = ["-storepass", PASSWORD, "-keypass", PASSWORD, "-keystore", &path];
    let mut keytool = jdk::of(node.line()).program("keytool", &[&keys]);
    succeeds(keytool.args(line.split(' ').chain(passwords)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

/// The certificate of a keystore, as PEM.
fn exported(node: &RealNode, store: &str, name: &str) -> String {
    let path = node.path("keys").join(name).display().to_string();
    let line = "-exportcert -rfc -alias node -storepass";
    let files = [PASSWORD, "-keystore", store, "-file", &path];
    tool("keytool", &line.split(' ').chain(files).collect::<Vec<_>>());
    path
}

/// The node with these options for clients.
fn with_clients(node: RealNode, options: &str) -> RealNode {
    node.with("CASSANDRA_YAML", &format!("client_encryption_options: {{enabled: true, {options}}}"))
}

/// A probe that a busy machine does not make late.
fn patient(node: &RealNode) -> Outcome {
    node.command(&binary(), &["probe", "readiness", "--timeout", "30s"])
}

/// Starts the node and returns what readiness says, once it says yes.
fn readiness(node: &RealNode, log: &str) -> (RealStart, String) {
    let mut start = node.start(log);
    node.wait_ready(&mut start);
    let said = patient(node).stdout;
    (start, said)
}

fn stop(start: RealStart) {
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 0);
}

/// Options by which a node shows the key of a keystore, and wants clients to have it, too.
fn only_itself(store: &str, kind: &str) -> String {
    let password = |of: &str| format!("{of}: {store}, {of}_password: {PASSWORD}");
    let (key, trust) = (password("keystore"), password("truststore"));
    format!("optional: false, require_client_auth: true, store_type: {kind}, {key}, {trust}")
}

/// The node with a key in a keystore such as its own Java makes, without which it speaks to nobody.
pub fn with_keys_of_its_java(node: RealNode) -> RealNode {
    let kind = jdk::of(node.line()).keystore_kind();
    let store = keystore(&node, "node.keys", kind);
    with_clients(node, &only_itself(&store, kind))
}

/// Who may not read the node's configuration sees that it wants a certificate, which is enough.
pub fn a_stranger_is_asked_for_a_certificate(node: &RealNode, start: &RealStart) {
    if !is_root() {
        return;
    }
    let binary = binary().display().to_string();
    let user = ["/usr/bin/setpriv", "--reuid", "4711", "--regid", "4711", "--clear-groups"];
    let asked = node.entered(start, &[&user[..], &[&binary, "probe", "readiness", "--timeout", "30s"]].concat());
    let yaml = node.conf().join("cassandra.yaml");
    let why = format!("a client certificate is asked for (cannot read {}: permission denied)", yaml.display());
    assert_eq!(asked.stdout, format!("127.0.0.1:9042 speaks TLS, though not with us: {why}\n"));
    assert_eq!(asked.code, 0);
}

#[test]
fn a_node_that_speaks_only_tls_is_ready_by_a_handshake_in_it_with_its_own_key() {
    let _alone = alone();
    let node = RealNode::new();
    let (p12, jks) = (keystore(&node, "node.p12", "PKCS12"), keystore(&node, "node.jks", "JKS"));
    let pem = node.path("node.pem").display().to_string();
    tool("openssl", &["pkcs12", "-in", &p12, "-nodes", "-passin", &format!("pass:{PASSWORD}"), "-out", &pem]);
    fs::set_permissions(&pem, fs::Permissions::from_mode(0o644)).unwrap();

    let node = with_clients(node, &only_itself(&p12, "PKCS12"));
    let (start, said) = readiness(&node, "pkcs12.log");
    assert_eq!(said, "127.0.0.1:9042 serves CQL over TLS\n");
    a_stranger_is_asked_for_a_certificate(&node, &start);
    stop(start);

    let node = with_clients(node, &only_itself(&jks, "JKS"));
    let (start, said) = readiness(&node, "jks.log");
    assert_eq!(said, "127.0.0.1:9042 serves CQL over TLS\n");
    expect(&node, "serving over TLS");
    stop(start);

    let factory = "ssl_context_factory: {class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}";
    let options = format!("{factory}, keystore: {pem}, truststore: {pem}, require_client_auth: true, optional: false");
    let node = with_clients(node, &options);
    let (start, said) = readiness(&node, "pem.log");
    assert_eq!(said, "127.0.0.1:9042 serves CQL over TLS\n");
    stop(start);
}

#[test]
fn a_node_whose_certificate_is_verified_is_ready_only_if_clients_trust_it() {
    let _alone = alone();
    let node = RealNode::new();
    let (own, other) = (keystore(&node, "node.p12", "PKCS12"), keystore(&node, "other.p12", "PKCS12"));
    // In clear is possible, but what is verified is in TLS.
    let trust = exported(&node, &own, "trust.pem");
    let other = exported(&node, &other, "other.pem");
    let options =
        format!("optional: true, keystore: {own}, keystore_password: {PASSWORD}, truststore_password: {PASSWORD}");
    let node = with_clients(node, &options).with("CASSANDRA_INIT_PROBE_CA", &trust);
    let (start, said) = readiness(&node, "trusted.log");
    assert_eq!(said, "127.0.0.1:9042 serves CQL over TLS\n");
    // Another authority, as if the certificate had been exchanged for one that clients do not know.
    fs::copy(other, trust).unwrap();
    // PID 1 may still answer by its last look.
    let mut refused = patient(&node);
    wait_until("the exchanged authority to be seen", || {
        refused = patient(&node);
        refused.code == 1
    });
    assert!(refused.stdout.contains("clients that verify its certificate refuse it"), "{refused:?}");
    stop(start);
}

#[test]
fn a_second_port_that_has_tls_to_itself_is_asked_where_its_certificate_is_verified() {
    let _alone = alone();
    let node = RealNode::of_4_1();
    let own = keystore(&node, "node.keys", "JKS");
    let trust = exported(&node, &own, "trust.pem");
    let node = with_clients(node, &format!("keystore: {own}, keystore_password: {PASSWORD}"))
        .with("CASSANDRA_YAML_native_transport_port_ssl", "9142")
        .with("CASSANDRA_INIT_PROBE_CA", &trust);
    let (start, said) = readiness(&node, "log.txt");
    assert_eq!(said, "127.0.0.1:9142 serves CQL over TLS\n");
    assert_eq!(cql(&["SELECT rpc_address FROM system.local"]), "127.0.0.1\n", "the first port is plain");
    stop(start);
}
