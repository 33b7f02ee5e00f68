//! What `status` and `nodetool status` tell of a real node: the one against what the test knows, the other against NodeTool.

use nix::sys::signal::Signal;
use serde_yaml::Value;

use crate::real::{RealNode, signal};
use crate::support::{Outcome, binary};

/// The forms of `nodetool status` that are answered without a JVM, and how they end.
pub const FORMS: [(&[&str], i32); 6] = [
    (&["status"], 0),
    (&["status", "system"], 0),
    (&["status", "system_auth"], 0),
    (&["status", "-r"], 0),
    (&["status", "nothing_of_that_name"], 1),
    (&["-h", "127.0.0.1", "-p", "7199", "status"], 0),
];

/// Each form gives byte for byte what NodeTool gives, and the same code: what `both` returns, ours first.
#[track_caller]
pub fn agree(both: impl Fn(&[&str]) -> [Outcome; 2]) {
    for (words, code) in FORMS {
        let [ours, theirs] = both(words);
        assert_eq!(theirs.code, code, "{words:?}: {theirs:?}");
        assert!(theirs.stdout.contains("Datacenter: ") || code == 1, "{theirs:?}");
        assert_eq!((&ours.stdout, ours.code), (&theirs.stdout, theirs.code), "{words:?}");
    }
}

/// [`agree`] of a node whose NodeTool runs here: in another language the numbers are for NodeTool to write.
#[track_caller]
pub fn agrees_with_nodetool(node: &RealNode) {
    let nodetool = node.alias("nodetool");
    let elsewhere = ["LC_ALL=xx_XX", nodetool.to_str().unwrap()];
    agree(|words| {
        let theirs = node.command("/usr/bin/env".as_ref(), &[&elsewhere[..], words].concat());
        [node.command(&nodetool, words), theirs]
    });
}

/// What `status --json` says.
#[track_caller]
pub fn look(node: &RealNode, limit: &str) -> Value {
    let outcome = node.command(&binary(), &["status", "--json", "--timeout", limit]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    // JSON is YAML.
    serde_yaml::from_str(&outcome.stdout).unwrap()
}

/// A node that serves says who it is, how it is and where.
#[track_caller]
pub fn tells_of_a_node_that_serves(node: &RealNode, release: &str) {
    let told = look(node, "30s");
    let text = |object: &str, field: &str| told[object][field].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("node", "phase"), "serving", "{told:?}");
    assert_eq!(text("node", "mode"), "NORMAL", "{told:?}");
    assert_eq!(told["node"]["ready"].as_bool(), Some(true), "{told:?}");
    assert!(text("cassandra", "version").starts_with(release), "{told:?}");
    assert_eq!(text("cassandra", "datacenter"), "datacenter1", "{told:?}");
    assert_eq!(text("cassandra", "host_id").len(), 36, "{told:?}");
    assert_eq!(told["cassandra"]["nodes_up"].as_u64(), Some(1), "{told:?}");
    assert_eq!(told["cassandra"]["tokens"].as_u64(), Some(16), "{told:?}");
    for name in ["listen", "broadcast", "rpc"] {
        assert_eq!(text("addresses", name), "127.0.0.1", "{told:?}");
    }
    assert_eq!(text("addresses", "native_transport"), "127.0.0.1:9042");
    let number = |object: &str, field: &str| told[object][field].as_u64().unwrap_or_default();
    // 512 MB but for what the collector keeps for itself.
    assert!((400 << 20..=512 << 20).contains(&number("jvm", "heap_max_bytes")), "{told:?}");
    assert!((1..=number("jvm", "heap_max_bytes")).contains(&number("jvm", "heap_used_bytes")), "{told:?}");
    assert!(number("storage", "load_bytes") > 0 && number("storage", "free_bytes") > 0, "{told:?}");
    assert_eq!(number("work", "streams"), 0);
    assert_eq!(text("init", "profile"), "native");
    assert!(told["init"]["boot_seconds"]["plan"].as_f64().is_some(), "{told:?}");
    let unknown: Vec<&str> =
        told["unknown"].as_sequence().unwrap().iter().filter_map(|gap| gap["fact"].as_str()).collect();
    // The test stands outside of the node's processes and control group.
    let outside = |fact: &&str| !matches!(*fact, "jvm.state" | "jvm.resident_bytes" | "memory.used_bytes");
    assert_eq!(unknown.into_iter().filter(outside).collect::<Vec<_>>(), Vec::<&str>::new(), "{told:?}");
    let screen = node.command(&binary(), &["status"]);
    assert!(screen.stdout.starts_with("NORMAL, ready\n"), "{screen:?}");
    assert!(!screen.stdout.contains('\x1b'), "no colours where there is no terminal");
}

/// A node that is drained, or whose JVM answers nobody, is told as such.
#[track_caller]
pub fn tells_of_a_drained_node(node: &RealNode) {
    let told = look(node, "30s");
    assert_eq!(told["node"]["mode"].as_str(), Some("DRAINED"), "{told:?}");
    assert_eq!(told["node"]["ready"].as_bool(), Some(false), "{told:?}");
    let screen = node.command(&binary(), &["status"]);
    assert!(screen.stdout.starts_with("DRAINED, not ready\n"), "{screen:?}");
}

/// While the JVM is stopped by a signal, everything that it would say is missing for that reason, and nothing else is.
#[track_caller]
pub fn ends_in_time_while_the_jvm_is_paused(node: &RealNode, jvm: i32) {
    signal(jvm, Signal::SIGSTOP);
    let told = look(node, "500ms");
    signal(jvm, Signal::SIGCONT);
    assert_eq!(told["node"]["phase"].as_str(), Some("serving"), "{told:?}");
    assert_eq!(told["node"]["ready"].as_bool(), Some(false), "{told:?}");
    assert!(told["jvm"]["heap_used_bytes"].is_null(), "{told:?}");
    assert_eq!(told["addresses"]["listen"].as_str(), Some("127.0.0.1"), "the files say it: {told:?}");
    let reasons = told["unknown"].as_sequence().unwrap();
    let of = |fact: &str| reasons.iter().find(|gap| gap["fact"].as_str() == Some(fact))?["reason"].as_str();
    assert!(of("jvm.heap_used_bytes").unwrap().contains("no answer within"), "{told:?}");
    assert!(told["storage"]["free_bytes"].as_u64().is_some(), "{told:?}");
}
