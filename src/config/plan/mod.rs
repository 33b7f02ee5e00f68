//! The plan: what this start writes and how it launches Cassandra, as a pure value.
//!
//! Layers, lowest first (docs/decisions/0003-layers.md): the pristine files, the profile's defaults, the mounted overlay,
//! the pre-run hook, the environment, and what is computed because nobody set it.

mod addresses;
mod draft;
mod endpoint;
mod jvm;
mod overrides;
mod ports;
mod seeds;
mod validity;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::cassandra::Distribution;
use crate::cassandra::java::JmxServer;
use crate::config::documents::Documents;
use crate::report::Report;
use crate::settings::address::{Host, Seed};
use crate::settings::raw::Source;
use crate::settings::value::LaunchMode;
use crate::settings::{Profile, Settings, secret};

pub use addresses::{Addresses, choose as choose_addresses};
use draft::Draft;
pub use endpoint::Endpoint;
pub use jvm::{AGENT_CONFIGURATIONS, AGENT_FOLDERS, Agents, is_agent};
pub use overrides::{OtherOptions, Override};
pub use seeds::{seed_provider_in_file, seeds_in_file};
pub use yaml::DATA_ROOTS;

/// What is known of the host.
#[derive(Debug, Clone)]
pub struct HostFacts {
    /// Interfaces and their addresses.
    pub addresses: Vec<(String, IpAddr)>,
    /// The address to use where nobody chose one.
    pub preferred_address: Option<IpAddr>,
    /// The container's memory limit in bytes.
    pub memory_limit: Option<u64>,
    /// The host's memory in bytes.
    pub memory: u64,
    /// Processors that we may use.
    pub cores: usize,
}

/// Everything that a plan depends on.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The environment.
    pub settings: &'a Settings,
    /// The profile.
    pub profile: &'a Profile,
    /// Cassandra and Java.
    pub distribution: &'a Distribution,
    /// The host.
    pub host: &'a HostFacts,
    /// The addresses chosen by [`choose_addresses`].
    pub addresses: &'a Addresses,
    /// The seeds to write; none: the file's own stay.
    pub seeds: Option<&'a (Vec<Seed>, Source)>,
    /// Whether this node makes a cluster of its own at this start, as far as seeds and stamp tell.
    pub founds: bool,
    /// Whether this node is its own only seed.
    pub alone: bool,
    /// How Cassandra is launched.
    pub launch: LaunchMode,
    /// The root of the data.
    pub data_root: &'a Path,
    /// The log folder.
    pub logs: &'a Path,
    /// The conf folder that Cassandra reads.
    pub conf: &'a Path,
    /// Java agents at hand.
    pub agents: &'a Agents,
    /// What reaches java past the files and the variables for them.
    pub other_options: &'a OtherOptions,
    /// Whether there is no data yet.
    pub data_is_empty: bool,
    /// The snitch that the data was last used with, where we know.
    pub snitch_of_data: Option<&'a str>,
}

/// One effective setting and who made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The file.
    pub file: String,
    /// The key in it, or what the JVM option is about.
    pub key: String,
    /// The value as it is written; for a JVM option the whole option.
    pub value: String,
    /// Its source.
    pub source: Source,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, key, value, source } = self;
        let value = secret::shown(key, value);
        if key.starts_with('-') {
            write!(f, "{file}: {value} ({source})")
        } else {
            write!(f, "{file}: {key} = {value} ({source})")
        }
    }
}

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its name in the conf folder.
    pub name: String,
    /// What the lower layers say.
    pub before: String,
    /// What this start runs with.
    pub after: String,
}

/// A file that nobody but the Cassandra user and root may read; it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateFile {
    /// Its name in the conf folder.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl fmt::Debug for PrivateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What this start does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The files, in order of name.
    pub files: Vec<PlannedFile>,
    /// Files that hold secrets.
    pub private_files: Vec<PrivateFile>,
    /// Who set what.
    pub decisions: Vec<Decision>,
    /// JVM options of the files, split into words, in the order in which Cassandra reads them.
    pub options: Vec<String>,
    /// JVM options that stand in no file, such as those of a founding start.
    pub unwritten: Vec<String>,
    /// JMX as we set it up.
    pub jmx: JmxServer,
    /// The port that JMX is on, where an option says another.
    pub jmx_port: u16,
    /// What JVM options override of cassandra.yaml.
    pub overrides: Vec<Override>,
    /// Variables for Cassandra's own scripts.
    pub script_environment: BTreeMap<String, String>,
    /// Where clients reach the node; none where the native transport is switched off or its interface unknown.
    pub endpoint: Option<Endpoint>,
    /// The cluster's name.
    pub cluster_name: String,
    /// The snitch.
    pub snitch: String,
    /// Folders that Cassandra writes to.
    pub data_directories: Vec<PathBuf>,
}

