//! Names that others must be able to carry: of clusters, places, classes and interfaces.

use std::fmt;
use std::net::IpAddr;

use super::{FromText, parse};

/// The name of a cluster: one line of printable text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName(String);

impl FromText for ClusterName {
    const EXPECTED: &'static str = "a name of printable characters on one line";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        // run.sh's default was `'Test Cluster'` with its quotes, and manifests copied it.
        let name = text.trim();
        let unquoted = name.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(name);
        (!unquoted.is_empty() && !unquoted.chars().any(char::is_control)).then(|| Self(unquoted.to_owned())).ok_or(None)
    }
}

/// A data centre or rack: no blanks around it, no characters that a properties file or gossip cannot carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl FromText for Label {
    const EXPECTED: &'static str = "a name without blanks, commas, colons or control characters";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ':' | '=' | '#' | '!' | '\\');
        let label = text.trim();
        (!label.is_empty() && !label.chars().any(bad)).then(|| Self(label.to_owned())).ok_or(None)
    }
}

/// The name of a Java class, in full or short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassName(String);

impl FromText for ClassName {
    const EXPECTED: &'static str = "a Java class name, such as GossipingPropertyFileSnitch";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let name = text.trim();
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        };
        name.split('.').all(part).then(|| Self(name.to_owned())).ok_or(None)
    }
}

/// A network interface's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceName(String);

impl FromText for InterfaceName {
    const EXPECTED: &'static str = "a network interface's name, such as eth0";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        // IFNAMSIZ of netdevice(7) is 16 with the terminating zero.
        let name = text.trim();
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '/';
        (!name.is_empty() && name.len() < 16 && !name.chars().any(bad)).then(|| Self(name.to_owned())).ok_or(None)
    }
}

impl FromText for IpAddr {
    const EXPECTED: &'static str = "an IP address";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        parse(text)
    }
}

text_newtype!(ClusterName, Label, ClassName, InterfaceName);

#[cfg(test)]
mod tests {
    use crate::settings::value::tests::ok;

    use super::*;

    #[test]
    fn a_cluster_name_may_wear_the_quotes_of_run_sh() {
        assert_eq!(ok::<ClusterName>("'Test Cluster'").as_str(), "Test Cluster");
        assert_eq!(ok::<ClusterName>("It's mine").as_str(), "It's mine");
        assert!(ClusterName::from_text("a\nb").is_err());
    }

    #[test]
    fn classes_and_labels() {
        assert_eq!(ok::<ClassName>("org.apache.cassandra.locator.SimpleSeedProvider").to_string().len(), 47);
        assert!(ClassName::from_text("Simple Snitch").is_err());
        assert_eq!(ok::<Label>("DC1-K8Demo").as_str(), "DC1-K8Demo");
        assert!(Label::from_text("dc=1").is_err());
    }
}
