//! Rendering is idempotent: over restarts, over crashes, and over what the user changes in between.

use std::fs;

use crate::support::{NEEDED, Node, is_root, skip_or_fail};

fn node() -> Node {
    Node::new()
        .env("CASSANDRA_INIT_PROFILE", "kubernetes-examples")
        .env("CASSANDRA_CLUSTER_NAME", "K8Demo")
        .env("CASSANDRA_SEEDS", "10.244.0.10")
        .env("CASSANDRA_DC", "DC1")
        .env("CASSANDRA_RACK", "R1")
        .env("CASSANDRA_GC_STDOUT", "true")
        .env("MAX_HEAP_SIZE", "512M")
}

#[test]
fn ten_restarts_give_the_same_bytes() {
    let node = node();
    node.start_and_stop().code(0);
    let first = node.conf();
    for _ in 0..9 {
        node.start_and_stop().code(0);
        assert_eq!(node.conf(), first);
    }
}

/// The files of a node, which is in a folder of its own, as those of any node.
fn neutral(node: &Node) -> Vec<(String, String)> {
    let root = node.path("").display().to_string();
    node.conf().into_iter().map(|(name, text)| (name, text.replace(&root, "/node/"))).collect()
}

/// Kills starts of `node` at many calls; the one after gives the same files as one that nobody disturbed.
fn kill_at_any_write(node: impl Fn() -> Node) {
    let reference = node();
    reference.start_and_stop().code(0);
    let expected = neutral(&reference);
    let mut killed = 0;
    for syscall in ["write", "fsync", "renameat2,renameat,rename", "fchown", "openat"] {
        for at in [1, 2, 3, 5, 8, 13, 21, 34] {
            // -D: the traced program is our child, so that signals reach it and not strace.
            let inject = format!("inject={syscall}:signal=KILL:when={at}");
            let victim = node().wrapped(&["strace", "-D", "-o", "/dev/null", "-e", &inject]);
            let running = victim.spawn();
            // Either the kill comes first or the JVM is reached.
            crate::support::wait_until("the kill or the JVM", || {
                victim.java_was_started()
                    || fs::read_to_string(format!("/proc/{}/stat", running.pid()))
                        .is_ok_and(|stat| stat.contains(") Z "))
            });
            let outcome = running.stop();
            killed += usize::from(outcome.code == 137 && !victim.java_was_started());
            let victim = victim.wrapped(&[]);
            victim.start_and_stop().code(0);
            assert_eq!(neutral(&victim), expected, "{inject}");
        }
    }
    assert!(killed >= 10, "only {killed} starts were killed before the JVM: the injection does not reach the writes");
}

#[test]
fn a_start_killed_at_any_write_leaves_files_from_which_the_next_one_renders_the_same() {
    kill_at_any_write(node);
}

#[test]
fn a_start_killed_at_any_write_after_the_hook_does_not_make_the_hooks_edits_the_users() {
    let script = "echo '# appended' >> \"$CASSANDRA_CONF/cassandra.yaml\"\n";
    kill_at_any_write(|| node().file("conf-overlay/pre_run.sh", script));
}

#[test]
fn a_variable_that_goes_takes_its_setting_with_it() {
    let plain = Node::new().env("CASSANDRA_CLUSTER_NAME", "Plain");
    plain.start_and_stop().code(0);
    let first = plain.conf();
    let plain = plain.env("CASSANDRA_CONCURRENT_READS", "64").env("CASSANDRA_GC_STDOUT", "true");
    plain.start_and_stop().code(0);
    assert_ne!(plain.conf(), first);
    let plain = plain.without("CASSANDRA_CONCURRENT_READS").without("CASSANDRA_GC_STDOUT");
    plain.start_and_stop().code(0);
    assert_eq!(plain.conf(), first);
}

#[test]
fn a_file_that_root_replaced_is_the_new_base_and_one_that_cassandra_changed_is_not() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let node = node();
    node.start_and_stop().code(0);
    let text = node.conf()["cassandra.yaml"].replace("read_request_timeout: 5000ms", "read_request_timeout: 7000ms");
    let node = node.file("conf/cassandra.yaml", &text);
    node.start_and_stop().code(0).says("was replaced since the last start");
    assert_eq!(node.yaml("read_request_timeout"), "7000ms");
    let tampered = node.conf()["cassandra.yaml"].replace("7000ms", "9000ms");
    let node = node.file("conf/cassandra.yaml", &tampered);
    std::os::unix::fs::chown(node.path("conf/cassandra.yaml"), Some(4242), Some(4242)).unwrap();
    node.start_and_stop().code(0).says("was changed by a user who may not");
    assert_eq!(node.yaml("read_request_timeout"), "7000ms");
}

