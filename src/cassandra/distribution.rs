//! What is installed: Cassandra's release, its files, and the Java that runs it.

use std::path::{Path, PathBuf};

use crate::cassandra::version::{Line, UnknownVersion, Version};

/// An installed Cassandra with the Java that runs it.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// `$CASSANDRA_HOME`: the folder that holds `lib/`.
    pub home: PathBuf,
    /// The release, from the name of its jar.
    pub version: Version,
    /// All jars of `lib/`, sorted by name.
    pub jars: Vec<PathBuf>,
    /// `bin/cassandra`, where the release has its scripts.
    pub script: Option<PathBuf>,
    /// The Java to run it with.
    pub java: Java,
}

/// A Java installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Java {
    /// The `java` program.
    pub program: PathBuf,
    /// 8, 11, 17, …
    pub major: u16,
}

/// Why no release could be recognised among the jars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// No jar is named like Cassandra's.
    #[error("no apache-cassandra-*.jar in {0}")]
    NoJar(PathBuf),
    /// More than one release lies there.
    #[error("two releases of Cassandra in one folder: {0} and {1}")]
    TwoJars(String, String),
    /// Its release is not one that we know.
    #[error("{0}: {1}")]
    Version(String, UnknownVersion),
}

/// The release named by the jars of `lib` (`apache-cassandra-X.Y.Z.jar`, or `cassandra-all-X.Y.Z.jar` as Maven calls it).
///
/// `names` are the file names in `lib`. The yaml is not asked: it often belongs to another version.
pub fn recognise(lib: &Path, names: &[String]) -> Result<Version, Unrecognised> {
    let mut found = names.iter().filter_map(|name| {
        let stem = name.strip_suffix(".jar")?;
        let release = stem.strip_prefix("apache-cassandra-").or_else(|| stem.strip_prefix("cassandra-all-"))?;
        // apache-cassandra-thrift-3.11.4.jar and -clientutil- lie beside the server's jar.
        release.starts_with(|c: char| c.is_ascii_digit()).then_some((name, release))
    });
    let (name, release) = found.next().ok_or_else(|| Unrecognised::NoJar(lib.to_owned()))?;
    if let Some((other, _)) = found.next() {
        return Err(Unrecognised::TwoJars(name.clone(), other.clone()));
    }
    release.parse().map_err(|error| Unrecognised::Version(name.clone(), error))
}

/// The major of a Java version text, as in the `release` file's `JAVA_VERSION` (`"17.0.15"`, `"1.8.0_402"`).
pub fn java_major(version: &str) -> Option<u16> {
    let mut numbers = version.trim_matches('"').split(['.', '_', '-', '+']);
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        major => Some(major),
    }
}

impl Distribution {
    /// The JVM option files that this release reads with this Java, in the order in which it reads them
    /// (`bin/cassandra.in.sh`; reference: `jvm.options` up to 3.11).
    pub fn option_files(&self) -> Vec<&'static str> {
        option_files(self.version.line(), self.java.major)
    }
}

/// See [`Distribution::option_files`].
pub fn option_files(line: Line, java_major: u16) -> Vec<&'static str> {
    match line {
        Line::V3_11 => vec!["jvm.options"],
        Line::V4_0 | Line::V4_1 if java_major < 11 => vec!["jvm-server.options", "jvm8-server.options"],
        Line::V4_0 | Line::V4_1 => vec!["jvm-server.options", "jvm11-server.options"],
        Line::V5_0 | Line::V6_0 if java_major < 17 => vec!["jvm-server.options", "jvm11-server.options"],
        Line::V6_0 if java_major >= 21 => vec!["jvm-server.options", "jvm21-server.options"],
        Line::V5_0 | Line::V6_0 => vec!["jvm-server.options", "jvm17-server.options"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_release_comes_from_the_jar() {
        let lib = Path::new("/opt/cassandra/lib");
        let release = names(&["antlr-2.7.jar", "apache-cassandra-3.11.4.jar", "apache-cassandra-thrift-3.11.4.jar"]);
        assert_eq!(recognise(lib, &release), Ok(Version::new(Line::V3_11, 4)));
        assert_eq!(recognise(lib, &names(&["cassandra-all-5.0.8.jar"])), Ok(Version::new(Line::V5_0, 8)));
        assert!(matches!(recognise(lib, &names(&["guava.jar"])), Err(Unrecognised::NoJar(_))));
        let two = names(&["apache-cassandra-5.0.7.jar", "apache-cassandra-5.0.8.jar"]);
        assert!(matches!(recognise(lib, &two), Err(Unrecognised::TwoJars(..))));
    }

    #[test]
    fn java_versions_old_and_new() {
        let table = [("\"17.0.15\"", 17), ("1.8.0_402", 8), ("11.0.2", 11), ("21", 21), ("26-ea", 26)];
        for (text, major) in table {
            assert_eq!(java_major(text), Some(major), "{text}");
        }
        assert_eq!(java_major("seventeen"), None);
    }

    #[test]
    fn option_files_follow_line_and_java() {
        assert_eq!(option_files(Line::V3_11, 8), ["jvm.options"]);
        assert_eq!(option_files(Line::V4_1, 8), ["jvm-server.options", "jvm8-server.options"]);
        assert_eq!(option_files(Line::V5_0, 17), ["jvm-server.options", "jvm17-server.options"]);
        assert_eq!(option_files(Line::V5_0, 11), ["jvm-server.options", "jvm11-server.options"]);
    }
}
