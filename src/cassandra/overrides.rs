//! System properties, and in 6.0 variables, that override what cassandra.yaml says of the ports that a node listens on, as each
//! line of Cassandra reads them.
//!
//! Source: `DatabaseDescriptor` (`getNativeTransportPort`, `getStoragePort`, `getSSLStoragePort`, `getRpcPort`),
//! `CassandraDaemon.startClientTransports` and `YamlConfigurationLoader` (`maybeAddSystemProperties`,
//! `maybeAddEnvironmentVariables`).

use crate::cassandra::Line;

/// What a property's text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A port: `Integer.parseInt`, and from 5.0 on `Integer.decode`, which fail with a stack trace.
    Port,
    /// True or false: `Boolean.parseBoolean`, which takes everything but `true` for false.
    Switch,
    /// Anything.
    Text,
}

/// A key of cassandra.yaml that is followed.
struct Key {
    name: &'static str,
    kind: Kind,
    /// The last line that reads `cassandra.<name>`; none where no line does.
    own: Option<Line>,
}

const fn key(name: &'static str, kind: Kind, own: Option<Line>) -> Key {
    Key { name, kind, own }
}

const NEWEST: Option<Line> = Some(Line::V6_0);
const KEYS: [Key; 12] = [
    key("native_transport_port", Kind::Port, NEWEST),
    key("start_native_transport", Kind::Switch, NEWEST),
    key("storage_port", Kind::Port, NEWEST),
    key("ssl_storage_port", Kind::Port, NEWEST),
    key("rpc_port", Kind::Port, Some(Line::V3_11)),
    key("start_rpc", Kind::Switch, Some(Line::V3_11)),
    key("native_transport_port_ssl", Kind::Port, None),
    key("rpc_address", Kind::Text, None),
    key("client_encryption_options.enabled", Kind::Switch, None),
    key("client_encryption_options.optional", Kind::Switch, None),
    key("server_encryption_options.internode_encryption", Kind::Text, None),
    key("server_encryption_options.legacy_ssl_storage_port_enabled", Kind::Switch, None),
];

/// What lets `cassandra.settings.<key>` override any key (4.1 and later, CASSANDRA-17166).
const ALLOWED: &str = "cassandra.config.allow_system_properties";
const SETTINGS: &str = "cassandra.settings.";
/// What lets `CASSANDRA_SETTINGS_<KEY>` override any key, the property before the variable (6.0 and later, CASSANDRA-20749).
const VARIABLES_ALLOWED: &str = "cassandra.config.allow_environment_variables";
/// The variable that says so.
pub const ALLOWING_VARIABLE: &str = "CASSANDRA_ALLOW_CONFIG_ENVIRONMENT_VARIABLES";
/// What the names of such variables begin with.
pub const SETTING_VARIABLE: &str = "CASSANDRA_SETTINGS_";

/// One key that a property or a variable overrides.
#[derive(Debug, PartialEq, Eq)]
pub struct Overridden<'a> {
    /// The key of cassandra.yaml.
    pub key: &'static str,
    /// What its text must be.
    pub kind: Kind,
    /// Who overrides it: `-Dproperty`, or a variable.
    pub by: String,
    /// The text of that.
    pub text: &'a str,
    /// Which of the options it is; none for a variable.
    pub at: Option<usize>,
}

/// Every key of those that are followed here that one of `options`, in the order of the command line, or of the environment's
/// `variables` overrides.
pub fn of<'a>(options: &[&'a str], variables: &'a [(String, String)], line: Line) -> Vec<Overridden<'a>> {
    let switched = |property: &str| last(options, property).map(|(_, text)| is_true(text));
    let variable = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
    let allows = line >= Line::V4_1 && switched(ALLOWED) == Some(true);
    let by_variable = || variable(ALLOWING_VARIABLE).is_some_and(is_true);
    let allows_variables = line >= Line::V6_0 && switched(VARIABLES_ALLOWED).unwrap_or_else(by_variable);
    let of_key = |key: &Key| {
        let found = |by: String, text, at| Overridden { key: key.name, kind: key.kind, by, text, at };
        let property = |name: String| last(options, &name).map(|(at, text)| found(format!("-D{name}"), text, Some(at)));
        // Its own property counts over whatever the configuration came to, and there properties come behind variables.
        let own = key.own.filter(|last| line <= *last).and_then(|_| property(format!("cassandra.{}", key.name)));
        let setting = || property(format!("{SETTINGS}{}", key.name)).filter(|_| allows);
        let name = || format!("{SETTING_VARIABLE}{}", key.name.replace('.', "__").to_ascii_uppercase());
        let of_variable = || variable(&name()).filter(|_| allows_variables).map(|text| found(name(), text, None));
        own.or_else(setting).or_else(of_variable)
    };
    KEYS.iter().filter_map(of_key).collect()
}

