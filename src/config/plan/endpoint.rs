//! Where clients reach the node, and how: what a probe needs to be one of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use serde_yaml::Value as Yaml;

use crate::config::documents::Documents;
use crate::config::encryption;
use crate::settings::address::Host;

/// Where clients reach the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Address or name of the native transport.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether a probe speaks TLS there: clients have to, or its certificate is to be verified.
    pub tls: bool,
    /// The certificates of whom the node's is to be signed by, where a probe is to verify it.
    pub authorities: Option<PathBuf>,
}

/// Reads it from the finished file; a wildcard is reached over loopback. `authorities` is the file with which the node's
/// certificate is to be verified, which needs TLS where there is a choice.
pub(super) fn endpoint(rpc: Option<&Host>, authorities: Option<PathBuf>, documents: &Documents) -> Option<Endpoint> {
    const OPTIONS: &str = "client_encryption_options";
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
    let enabled = get(&format!("{OPTIONS}.enabled")).and_then(Yaml::as_bool) == Some(true);
    let authorities = authorities.filter(|_| enabled);
    // A second port has TLS to itself, and the first stays plain. Both open and close together (NativeTransportService, up to
    // 5.0), so the plain one tells of both, at less cost.
    let second = get("native_transport_port_ssl").and_then(Yaml::as_u64).filter(|second| enabled && *second != port);
    let (port, tls) = match second {
        Some(second) if authorities.is_some() => (second, true),
        Some(_) => (port, false),
        None => (port, authorities.is_some() || encryption::demands_tls(&documents.yaml, OPTIONS)),
    };
    Some(Endpoint { host, port: u16::try_from(port).ok()?, tls, authorities })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents::{BaseFile, Layer, YAML};
    use crate::report::Report;
    use crate::settings::value::FromText as _;

    fn verified(rpc: &str, yaml: &str, authorities: Option<&str>) -> Option<Endpoint> {
        let file = BaseFile::new(yaml.to_owned(), Layer::Overlay);
        let documents = Documents::parse(&[(YAML.to_owned(), file)].into(), &[], &mut Report::default()).unwrap();
        endpoint(Some(&Host::from_text(rpc).unwrap()), authorities.map(PathBuf::from), &documents)
    }

    fn at(rpc: &str, yaml: &str) -> Option<Endpoint> {
        verified(rpc, yaml, None)
    }

    #[test]
    fn a_wildcard_is_reached_over_loopback_of_its_kind() {
        for (rpc, host) in [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.1", "10.0.0.1"), ("fd00::1", "fd00::1")] {
            assert_eq!(at(rpc, "").map(|endpoint| (endpoint.host, endpoint.port)), Some((host.to_owned(), 9042)));
        }
        assert_eq!(at("10.0.0.1", "start_native_transport: false"), None);
    }

    #[test]
    fn tls_is_spoken_where_clients_have_to() {
        let enabled = "client_encryption_options: {enabled: true}\n";
        for (yaml, port, tls) in [
            ("client_encryption_options: {enabled: false, optional: true}", 9042, false),
            ("client_encryption_options: {enabled: true, optional: true}", 9042, false),
            ("client_encryption_options: {enabled: true, optional: false}", 9042, true),
            (enabled, 9042, true),
            (&format!("{enabled}native_transport_port_ssl: 9142"), 9042, false),
            (&format!("{enabled}native_transport_port_ssl: 9042"), 9042, true),
            (&format!("{enabled}native_transport_port: 9142\nnative_transport_port_ssl: 9142"), 9142, true),
        ] {
            let endpoint = at("10.0.0.1", yaml).unwrap();
            assert_eq!((endpoint.port, endpoint.tls), (port, tls), "{yaml}");
        }
    }

    #[test]
    fn a_certificate_that_is_to_be_verified_is_looked_at_where_there_is_one() {
        for (yaml, port, tls) in [
            ("client_encryption_options: {enabled: false}", 9042, false),
            ("client_encryption_options: {enabled: true, optional: true}", 9042, true),
            ("client_encryption_options: {enabled: true}\nnative_transport_port_ssl: 9142", 9142, true),
        ] {
            let endpoint = verified("10.0.0.1", yaml, Some("/tls/ca.pem")).unwrap();
            assert_eq!((endpoint.port, endpoint.tls, endpoint.authorities.is_some()), (port, tls, tls), "{yaml}");
        }
    }
}
