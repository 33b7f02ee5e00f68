//! Nodes whose clients speak TLS, and what a probe makes of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::answers::expect;
use crate::real::{RealNode, alone};

/// Opens keystores that hold nothing.
const PASSWORD: &str = "cassandra";

/// Runs a tool that must succeed.
#[track_caller]
fn tool(name: &str, arguments: &[&str]) {
    let output = Command::new(name).args(arguments).output().unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
}

/// A keystore as Java's own tool makes it, with a key and its certificate.
fn keystore(path: &Path) {
    tool(
        "keytool",
        &[
            "-genkeypair",
            "-alias",
            "node",
            "-keyalg",
            "RSA",
            "-keysize",
            "2048",
            "-dname",
            "CN=node",
            "-storetype",
            "PKCS12",
            "-storepass",
            PASSWORD,
            "-keypass",
            PASSWORD,
            "-validity",
            "10",
            "-keystore",
            path.to_str().unwrap(),
        ],
    );
}

/// The node with these options for clients.
fn with_clients(node: RealNode, options: &str) -> RealNode {
    node.with("CASSANDRA_YAML", &format!("client_encryption_options: {{enabled: true, {options}}}"))
}

/// Starts the node, holds it against the table once it is ready, and stops it.
fn is(node: &RealNode, log: &str, situation: &str) {
    let mut start = node.start(log);
    node.wait_ready(&mut start);
    expect(node, situation);
    start.stop();
}

#[test]
fn a_node_that_speaks_only_tls_is_ready_by_a_handshake_in_it() {
    let _alone = alone();
    let node = RealNode::new();
    let (p12, pem) = (node.path("node.p12"), node.path("node.pem"));
    keystore(&p12);
    let (p12, pem) = (p12.to_str().unwrap().to_owned(), pem.to_str().unwrap().to_owned());
    tool("openssl", &["pkcs12", "-in", &p12, "-nodes", "-passin", &format!("pass:{PASSWORD}"), "-out", &pem]);
    for file in [&p12, &pem] {
        fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }

    let store = format!("keystore: {p12}, keystore_password: {PASSWORD}, store_type: PKCS12, protocol: TLS");
    let node = with_clients(node, &format!("optional: false, {store}"));
    is(&node, "required.log", "serving over TLS");

    // The keystore is Java's, and the key in it is not ours to read.
    let trust = format!("truststore: {p12}, truststore_password: {PASSWORD}");
    let node = with_clients(node, &format!("optional: false, {store}, {trust}, require_client_auth: true"));
    is(&node, "unknown.log", "serving who has a certificate");

    let factory = "ssl_context_factory: {class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}";
    let pem = format!("{factory}, keystore: {pem}, truststore: {pem}, require_client_auth: true, optional: false");
    let node = with_clients(node, &pem);
    is(&node, "known.log", "serving over TLS");
}
