//! JVM options: what is laid over the option files, and what is computed from it.

mod agents;
mod collector;
mod gc_log;
mod heap;
mod layers;
mod properties;
mod script;
mod sources;
mod unwritten;

use std::collections::BTreeMap;

use crate::cassandra::java::{self, Jmx, JmxServer};
use crate::config::documents::Documents;
use crate::config::plan::draft::Draft;
use crate::config::plan::{Inputs, PrivateFile};
use crate::settings::address::Host;
use crate::settings::value::LaunchMode;

pub use agents::{Agents, CONFIGURATIONS as AGENT_CONFIGURATIONS, FOLDERS as AGENT_FOLDERS, is_agent};
pub(super) use sources::command_line;
pub(super) use unwritten::unwritten;

/// The option files: first what was asked for, then what follows from it. Returns the files that only the Cassandra user reads.
pub(super) fn options(inputs: &Inputs, draft: &mut Draft) -> Vec<PrivateFile> {
    layers::fragments(draft);
    layers::old_file(inputs, draft);
    layers::variable(inputs, draft);
    collector::leave_out_what_java_lacks(inputs, draft);
    collector::plan(inputs, draft);
    heap::plan(inputs, draft);
    properties::plan(inputs, draft);
    gc_log::plan(inputs, draft);
    agents::plan(inputs, draft)
}

/// JMX and the environment of Cassandra's own scripts.
pub(super) struct Launch {
    pub(super) jmx: JmxServer,
    pub(super) script_environment: BTreeMap<String, String>,
}

/// How JMX is reached, and what Cassandra's scripts must be told.
pub(super) fn launch(inputs: &Inputs, draft: &mut Draft) -> Launch {
    let settings = inputs.settings;
    let access = match (&settings.open_jmx, &settings.local_jmx) {
        (Some(open), _) if open.value => Jmx::Open,
        (_, Some(local)) if !local.value => Jmx::Remote,
        _ => Jmx::Local,
    };
    let host = match &inputs.addresses.own {
        Host::Address(address) => Some(address.to_string()),
        Host::Name(name) => Some(name.clone()),
    };
    let port = settings.jmx_port.as_ref().map_or(java::JMX_PORT, |given| given.value.port());
    let jmx = JmxServer { access, host, port };
    let mut launch = Launch { jmx, script_environment: BTreeMap::new() };
    if inputs.launch == LaunchMode::Script {
        launch.script_environment = script::variables(inputs, &launch, draft);
    }
    launch
}

/// The live options of the files as java takes them: split at blanks, as the scripts' shell does.
pub(super) fn words(documents: &Documents) -> Vec<String> {
    documents.options.live().flat_map(|(_, option)| option.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
}
