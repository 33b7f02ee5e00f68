//! Bad input: a clear error that names the place and the right thing, all problems at once, nothing written.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::support::{NEEDED, Node, Outcome, is_root, skip_or_fail};

/// The node refuses to start with this code, and no file of it has changed.
#[track_caller]
fn refused(node: &Node, code: i32) -> Outcome {
    let before = (node.conf(), node.path("conf.pristine").exists());
    let outcome = node.run().code(code);
    assert!(!node.java_was_started(), "the JVM was started");
    assert_eq!((node.conf(), node.path("conf.pristine").exists()), before, "something was written");
    outcome
}

#[test]
fn all_problems_are_told_at_once() {
    let node = Node::new()
        .env("CASSANDRA_NUM_TOKENS", "many")
        .env("CASSANDRA_SEEDS", " , ")
        .env("CASSANDRA_RPC_ADDRESS", "10.0.0.256")
        .env("MAX_HEAP_SIZE", "512")
        .env("CASSANDRA_MEMTABLE_CLEANUP_THRESHOLD", "1.5");
    refused(&node, 78)
        .says("CASSANDRA_NUM_TOKENS: 'many' is not valid, expected a whole number: from 1 to 1536")
        .says("CASSANDRA_SEEDS: ' , ' is not valid, expected a comma-separated list of addresses or names")
        .says("the list holds no seed")
        .says("CASSANDRA_RPC_ADDRESS: '10.0.0.256' is not valid, expected an IP address, a host name or auto")
        .says("MAX_HEAP_SIZE: '512' is not valid, expected a heap size such as 512M or 8G")
        .says("CASSANDRA_MEMTABLE_CLEANUP_THRESHOLD: '1.5' is not valid, expected a number between 0 and 1");
}

#[test]
fn what_is_missing_altogether_does_not_hide_the_other_problems() {
    let node = Node::new().env("CASSANDRA_NUM_TOKENS", "many").env("CASSANDRA_CONFIG_OVERLAY", "/nonexistent");
    refused(&node, 78).says("CASSANDRA_NUM_TOKENS: 'many'").says("CASSANDRA_CONFIG_OVERLAY: there is no folder");
    let node = Node::new().env("JAVA_HOME", "jdk17").env("PATH", "/nonexistent");
    refused(&node, 78).says("JAVA_HOME: 'jdk17' is not valid, expected an absolute path");
}

#[test]
fn a_log_folder_that_cannot_be_written() {
    if !is_root() {
        return crate::support::skip_or_fail("needs root to mount");
    }
    let node = Node::new();
    let log = node.path("log").display().to_string();
    let mount = format!("mount --bind {log} {log} && mount -o remount,ro,bind {log} && exec \"$@\"");
    let node = node.wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"]);
    refused(&node, 78).says("CASSANDRA_LOG_DIR:").says("the JVM does not start without its log");
    // Nobody asked for that folder: the log goes below the data then.
    let both =
        "mount -t tmpfs none /var/log && mkdir /var/log/cassandra && mount -o remount,ro /var/log && exec \"$@\"";
    let node = Node::new().without("CASSANDRA_LOG_DIR").wrapped(&["unshare", "--mount", "sh", "-c", both, "sh"]);
    node.start_and_stop().code(0);
    assert!(node.path("data/logs").is_dir());
}

#[test]
fn values_that_contradict_each_other() {
    let node = Node::new().env("CASSANDRA_LISTEN_ADDRESS", "0.0.0.0");
    refused(&node, 78).says("CASSANDRA_LISTEN_ADDRESS: an address of this node is expected");
    let node = Node::new().env("MAX_HEAP_SIZE", "512M").env("CASSANDRA_MAX_HEAP", "1G");
    refused(&node, 78).says("CASSANDRA_MAX_HEAP: '1G' disagrees with MAX_HEAP_SIZE='512M'");
    let node = Node::new().env("CASSANDRA_LISTEN_INTERFACE", "no0");
    refused(&node, 78).says("CASSANDRA_LISTEN_INTERFACE: no interface 'no0' with an address here, there are:");
    let node = Node::new().env("CASSANDRA_REPLACE_NODE", "10.0.0.9");
    refused(&node, 78).says("'10.0.0.9' cannot be replaced by a node whose only seed is itself");
    let node = Node::new().env("CASSANDRA_REPLACE_NODE", "10.0.0.9/").env("CASSANDRA_SEEDS", "10.0.0.1");
    refused(&node, 78).says("CASSANDRA_REPLACE_NODE: '10.0.0.9/' is not valid");
    let node = Node::new().env("CASSANDRA_INIT_PROFILE", "kubernetes-example");
    refused(&node, 78).says("did you mean kubernetes-examples?");
}

