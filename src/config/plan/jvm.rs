//! JVM options: heap, properties from variables, the collector's log, JMX, and what only this start gets.

use std::collections::BTreeMap;

use crate::cassandra::distribution::Distribution;
use crate::cassandra::heap::{self, HeapSize};
use crate::cassandra::java::{self, Jmx};
use crate::cassandra::{Line, Version};
use crate::config::documents::Documents;
use crate::config::plan::draft::Draft;
use crate::config::plan::{EXTRA_OPTIONS, Inputs, text_of};
use crate::config::yaml::YamlPath;
use crate::report::Finding;
use crate::settings::address::Host;
use crate::settings::contract::Given;
use crate::settings::raw::Source;
use crate::settings::value::{FromText, LaunchMode, Words};

/// How long a node that founds a cluster waits for a ring that cannot exist yet, in milliseconds.
const FOUNDING_RING_DELAY: u32 = 1000;
/// From this heap on HotSpot's pointers have 8 bytes.
const COMPRESSED_POINTERS: HeapSize = HeapSize::from_mebibytes(32 * 1024);

/// Heap: the variable, the files, else computed from the container's memory. `-Xms` and `-Xmx` are always a pair
/// (`cassandra-env.sh` refuses one alone), and CMS gets its new generation.
pub(super) fn heap(inputs: &Inputs, draft: &mut Draft) {
    let settings = inputs.settings;
    let in_file = |flag: &str| find(draft.documents, flag);
    let cms = draft.documents.live_options().any(|option| option == "-XX:+UseConcMarkSweepGC");
    let in_environment = |flag: &str| environment_words(inputs).any(|word| word.starts_with(flag));
    let (size, source) = if let Some(given) = &settings.max_heap {
        (given.value, given.source.clone())
    } else if holds_unreadable_heap(draft.documents) {
        return;
    } else if let Some(size) = in_file("-Xmx").or_else(|| in_file("-Xms")) {
        if in_file("-Xmx").is_some() && in_file("-Xms").is_some() {
            return new_generation(inputs, size, cms, draft);
        }
        (size, Source::Computed("its twin in the file".into()))
    } else if in_environment("-Xmx") {
        return;
    } else {
        computed(inputs)
    };
    if let Some(limit) = inputs.host.memory_limit
        && size.bytes() >= limit
    {
        let message =
            format!("a heap of {size} does not fit in the container's memory limit of {}", HeapSize::from_bytes(limit));
        draft.report(
            Finding::error(source.to_string(), message)
                .hint("half of the limit or less leaves room for what Cassandra keeps outside the heap"),
        );
    }
    draft.option(&format!("-Xms{size}"), &source);
    draft.option(&format!("-Xmx{size}"), &source);
    new_generation(inputs, size, cms, draft);
}

fn computed(inputs: &Inputs) -> (HeapSize, Source) {
    let (ram, from) = match inputs.host.memory_limit {
        Some(limit) if limit < inputs.host.memory => (limit, "the container's memory limit"),
        _ => (inputs.host.memory, "the host's memory"),
    };
    (heap::computed(ram), Source::Computed(format!("{from} of {}", HeapSize::from_bytes(ram))))
}

fn new_generation(inputs: &Inputs, heap: HeapSize, cms: bool, draft: &mut Draft) {
    if !cms {
        // G1, ZGC and Shenandoah size it themselves; the scripts refuse -Xmn beside G1.
        return;
    }
    let (size, source) = match &inputs.settings.new_heap {
        Some(given) => (given.value, given.source.clone()),
        None if in_files(draft.documents, "-Xmn").is_some() => return,
        None => {
            let size = heap::computed_new_generation(heap, inputs.host.cores);
            (size, Source::Computed(format!("a heap of {heap} and {} cores", inputs.host.cores)))
        }
    };
    if size >= heap {
        let message = format!("a new generation of {size} does not fit in a heap of {heap}");
        draft.report(Finding::error(source.to_string(), message));
    }
    draft.option(&format!("-Xmn{size}"), &source);
}

/// The size that a flag such as `-Xmx` has in the files.
fn find(documents: &Documents, flag: &str) -> Option<HeapSize> {
    in_files(documents, flag).and_then(HeapSize::from_option)
}

/// The text that a flag such as `-Xmx` has in the files; of several the last counts.
fn in_files<'a>(documents: &'a Documents, flag: &str) -> Option<&'a str> {
    let words = documents.live_options().flat_map(str::split_ascii_whitespace);
    words.filter_map(|word| word.strip_prefix(flag)).last()
}