#[test]
fn an_overlay_that_goes_gives_the_distributions_file_back() {
    let node = node();
    node.start_and_stop().code(0);
    let first = node.conf();
    let node = node.file("conf-overlay/cassandra.yaml", &format!("cluster_name: Mounted\n{NEEDED}"));
    node.start_and_stop().code(0);
    assert_ne!(node.conf()["cassandra.yaml"], first["cassandra.yaml"]);
    fs::remove_file(node.path("conf-overlay/cassandra.yaml")).unwrap();
    node.start_and_stop().code(0);
    assert_eq!(node.conf(), first);
}

#[test]
fn an_overlay_file_that_goes_and_that_the_distribution_has_not_is_removed() {
    let node = node().file("conf/logback-tools.xml", "<stock/>\n").mode("conf/logback-tools.xml", 0o644);
    node.start_and_stop().code(0);
    let first = node.conf();
    let node = node.file("conf-overlay/metrics.yaml", "a: b\n").file("conf-overlay/logback-tools.xml", "<mounted/>\n");
    node.start_and_stop().code(0);
    assert_eq!(node.conf()["metrics.yaml"], "a: b\n");
    assert_eq!(node.conf()["logback-tools.xml"], "<mounted/>\n");
    for name in ["metrics.yaml", "logback-tools.xml"] {
        fs::remove_file(node.path("conf-overlay").join(name)).unwrap();
    }
    node.start_and_stop().code(0);
    assert_eq!(node.conf(), first);
    let node = node.file("conf/metrics.yaml", "the: user's\n");
    node.start_and_stop().code(0);
    assert_eq!(node.conf()["metrics.yaml"], "the: user's\n", "a later file of that name is not ours");
}

#[test]
fn whatever_layer_changes_between_restarts_the_files_are_those_of_a_first_start() {
    let fresh = |change: &dyn Fn(Node) -> Node| {
        let node = change(node());
        node.start_and_stop().code(0);
        neutral(&node)
    };
    let fragment = |node: Node| {
        node.file(
            "conf-overlay/cassandra.yaml.d/x.yaml",
            "num_tokens: 3\nclient_encryption_options:\n  optional: true\n",
        )
        .file("conf-overlay/jvm-server.options.d/x.options", "-Xss512k\n-Dsite=east\n")
        .file("conf-overlay/cassandra-rackdc.properties.d/x", "prefer_local=true\n")
    };
    let variables = |node: Node| {
        node.env("CASSANDRA_YAML", "cdc_enabled: null\nconcurrent_writes: 5\n")
            .env("CASSANDRA_YAML_data_file_directories", "[\"/d1\", \"/d2\"]")
            .env("CASSANDRA_RACKDC_dc_suffix", "_a")
    };
    let mounted = |node: Node| {
        let text = node.files("conf-stock")["cassandra.yaml"].replace("num_tokens: 16", "num_tokens: 12");
        node.file("conf-overlay/cassandra.yaml", &text)
    };
    let hook = |node: Node| {
        node.file("conf-overlay/pre_run.sh", "echo 'concurrent_counter_writes: 7' > /dev/null; sed -i s/^num_tokens:.*/'num_tokens: 2'/ \"$CASSANDRA_CONF/cassandra.yaml\"\n")
    };
    let stock = |node: Node| {
        let text = fs::read_to_string(crate::support::project().join("config-defaults/5.0/cassandra.yaml")).unwrap();
        node.file("conf-stock/cassandra.yaml", &text)
    };
    let without = |node: Node, overlay: &[&str]| {
        for name in overlay {
            let path = node.path("conf-overlay").join(name);
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        node
    };
    let fragments = ["cassandra.yaml.d", "jvm-server.options.d", "cassandra-rackdc.properties.d"];
    let no_variables = |node: Node| {
        ["CASSANDRA_YAML", "CASSANDRA_YAML_data_file_directories", "CASSANDRA_RACKDC_dc_suffix"]
            .iter()
            .fold(node, |node, name| node.without(name))
    };
    let plain = fresh(&|node| node);
    let mut node = stock(node());
    let mut check = |changed: &dyn Fn(Node) -> Node, expected: Vec<(String, String)>, what: &str| {
        let current = std::mem::replace(&mut node, Node::new());
        node = changed(current);
        node.start_and_stop().code(0);
        assert_eq!(neutral(&node), expected, "{what}");
        node.start_and_stop().code(0);
        assert_eq!(neutral(&node), expected, "{what}, a second time");
    };
    check(&|node| node, plain.clone(), "at first");
    check(&fragment, fresh(&fragment), "fragments came");
    check(&variables, fresh(&|node| variables(fragment(node))), "generic variables came");
    check(&mounted, fresh(&|node| mounted(variables(fragment(stock(node))))), "a mounted file came");
    check(&hook, fresh(&|node| hook(mounted(variables(fragment(stock(node)))))), "a hook came");
    check(&|node| without(node, &fragments), fresh(&|node| hook(mounted(variables(stock(node))))), "fragments went");
    check(&|node| without(node, &["cassandra.yaml"]), fresh(&|node| hook(variables(node))), "the mounted file went");
    check(&no_variables, fresh(&hook), "generic variables went");
    check(&|node| without(node, &["pre_run.sh"]), plain, "the hook went");
}
