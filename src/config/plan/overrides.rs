//! What JVM options and variables of Cassandra's own override of what cassandra.yaml says: the ports that the node listens on, where clients reach it, where
//! JMX is.

use crate::cassandra::overrides::{self, Kind, Overridden};
use crate::cassandra::{Line, jmx};
use crate::config::documents::Documents;
use crate::config::yaml::{Edit, Node, YamlDocument, YamlPath, text};
use crate::report::{Finding, Report};
use crate::settings::address::Host;
use crate::settings::value::FromText as _;

/// What reaches java past the files and the variables for them, each option with its place.
#[derive(Debug, Clone, Default)]
pub struct OtherOptions {
    /// What every JVM reads before its command line.
    pub before: Vec<(String, String)>,
    /// Our own command line, and what every JVM reads after its own.
    pub after: Vec<(String, String)>,
    /// Variables that Cassandra reads by itself (6.0).
    pub variables: Vec<(String, String)>,
}

/// A key of cassandra.yaml that is overridden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The key.
    pub key: String,
    /// What is effective.
    pub value: String,
    /// The option without its value, or the variable, that does so.
    pub by: String,
    /// Where the option is set; the variable.
    pub place: String,
}

/// What a start makes of its configuration.
pub(super) struct Effective {
    /// The documents as the node reads them, a change of this start's alone: no file gets it.
    pub(super) documents: Documents,
    /// The port of JMX.
    pub(super) jmx: u16,
    /// What differs from the finished cassandra.yaml.
    pub(super) overrides: Vec<Override>,
}

/// Follows `options`, all of the command line in its order, each with its place, and `variables`. `jmx` is the port that JMX has
/// otherwise.
pub(super) fn follow(
    documents: &Documents,
    options: &[(String, String)],
    variables: &[(String, String)],
    line: Line,
    jmx: u16,
    report: &mut Report,
) -> Effective {
    // What follows a blank is an argument of its own.
    let words: Vec<&str> = options.iter().map(|(_, option)| option.split(' ').next().unwrap_or_default()).collect();
    let place = |at: usize| options.get(at).map(|(place, _)| place.clone()).unwrap_or_default();
    let mut effective = Effective { documents: documents.clone(), jmx, overrides: Vec::new() };
    for found in overrides::of(&words, variables, line) {
        let place = found.at.map_or_else(|| found.by.clone(), place);
        if let Some(node) = node(&found, &place, report) {
            effective.take(&found, node, place, report);
        }
    }
    if let Some((property, text, at)) = jmx::port(&words) {
        match overrides::port(text) {
            Some(port) if port == jmx => {}
            Some(port) => {
                effective.jmx = port;
                report.add(Finding::note(place(at), format!("JMX listens on port {port} by -D{property}")));
            }
            None => report.add(no_port(&format!("-D{property}"), text, &place(at))),
        }
    }
    effective
}

/// The value as cassandra.yaml would have it; none where Cassandra cannot read it, which is told.
fn node(found: &Overridden, place: &str, report: &mut Report) -> Option<Node> {
    match found.kind {
        Kind::Port => {
            let port = overrides::port(found.text).map(|port| Node::Integer(port.into()));
            if port.is_none() {
                report.add(no_port(&found.by, found.text, place));
            }
            port
        }
        Kind::Switch => {
            let truth = overrides::is_true(found.text);
            if !truth && !found.text.eq_ignore_ascii_case("false") {
                let message = format!("{} is '{}', which Java takes for false", found.by, found.text);
                report.add(Finding::warning(place, message).hint("say true or false"));
            }
            Some(Node::Bool(truth))
        }
        Kind::Text => Some(Node::Text(found.text.to_owned())),
    }
}

fn no_port(by: &str, text: &str, place: &str) -> Finding {
    let message = format!("{by} is '{text}', expected a port");
    Finding::error(place, message).hint("ports go from 1 to 65535, written without a leading zero")
}

impl Effective {
    /// Where clients are served, if that is overridden.
    pub(super) fn rpc_address(&self) -> Option<Host> {
        let known = self.overrides.iter().find(|known| known.key == "rpc_address")?;
        Host::from_text(&known.value).ok()
    }