#[test]
fn what_cassandra_would_refuse_in_its_yaml_is_refused_with_line_and_hint_before_java_runs() {
    let cases = [
        (
            "cluster_nam: a\n",
            "cassandra.yaml:1:1: cluster_nam is not known to Cassandra 5.0",
            "did you mean cluster_name?",
        ),
        ("start_rpc: true\n", "cassandra.yaml:1:1: start_rpc is not known", "Thrift is gone"),
        ("read_request_timeout: 10\n", "cassandra.yaml:1:1: read_request_timeout is '10'", "such as 10ms"),
        (
            "client_encryption_options:\n  enable: true\n",
            "cassandra.yaml:2:3: client_encryption_options.enable",
            "enabled",
        ),
    ];
    for (text, place, hint) in cases {
        let node = Node::new().file("conf/cassandra.yaml", &format!("{text}{NEEDED}"));
        refused(&node, 78).says(place).says(hint);
        assert!(!node.java_was_started(), "{text}");
    }
    let partitioner = "partitioner is missing, and Cassandra has no default for it";
    refused(&Node::new().file("conf/cassandra.yaml", "cluster_name: a\n"), 78).says(partitioner);
}

#[test]
fn a_yaml_that_two_readers_would_read_differently_is_refused_with_its_line() {
    let cases = [
        ("cluster_name: a\n\tnum_tokens: 1\n", "cassandra.yaml:2"),
        ("cluster_name: a\ncluster_name: b\n", "cassandra.yaml:2"),
        ("cluster_name: a\n---\ncluster_name: b\n", "cassandra.yaml:2"),
        ("cluster_name: [a\n", "cassandra.yaml:"),
        ("- a\n- b\n", "cassandra.yaml:1"),
    ];
    for (text, place) in cases {
        refused(&Node::new().file("conf/cassandra.yaml", text), 78).says(place);
    }
    let node = Node::new().file("conf/cassandra.yaml", &format!("\u{feff}cluster_name: a\n{NEEDED}"));
    node.start_and_stop().code(0);
    assert!(node.conf()["cassandra.yaml"].starts_with("cluster_name: a\n"), "a byte order mark goes");
}

#[test]
fn a_file_that_is_not_text() {
    let node = Node::new();
    fs::write(node.path("conf/cassandra.yaml"), b"cluster_name: \xff\n").unwrap();
    node.run().code(65).says("cassandra.yaml").says("not valid UTF-8");
}

#[test]
fn no_jre_and_no_cassandra() {
    let node = Node::new().env("JAVA_HOME", "/nonexistent");
    refused(&node, 78).says("no JRE: JAVA_HOME is /nonexistent").says("hint: Cassandra 5.0 runs on Java 17 or 11");
    let node = Node::new().file("java/release", "JAVA_VERSION=\"25\"\n");
    refused(&node, 78).says("is Java 25").says("Java 17 or 11");
    let node = Node::new().without("JAVA_HOME").env("PATH", "/nonexistent");
    let outcome = node.run();
    assert!(outcome.code == 78 || std::path::Path::new("/opt/java/openjdk").exists(), "{outcome:?}");
    let node = Node::new();
    fs::remove_file(node.path("home/lib/apache-cassandra-5.0.8.jar")).unwrap();
    refused(&node, 78)
        .says("no apache-cassandra-*.jar in")
        .says("hint: CASSANDRA_HOME names the folder that holds lib/");
    let node = Node::new().file("home/lib/apache-cassandra-4.1.0.jar", "");
    refused(&node, 78).says("two releases of Cassandra");
    let node = Node::new().env("CASSANDRA_LAUNCH", "script");
    refused(&node, 78).says("there is no").says("bin/cassandra");
}

#[test]
fn a_data_root_that_is_a_link_or_a_folder_of_the_system() {
    let node = Node::new();
    std::os::unix::fs::symlink(node.path("data"), node.path("link")).unwrap();
    let link = node.path("link").display().to_string();
    refused(&node.env("CASSANDRA_DATA", &link), 78).says("is a symbolic link");
    for root in ["/", "/etc", "/var/lib"] {
        refused(&Node::new().env("CASSANDRA_DATA", root), 78).says("is a folder of the system");
    }
    refused(&Node::new().env("CASSANDRA_DATA", "relative"), 78)
        .says("CASSANDRA_DATA: 'relative' is not valid, expected an absolute path");
}

