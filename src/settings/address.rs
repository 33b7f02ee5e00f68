//! Addresses and seeds as variables name them.

use std::fmt;
use std::net::IpAddr;

use crate::settings::value::FromText;

/// An address of a node: an IP address or a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An IP address.
    Address(IpAddr),
    /// A name.
    Name(String),
}

/// An address of this node, or `auto`: find it out from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnAddress {
    /// Find it out.
    Auto,
    /// This one.
    Host(Host),
}

/// Where to listen: a port, on one address or on all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress {
    address: Option<IpAddr>,
    port: u16,
}

/// A seed: a host with an optional storage port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The node.
    pub host: Host,
    /// Its storage port, where it is written down.
    pub port: Option<u16>,
}

/// A list of at least one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedList(Vec<Seed>);

impl FromText for Host {
    const EXPECTED: &'static str = "an IP address or a host name";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let name = text.strip_suffix('.').unwrap_or(text);
        // All numbers and dots is a mistyped address, not a name.
        let looks_numeric = name.chars().all(|c| c.is_ascii_digit() || c == '.');
        (name.len() <= 253 && name.split('.').all(label) && !looks_numeric)
            .then(|| Self::Name(text.to_owned()))
            .ok_or(None)
    }
}

impl Host {
    /// Whether it is this host for every host.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromText for OwnAddress {
    const EXPECTED: &'static str = "an IP address, a host name or auto";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        if text.trim() == "auto" { Ok(Self::Auto) } else { Host::from_text(text).map(Self::Host) }
    }
}

impl FromText for ListenAddress {
    const EXPECTED: &'static str = "a port, or an IP address and a port, such as 9180, 127.0.0.1:9180 or [::1]:9180";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let (address, port) = match text.rsplit_once(':') {
            None | Some(("", _)) => (None, text.trim_start_matches(':')),
            Some((address, port)) => (Some(address), port),
        };
        let address = match address {
            None => None,
            Some(address) => Some(match address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(inner) => IpAddr::V6(inner.parse().map_err(|_| None)?),
                None => IpAddr::V4(address.parse().map_err(|_| None)?),
            }),
        };
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| is_number && *port != 0).ok_or(None)?;
        Ok(Self { address, port })
    }
}

impl ListenAddress {
    /// The address; none means all.
    pub fn address(self) -> Option<IpAddr> {
        self.address
    }

    /// The port.
    pub fn port(self) -> u16 {
        self.port
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{}", std::net::SocketAddr::new(address, self.port)),
            None => write!(f, "port {}", self.port),
        }
    }
}

impl Seed {
    fn from_text(text: &str) -> Option<Self> {
        // host:port, [v6]:port; a bare v6 address has several colons and no port.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port))
                if host.starts_with('[') == host.ends_with(']') && (host.starts_with('[') || !host.contains(':')) =>
            {
                (host, Some(port.parse().ok().filter(|port| *port != 0)?))
            }
            _ => (text, None),
        };
        Some(Self { host: Host::from_text(host).ok()?, port })
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.port) {
            (Host::Address(IpAddr::V6(address)), Some(port)) => write!(f, "[{address}]:{port}"),
            (host, Some(port)) => write!(f, "{host}:{port}"),
            (host, None) => write!(f, "{host}"),
        }
    }
}

impl SeedList {
    /// The seeds, in the order in which they were written.
    pub fn seeds(&self) -> &[Seed] {
        &self.0
    }
}

impl FromText for SeedList {
    const EXPECTED: &'static str = "a comma-separated list of addresses or names, each with an optional :port";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let items: Vec<&str> = text.split([',', ' ', '\t', '\n']).filter(|item| !item.is_empty()).collect();
        if items.is_empty() {
            return Err(Some("the list holds no seed".into()));
        }
        // The word of run.sh for "no list, this node itself".
        if items == ["false"] {
            return Ok(Self(vec![Seed { host: Host::Name("localhost".into()), port: None }]));
        }
        let mut seeds: Vec<Seed> = Vec::new();
        for item in items {
            let seed = Seed::from_text(item).ok_or_else(|| Some(format!("'{item}' is neither")))?;
            if !seeds.contains(&seed) {
                seeds.push(seed);
            }
        }
        Ok(Self(seeds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok<T: FromText + fmt::Debug>(text: &str) -> T {
        T::from_text(text).unwrap_or_else(|why| panic!("{text}: {why:?}"))
    }

    #[test]
    fn seeds_are_names_or_addresses_with_ports() {
        let seeds: SeedList = ok("cassandra-0.cassandra, 10.0.0.1:7001,[fd00::1]:7000 fd00::2 ,10.0.0.1:7001");
        let written: Vec<String> = seeds.seeds().iter().map(ToString::to_string).collect();
        assert_eq!(written, ["cassandra-0.cassandra", "10.0.0.1:7001", "[fd00::1]:7000", "fd00::2"]);
    }

    #[test]
    fn a_seed_list_of_blanks_is_refused() {
        for text in [" ", ",", " , ,, "] {
            assert_eq!(SeedList::from_text(text), Err(Some("the list holds no seed".into())), "{text:?}");
        }
        assert!(SeedList::from_text("10.0.0.256").is_err());
        assert!(SeedList::from_text("a b/c").is_err());
        assert!(SeedList::from_text("10.0.0.1:0").is_err());
    }

    #[test]
    fn a_mistyped_address_is_no_name() {
        assert_eq!(ok::<OwnAddress>("auto"), OwnAddress::Auto);
        assert!(Host::from_text("10.0.0").is_err());
        assert!(Host::from_text("10.233.93.174/").is_err());
    }

    #[test]
    fn an_address_to_listen_on_is_a_port_with_or_without_an_address() {
        let read =
            |text: &str| ListenAddress::from_text(text).map(|read| (read.address(), read.port(), read.to_string()));
        let loopback = Some(IpAddr::from([127, 0, 0, 1]));
        for (text, address, port, shown) in [
            ("9180", None, 9180, "port 9180"),
            (":9180", None, 9180, "port 9180"),
            ("127.0.0.1:1", loopback, 1, "127.0.0.1:1"),
            (" [::1]:65535 ", Some("::1".parse().unwrap()), 65535, "[::1]:65535"),
        ] {
            assert_eq!(read(text), Ok((address, port, shown.to_owned())), "{text}");
        }
        for text in ["0", "65536", "+1", "127.0.0.1", "127.0.0.1:", "::1:9180", "[127.0.0.1]:1", "localhost:1", "::"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
