//! One of a few words.

use std::fmt;

use super::FromText;

/// How Cassandra is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchMode {
    /// By `bin/cassandra -f`.
    Script,
    /// By our own java command line.
    Direct,
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

/// The form of our own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of text.
    Text,
    /// A line of JSON.
    Json,
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

text_newtype!(MemtableAllocation, InternodeCompression, InternodeEncryption, DiskStrategy);

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
