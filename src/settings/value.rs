//! Typed values of variables: each can only hold what is valid.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cassandra::heap::HeapSize;

/// The seed provider of the Kubernetes examples' image, which we emulate.
pub const KUBERNETES_PROVIDER: &str = "io.k8s.cassandra.KubernetesSeedProvider";

/// A type that a variable's text is read into.
pub trait FromText: Sized {
    /// What is expected, to complete "expected …".
    const EXPECTED: &'static str;

    /// Reads the text, which is not empty. `Err` adds a reason to "expected …", or nothing.
    fn from_text(text: &str) -> Result<Self, Option<String>>;
}

/// Only spaces around it are forgiven.
fn parse<T: std::str::FromStr>(text: &str) -> Result<T, Option<String>> {
    text.trim().parse().map_err(|_| None)
}

/// The name of a cluster: one line of printable text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName(String);

/// A data centre or rack: no blanks around it, no characters that a properties file or gossip cannot carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

/// The name of a Java class, in full or short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassName(String);

/// A network interface's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceName(String);

/// A whole number between two bounds, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded<const MIN: u64, const MAX: u64>(u64);

/// A TCP port.
pub type Port = Bounded<1, 65_535>;

/// A number between 0 and 1, both excluded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fraction(f64);

impl Fraction {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// An absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsolutePath(PathBuf);

/// Words separated by blanks, as a shell would split an unquoted variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

/// Lines of text, without the empty ones and those that are comments (`#`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(Vec<(usize, String)>);

/// A span of time, such as `30s`, `5m`, `1500ms`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(Duration);

/// How Cassandra is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchMode {
    /// By `bin/cassandra -f`.
    Script,
    /// By our own java command line.
    Direct,
}

/// Which folders are given to the Cassandra user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chown {
    /// Every entry is looked at, and what is not the user's is given.
    #[default]
    Full,
    /// A folder that is the user's itself is believed to be so throughout: it was given last.
    RootCheck,
    /// No owner is changed.
    Off,
}

/// The form of our own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of text.
    Text,
    /// A line of JSON.
    Json,
}

/// Text that needs no checking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyText(String);

/// One of Cassandra's words for a memtable's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemtableAllocation(String);

/// What internode traffic is compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternodeCompression(String);

/// The kind of disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskStrategy(String);

/// Which traffic between nodes is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternodeEncryption(String);

/// How long an automatic snapshot is kept: a number of days, hours, minutes or seconds (`DurationSpec`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotTtl(String);

/// A password. It is never shown: only [`Secret::reveal`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, to be written where nobody but Cassandra reads it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

macro_rules! text_newtype {
    ($($name:ident),*) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
text_newtype!(
    ClusterName,
    Label,
    ClassName,
    InterfaceName,
    AnyText,
    MemtableAllocation,
    InternodeCompression,
    InternodeEncryption,
    DiskStrategy,
    SnapshotTtl
);

macro_rules! choice {
    ($name:ident, $expected:literal, [$($word:literal),*]) => {
        impl FromText for $name {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Result<Self, Option<String>> {
                let word = text.trim();
                [$($word),*].contains(&word).then(|| Self(word.to_owned())).ok_or(None)
            }
        }
    };
}
choice!(DiskStrategy, "ssd or spinning", ["ssd", "spinning"]);
choice!(InternodeEncryption, "none, rack, dc or all", ["none", "rack", "dc", "all"]);
choice!(InternodeCompression, "all, dc or none", ["all", "dc", "none"]);
choice!(
    MemtableAllocation,
    "heap_buffers, offheap_buffers, offheap_objects or unslabbed_heap_buffers",
    ["heap_buffers", "offheap_buffers", "offheap_objects", "unslabbed_heap_buffers", "unslabbed_heap_buffers_logged"]
);

impl FromText for ClusterName {
    const EXPECTED: &'static str = "a name of printable characters on one line";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        // run.sh's default was `'Test Cluster'` with its quotes, and manifests copied it.
        let name = text.trim();
        let unquoted = name.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(name);
        (!unquoted.is_empty() && !unquoted.chars().any(char::is_control)).then(|| Self(unquoted.to_owned())).ok_or(None)
    }
}

impl FromText for Label {
    const EXPECTED: &'static str = "a name without blanks, commas, colons or control characters";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ':' | '=' | '#' | '!' | '\\');
        let label = text.trim();
        (!label.is_empty() && !label.chars().any(bad)).then(|| Self(label.to_owned())).ok_or(None)
    }
}

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

impl FromText for IpAddr {
    const EXPECTED: &'static str = "an IP address";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        parse(text)
    }
}

impl FromText for InterfaceName {
    const EXPECTED: &'static str = "a network interface's name, such as eth0";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        // IFNAMSIZ of netdevice(7) is 16 with the terminating zero.
        let name = text.trim();
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '/';
        (!name.is_empty() && name.len() < 16 && !name.chars().any(bad)).then(|| Self(name.to_owned())).ok_or(None)
    }
}

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Port {
    /// The port as sockets have it.
    pub fn port(self) -> u16 {
        u16::try_from(self.0).unwrap_or(u16::MAX)
    }
}

impl<const MIN: u64, const MAX: u64> FromText for Bounded<MIN, MAX> {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let range = || match MAX {
            u64::MAX => format!("{MIN} or more"),
            _ => format!("from {MIN} to {MAX}"),
        };
        let number = text.trim().parse::<u64>().map_err(|_| Some(range()))?;
        (MIN..=MAX).contains(&number).then_some(Self(number)).ok_or_else(|| Some(range()))
    }
}