impl Plan {
    /// What Cassandra's own script is given of `arguments`, the JVM options of our command line: the words that it takes, and
    /// the variables. Its `getopt` knows `-D` but not `-X`, so all but properties go into JVM_EXTRA_OPTS.
    pub fn for_script(&self, arguments: &[String]) -> (Vec<String>, BTreeMap<String, String>) {
        let all = self.unwritten.iter().chain(arguments).cloned();
        let (words, others): (Vec<String>, Vec<String>) = all.partition(|word| word.starts_with("-D"));
        let mut variables = self.script_environment.clone();
        let extra = variables.entry(EXTRA_OPTIONS.to_owned()).or_default();
        for word in others {
            if !extra.is_empty() {
                extra.push(' ');
            }
            extra.push_str(&word);
        }
        (words, variables)
    }
}

/// The script's variable for options that win over the files'.
const EXTRA_OPTIONS: &str = "JVM_EXTRA_OPTS";

/// Makes the plan. Every problem is added to `report`; the plan is only fit for use if there is no error in it.
pub fn make(inputs: &Inputs, documents: &Documents, report: &mut Report) -> Option<Plan> {
    let mut draft = Draft::new(documents);
    yaml::plain_keys(inputs, &mut draft);
    yaml::nested_keys(inputs, &mut draft);
    yaml::snitch(inputs, &mut draft);
    yaml::directories(inputs, &mut draft);
    addresses::write(inputs, &mut draft);
    seeds::write(inputs, &mut draft);
    let private_files = jvm::options(inputs, &mut draft);
    let launch = jvm::launch(inputs, &mut draft);
    let finished = draft.finish(report)?;
    let options = jvm::words(&finished.documents);
    let line = inputs.distribution.version.line();
    let command_line = jvm::command_line(inputs, &finished, &launch.jmx);
    let effective = overrides::follow(
        &finished.documents,
        &command_line,
        &inputs.other_options.variables,
        line,
        launch.jmx.port,
        report,
    );
    ports::check(&effective.documents, line, effective.jmx, report);
    validity::check(documents, &finished, inputs.distribution.version, report);
    let authorities = inputs.settings.probe_ca.as_ref().map(|given| given.value.as_path().to_owned());
    let rpc = effective.rpc_address();
    let endpoint = endpoint::endpoint(rpc.as_ref().or(inputs.addresses.rpc()), authorities, &effective.documents);
    // What cannot be observed is never seen to be normal: where there is data, this may be any later start.
    let founds = inputs.founds && (inputs.data_is_empty || endpoint.is_some());
    Some(Plan {
        cluster_name: yaml::text_at(&finished.documents, "cluster_name").unwrap_or_default(),
        snitch: yaml::text_at(&finished.documents, "endpoint_snitch").unwrap_or_default(),
        data_directories: yaml::data_directories(&finished.documents, inputs.data_root),
        files: finished.files,
        decisions: finished.decisions,
        unwritten: jvm::unwritten(inputs, founds, &finished.documents),
        private_files,
        endpoint,
        jmx_port: effective.jmx,
        overrides: effective.overrides,
        options,
        jmx: launch.jmx,
        script_environment: launch.script_environment,
    })
}

/// The text of a host for a file or a person.
fn text_of(host: &Host) -> String {
    host.to_string()
}

#[cfg(test)]
mod tests {
    use crate::cassandra::java::Jmx;

    use super::*;

    #[test]
    fn the_script_gets_properties_as_words_and_other_options_by_its_variable() {
        let plan = Plan {
            files: Vec::new(),
            private_files: Vec::new(),
            decisions: Vec::new(),
            options: Vec::new(),
            unwritten: vec!["-Dcassandra.ring_delay_ms=1000".into()],
            jmx: JmxServer { access: Jmx::Local, host: None, port: 7199 },
            jmx_port: 7199,
            overrides: Vec::new(),
            script_environment: [(EXTRA_OPTIONS.to_owned(), "-Dfrom=environment".to_owned())].into(),
            endpoint: None,
            cluster_name: String::new(),
            snitch: String::new(),
            data_directories: Vec::new(),
        };
        let (words, variables) = plan.for_script(&["-Xmx1G".into(), "-Da=b".into(), "-XX:+UseG1GC".into()]);
        assert_eq!(words, ["-Dcassandra.ring_delay_ms=1000", "-Da=b"]);
        assert_eq!(variables[EXTRA_OPTIONS], "-Dfrom=environment -Xmx1G -XX:+UseG1GC");
    }
}
