//! Mounted fragments: merged into the files of every image's overlay, told in full when they are wrong.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Node, has, is_root, project, skip_or_fail};

fn node() -> Node {
    Node::new().env("MAX_HEAP_SIZE", "1G")
}

#[test]
fn fragments_are_merged_in_the_order_of_their_names_below_the_environment() {
    let node = node()
        .env("CASSANDRA_CONCURRENT_READS", "64")
        .file("conf-overlay/cassandra.yaml.d/20-b.yml", "num_tokens: 4\nconcurrent_reads: 1\nbroadcast_rpc_address: null\n")
        .file(
            "conf-overlay/cassandra.yaml.d/10-a.yaml",
            "num_tokens: 8\ncluster_name: 'yes'\nclient_encryption_options:\n  enabled: true\nkey_cache_size_in_mb: 7\n",
        )
        .file("conf-overlay/cassandra-rackdc.properties.d/site", "dc=east\n")
        .file("conf-overlay/jvm-server.options.d/x.options", "# ours\n-Dsite=east\n-Xss512k\n");
    node.start_and_stop().code(0);
    for (key, value) in
        [("num_tokens", "4"), ("concurrent_reads", "64"), ("cluster_name", "yes"), ("key_cache_size", "7MiB")]
    {
        assert_eq!(node.yaml(key), value, "{key}");
    }
    let conf = node.conf();
    assert!(conf["cassandra.yaml"].contains("cluster_name: 'yes'"), "a string stays one for YAML 1.1");
    assert!(conf["cassandra.yaml"].contains("client_encryption_options:\n  enabled: true\n  # optional: false\n"));
    assert!(conf["cassandra-rackdc.properties"].contains("dc=east"));
    let options = &conf["jvm-server.options"];
    assert!(
        options.contains("-Dsite=east") && options.contains("-Xss512k") && !options.contains("# ours"),
        "{options}"
    );
    assert!(!conf.contains_key("cassandra.yaml.d"));
}

#[test]
fn every_fragment_that_is_wrong_is_told_with_its_place_and_nothing_is_written() {
    let node = node()
        .file("conf-overlay/cassandra.yaml.d/a.yaml", "num_tokens: 4\n\tcluster_name: x\n")
        .file("conf-overlay/cassandra.yaml.d/b.yaml", "num_tokens: 4\nnum_token: 1\nstart_rpc: true\n")
        .file("conf-overlay/cassandra-rackdc.properties.d/c", "dc=\\u1\n")
        .file("conf-overlay/jvm-server.options.d/d.options", "\nXmx1G\n")
        .file("conf-overlay/cassandra.yaml.d/e.yaml.bak", "num_tokens: 1\n")
        .file("conf-overlay/cassandra.yml.d/f.yaml", "num_tokens: 1\n");
    let before = node.conf();
    let outcome = node.run().code(78);
    let outcome = outcome
        .says("cassandra.yaml.d/a.yaml:2")
        .says("cassandra.yaml.d/b.yaml:2: 'num_token' is not known to Cassandra 5.0.8 (hint: did you mean num_tokens?)")
        .says("cassandra.yaml.d/b.yaml:3: 'start_rpc' is not known to Cassandra 5.0.8 (hint: Cassandra 3.11 was the last line to have it")
        .says("cassandra-rackdc.properties.d/c:1: malformed \\u escape")
        .says("jvm-server.options.d/d.options:2: `Xmx1G` is no JVM option")
        .says("cassandra.yaml.d/e.yaml.bak: is not read")
        .says("cassandra.yml.d: is not read");
    assert!(!outcome.stderr.contains("wrote"));
    assert_eq!(node.conf(), before);
}

#[test]
fn a_fragment_folder_of_a_config_map_is_read_through_its_links() {
    let node = node().file("conf-overlay/cassandra.yaml.d/..2024_01/x.yaml", "num_tokens: 4\n");
    let folder = node.path("conf-overlay/cassandra.yaml.d");
    symlink("..2024_01", folder.join("..data")).unwrap();
    symlink("..data/x.yaml", folder.join("x.yaml")).unwrap();
    let node = node.file("conf-overlay/..2024_02/jvm-server.options.d/y.options", "-Da=b\n");
    symlink("..2024_02", node.path("conf-overlay/..data")).unwrap();
    symlink("..data/jvm-server.options.d", node.path("conf-overlay/jvm-server.options.d")).unwrap();
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("num_tokens"), "4");
    assert!(node.conf()["jvm-server.options"].contains("-Da=b"));
}

#[test]
fn a_fragment_merges_into_a_mounted_file_and_the_hook_sees_the_result() {
    let hook = "grep -q '^num_tokens: 4' \"$CASSANDRA_CONF/cassandra.yaml\" && export CASSANDRA_CLUSTER_NAME=Seen\n";
    let stock = fs::read_to_string(project().join("config-defaults/5.0/cassandra.yaml")).unwrap();
    let node = node()
        .file("conf-overlay/cassandra.yaml", &stock.replace("num_tokens: 16", "num_tokens: 12"))
        .file("conf-overlay/cassandra.yaml.d/x.yaml", "num_tokens: 4\n")
        .file("conf-overlay/pre_run.sh", hook);
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("cluster_name"), "Seen");
    assert_eq!(node.yaml("num_tokens"), "4");
}

#[test]
fn folders_that_a_fragment_names_stay_and_others_follow_the_data_root() {
    let node = node()
        .without("CASSANDRA_DATA")
        .file("conf-overlay/cassandra.yaml.d/x.yaml", "commitlog_directory: /cassandra_data/commitlog\n")
        .arguments(&["render"]);
    let outcome = node.run().code(0).prints("+commitlog_directory: /cassandra_data/commitlog");
    assert!(outcome.stdout.contains("+hints_directory: /var/lib/cassandra/hints"), "{}", outcome.stdout);
}

#[test]
fn the_overlay_folders_of_all_images_are_read() {
    if !is_root() || !has("unshare") {
        skip_or_fail("mounting over the folders of images needs root and unshare");
        return;
    }
    for folder in ["/configmap", "/tmp/cassandra/configmap", "/etc/cassandra-overlay", "/bitnami/cassandra/conf"] {
        // A root of our own over the machine's, in a mount namespace that ends with the process. What may lie on other file
        // systems is mounted into it.
        let node = node().without("CASSANDRA_CONFIG_OVERLAY").arguments(&["render"]).file("root/x", "");
        let script = format!(
            "set -e; top={top}; mount -t tmpfs none $top; mkdir $top/upper $top/work $top/tree; \
             mount -t overlay overlay -o lowerdir=/,upperdir=$top/upper,workdir=$top/work $top/tree; \
             mkdir -p $top/tree{folder}/cassandra.yaml.d $top/tree{own} $top/tree{program}; \
             echo 'num_tokens: 3' > $top/tree{folder}/cassandra.yaml.d/x.yaml; mount --rbind /proc $top/tree/proc; \
             mount --bind {own} $top/tree{own}; mount --bind {program} $top/tree{program}; exec chroot $top/tree \"$@\"",
            top = node.path("root").display(),
            own = node.path("").display().to_string().trim_end_matches('/'),
            program = crate::support::binary().parent().unwrap().display(),
        );
        let node = node.wrapped(&["unshare", "--mount", "bash", "-c", &script, "bash"]);
        let outcome = node.run();
        if outcome.stderr.contains("mount:") {
            skip_or_fail("a root of our own needs overlay mounts");
            return;
        }
        outcome.code(0).prints("+num_tokens: 3");
    }
}