impl FromText for Fraction {
    const EXPECTED: &'static str = "a number between 0 and 1";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let number: f64 = parse(text)?;
        (number > 0.0 && number < 1.0).then_some(Self(number)).ok_or(None)
    }
}

impl FromText for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(None),
        }
    }
}

impl FromText for HeapSize {
    const EXPECTED: &'static str = "a heap size such as 512M or 8G (64M or more)";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_| None)?;
        let unit: u64 = match text.get(digits.len()..).unwrap_or_default() {
            "k" | "K" => 1 << 10,
            "m" | "M" => 1 << 20,
            "g" | "G" => 1 << 30,
            "t" | "T" => 1 << 40,
            // -Xmx takes bytes too; who writes a number without a unit means something else.
            "" => return Err(Some("a number needs its unit: k, m or g".into())),
            other => return Err(Some(format!("'{other}' is no unit of -Xmx: use k, m or g"))),
        };
        let size = number.checked_mul(unit).map(Self::from_bytes).ok_or(None)?;
        (size >= Self::MINIMUM).then_some(size).ok_or(None)
    }
}

impl AbsolutePath {
    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl FromText for AbsolutePath {
    const EXPECTED: &'static str = "an absolute path";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let path = PathBuf::from(text);
        let plain = path.components().all(|part| !matches!(part, std::path::Component::ParentDir));
        (path.is_absolute() && plain && !text.contains('\0')).then_some(Self(path)).ok_or(None)
    }
}

impl Words {
    /// The words.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl FromText for Words {
    const EXPECTED: &'static str = "options separated by blanks";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.split_ascii_whitespace().map(str::to_owned).collect()))
    }
}

impl Lines {
    /// The lines with their numbers, which count from 1.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(|(number, line)| (*number, line.as_str()))
    }
}

impl FromText for Lines {
    const EXPECTED: &'static str = "JVM options, one a line";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let lines = text.lines().map(str::trim).enumerate();
        let told = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        Ok(Self(told.map(|(at, line)| (at + 1, line.to_owned())).collect()))
    }
}

impl Span {
    /// One second.
    pub const SECOND: Self = Self(Duration::from_secs(1));

    /// The duration.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl FromText for Span {
    const EXPECTED: &'static str = "a time such as 30s, 5m or 1500ms (a bare number is seconds)";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_| None)?;
        let span = match text.get(digits.len()..).unwrap_or_default() {
            "ms" => Some(Duration::from_millis(number)),
            "" | "s" => Some(Duration::from_secs(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            _ => None,
        };
        span.map(Self).ok_or(None)
    }
}

impl FromText for SnapshotTtl {
    const EXPECTED: &'static str = "a time such as 30d, 12h or 90m";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let number: u32 = text.strip_suffix(['d', 'h', 'm', 's']).and_then(|number| number.parse().ok()).ok_or(None)?;
        (number > 0).then(|| Self(text.to_owned())).ok_or(None)
    }
}

impl FromText for Secret {
    const EXPECTED: &'static str = "a password";

    /// Takes any text: an error would have to say what is wrong with it.
    fn from_text(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.to_owned()))
    }
}

impl FromText for LaunchMode {
    const EXPECTED: &'static str = "script or direct";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        match text.trim() {
            "script" => Ok(Self::Script),
            "direct" => Ok(Self::Direct),
            _ => Err(None),
        }
    }
}

impl FromText for Chown {
    const EXPECTED: &'static str = "full, root-check or off";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        match text.trim() {
            "full" => Ok(Self::Full),
            "root-check" => Ok(Self::RootCheck),
            "off" => Ok(Self::Off),
            _ => Err(None),
        }
    }
}

impl FromText for LogFormat {
    const EXPECTED: &'static str = "text or json";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        match text.trim() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(None),
        }
    }
}

impl FromText for AnyText {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok<T: FromText + fmt::Debug>(text: &str) -> T {
        T::from_text(text).unwrap_or_else(|why| panic!("{text}: {why:?}"))
    }

    #[test]
    fn heap_sizes_need_a_unit_and_a_sensible_amount() {
        assert_eq!(ok::<HeapSize>("512M").to_string(), "512M");
        assert_eq!(ok::<HeapSize>("2g").to_string(), "2048M");
        for text in ["512", "512MB", "0.5G", "-1G", "1M", "G", "99999999999999T"] {
            assert!(HeapSize::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_name_their_range() {
        assert_eq!(ok::<Bounded<1, 1536>>(" 16 ").get(), 16);
        assert_eq!(Bounded::<1, 1536>::from_text("0"), Err(Some("from 1 to 1536".into())));
        assert_eq!(Bounded::<0, { u64::MAX }>::from_text("-1"), Err(Some("0 or more".into())));
    }

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

    #[test]
    fn a_snapshot_is_kept_for_a_time_with_its_unit() {
        assert_eq!(ok::<SnapshotTtl>(" 30d").as_str(), "30d");
        for text in ["30", "0d", "d", "1w", "1.5h"] {
            assert!(SnapshotTtl::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret: Secret = ok("hunter2");
        assert_eq!(secret.reveal(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn spans_of_time() {
        assert_eq!(ok::<Span>("30").get(), Duration::from_secs(30));
        assert_eq!(ok::<Span>("1500ms").get(), Duration::from_millis(1500));
        assert_eq!(ok::<Span>("5m").get(), Duration::from_mins(5));
        assert!(Span::from_text("5 minutes").is_err());
    }
}