/// Whether the files hold a heap flag that we cannot read: whatever it is meant to be, it is the user's.
fn holds_unreadable_heap(documents: &Documents) -> bool {
    ["-Xmx", "-Xms"]
        .iter()
        .any(|flag| in_files(documents, flag).is_some_and(|text| HeapSize::from_option(text).is_none()))
}

fn environment_words<'a>(inputs: &Inputs<'a>) -> impl Iterator<Item = &'a String> {
    let settings = inputs.settings;
    [&settings.jvm_opts, &settings.jvm_extra_opts].into_iter().flatten().flat_map(|given| given.value.as_slice())
}

/// System properties that variables stand for.
pub(super) fn properties(inputs: &Inputs, draft: &mut Draft) {
    let settings = inputs.settings;
    if let Some(given) = &settings.ring_delay {
        draft.option(&format!("-Dcassandra.ring_delay_ms={}", given.value.get()), &given.source);
    }
    if let Some(given) = &settings.migration_wait {
        if waits_for_migrations(inputs.distribution.version) {
            draft.option(&format!("-Dcassandra.migration_task_wait_in_seconds={}", given.value.get()), &given.source);
        } else if given.source.is_given() {
            let message = format!(
                "Cassandra {} does not wait for migrations that way, it has no effect",
                inputs.distribution.version
            );
            draft.report(Finding::warning("CASSANDRA_MIGRATION_WAIT", message));
        }
    }
    if let Some(given) = &settings.replace_node {
        if inputs.alone {
            let message = format!("'{}' cannot be replaced by a node whose only seed is itself", given.value);
            draft.report(
                Finding::error(given.source.to_string(), message).hint("name a living node in CASSANDRA_SEEDS"),
            );
        }
        // Not replace_address: with that one the second start would refuse to run (CASSANDRA-7356).
        draft.option(&format!("-Dcassandra.replace_address_first_boot={}", text_of(&given.value)), &given.source);
    }
    gc_log(inputs, draft);
}

/// The collector's log: to standard output where that is asked for. 3.11 always writes it below CASSANDRA_HOME, where the user
/// may not write, unless an option that comes later says otherwise.
fn gc_log(inputs: &Inputs, draft: &mut Draft) {
    if let Some(given) = inputs.settings.gc_stdout.as_ref().filter(|given| given.value) {
        for rotation in ["-XX:+UseGCLogFileRotation", "-XX:NumberOfGCLogFiles", "-XX:GCLogFileSize"] {
            draft.remove_option(rotation);
        }
        draft.option_of_java(&java::gc_to_stdout(inputs.distribution.java.major), &given.source);
    } else if inputs.distribution.version.line() == Line::V3_11 && inputs.launch == LaunchMode::Script {
        let option = format!("-Xloggc:{}", inputs.logs.join("gc.log").display());
        draft.option_of_java(&option, &Source::Computed("the log folder".into()));
    }
}

/// `MigrationTask` took the property until MigrationCoordinator came (CASSANDRA-15158).
fn waits_for_migrations(version: Version) -> bool {
    match version.line() {
        Line::V3_11 => version.patch() <= 9,
        Line::V4_0 => version.patch() == 0,
        _ => false,
    }
}

/// JMX and the environment of Cassandra's own scripts.
pub(super) struct Launch {
    pub(super) jmx: Jmx,
    pub(super) jmx_host: Option<String>,
    pub(super) jmx_port: u16,
    pub(super) script_environment: BTreeMap<String, String>,
}

/// How JMX is reached, and what Cassandra's scripts must be told.
pub(super) fn launch(inputs: &Inputs, draft: &mut Draft) -> Launch {
    let settings = inputs.settings;
    let jmx = match (&settings.open_jmx, &settings.local_jmx) {
        (Some(open), _) if open.value => Jmx::Open,
        (_, Some(local)) if !local.value => Jmx::Remote,
        _ => Jmx::Local,
    };
    let jmx_host = match &inputs.addresses.own {
        Host::Address(address) => Some(address.to_string()),
        Host::Name(name) => Some(name.clone()),
    };
    let jmx_port = settings.jmx_port.as_ref().map_or(java::JMX_PORT, |given| given.value.port());
    let mut launch = Launch { jmx, jmx_host, jmx_port, script_environment: BTreeMap::new() };
    if inputs.launch == LaunchMode::Script {
        launch.script_environment = script_variables(inputs, &launch, draft);
    }
    launch
}