    fn take(&mut self, found: &Overridden, node: Node, place: String, report: &mut Report) {
        let Ok(path) = found.key.parse::<YamlPath>() else { return };
        let value = |yaml: &YamlDocument| yaml.get(&path).map(text::of);
        let before = value(&self.documents.yaml);
        let Ok(yaml) = self.documents.yaml.edit(&[Edit::Set(path.clone(), node)]) else { return };
        let after = value(&yaml).unwrap_or_default();
        if before.as_ref() == Some(&after) {
            return;
        }
        let over = before.map_or_else(String::new, |before| format!(", over the {before} of cassandra.yaml"));
        report.add(Finding::note(place.as_str(), format!("{} is {after} by {}{over}", found.key, found.by)));
        self.documents.yaml = yaml;
        self.overrides.push(Override { key: found.key.to_owned(), value: after, by: found.by.clone(), place });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents::{BaseFile, Layer, YAML};

    fn followed(yaml: &str, line: Line, options: &[(&str, &str)]) -> (Effective, Vec<String>) {
        let mut report = Report::default();
        let file = BaseFile::new(yaml.to_owned(), Layer::Overlay);
        let documents = Documents::parse(&[(YAML.to_owned(), file)].into(), &[], &mut report).unwrap();
        let options: Vec<(String, String)> =
            options.iter().map(|(place, option)| ((*place).to_owned(), (*option).to_owned())).collect();
        let effective = follow(&documents, &options, &[], line, 7199, &mut report);
        (effective, report.iter().map(ToString::to_string).collect())
    }

    fn told(yaml: &str, line: Line, options: &[(&str, &str)]) -> Vec<String> {
        followed(yaml, line, options).1
    }

    #[test]
    fn the_last_option_of_the_command_line_counts_and_is_told_where_it_can_be_changed() {
        let options = [
            ("JVM_OPTS", "-Dcassandra.native_transport_port=1"),
            ("jvm-server.options", "-Dcassandra.native_transport_port=2"),
            ("JVM_EXTRA_OPTS", "-Dcassandra.native_transport_port=3"),
        ];
        let (effective, told) = followed("native_transport_port: 9042\n", Line::V5_0, &options);
        assert_eq!(effective.documents.yaml.text(), "native_transport_port: 3\n");
        assert_eq!(
            told,
            ["JVM_EXTRA_OPTS: native_transport_port is 3 by -Dcassandra.native_transport_port, over the 9042 of \
              cassandra.yaml"]
        );
        let told = self::told("", Line::V5_0, options.get(..2).unwrap());
        assert_eq!(told, ["jvm-server.options: native_transport_port is 2 by -Dcassandra.native_transport_port"]);
    }

    #[test]
    fn what_changes_nothing_is_not_told() {
        let (effective, told) =
            followed("storage_port: 7100\n", Line::V4_0, &[("X", "-Dcassandra.storage_port=7100"), ("X", "-Xmx1G")]);
        assert_eq!((effective.overrides, told), (Vec::new(), Vec::new()));
        assert_eq!(self::told("", Line::V4_0, &[("X", "-Dcassandra.jmx.local.port=7199")]), [""; 0]);
    }

    #[test]
    fn a_text_that_is_no_port_is_refused_by_name() {
        let properties =
            ["cassandra.native_transport_port", "cassandra.jmx.remote.port", "com.sun.management.jmxremote.port"];
        for property in properties {
            let option = format!("-D{property}=91x42");
            let expected = format!("JVM_OPTS: -D{property} is '91x42', expected a port (hint: ");
            let told = told("", Line::V3_11, &[("JVM_OPTS", &option)]);
            assert!(told.len() == 1 && told[0].starts_with(&expected), "{told:?}");
        }
    }

    #[test]
    fn a_switch_that_java_takes_for_false_is_told_as_such() {
        let (effective, told) =
            followed("", Line::V6_0, &[("JVM_OPTS", "-Dcassandra.start_native_transport=yes more")]);
        assert!(
            told[0].starts_with("JVM_OPTS: -Dcassandra.start_native_transport is 'yes', which Java takes for false")
        );
        assert_eq!(effective.overrides[0].value, "false");
        let on =
            followed("start_native_transport: false", Line::V6_0, &[("J", "-Dcassandra.start_native_transport=TRUE")]);
        assert_eq!(on.0.overrides[0].value, "true");
    }

    #[test]
    fn a_setting_of_a_map_makes_the_map_and_one_of_the_address_is_where_clients_are_served() {
        let options = [
            ("A", "-Dcassandra.config.allow_system_properties=true"),
            ("B", "-Dcassandra.settings.client_encryption_options.enabled=true"),
            ("C", "-Dcassandra.settings.rpc_address=10.0.0.9"),
        ];
        let (effective, _) = followed("", Line::V4_1, &options);
        let path = "client_encryption_options.enabled".parse().unwrap();
        assert_eq!(effective.documents.yaml.get(&path).and_then(serde_yaml::Value::as_bool), Some(true));
        assert_eq!(effective.rpc_address(), Some(Host::from_text("10.0.0.9").unwrap()));
    }

    #[test]
    fn jmx_is_where_the_options_say() {
        let (effective, told) = followed("", Line::V4_1, &[("JVM_OPTS", "-Dcassandra.jmx.remote.port=7999")]);
        assert_eq!(effective.jmx, 7999);
        assert_eq!(told, ["JVM_OPTS: JMX listens on port 7999 by -Dcassandra.jmx.remote.port"]);
    }
}
