//! The conf folder: who owns it, where it cannot be written, what is mounted over it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::support::{NEEDED, Node, is_root, skip_or_fail};

#[test]
fn as_root_conf_files_belong_to_root_and_the_cassandra_group_and_only_root_writes_them() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let node = Node::new().mode("conf/cassandra.yaml", 0o666).mode("conf", 0o777);
    node.start_and_stop().code(0);
    for name in [".", "cassandra.yaml", "jvm-server.options", "logback.xml", "cassandra-rackdc.properties"] {
        let metadata = fs::metadata(node.path("conf").join(name)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (0, 4242), "{name}");
        assert_eq!(metadata.permissions().mode() & 0o022, 0, "{name}");
        assert_eq!(metadata.permissions().mode() & 0o040, 0o040, "{name}");
    }
}

#[test]
fn data_and_log_folders_belong_to_the_user_and_links_are_not_followed() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let node = Node::new().file("data/data/ks/table/file", "x").file("outside", "x");
    std::os::unix::fs::symlink(node.path("outside"), node.path("data/data/link")).unwrap();
    node.start_and_stop().code(0);
    for name in ["data", "data/data/ks/table/file", "log"] {
        let metadata = fs::metadata(node.path(name)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (4242, 4242), "{name}");
    }
    assert_eq!(fs::metadata(node.path("outside")).unwrap().uid(), 0);
    assert_eq!(fs::symlink_metadata(node.path("data/data/link")).unwrap().uid(), 4242);
    let changed = |name: &str| fs::metadata(node.path(name)).unwrap().ctime_nsec();
    let before = changed("data/data/ks/table/file");
    node.start_and_stop().code(0);
    assert_eq!(changed("data/data/ks/table/file"), before, "what is right already is not touched");
}

#[test]
fn the_jvm_has_the_users_ids_and_no_capability_it_does_not_need() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let node = Node::new();
    node.start_and_stop().code(0);
    let status = fs::read_to_string(node.path("standin/status")).unwrap();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert_eq!(line("Uid:"), "Uid:\t4242\t4242\t4242\t4242");
    assert_eq!(line("Gid:"), "Gid:\t4242\t4242\t4242\t4242");
    assert_eq!(line("Groups:").trim_end(), "Groups:\t4242");
    assert_eq!(line("NoNewPrivs:"), "NoNewPrivs:\t1");
    // Nothing but IPC_LOCK (bit 14), and that only where we have it ourselves.
    let capabilities = u64::from_str_radix(line("CapEff:").split('\t').nth(1).unwrap(), 16).unwrap();
    assert_eq!(capabilities & !(1 << 14), 0, "{capabilities:x}");
    for name in ["SigBlk:", "SigIgn:"] {
        assert!(line(name).ends_with("\t0000000000000000"), "{}", line(name));
    }
}

#[test]
fn a_read_only_conf_folder_is_rendered_into_the_run_folder() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    let node = Node::new().file("conf/extra.properties", "a=b\n");
    let conf = node.path("conf").display().to_string();
    let mount = format!("mount --bind {conf} {conf} && mount -o remount,ro,bind {conf} && exec \"$@\"");
    let node =
        node.wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"]).env("CASSANDRA_CLUSTER_NAME", "Elsewhere");
    let pristine = node.conf();
    node.start_and_stop().code(0);
    assert_eq!(node.conf(), pristine);
    let rendered = node.files("run/conf");
    assert!(rendered["cassandra.yaml"].contains("\ncluster_name: 'Elsewhere'\n"), "{}", rendered["cassandra.yaml"]);
    assert_eq!(rendered["extra.properties"], "a=b\n", "Cassandra finds the folder's other files there");
    let arguments = fs::read_to_string(node.path("standin/arguments")).unwrap();
    let config = format!("-Dcassandra.config=file://{}", node.path("run/conf/cassandra.yaml").display());
    assert!(arguments.lines().any(|line| line == config), "{arguments}");
}

