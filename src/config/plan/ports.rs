//! The ports of a node: no two of its services can listen on the same one.

use serde_yaml::Value as Yaml;

use crate::cassandra::Line;
use crate::config::documents::{Documents, YAML};
use crate::report::{Finding, Report};

/// Refuses two services on one port: Cassandra would end with a stack trace, and only once it has come to the second of them.
pub(super) fn check(documents: &Documents, line: Line, jmx: u16, report: &mut Report) {
    let listeners = listeners(documents, line, jmx);
    for (at, (name, port)) in listeners.iter().enumerate() {
        for (other, _) in listeners.iter().skip(at + 1).filter(|(_, other)| other == port) {
            report.add(Finding::error(YAML, format!("{name} and {other} are both on port {port}")).hint(
                "CASSANDRA_CQL_PORT_NUMBER, CASSANDRA_TRANSPORT_PORT_NUMBER and CASSANDRA_JMX_PORT_NUMBER set them",
            ));
        }
    }
}

/// What this node listens on: keys of cassandra.yaml with their port, and JMX.
fn listeners(documents: &Documents, line: Line, jmx: u16) -> Vec<(&'static str, u64)> {
    let get = |path: &str| documents.yaml.get(&path.parse().ok()?);
    let is = |path: &str, truth: bool| get(path).and_then(Yaml::as_bool) == Some(truth);
    let is_on_unasked = |path: &str| !is(path, false);
    let port = |key: &'static str, default| (key, get(key).and_then(Yaml::as_u64).unwrap_or(default));
    let mut listeners = vec![port("storage_port", 7000), ("JMX", jmx.into())];
    if line == Line::V3_11 && is_on_unasked("start_rpc") {
        listeners.push(port("rpc_port", 9160));
    }
    if is_on_unasked("start_native_transport") {
        let first = port("native_transport_port", 9042);
        // The same number as the other means one port that speaks TLS.
        let second = get("native_transport_port_ssl").and_then(Yaml::as_u64).filter(|second| *second != first.1);
        listeners.push(first);
        listeners.extend(second.map(|second| ("native_transport_port_ssl", second)));
    }
    // One port speaks both since 4.0 (CASSANDRA-10404), and the second is only for nodes of before.
    let asked = ["enable_legacy_ssl_storage_port", "legacy_ssl_storage_port_enabled"]
        .iter()
        .any(|key| is(&format!("server_encryption_options.{key}"), true));
    let encrypts = get("server_encryption_options.internode_encryption").and_then(Yaml::as_str);
    if asked || line == Line::V3_11 && encrypts.is_some_and(|which| which != "none") {
        listeners.push(port("ssl_storage_port", 7001));
    }
    listeners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents::{BaseFile, Layer};

    fn told(line: Line, yaml: &str, jmx: u16) -> Vec<String> {
        let file = BaseFile::new(yaml.to_owned(), Layer::Overlay);
        let mut report = Report::default();
        let documents = Documents::parse(&[(YAML.to_owned(), file)].into(), &[], &mut report).unwrap();
        check(&documents, line, jmx, &mut report);
        report.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn every_pair_on_one_port_is_told_at_once() {
        assert_eq!(told(Line::V5_0, "", 7199), [""; 0]);
        assert_eq!(
            told(Line::V5_0, "storage_port: 9042", 9042),
            [
                "storage_port and JMX are both on port 9042",
                "storage_port and native_transport_port are both on port 9042",
                "JMX and native_transport_port are both on port 9042"
            ]
        );
    }

    #[test]
    fn thrift_listens_up_to_3_11_unless_it_is_switched_off() {
        let yaml = "native_transport_port: 9160\n";
        let both = ["rpc_port and native_transport_port are both on port 9160"];
        assert_eq!(told(Line::V3_11, yaml, 7199), both);
        assert_eq!(told(Line::V3_11, &format!("{yaml}start_rpc: false"), 7199), [""; 0]);
        assert_eq!(told(Line::V4_0, yaml, 7199), [""; 0]);
    }

    #[test]
    fn a_port_that_nobody_listens_on_collides_with_nothing() {
        assert_eq!(told(Line::V5_0, "start_native_transport: false\nnative_transport_port: 7000", 7199), [""; 0]);
        assert_eq!(told(Line::V5_0, "native_transport_port_ssl: 9042", 7199), [""; 0]);
        let encrypted = "server_encryption_options: {internode_encryption: all}\nnative_transport_port: 7001";
        assert_eq!(told(Line::V5_0, encrypted, 7199), [""; 0]);
        assert_eq!(
            told(Line::V3_11, encrypted, 7199),
            ["native_transport_port and ssl_storage_port are both on port 7001"]
        );
        let legacy = "server_encryption_options: {legacy_ssl_storage_port_enabled: true}";
        assert_eq!(told(Line::V5_0, legacy, 7001), ["JMX and ssl_storage_port are both on port 7001"]);
    }
}
