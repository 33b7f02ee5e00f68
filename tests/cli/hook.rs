//! The pre-run hook.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Node, has, is_root, skip_or_fail};

/// The recipe of the CassKop documentation, for this host's own name.
fn recipe() -> String {
    let manifest = include_str!("../seeds/configmap-pre-run.yaml");
    let documents: serde_yaml::Value = serde_yaml::from_str(manifest).unwrap();
    let script = documents["data"]["pre_run.sh"].as_str().unwrap();
    let hostname = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert!(script.contains("cassandra-demo-dc1-rack1-0"), "{script}");
    script.replace("cassandra-demo-dc1-rack1-0", &hostname)
}

fn node() -> Node {
    Node::new().env("CASSANDRA_SEEDS", "10.0.0.1")
}

#[test]
fn the_recipe_mounted_as_a_configmap_does_it_sets_the_replace_address() {
    let node = node().file("conf-overlay/pre_run.sh", &recipe()).mode("conf-overlay/pre_run.sh", 0o644);
    let outcome = node.start_and_stop().code(0);
    outcome.says("pre-run hook: CASSANDRA_REPLACE_NODE=10.233.93.174");
    let options = &node.conf()["jvm-server.options"];
    assert!(options.contains("-Dcassandra.replace_address_first_boot=10.233.93.174"), "{options}");
}

#[test]
fn a_binary_below_a_closed_folder_serves_a_sourced_hook_too() {
    let node = node().file("conf-overlay/pre_run.sh", "export CASSANDRA_CLUSTER_NAME=Closed\n").file("closed/x", "");
    std::fs::copy(crate::support::binary(), node.path("closed/cassandra-init")).unwrap();
    let binary = node.path("closed/cassandra-init").display().to_string();
    // The wrapper starts the copy in place of the binary that the builder names.
    let node =
        node.mode("closed", 0o700).wrapped(&["sh", "-c", "copy=$1; shift 2; exec \"$copy\" \"$@\"", "sh", &binary]);
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("cluster_name"), "Closed");
}

#[test]
fn the_recipe_on_another_host_sets_nothing() {
    let other = include_str!("../seeds/configmap-pre-run.yaml");
    let documents: serde_yaml::Value = serde_yaml::from_str(other).unwrap();
    let node = node().file("conf-overlay/pre_run.sh", documents["data"]["pre_run.sh"].as_str().unwrap());
    node.start_and_stop().code(0);
    assert!(!node.conf()["jvm-server.options"].contains("\n-Dcassandra.replace_address"));
}

#[test]
fn an_executable_hook_hands_variables_back_by_a_file() {
    let script = "#!/bin/sh\necho \"CASSANDRA_CLUSTER_NAME=From the hook\" >> \"$CASSANDRA_INIT_ENV\"\nexport CASSANDRA_DC=lost\n";
    let node = node().file("conf-overlay/pre_run.sh", script).mode("conf-overlay/pre_run.sh", 0o755);
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("cluster_name"), "From the hook");
}

#[test]
fn it_runs_as_the_cassandra_user_and_may_edit_the_files() {
    let script = "id -u > \"$STANDIN/hook-uid\"\nsed -i 's/^read_request_timeout:.*/read_request_timeout: 9000ms/' \"$CASSANDRA_CONF/cassandra.yaml\"\n";
    let node = node().file("conf-overlay/pre_run.sh", script);
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("read_request_timeout"), "9000ms");
    if is_root() {
        assert_eq!(std::fs::read_to_string(node.path("standin/hook-uid")).unwrap(), "4242\n");
    }
    let first = node.conf();
    node.start_and_stop().code(0);
    assert_eq!(node.conf(), first, "a hook that edits is as idempotent as everything else");
    if is_root() {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(std::fs::metadata(node.path("conf/cassandra.yaml")).unwrap().uid(), 0);
    }
}

#[test]
fn what_says_who_runs_what_where_is_not_a_hooks_to_change() {
    let node =
        node().file("conf-overlay/pre_run.sh", "export CASSANDRA_INIT_USER=0:0 JAVA_HOME=/evil CASSANDRA_DATA=/etc\n");
    let outcome = node.start_and_stop().code(0);
    for name in ["CASSANDRA_INIT_USER", "JAVA_HOME", "CASSANDRA_DATA"] {
        assert!(outcome.stderr.contains(&format!("{name}: a hook cannot change it")), "{name}\n{}", outcome.stderr);
    }
}

