//! Who may use a node's JMX server, and how it is spoken to, by the command line that its JVM was started with.
//!
//! Source: `JMXServerUtils` of Cassandra, and the JDK's "Monitoring and Management Using JMX Technology".

use std::path::PathBuf;

/// What a client of the JMX server needs.
#[derive(Default, PartialEq, Eq)]
pub struct Access {
    /// Where the users and their passwords are, if the server wants any and has them in a file.
    pub password_file: Option<PathBuf>,
    /// Where it is said what each of them may do; without it all may do everything.
    pub access_file: Option<PathBuf>,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The keystore of the JVM, with its password.
    pub keystore: Option<(PathBuf, String)>,
    /// Whether the command line sets up a JMX server at all; 6.0 may do so in cassandra.yaml.
    pub is_set_up: bool,
}

impl Access {
    /// Reads it from a JVM's arguments; the last of several wins.
    pub fn of(arguments: &[impl AsRef<str>]) -> Self {
        let property = |name: &str| {
            let own =
                |argument: &str| argument.strip_prefix("-D")?.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            arguments.iter().rev().find_map(|argument| own(argument.as_ref())).filter(|value| !value.is_empty())
        };
        let of_agent = |name: &str| property(&format!("com.sun.management.jmxremote.{name}"));
        let asks = of_agent("authenticate").as_deref() != Some("false");
        let ports = ["cassandra.jmx.local.port", "cassandra.jmx.remote.port", "com.sun.management.jmxremote.port"];
        Self {
            password_file: of_agent("password.file").filter(|_| asks).map(PathBuf::from),
            access_file: of_agent("access.file").map(PathBuf::from),
            tls: of_agent("ssl").as_deref() == Some("true"),
            keystore: property("javax.net.ssl.keyStore")
                .map(|path| (PathBuf::from(path), property("javax.net.ssl.keyStorePassword").unwrap_or_default())),
            is_set_up: ports.iter().any(|port| property(port).is_some()),
        }
    }
}

/// What a client wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Read attributes.
    Look,
    /// Call operations.
    Control,
}

/// A user of the password file who may do what is wanted, and no more where there is a choice; none where nobody may, or the
/// passwords are hashed (`com.sun.management.jmxremote.password.toHashes`).
///
/// `access` is the text of the access file, where there is one.
pub fn user(passwords: &str, access: Option<&str>, purpose: Purpose) -> Option<(String, String)> {
    let users: Vec<(&str, &str)> = entries(passwords)
        // A hash comes with its salt and algorithm.
        .filter(|(_, rest)| !rest.is_empty() && !rest.contains(char::is_whitespace))
        .collect();
    let may = |user: &str, level: &str| {
        // The level may be followed by what can be created and unregistered.
        let is = |rest: &str| rest.split_whitespace().next() == Some(level);
        access.is_none_or(|access| entries(access).any(|(name, rest)| name == user && is(rest)))
    };
    let first = |level: &str| users.iter().find(|(name, _)| may(name, level));
    let chosen = match purpose {
        Purpose::Look => first("readonly").or_else(|| first("readwrite")),
        Purpose::Control => first("readwrite"),
    };
    chosen.map(|(name, password)| ((*name).to_owned(), (*password).to_owned()))
}

/// The first word of each line, and what follows it.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
    let is_between = |c: char| c.is_whitespace() || c == '=' || c == ':';
    lines.map(move |line| {
        let (name, rest) = line.split_once(is_between).unwrap_or((line, ""));
        (name, rest.trim_start_matches(is_between))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::java::{self, JMX_PORT, PASSWORD_FILE};

    #[test]
    fn what_our_own_command_lines_set_up_is_read_from_them() {
        let access = |jmx| {
            let properties = java::JmxServer { access: jmx, port: JMX_PORT, host: None }.properties();
            Access::of(&properties)
        };
        let set_up = || Access { is_set_up: true, ..Access::default() };
        assert!(access(java::Jmx::Local) == set_up());
        assert!(access(java::Jmx::Open) == set_up());
        assert!(access(java::Jmx::Remote) == Access { password_file: Some(PASSWORD_FILE.into()), ..set_up() });
    }

    #[test]
    fn the_last_of_a_property_wins_and_tls_brings_the_jvms_keystore() {
        let line = "-Dcom.sun.management.jmxremote.password.file=/a -Dcom.sun.management.jmxremote.password.file=/b \
                    -Dcom.sun.management.jmxremote.access.file=/c -Dcom.sun.management.jmxremote.ssl=true \
                    -Djavax.net.ssl.keyStore=/k -Djavax.net.ssl.keyStorePassword=p -Dcom.sun.management.jmxremote.port=1";
        let access = Access::of(&line.split_whitespace().collect::<Vec<_>>());
        assert!(
            access
                == Access {
                    password_file: Some("/b".into()),
                    access_file: Some("/c".into()),
                    tls: true,
                    keystore: Some(("/k".into(), "p".into())),
                    is_set_up: true,
                }
        );
        assert!(Access::of(&[""; 0]) == Access::default());
    }

    #[test]
    fn a_look_takes_who_may_only_look_and_control_who_may_all() {
        let passwords =
            "# comment\n\nmonitorRole  tomcat\ncontrolRole=jerry\nhashedRole c2FsdA== aGFzaA== SHA3-512\nempty\n";
        let access = "monitorRole   readonly\ncontrolRole   readwrite \\\n   create javax.management.monitor.*\n";
        let user =
            |access, purpose| user(passwords, access, purpose).map(|(name, password)| format!("{name} {password}"));
        assert_eq!(user(Some(access), Purpose::Look), Some("monitorRole tomcat".into()));
        assert_eq!(user(Some(access), Purpose::Control), Some("controlRole jerry".into()));
        assert_eq!(user(None, Purpose::Control), Some("monitorRole tomcat".into()));
        assert_eq!(user(Some("controlRole readwrite"), Purpose::Look), Some("controlRole jerry".into()));
        assert_eq!(user(Some("monitorRole readonly"), Purpose::Control), None);
        assert_eq!(super::user("hashedRole c2FsdA== aGFzaA== SHA3-512", None, Purpose::Look), None);
    }
}