#[test]
fn a_rendered_folder_follows_its_original_and_one_unreadable_file_stops_nothing() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    let node = Node::new().file("conf/gone", "a=b\n").file("conf/secret", "x\n").mode("conf/secret", 0o600);
    std::os::unix::fs::symlink("/etc/hostname", node.path("conf/planted")).unwrap();
    std::os::unix::fs::lchown(node.path("conf/planted"), Some(4343), None).unwrap();
    let conf = node.path("conf").display().to_string();
    let mount = format!("mount --bind {conf} {conf} && mount -o remount,ro,bind {conf} && exec \"$@\"");
    let node = node.wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"]);
    node.start_and_stop().code(0).says("planted: a symbolic link of user 4343, which is not followed");
    let mode = fs::metadata(node.path("run/conf/secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(node.path("run/conf/gone").exists());
    fs::remove_file(node.path("conf/gone")).unwrap();
    node.start_and_stop().code(0);
    assert!(!node.path("run/conf/gone").exists());
}

#[test]
fn a_record_beside_a_folder_that_is_not_written_is_not_read() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    let node = Node::new();
    fs::create_dir_all(node.path("conf.pristine/.record")).unwrap();
    let yaml = node.path("conf/cassandra.yaml").display().to_string();
    let mount = format!("mount --bind {yaml} {yaml} && exec \"$@\"");
    let node = node.wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"]);
    node.start_and_stop().code(0);
}

#[test]
fn a_conf_folder_that_is_a_volume_carries_its_own_record() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    let script = "echo '# appended' >> \"$CASSANDRA_CONF/cassandra.yaml\"\nmv \"$CASSANDRA_CONF/.cassandra-init\" \"$CASSANDRA_CONF/x\" || true\n";
    let node = Node::new().file("conf-overlay/pre_run.sh", script);
    let conf = node.path("conf").display().to_string();
    let mount = format!("mount --bind {conf} {conf} && exec \"$@\"");
    let node = node.wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"]);
    node.start_and_stop().code(0);
    let first = node.conf();
    assert_eq!(first["cassandra.yaml"].matches("# appended").count(), 1);
    // A new container has the volume and nothing beside it.
    let _ = fs::remove_dir_all(node.path("conf.pristine"));
    let node = node.env("CASSANDRA_CLUSTER_NAME", "Second");
    node.start_and_stop().code(0);
    let node = node.without("CASSANDRA_CLUSTER_NAME");
    let _ = fs::remove_dir_all(node.path("conf.pristine"));
    node.start_and_stop().code(0);
    assert_eq!(node.conf(), first);
    let kept = fs::metadata(node.path("conf/.cassandra-init")).unwrap();
    assert_eq!((kept.uid(), kept.permissions().mode() & 0o777), (0, 0o700));
}

#[test]
fn a_single_mounted_file_cannot_be_renamed_over_and_is_rendered_elsewhere() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    let node = Node::new();
    let yaml = node.path("conf/cassandra.yaml").display().to_string();
    let mount = format!("mount --bind {yaml} {yaml} && exec \"$@\"");
    let node =
        node.wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"]).env("CASSANDRA_CLUSTER_NAME", "Elsewhere");
    node.start_and_stop().code(0);
    assert!(node.files("run/conf")["cassandra.yaml"].contains("\ncluster_name: 'Elsewhere'\n"));
}

#[test]
fn mounted_files_replace_the_distributions_whole_and_the_environment_still_counts() {
    let yaml = "cluster_name: Mounted\nnum_tokens: 4\nseed_provider:\n- class_name: org.apache.cassandra.locator.SimpleSeedProvider\n  parameters:\n  - seeds: 10.0.0.7\nlisten_address: localhost\n";
    let yaml = format!("{yaml}{NEEDED}");
    let node = Node::new()
        .env("CASSANDRA_INIT_PROFILE", "kubernetes-examples")
        .file("conf-overlay/cassandra.yaml", &yaml)
        .file("conf-overlay/jvm.options", "-Xmx1G\n-XX:+UseParNewGC\n");
    node.start_and_stop().code(0).says("jvm.options: Java 17 does not take -XX:+UseParNewGC");
    assert!(node.conf()["jvm-server.options"].contains("\n-Xmx1G\n"), "its options count in the files of this line");
    assert_eq!(node.yaml("cluster_name"), "Mounted");
    assert_eq!(node.yaml("num_tokens"), "4", "a profile's default lies below a mounted file");
    assert_eq!(node.yaml("listen_address"), "10.244.0.10", "a stock loopback counts as unset");
    assert!(node.conf()["cassandra.yaml"].contains("seeds: 10.0.0.7"));
}

#[test]
fn without_a_conf_folder_our_own_files_are_the_base() {
    let node = Node::new();
    fs::remove_dir_all(node.path("conf")).unwrap();
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("listen_address"), "10.244.0.10");
    assert!(node.conf().contains_key("logback.xml"));
}