/// `cassandra-env.sh` computes a heap from the host's memory unless both variables are set; with the pair in the option file
/// it ignores them, so they only keep it quiet. Its JMX block always asks for a password file when JMX is not local, and
/// always takes port 7199: options in JVM_EXTRA_OPTS come later and win.
fn script_variables(inputs: &Inputs, launch: &Launch, draft: &Draft) -> BTreeMap<String, String> {
    let settings = inputs.settings;
    let size = settings.max_heap.as_ref().map(|given| given.value);
    let size = size.or_else(|| find(draft.documents, "-Xmx")).unwrap_or_else(|| computed(inputs).0);
    let new = settings.new_heap.as_ref().map(|given| given.value);
    let new = new.unwrap_or_else(|| heap::computed_new_generation(size, inputs.host.cores));
    let words = |given: &Option<Given<Words>>| -> Vec<String> {
        given.as_ref().map_or(Vec::new(), |given| given.value.as_slice().to_vec())
    };
    let mut extra = words(&settings.jvm_extra_opts);
    let jmx = launch.jmx;
    if jmx == Jmx::Open || launch.jmx_port != java::JMX_PORT {
        extra.extend(java::jmx_properties(jmx, launch.jmx_port, launch.jmx_host.as_deref()));
    }
    let heap_dumps = settings.heap_dump_dir.as_ref().map(|given| given.value.as_path().display().to_string());
    let jemalloc = settings.libjemalloc.as_ref().map(|given| given.value.to_string());
    // All of them each time: an empty one is unset to the scripts, and what the environment says may not be what the hook made
    // of it.
    [
        ("MAX_HEAP_SIZE", size.to_string()),
        ("HEAP_NEWSIZE", new.to_string()),
        ("LOCAL_JMX", if jmx == Jmx::Local { "yes" } else { "no" }.to_owned()),
        ("JVM_OPTS", words(&settings.jvm_opts).join(" ")),
        (EXTRA_OPTIONS, extra.join(" ")),
        ("CASSANDRA_HEAPDUMP_DIR", heap_dumps.unwrap_or_default()),
        ("CASSANDRA_LIBJEMALLOC", jemalloc.unwrap_or_default()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Options that stand in no file: what only this start gets, and what saves Cassandra a measurement. What the user set
/// stays.
pub(super) fn unwritten(inputs: &Inputs, founds: bool, documents: &Documents, options: &[String]) -> Vec<String> {
    let mut wanted = Vec::new();
    if founds {
        wanted.extend(founding());
    }
    wanted.extend(row_overhead(inputs, documents, options));
    let given: Vec<&String> = options.iter().chain(environment_words(inputs)).collect();
    let is_given = |option: &str| {
        let key = option.split_once('=').map_or(option, |(key, _)| key);
        given.iter().any(|word| word.split('=').next() == Some(key))
    };
    wanted.into_iter().filter(|option| !is_given(option)).collect()
}

/// A node that founds a cluster has nobody to wait for: no gossip to settle, no ring to learn, no other node that might be
/// creating the first role.
fn founding() -> [String; 3] {
    [
        "-Dcassandra.skip_wait_for_gossip_to_settle=0".to_owned(),
        format!("-Dcassandra.ring_delay_ms={FOUNDING_RING_DELAY}"),
        "-Dcassandra.superuser_setup_delay_ms=0".to_owned(),
    ]
}

/// What a row costs in a memtable, which Cassandra measures for half a second at each start (`SkipListMemtable`) unless it is
/// told. Known for 5.0 on Java 17 with compressed pointers and cells on the heap: the node logs 180 or 181.
fn row_overhead(inputs: &Inputs, documents: &Documents, options: &[String]) -> Option<String> {
    let known = inputs.distribution.version.line() == Line::V5_0 && inputs.distribution.java.major == 17;
    let compressed = find(documents, "-Xmx").is_some_and(|heap| heap < COMPRESSED_POINTERS)
        && !options.iter().chain(environment_words(inputs)).any(|word| word == "-XX:-UseCompressedOops");
    let cells = documents.yaml.get(&YamlPath::key("memtable_allocation_type")).and_then(|value| value.as_str());
    let on_heap = cells.is_none_or(|cells| cells == "heap_buffers");
    (known && compressed && on_heap).then(|| "-Dcassandra.memtable.row_overhead_size=181".to_owned())
}

/// The live options of the files as java takes them: split at blanks, as the scripts' shell does.
pub(super) fn words(distribution: &Distribution, documents: &Documents) -> Vec<String> {
    let order = distribution.option_files();
    let mut words = Vec::new();
    for name in order {
        let Some((_, file)) = documents.options.iter().find(|(known, _)| known == name) else { continue };
        for option in file.options() {
            words.extend(Words::from_text(option).map(|words| words.as_slice().to_vec()).unwrap_or_default());
        }
    }
    words
}
