//! Where clients reach the node, and how: what a probe needs to be one of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use serde_yaml::Value as Yaml;

use crate::config::documents::Documents;
use crate::settings::address::Host;

/// Where clients reach the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Address or name of the native transport.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS is spoken there: clients have to, or can.
    pub tls: bool,
    /// The PEM file with the node's certificate and key, with which we can be a client where clients need one.
    pub certificate: Option<PathBuf>,
}

/// Reads it from the finished file; a wildcard is reached over loopback.
pub(super) fn endpoint(rpc: Option<&Host>, documents: &Documents) -> Option<Endpoint> {
    let get = |path: &str| documents.yaml.get(&path.parse().ok()?);
    if get("start_native_transport").and_then(Yaml::as_bool) == Some(false) {
        return None;
    }
    let port = get("native_transport_port").and_then(Yaml::as_u64).unwrap_or(9042);
    let host = match rpc? {
        Host::Address(IpAddr::V4(address)) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST).to_string(),
        Host::Address(IpAddr::V6(address)) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST).to_string(),
        other => other.to_string(),
    };
    let enabled = get("client_encryption_options.enabled").and_then(Yaml::as_bool) == Some(true);
    let tls_port = get("native_transport_port_ssl").and_then(Yaml::as_u64);
    // A second port has TLS to itself, and this one stays plain (NativeTransportService, up to 5.0).
    let tls = enabled && tls_port.is_none_or(|other| other == port);
    let certificate = if tls { pem_keystore(documents) } else { None };
    Some(Endpoint { host, port: u16::try_from(port).ok()?, tls, certificate })
}

/// The keystore, where it is a PEM file and we know where it lies: a relative path depends on where Cassandra is started.
fn pem_keystore(documents: &Documents) -> Option<PathBuf> {
    let text = |path: &str| documents.yaml.text_at(&path.parse().ok()?);
    let factory = text("client_encryption_options.ssl_context_factory.class_name")?;
    let keystore = Path::new(text("client_encryption_options.keystore")?);
    (factory.ends_with("PEMBasedSslContextFactory") && keystore.is_absolute()).then(|| keystore.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents::{BaseFile, Layer, YAML};
    use crate::report::Report;
    use crate::settings::value::FromText as _;

    fn at(rpc: &str, yaml: &str) -> Option<Endpoint> {
        let file = BaseFile::new(yaml.to_owned(), Layer::Overlay);
        let documents = Documents::parse(&[(YAML.to_owned(), file)].into(), &[], &mut Report::default()).unwrap();
        endpoint(Some(&Host::from_text(rpc).unwrap()), &documents)
    }

    #[test]
    fn a_wildcard_is_reached_over_loopback_of_its_kind() {
        for (rpc, host) in [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.1", "10.0.0.1"), ("fd00::1", "fd00::1")] {
            assert_eq!(at(rpc, "").map(|endpoint| (endpoint.host, endpoint.port)), Some((host.to_owned(), 9042)));
        }
        assert_eq!(at("10.0.0.1", "start_native_transport: false"), None);
    }

    #[test]
    fn tls_is_spoken_where_it_is_enabled_unless_a_second_port_has_it() {
        let enabled = "client_encryption_options: {enabled: true}\n";
        for (yaml, tls) in [
            ("client_encryption_options: {enabled: false, optional: true}", false),
            ("client_encryption_options: {enabled: true, optional: true}", true),
            (enabled, true),
            (&format!("{enabled}native_transport_port_ssl: 9142"), false),
            (&format!("{enabled}native_transport_port_ssl: 9042"), true),
            (&format!("{enabled}native_transport_port: 9142\nnative_transport_port_ssl: 9142"), true),
        ] {
            assert_eq!(at("10.0.0.1", yaml).unwrap().tls, tls, "{yaml}");
        }
    }

    #[test]
    fn a_keystore_is_named_where_it_is_pem_and_its_place_known() {
        let certificate = |factory: &str, keystore: &str, enabled: bool| {
            let factory = format!("{{class_name: org.apache.cassandra.security.{factory}}}");
            let options = format!("enabled: {enabled}, keystore: {keystore}, ssl_context_factory: {factory}");
            at("10.0.0.1", &format!("client_encryption_options: {{{options}}}")).unwrap().certificate
        };
        let pem = "PEMBasedSslContextFactory";
        assert_eq!(certificate(pem, "/tls/node.pem", true), Some("/tls/node.pem".into()));
        assert_eq!(certificate(pem, "/tls/node.pem", false), None);
        assert_eq!(certificate(pem, "conf/node.pem", true), None);
        assert_eq!(certificate("DefaultSslContextFactory", "/tls/node.jks", true), None);
        let jks = "client_encryption_options: {enabled: true, keystore: /tls/node.jks}";
        assert_eq!(at("10.0.0.1", jks).unwrap().certificate, None);
    }
}
