//! What Cassandra's own scripts are told by their variables.

use std::collections::BTreeMap;

use crate::cassandra::java::{self, Jmx};
use crate::config::plan::draft::Draft;
use crate::config::plan::jvm::{Launch, heap, sources};
use crate::config::plan::{EXTRA_OPTIONS, Inputs};
use crate::settings::contract::Given;
use crate::settings::value::{AnyText, Words};

/// `cassandra-env.sh` computes a heap from the host's memory unless both variables are set; with the pair in the option file
/// it ignores them, so they only keep it quiet. Its JMX block always asks for a password file when JMX is not local, and
/// always takes port 7199: options in JVM_EXTRA_OPTS come later and win.
pub(super) fn variables(inputs: &Inputs, launch: &Launch, draft: &Draft) -> BTreeMap<String, String> {
    let settings = inputs.settings;
    let room = heap::room(inputs, &draft.options);
    let size = sources::size(inputs, &draft.options, "-Xmx").unwrap_or_else(|| room.heap(inputs.profile.heap));
    let new = settings.new_heap.as_ref().map(|given| given.value);
    let new = new.unwrap_or_else(|| room.new_generation(inputs.profile.heap, size));
    let words = |given: &Option<Given<Words>>| -> Vec<String> {
        given.as_ref().map_or(Vec::new(), |given| given.value.as_slice().to_vec())
    };
    let jmx = &launch.jmx;
    let is_stock = jmx.access != Jmx::Open && jmx.port == java::JMX_PORT;
    // The user's own come last, as in a direct launch.
    let mut extra = if is_stock { Vec::new() } else { jmx.properties() };
    extra.extend(words(&settings.jvm_extra_opts));
    let heap_dumps = settings.heap_dump_dir.as_ref().map(|given| given.value.as_path().display().to_string());
    let text = |given: &Option<Given<AnyText>>| given.as_ref().map_or(String::new(), |given| given.value.to_string());
    // All of them each time: an empty one is unset to the scripts, and what the environment says may not be what the hook made
    // of it.
    [
        ("MAX_HEAP_SIZE", size.to_string()),
        ("HEAP_NEWSIZE", new.to_string()),
        ("LOCAL_JMX", if jmx.access == Jmx::Local { "yes" } else { "no" }.to_owned()),
        ("JVM_OPTS", words(&settings.jvm_opts).join(" ")),
        (EXTRA_OPTIONS, extra.join(" ")),
        ("CASSANDRA_HEAPDUMP_DIR", heap_dumps.unwrap_or_default()),
        ("CASSANDRA_LIBJEMALLOC", text(&settings.libjemalloc)),
        ("EXTRA_CLASSPATH", text(&settings.extra_class_path)),
        ("NUMACTL_ARGS", words(&settings.numactl_args).join(" ")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