#[test]
fn it_sees_the_folder_that_cassandra_will_read_and_needs_no_tmp() {
    if !is_root() {
        return crate::support::skip_or_fail("needs root to mount");
    }
    let node = node().file(
        "conf-overlay/pre_run.sh",
        "echo \"$CASSANDRA_CONF\" > \"$STANDIN/hook-conf\"\nexport CASSANDRA_DC=dc7\n",
    );
    let conf = node.path("conf").display().to_string();
    let read_only = format!("mount --bind {conf} {conf} && mount -o remount,ro,bind {conf} && exec \"$@\"");
    let node = node.wrapped(&["unshare", "--mount", "sh", "-c", &read_only, "sh"]).env("TMPDIR", "/nonexistent");
    node.start_and_stop().code(0);
    let seen = std::fs::read_to_string(node.path("standin/hook-conf")).unwrap();
    assert_eq!(seen.trim(), node.path("run/conf").display().to_string());
    assert!(node.files("run/conf")["cassandra-rackdc.properties"].contains("dc=dc7"));
}

#[test]
fn what_it_exports_is_checked_like_the_environment() {
    let node = node().file("conf-overlay/pre_run.sh", "export CASSANDRA_NUM_TOKENS=many\n");
    node.run().code(78).says("CASSANDRA_NUM_TOKENS: 'many' is not valid");
    assert!(!node.java_was_started());
}

#[test]
fn a_hook_that_fails_stops_the_boot() {
    for script in ["exit 3\n", "false\n", "nosuchcommand-at-all\n"] {
        let node = node().file("conf-overlay/pre_run.sh", script);
        node.run().code(78).says("the pre-run hook").says("ended with exit code");
        assert!(!node.java_was_started());
    }
}

#[test]
fn a_hook_that_hangs_is_ended_at_its_time_limit_with_everything_it_started() {
    let script = "sleep 1000 &\necho $! > \"$STANDIN/sleeper\"\nwait\n";
    let node = node().file("conf-overlay/pre_run.sh", script).env("CASSANDRA_PRE_RUN_TIMEOUT", "300ms");
    node.run().code(78).says("did not end within 300ms").says("hint: CASSANDRA_PRE_RUN_TIMEOUT");
    let sleeper = std::fs::read_to_string(node.path("standin/sleeper")).unwrap();
    let gone = || !std::path::Path::new(&format!("/proc/{}/exe", sleeper.trim())).exists();
    crate::support::wait_until("the end of the hook's child", gone);
}

#[test]
fn a_hook_with_no_shell_to_source_it_or_no_file_at_all() {
    let node = node().env("CASSANDRA_PRE_RUN", "/nonexistent/hook.sh");
    node.run().code(78).says("CASSANDRA_PRE_RUN: there is no file /nonexistent/hook.sh");
    let node = Node::new().file("hook", "not a program").mode("hook", 0o755);
    let path = node.path("hook").display().to_string();
    node.env("CASSANDRA_PRE_RUN", &path).run().code(78).says("cannot be started");
}

#[test]
fn errors_that_are_there_before_the_hook_are_told_before_it_runs() {
    let node = node().env("CASSANDRA_NUM_TOKENS", "0").file("conf-overlay/pre_run.sh", "touch \"$STANDIN/hook-ran\"\n");
    node.run().code(78).says("CASSANDRA_NUM_TOKENS");
    assert!(!node.path("standin/hook-ran").exists());
    assert!(!node.path("conf.pristine").exists());
}

#[test]
fn what_it_appends_to_or_adds_to_the_conf_folder_is_there_once() {
    let script = "cd \"$CASSANDRA_CONF\"\necho '# appended' >> cassandra-topology.properties\necho added >> 'my own.properties'\n";
    let node = node()
        .file("conf/cassandra-topology.properties", "default=DC1:r1\n")
        .mode("conf/cassandra-topology.properties", 0o644)
        .file("conf-overlay/pre_run.sh", script);
    for start in 0..3 {
        node.start_and_stop().code(0);
        let conf = node.conf();
        assert_eq!(conf["cassandra-topology.properties"], "default=DC1:r1\n# appended\n", "start {start}");
        assert_eq!(conf["my own.properties"], "added\n", "start {start}");
    }
    fs::remove_file(node.path("conf-overlay/pre_run.sh")).unwrap();
    node.start_and_stop().code(0);
    assert_eq!(node.conf()["cassandra-topology.properties"], "default=DC1:r1\n");
    assert!(!node.conf().contains_key("my own.properties"), "the hook has gone, and what it added with it");
}

