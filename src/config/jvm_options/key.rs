//! When two JVM options are about the same thing, so that one replaces the other.

use std::fmt;

/// What an option is about, its value left out: `-Xmx` of `-Xmx4G`, `-XX:UseG1GC` of `-XX:-UseG1GC`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OptionKey(String);

/// Options of the `java` launcher whose value runs on without a sign between.
const GLUED: [&str; 5] = ["-Xmx", "-Xms", "-Xmn", "-Xss", "-Xloggc"];

/// Options that take a value, behind `=` or as the next word, of which several with different modules may stand together.
const PER_MODULE: [&str; 4] = ["--add-opens", "--add-exports", "--add-reads", "--patch-module"];

/// The other options with a value behind `=` or as the next word; each is cumulative, so its value is part of its key.
const WHOLE: [&str; 4] = ["--add-modules", "--enable-native-access", "--limit-modules", "--illegal-access"];

impl OptionKey {
    /// The key of an option, with or without its value.
    pub fn of(option: &str) -> Self {
        let option = option.trim_end();
        let first = option.split(' ').next().unwrap_or_default();
        Self(
            flag(first)
                .or_else(|| module(option))
                .or_else(|| agent(first))
                .or_else(|| GLUED.iter().find(|name| first.starts_with(**name)).map(|name| (*name).to_owned()))
                .or_else(|| log(first))
                .or_else(|| first.starts_with("-D").then(|| before(first, '=')))
                .unwrap_or_else(|| before(option, '=')),
        )
    }
}

impl fmt::Display for OptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for an option whose value may be the next word of its line.
pub(super) fn takes_a_word(first: &str) -> bool {
    PER_MODULE.contains(&first) || WHOLE.contains(&first)
}

fn before(text: &str, sign: char) -> String {
    text.split(sign).next().unwrap_or_default().to_owned()
}

/// `-XX:+Name`, `-XX:-Name` and `-XX:Name=value` set the same flag.
fn flag(option: &str) -> Option<String> {
    let name = option.strip_prefix("-XX:")?;
    Some(format!("-XX:{}", before(name.trim_start_matches(['+', '-']), '=')))
}

/// `--add-opens module/package=target`: one for each package.
fn module(option: &str) -> Option<String> {
    let (name, value) = option.split_once([' ', '=']).unwrap_or((option, ""));
    if PER_MODULE.contains(&name) {
        return Some(format!("{name} {}", before(value, '=')));
    }
    match name {
        "--illegal-access" => Some(name.to_owned()),
        _ => WHOLE.contains(&name).then(|| format!("{name} {value}")),
    }
}

/// An agent is its jar without the version: `-javaagent:/opt/jolokia-agent-2.1.jar=port=1` is `-javaagent:jolokia-agent`.
fn agent(option: &str) -> Option<String> {
    let (kind, rest) = ["-javaagent:", "-agentpath:", "-agentlib:"]
        .iter()
        .find_map(|kind| Some((*kind, option.strip_prefix(kind)?)))?;
    let path = before(rest, '=');
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.strip_suffix(".jar").or_else(|| file.strip_suffix(".so")).unwrap_or(file);
    // The version: the first digit behind a dash, so that `log4j-agent` stays whole.
    let version = stem.match_indices('-').find(|(at, _)| stem.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit));
    Some(format!("{kind}{}", version.map_or(stem, |(at, _)| stem.get(..at).unwrap_or(stem))))
}

/// `-Xlog:gc*:file`: one for each selection of tags; `-Xlog:gc` and `-Xlog:gc*` are both the GC log. `-Xbootclasspath/a:` keeps its path.
fn log(option: &str) -> Option<String> {
    let what = option.strip_prefix("-Xlog:")?;
    let tags = before(&before(what, ':'), ',');
    let first = tags.split(['=', '*', '+']).next().unwrap_or_default();
    Some(format!("-Xlog:{first}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replaces_what() {
        for same in [
            &["-Xmx4G", "-Xmx512m", "-Xmx"][..],
            &["-XX:+UseG1GC", "-XX:-UseG1GC", "-XX:UseG1GC"],
            &["-XX:MaxGCPauseMillis=300", "-XX:MaxGCPauseMillis=1"],
            &["-Dcassandra.ring_delay_ms=1", "-Dcassandra.ring_delay_ms", "-Dcassandra.ring_delay_ms=a=b"],
            &["-Xlog:gc=info,heap*=debug:file=/x:time", "-Xlog:gc*", "-Xlog:gc"],
            &["-Xloggc:/a", "-Xloggc:/b"],
            &[
                "-javaagent:/a/jolokia-jvm-1.7.jar=port=1",
                "-javaagent:/b/jolokia-jvm-2.0.1.jar",
                "-javaagent:jolokia-jvm.jar",
            ],
            &["--add-opens java.base/java.io=ALL-UNNAMED", "--add-opens=java.base/java.io=x"],
            &["-ea", "-ea"],
        ] {
            assert!(same.iter().all(|option| OptionKey::of(option) == OptionKey::of(same[0])), "{same:?}");
        }
    }

    #[test]
    fn what_stands_beside_what() {
        let apart = [
            "-Xmx1",
            "-Xms1",
            "-Xmn1",
            "-Xss1",
            "-Xlog:gc",
            "-Xlog:safepoint",
            "-Xloggc:/a",
            "-XX:A=1",
            "-XX:B=1",
            "-Da=1",
            "-Db=1",
            "-ea",
            "-da",
            "-esa",
            "-server",
            "--add-opens a/b=c",
            "--add-opens a/d=c",
            "--add-exports a/b=c",
            "--add-modules x",
            "--add-modules y",
            "-javaagent:a.jar",
            "-javaagent:b.jar",
            "-javaagent:log4j.jar",
            "-ea:org.x",
            "-XXaltjvm",
        ];
        for (at, option) in apart.iter().enumerate() {
            assert!(!apart[..at].iter().any(|other| OptionKey::of(other) == OptionKey::of(option)), "{option}");
        }
    }
}
