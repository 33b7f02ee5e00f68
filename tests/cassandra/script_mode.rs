//! The official 3.11.4 release on Java 8, started by its own `bin/cassandra`, and a second node that joins it.

use std::fs;

use crate::answers::expect;
use crate::attach::{answers_and_leaves_nothing, dumps};
use crate::pair::joins;
use crate::real::{RealNode, RealStart, alone, cql};
use crate::status;
use crate::support::{Outcome, binary, is_root};

#[test]
fn the_3_11_4_release_runs_by_its_own_scripts_and_drains() {
    if !is_root() {
        eprintln!("skipped: needs root for a tree with Java 8");
        return;
    }
    let _alone = alone();
    let node = RealNode::of_3_11()
        .with("CASSANDRA_CLUSTER_NAME", "Eleven")
        .with("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "8")
        .with("CASSANDRA_START_RPC", "false")
        .with("CASSANDRA_GC_STDOUT", "true");
    let mut start = node.start("log.txt");
    assert!(node.wait_ready(&mut start).contains(&"the node is starting".to_owned()), "{}", start.log());
    expect(&node, "serving");
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
    status::agree(|words| [node.command(&nodetool, words), its_nodetool(&node, &start, words)]);
    let told = status::look(&node, "30s");
    assert_eq!(told["node"]["mode"].as_str(), Some("NORMAL"), "{told:?}");
    assert!(told["jvm"]["heap_used_bytes"].as_u64().is_some(), "{told:?}");
    let (init, binary) = (start.init().to_string(), binary().display().to_string());
    answers_and_leaves_nothing(start.jvm(), &|command| {
        let inside = ["--target", &init, "--pid", "--mount", "--", &binary, "jcmd"];
        node.command("/usr/bin/nsenter".as_ref(), &[&inside, command].concat())
    });
    assert_eq!(dumps(&start.log()), 0, "no SIGQUIT of ours was taken for a wish to see the threads");
    let second =
        RealNode::of_3_11().second().with("CASSANDRA_CLUSTER_NAME", "Eleven").with("CASSANDRA_START_RPC", "false");
    joins(second);
    by_its_nodetool(&node, &start, "disablebinary");
    expect(&node, "without native transport");
    by_its_nodetool(&node, &start, "enablebinary");
    expect(&node, "serving");
    let log = start.log_path();
    start.stop();
    assert!(fs::read_to_string(log).unwrap().contains("Cassandra drained and ended"));
    // A drain that SIGTERM began is told at DEBUG, which stock logback.xml sends to a file of its own.
    let debug = fs::read_to_string(node.path("log/debug.log")).unwrap();
    assert!(debug.contains("DRAINED"), "{debug}");
}

/// What the release's own `bin/nodetool` does, in the tree of its node.
fn its_nodetool(node: &RealNode, start: &RealStart, words: &[&str]) -> Outcome {
    let jvm = start.jvm().to_string();
    // The Java that runs the node, not that of this machine.
    let java = fs::read_link(format!("/proc/{jvm}/exe")).unwrap();
    let home = format!("JAVA_HOME={}", java.ancestors().nth(2).unwrap().display());
    // Its script reads cassandra-env.sh, which wants both sizes of a heap or none.
    // A Java 8 of today takes the URL of its NodeTool only on request (CASSANDRA-17581).
    let legacy = "JVM_OPTS=-Dcom.sun.jndi.rmiURLParsing=legacy";
    let script = ["/usr/bin/env", "--unset=MAX_HEAP_SIZE", &home, legacy, "/opt/cassandra/bin/nodetool"];
    let tree = ["--target", &jvm, "--pid", "--mount", "--uts", "--"];
    node.command("/usr/bin/nsenter".as_ref(), &[&tree, &script[..], words].concat())
}

/// The same, which must do it.
#[track_caller]
fn by_its_nodetool(node: &RealNode, start: &RealStart, word: &str) {
    let outcome = its_nodetool(node, start, &[word]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
}
