//! The command line of `nodetool status`, as far as it is answered without a JVM.

use std::ffi::OsString;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The keyspace whose ownership is shown.
    pub(super) keyspace: Option<String>,
    /// The port of the JMX server, where one is named.
    pub(super) port: Option<u16>,
    /// Names instead of addresses (`-r`).
    pub(super) names: bool,
    /// Addresses with their ports (`-pp`, since 4.0).
    pub(super) ports: bool,
}

/// Reads the words behind `nodetool`. None is no mistake of the user's: it is for NodeTool, which knows more.
///
/// Options of nodetool itself stand before the command, those of the command behind it.
pub(super) fn read(words: &[OsString]) -> Option<Asked> {
    let words: Vec<&str> = words.iter().map(|word| word.to_str()).collect::<Option<_>>()?;
    let at = words.iter().position(|word| *word == "status")?;
    let (before, after) = words.split_at_checked(at)?;
    let mut asked = Asked::default();
    let mut before = before.iter();
    while let Some(word) = before.next() {
        match *word {
            "-h" | "--host" => is_local(before.next()?).then_some(())?,
            "-p" | "--port" => asked.port = Some(before.next()?.parse().ok()?),
            "-pp" | "--print-port" => asked.ports = true,
            _ => return None,
        }
    }
    for word in after.get(1..)? {
        match *word {
            "-r" | "--resolve-ip" => asked.names = true,
            name if is_keyspace(name) && asked.keyspace.is_none() => asked.keyspace = Some(name.to_owned()),
            _ => return None,
        }
    }
    Some(asked)
}

/// Whether a keyspace may have this name (`SchemaConstants.isValidName`): another one is refused in words that repeat it.
fn is_keyspace(name: &str) -> bool {
    (1..=48).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a host is this one, by a name that NodeTool would reach it by, too.
fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]" | "::FFFF:127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Option<Asked> {
        read(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_common_forms_are_ours() {
        assert_eq!(asked("status"), Some(Asked::default()));
        assert_eq!(asked("status k8s"), Some(Asked { keyspace: Some("k8s".into()), ..Asked::default() }));
        assert_eq!(
            asked("-h 127.0.0.1 -p 7200 -pp status --resolve-ip"),
            Some(Asked { port: Some(7200), names: true, ports: true, keyspace: None })
        );
    }

    #[test]
    fn anything_else_is_for_nodetool() {
        for line in [
            "info",
            "-h 10.0.0.1 status",
            "-u ops -pw secret status",
            "-h",
            "-p x status",
            "-p 99999 status",
            "status a b",
            "status -- a",
            "status a.b",
            "status -p 7199",
            "help status",
        ] {
            assert_eq!(asked(line), None, "{line}");
        }
    }
}
