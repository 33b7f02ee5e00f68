//! Who may use a node's JMX server, and how it is spoken to, by the command line that its JVM was started with.
//!
//! Source: `JMXServerUtils` of Cassandra, and the JDK's "Monitoring and Management Using JMX Technology".

use std::path::PathBuf;

use crate::cassandra::overrides;

/// The properties that say where JMX listens; the first that is given counts. The first is the JVM's own agent, beside which
/// Cassandra starts no server (`CassandraDaemon.maybeInitJmx`, and from 6.0 on `JMXServerOptions`).
const PORTS: [&str; 3] = ["com.sun.management.jmxremote.port", "cassandra.jmx.remote.port", "cassandra.jmx.local.port"];

/// The property that says where JMX listens, its text, and which of the options, in the order of the command line, gives it.
pub fn port<'a>(options: &[&'a str]) -> Option<(&'static str, &'a str, usize)> {
    let given = |property: &'static str| overrides::last(options, property).map(|(at, text)| (property, text, at));
    PORTS.into_iter().find_map(given)
}

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
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        let property = |name: &str| {
            let last = overrides::last(&arguments, name).map(|(_, value)| value.to_owned());
            last.filter(|value| !value.is_empty())
        };
        let of_agent = |name: &str| property(&format!("com.sun.management.jmxremote.{name}"));
        let asks = of_agent("authenticate").as_deref() != Some("false");
        Self {
            password_file: of_agent("password.file").filter(|_| asks).map(PathBuf::from),
            access_file: of_agent("access.file").map(PathBuf::from),
            // The JVM's own agent speaks it unless it is told not to.
            tls: of_agent("ssl").map_or_else(|| of_agent("port").is_some(), |ssl| ssl == "true"),
            keystore: property("javax.net.ssl.keyStore")
                .map(|path| (PathBuf::from(path), property("javax.net.ssl.keyStorePassword").unwrap_or_default())),
            is_set_up: port(&arguments).is_some_and(|(_, port, _)| !port.is_empty()),
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
        let agent = "-Dcom.sun.management.jmxremote.port=1";
        assert!(Access::of(&[agent]).tls);
        assert!(!Access::of(&[agent, "-Dcom.sun.management.jmxremote.ssl=false"]).tls);
    }

    #[test]
    fn the_jvms_own_agent_comes_before_the_server_for_all_and_that_before_the_one_for_loopback() {
        let [local, remote, agent, other] = [
            "-Dcassandra.jmx.local.port=1",
            "-Dcassandra.jmx.remote.port=2",
            "-Dcom.sun.management.jmxremote.port=3",
            "-Dcassandra.jmx.local.port=4",
        ];
        let at = |options: &[&'static str]| port(options).map(|(_, text, at)| (text, at));
        assert_eq!(at(&[local]), Some(("1", 0)));
        assert_eq!(at(&[local, other]), Some(("4", 1)));
        assert_eq!(at(&[remote, other]), Some(("2", 0)));
        assert_eq!(at(&[local, agent, remote]), Some(("3", 1)));
        assert_eq!(at(&["-Xmx1G"]), None);
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
