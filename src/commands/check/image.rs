//! What an image stands for where a manifest says nothing else: the name that we would be called by, and the release.

use std::ffi::OsString;

use crate::cassandra::{Line, Version};
use crate::cli::{self, Invocation};
use crate::manifest::objects::{image_name, image_tag};
use crate::settings::Profile;

/// The release that is checked for where nothing tells one.
const NEWEST: Version = Version::new(Line::V5_0, 8);

/// What the image's own entry point is, by a part of its name; the image whose place we take decides for the profile.
const ENTRY_POINTS: &[(&str, &str, Option<&str>)] = &[
    ("google-samples/cassandra", "run.sh", None),
    ("bitnami/cassandra", "cassandra-init", Some("bitnami")),
    ("bitnamilegacy/cassandra", "cassandra-init", Some("bitnami")),
    ("cassandra-image", "cassandra-init", Some("casskop")),
    ("cassandra-init", "cassandra-init", None),
    ("cassandra", "docker-entrypoint.sh", None),
];

/// How a container calls us.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The profile, by name or image.
    pub(super) profile: Option<&'static str>,
    /// The JVM options among Cassandra's arguments, or what is wrong with those.
    pub(super) options: Result<Vec<String>, String>,
    /// The program that is run instead of Cassandra.
    pub(super) other: Option<String>,
}

/// Reads `command` and `args` of a container, of which either may be left to the image.
pub(super) fn call(image: &str, command: Option<&[String]>, args: &[String]) -> Call {
    let known = |(part, _, _): &&(&str, &str, Option<&'static str>)| image.contains(part);
    let entry = ENTRY_POINTS.iter().find(known);
    let (program, by_image) = match (command, entry) {
        (Some([first, ..]), _) => (first.as_str(), None),
        (_, Some((_, program, profile))) => (*program, *profile),
        (_, None) => ("cassandra-init", None),
    };
    let rest = command.unwrap_or_default().iter().skip(1).chain(args);
    let words: Vec<OsString> = std::iter::once(program).chain(rest.map(String::as_str)).map(OsString::from).collect();
    let here = |profile| Profile::named(profile).is_ok().then_some(profile);
    match cli::parse(&words) {
        _ if !is_ours(program) => through_shell(&words),
        Ok(Invocation::Run { arguments, profile }) => {
            let options = cli::jvm_options(&arguments);
            Call { profile: profile.or(by_image).and_then(here), options, other: None }
        }
        Ok(Invocation::Execute(words)) => through_shell(&words),
        _ => Call { profile: None, options: Ok(Vec::new()), other: Some(text(&words)) },
    }
}

fn is_ours(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    matches!(name, "run.sh" | "docker-entrypoint.sh" | "cassandra-init" | "cassandra")
}

/// `sh -c 'exec /run.sh'`: the first program of ours in the text is the one that counts.
fn through_shell(words: &[OsString]) -> Call {
    let line = text(words);
    let program = line.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&')).find(|word| is_ours(word));
    let profile = program.and_then(|program| match cli::parse(&[program.into()]) {
        Ok(Invocation::Run { profile, .. }) => profile,
        _ => None,
    });
    Call { profile, options: Ok(Vec::new()), other: program.is_none().then_some(line) }
}

fn text(words: &[OsString]) -> String {
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The release: the image's tag, where the image is named after Cassandra, else the newest. The flag says that it is a guess.
pub(super) fn release(image: &str) -> (Version, bool) {
    let tag = image_tag(image).filter(|_| image_name(image) == "cassandra");
    match tag.and_then(|tag| tag.parse().ok()) {
        Some(version) => (version, false),
        None => (NEWEST, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(image: &str, command: Option<&[&str]>, args: &[&str]) -> Call {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        call(image, command.map(own).as_deref(), &own(args))
    }

    #[test]
    fn the_command_decides_else_the_image() {
        let examples = Some("kubernetes-examples");
        assert_eq!(called("x/db", Some(&["/run.sh"]), &["-Dx=y"]).profile, examples);
        assert_eq!(called("google-samples/cassandra:v14", None, &[]).profile, examples);
        assert_eq!(called("cassandra:5.0", None, &["cassandra", "-f"]).profile, Some("official"));
        assert_eq!(called("cassandra-init", None, &[]).profile, None);
        assert_eq!(called("x/db", Some(&["sh", "-c"]), &["sleep 1; exec /run.sh"]).profile, examples);
    }

    #[test]
    fn what_is_no_argument_and_what_is_no_cassandra() {
        assert!(called("x", Some(&["/run.sh"]), &["-p", "pid"]).options.unwrap_err().contains("'-p'"));
        assert_eq!(called("x", Some(&["/run.sh", "-Da=b"]), &["-D", "c=d"]).options.unwrap(), ["-Da=b", "-Dc=d"]);
        assert_eq!(called("cassandra", None, &["cqlsh", "host"]).other.as_deref(), Some("cqlsh host"));
        assert_eq!(called("x", Some(&["sleep", "1"]), &[]).other.as_deref(), Some("sleep 1"));
    }

    #[test]
    fn a_tag_that_is_a_release_is_believed() {
        assert_eq!(release("host/cassandra:4.1.3-debian"), ("4.1.3".parse().unwrap(), false));
        assert_eq!(release("google-samples/cassandra:v14"), (NEWEST, true));
        assert_eq!(release("x/cassandra-init:4.0"), (NEWEST, true));
    }
}
