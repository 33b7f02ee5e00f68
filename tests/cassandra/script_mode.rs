//! The official 3.11.4 release on Java 8, started by its own `bin/cassandra`, and a second node that joins it.

use std::fs;

use crate::attach::{answers_and_leaves_nothing, dumps};
use crate::driver::cql;
use crate::every_state::every_state;
use crate::real::{RealNode, alone};
use crate::status;
use crate::support::is_root;

#[test]
fn the_3_11_4_release_runs_by_its_own_scripts_drains_and_is_in_every_state_what_the_table_says() {
    if !is_root() {
        eprintln!("skipped: needs root for a tree with Java 8");
        return;
    }
    let _alone = alone();
    let plain = || RealNode::of_3_11().with("CASSANDRA_CLUSTER_NAME", "Eleven").with("CASSANDRA_START_RPC", "false");
    let node = plain().with("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "8").with("CASSANDRA_GC_STDOUT", "true");
    let mut start = node.start("log.txt");
    assert!(node.wait_ready(&mut start).contains(&"the node is starting".to_owned()), "{}", start.log());
    assert_eq!(cql(&["SELECT cluster_name, release_version FROM system.local"]), "Eleven 3.11.4\n");
    let yaml = fs::read_to_string(node.path("home/conf/cassandra.yaml")).unwrap();
    assert!(yaml.contains("\nkey_cache_size_in_mb: 8\n"), "3.11 keeps its own names");
    let line = fs::read_to_string(format!("/proc/{}/cmdline", start.jvm())).unwrap().replace('\0', " ");
    for word in ["-Xms512M", "-Xmx512M", "-Xmn", "-XX:+UseConcMarkSweepGC", "-Xloggc:/dev/stdout"] {
        assert!(line.contains(word), "{word} is missing in {line}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", start.jvm())).unwrap();
    assert!(status.contains("Uid:\t4242\t4242\t4242\t4242"), "{status}");
    // 3.11 has no ports in it, and a layout of its own, which the release's own script shows best.
    let nodetool = node.alias("nodetool");
    status::agree(|words| [node.command(&nodetool, words), node.by_its_script(&start, words)]);
    let told = status::look(&node, "30s");
    assert_eq!(told["node"]["mode"].as_str(), Some("NORMAL"), "{told:?}");
    assert!(told["jvm"]["heap_used_bytes"].as_u64().is_some(), "{told:?}");
    answers_and_leaves_nothing(start.jvm(), &|command| node.inside(&start, &[&["jcmd"], command].concat()));
    assert_eq!(dumps(&start.log()), 0, "no SIGQUIT of ours was taken for a wish to see the threads");
    every_state(&node, start, plain);

    let mut start = node.start("again.log");
    node.wait_ready(&mut start);
    let log = start.log_path();
    start.stop();
    assert!(fs::read_to_string(log).unwrap().contains("Cassandra drained and ended"));
    // A drain that SIGTERM began is told at DEBUG, which stock logback.xml sends to a file of its own.
    let debug = fs::read_to_string(node.path("log/debug.log")).unwrap();
    assert!(debug.contains("DRAINED"), "{debug}");
}