#[test]
fn two_data_roots_that_both_hold_data() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    // Both places are made in a mount namespace of the test's own.
    let one = "mount -t tmpfs none /var/lib && mkdir -p /var/lib/cassandra/data/system && \
               touch /var/lib/cassandra/data/system/x; exec \"$@\"";
    let node = Node::new().without("CASSANDRA_DATA").wrapped(&["unshare", "--mount", "sh", "-c", one, "sh"]);
    node.start_and_stop().code(0).says("/var/lib/cassandra/data");
    let both = "mount -t tmpfs none /var/lib && mkdir -p /var/lib/cassandra/data/system && touch /var/lib/cassandra/data/system/x && \
                mount -t tmpfs none /srv && mkdir -p /srv/root/cassandra_data/data/system && touch /srv/root/cassandra_data/data/system/x && \
                for place in /*; do \
                  if [ $place = /srv ] || [ $place = /cassandra_data ]; then continue; fi; \
                  if [ -L $place ]; then cp -a $place /srv/root/; continue; fi; \
                  if [ -d $place ]; then mkdir -p /srv/root$place && mount --rbind $place /srv/root$place; fi; \
                done; exec chroot /srv/root \"$@\"";
    let node = Node::new().without("CASSANDRA_DATA").wrapped(&["unshare", "--mount", "sh", "-c", both, "sh"]);
    refused(&node, 78)
        .says("more than one data root: /cassandra_data and /var/lib/cassandra hold data")
        .says("hint: set CASSANDRA_DATA to the right one");
}

#[test]
fn a_user_that_is_not_there_or_is_root() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    refused(&Node::new().env("CASSANDRA_INIT_USER", "nosuchuser"), 78).says("CASSANDRA_INIT_USER:").says("nosuchuser");
    refused(&Node::new().env("CASSANDRA_INIT_USER", "root"), 78).says("Cassandra does not run as root");
    refused(&Node::new().env("CASSANDRA_INIT_USER", "0day"), 78).says("0day");
    refused(&Node::new().env("CASSANDRA_INIT_USER", "4242:0"), 78).says("'4242:0' has the group id 0");
}

#[test]
fn as_another_user_nothing_is_chowned_and_the_first_unwritable_path_is_named() {
    if !is_root() {
        skip_or_fail("needs root to become another user");
        return;
    }
    let node = Node::new().mode("run", 0o777).mode("log", 0o777).mode("data", 0o755);
    let node = node.wrapped(&["setpriv", "--reuid", "4343", "--regid", "0", "--clear-groups"]);
    let outcome = node.run().code(77).says("is not writable for user id 4343").says("/data");
    assert!(outcome.stderr.contains("hint: start as root, or give the volume to 4343"), "{}", outcome.stderr);
    assert!(!node.java_was_started());
    // A fresh volume has a folder that nobody else needs.
    let node = node.mode("data", 0o777).file("data/lost+found/piece", "").mode("data/lost+found", 0o700);
    node.start_and_stop().code(0);
    assert_eq!(fs::metadata(node.path("data")).unwrap().uid(), 0, "no chown without root");
    assert!(node.path("run/conf/cassandra.yaml").exists(), "a conf folder of root's is rendered into the run folder");
}

#[test]
fn a_full_disk_changes_nothing() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    let node = Node::new();
    let folder = node.path("").display().to_string();
    // A small disk that holds the conf folder and is filled to the last block.
    let fill = format!(
        "cp -a {folder}/conf {folder}/saved && mkdir {folder}/disk && mount -t tmpfs -o size=256k none {folder}/disk && \
         cp -a {folder}/saved {folder}/disk/conf && {{ head -c 1M /dev/zero > {folder}/disk/filler; true; }} 2>/dev/null; \
         CASSANDRA_CONF={folder}/disk/conf \"$@\"; code=$?; diff -r {folder}/saved {folder}/disk/conf || exit 1; exit $code"
    );
    let node = node.wrapped(&["unshare", "--mount", "sh", "-c", &fill, "sh"]);
    node.run().code(73).says("no space left on device");
    assert!(!node.java_was_started());
}
