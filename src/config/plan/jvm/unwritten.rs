//! Options that stand in no file: what only this start gets, and what saves Cassandra a measurement.

use crate::cassandra::heap::HeapSize;
use crate::cassandra::{Collector, Line};
use crate::config::documents::Documents;
use crate::config::plan::Inputs;
use crate::config::plan::jvm::sources;
use crate::config::yaml::YamlPath;

/// How long a node that founds a cluster waits for a ring that cannot exist yet, in milliseconds.
const FOUNDING_RING_DELAY: u32 = 1000;
/// From this heap on HotSpot's pointers have 8 bytes.
const COMPRESSED_POINTERS: HeapSize = HeapSize::from_mebibytes(32 * 1024);

/// Options that stand in no file: what only this start gets, and what saves Cassandra a measurement. What the user set
/// stays.
pub(in crate::config::plan) fn unwritten(inputs: &Inputs, founds: bool, documents: &Documents) -> Vec<String> {
    let mut wanted = Vec::new();
    if founds {
        wanted.extend(founding());
    }
    wanted.extend(row_overhead(inputs, documents));
    wanted.retain(|option| sources::get(inputs, &documents.options, option).is_none());
    wanted
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
fn row_overhead(inputs: &Inputs, documents: &Documents) -> Option<String> {
    let known = inputs.distribution.version.line() == Line::V5_0 && inputs.distribution.java.major == 17;
    let heap = sources::size(inputs, &documents.options, "-Xmx");
    let compressed = heap.is_some_and(|heap| heap < COMPRESSED_POINTERS)
        && sources::collector(inputs, &documents.options) != Collector::Z
        && sources::get(inputs, &documents.options, "-XX:UseCompressedOops").is_none_or(|option| option.contains(":+"));
    let cells = documents.yaml.get(&YamlPath::key("memtable_allocation_type")).and_then(|value| value.as_str());
    let on_heap = cells.is_none_or(|cells| cells == "heap_buffers");
    (known && compressed && on_heap).then(|| "-Dcassandra.memtable.row_overhead_size=181".to_owned())
}