#[test]
fn what_it_leaves_running_is_ended_and_an_open_descriptor_reaches_no_file_of_ours() {
    if !has("setsid") {
        skip_or_fail("needs setsid");
        return;
    }
    let script = "exec 9>> \"$CASSANDRA_CONF/logback.xml\"\n\
        setsid sh -c 'echo $$ > \"$STANDIN/background\"; while :; do echo evil >&9; sleep 0.01; done' &\n\
        while [ ! -s \"$STANDIN/background\" ]; do sleep 0.01; done\n";
    let node = node().file("conf-overlay/pre_run.sh", script);
    let inode =
        |node: &Node| std::os::unix::fs::MetadataExt::ino(&fs::metadata(node.path("conf/logback.xml")).unwrap());
    let before = inode(&node);
    let running = node.start();
    let background = fs::read_to_string(node.path("standin/background")).unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{}", background.trim())).exists(), "it is still running");
    running.stop().code(0);
    assert_ne!(inode(&node), before);
    // What is the same after the hook is a new file all the same.
    let node = node.file("conf-overlay/pre_run.sh", "stat -c %i \"$CASSANDRA_CONF/logback.xml\" > \"$STANDIN/lent\"\n");
    node.start_and_stop().code(0);
    let lent = fs::read_to_string(node.path("standin/lent")).unwrap();
    assert_ne!(inode(&node).to_string(), lent.trim());
}

#[test]
fn what_was_found_in_mounted_files_is_told_with_a_hook_too() {
    let node = node().file("conf-overlay/jvm.options", "-d64\n").file("conf-overlay/pre_run.sh", "true\n");
    node.start_and_stop().code(0).says("jvm.options: Java 17 does not take -d64");
}

#[test]
fn its_end_is_seen_at_once_also_between_two_looks() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    // Each look for the dead takes so long that the hook ends behind it.
    let wrapper = ["strace", "-D", "-o", "/dev/null", "-e", "inject=wait4:delay_exit=400000"];
    let node = node().file("conf-overlay/pre_run.sh", "sleep 0.2\n").wrapped(&wrapper);
    let start = std::time::Instant::now();
    node.start_and_stop().code(0);
    assert!(start.elapsed() < std::time::Duration::from_secs(9), "{:?}", start.elapsed());
}

#[test]
fn options_that_can_hold_a_password_are_not_logged() {
    let script = "export JVM_EXTRA_OPTS=-Djavax.net.ssl.keyStorePassword=geheim CASSANDRA_NUM_TOKENS=8\n";
    let node = node().file("conf-overlay/pre_run.sh", script);
    let outcome = node.start_and_stop().code(0);
    let outcome = outcome
        .says("pre-run hook: JVM_EXTRA_OPTS=-Djavax.net.ssl.keyStorePassword=***")
        .says("pre-run hook: CASSANDRA_NUM_TOKENS=8");
    let log = outcome.stderr.lines().filter(|line| line.contains("pre-run hook")).collect::<String>();
    assert!(!log.contains("geheim"), "{log}");
}

#[test]
fn a_private_file_stays_its_owners() {
    use std::os::unix::fs::MetadataExt as _;
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let node = node()
        .file("conf/jmxremote.password", "secret\n")
        .mode("conf/jmxremote.password", 0o600)
        .file("conf-overlay/pre_run.sh", "cat \"$CASSANDRA_CONF/jmxremote.password\" > \"$STANDIN/read\"\n");
    let password = node.path("conf/jmxremote.password");
    std::os::unix::fs::chown(&password, Some(4242), Some(4242)).unwrap();
    node.start_and_stop().code(0);
    let metadata = fs::metadata(&password).unwrap();
    assert_eq!((metadata.uid(), metadata.permissions().mode() & 0o777), (4242, 0o600));
    assert!(!node.path("conf.pristine/jmxremote.password").exists(), "there is no copy of it");
}