/// The last of `options` that gives a property, which is the one that counts, and what it gives.
pub fn last<'a>(options: &[&'a str], property: &str) -> Option<(usize, &'a str)> {
    options.iter().enumerate().rev().find_map(|(at, option)| Some((at, value_of(option, property)?)))
}

/// What an option gives a property: all behind the `=`, which may be nothing.
pub fn value_of<'a>(option: &'a str, property: &str) -> Option<&'a str> {
    match option.strip_prefix("-D")?.strip_prefix(property)? {
        "" => Some(""),
        rest => rest.strip_prefix('='),
    }
}

/// A port as every line reads it: a leading zero means base eight to some, and 0 any port that is free.
pub fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.starts_with(|first: char| matches!(first, '1'..='9')))
}

/// `Boolean.parseBoolean`.
pub fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(options: &[&str], line: Line) -> Vec<String> {
        with(options, &[], line)
    }

    fn with(options: &[&str], variables: &[(String, String)], line: Line) -> Vec<String> {
        let all = of(options, variables, line);
        all.iter().map(|found| format!("{}={} by {}", found.key, found.text, found.by)).collect()
    }

    #[test]
    fn the_last_of_a_property_counts_and_a_longer_name_is_another() {
        let options =
            ["-Dcassandra.storage_port=1", "-Dcassandra.storage_port=2", "-Dcassandra.storage_portx=3", "-Xmx1G"];
        assert_eq!(found(&options, Line::V5_0), ["storage_port=2 by -Dcassandra.storage_port"]);
        assert_eq!(found(&["-Dcassandra.start_native_transport"], Line::V5_0).len(), 1, "it is empty, and it is there");
    }

    #[test]
    fn thrift_ended_with_3_11() {
        let options = ["-Dcassandra.rpc_port=1", "-Dcassandra.start_rpc=true"];
        assert_eq!(found(&options, Line::V3_11).len(), 2);
        assert_eq!(found(&options, Line::V4_0), [""; 0]);
    }

    #[test]
    fn settings_count_from_4_1_on_where_they_are_allowed_and_the_keys_own_property_counts_over_them() {
        let [allow, setting, own] = [
            "-Dcassandra.config.allow_system_properties=True",
            "-Dcassandra.settings.native_transport_port=1",
            "-Dcassandra.native_transport_port=2",
        ];
        assert_eq!(found(&[allow, setting], Line::V4_0), [""; 0]);
        assert_eq!(found(&[setting], Line::V4_1), [""; 0]);
        let by_setting = "native_transport_port=1 by -Dcassandra.settings.native_transport_port";
        assert_eq!(found(&[setting, allow], Line::V4_1), [by_setting]);
        assert_eq!(
            found(&[allow, own, setting], Line::V4_1),
            ["native_transport_port=2 by -Dcassandra.native_transport_port"]
        );
    }

    #[test]
    fn variables_count_in_6_0_where_they_are_allowed_and_properties_count_over_them() {
        let variable = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let settings = [variable("CASSANDRA_SETTINGS_CLIENT_ENCRYPTION_OPTIONS__ENABLED", "true")];
        let allowed = [settings[0].clone(), variable(ALLOWING_VARIABLE, "true")];
        let by = "client_encryption_options.enabled=true by CASSANDRA_SETTINGS_CLIENT_ENCRYPTION_OPTIONS__ENABLED";
        let [on, off] = ["true", "false"].map(|text| format!("-D{VARIABLES_ALLOWED}={text}"));
        assert_eq!(with(&[], &allowed, Line::V6_0), [by]);
        assert_eq!(with(&[&on], &settings, Line::V6_0), [by]);
        assert_eq!(with(&[], &allowed, Line::V5_0), [""; 0]);
        assert_eq!(with(&[], &settings, Line::V6_0), [""; 0]);
        assert_eq!(with(&[&off], &allowed, Line::V6_0), [""; 0]);
        let over = [
            "-Dcassandra.config.allow_system_properties=true",
            "-Dcassandra.settings.client_encryption_options.enabled=false",
        ];
        let by = "client_encryption_options.enabled=false by -Dcassandra.settings.client_encryption_options.enabled";
        assert_eq!(with(&over, &allowed, Line::V6_0), [by]);
    }

    #[test]
    fn a_port_is_one_that_every_line_reads_alike() {
        assert_eq!(["1", "9142", "65535"].map(port), [Some(1), Some(9142), Some(65535)]);
        for wrong in ["", "0", "65536", "09142", "+9142", "-1", "0x23b6", "91 42", "9142x"] {
            assert_eq!(port(wrong), None, "{wrong}");
        }
    }
}
