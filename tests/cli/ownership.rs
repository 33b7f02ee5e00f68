//! Whose the folders are after a start: the roots that are walked, and how thoroughly.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown};

use crate::support::{Node, is_root, skip_or_fail};

fn owner(node: &Node, name: &str) -> u32 {
    fs::symlink_metadata(node.path(name)).unwrap_or_else(|error| panic!("{name}: {error}")).uid()
}

#[test]
fn every_folder_that_the_configuration_names_is_given_wherever_it_lies() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let node = Node::new();
    let elsewhere = node.path("elsewhere");
    let folder = |name: &str| elsewhere.join(name).display().to_string();
    let disks = format!("[\"{}\", \"{}\"]", folder("disk1"), folder("disk2"));
    let node = node
        .env("CASSANDRA_YAML_data_file_directories", &disks)
        .env("CASSANDRA_YAML_commitlog_directory", &folder("commitlog"))
        .env("CASSANDRA_YAML_hints_directory", &folder("hints"))
        .env("CASSANDRA_YAML_saved_caches_directory", &folder("caches"))
        .env("CASSANDRA_YAML_cdc_enabled", "true")
        .env("CASSANDRA_YAML_cdc_raw_directory", &folder("cdc"))
        .env("CASSANDRA_HEAPDUMP_DIR", &folder("dumps"));
    let names = ["disk1", "disk2", "commitlog", "hints", "caches", "cdc", "dumps"];
    let node = names
        .iter()
        .fold(node, |node, name| node.file(&format!("elsewhere/{name}/old"), ""))
        .file("elsewhere/other", "");
    node.start_and_stop().code(0);
    for name in names {
        assert_eq!(owner(&node, &format!("elsewhere/{name}")), 4242, "{name}");
        assert_eq!(owner(&node, &format!("elsewhere/{name}/old")), 4242, "{name}/old");
    }
    assert_eq!((owner(&node, "elsewhere"), owner(&node, "elsewhere/other")), (0, 0), "what nobody named is left alone");
}

#[test]
fn full_looks_at_every_file_root_check_at_the_folders_and_off_at_none() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let in_mode = |mode: &str| Node::new().file("data/data/file", "").env("CASSANDRA_INIT_CHOWN", mode);
    let node = in_mode("root-check");
    let given = format!("ownership of {}: 3 of 3 entries given to 4242:4242 in", node.path("data").display());
    node.start_and_stop().code(0).says(&given);
    assert_eq!(
        (owner(&node, "data"), owner(&node, "data/data/file")),
        (4242, 4242),
        "the folder was root's: a whole walk"
    );
    lchown(node.path("data/data/file"), Some(0), Some(0)).unwrap();
    node.start_and_stop().code(0);
    assert_eq!(owner(&node, "data/data/file"), 0, "the folder is right, and nothing below it is looked at");
    let node = node.env("CASSANDRA_INIT_CHOWN", "full");
    node.start_and_stop().code(0);
    assert_eq!(owner(&node, "data/data/file"), 4242);
    let node = in_mode("off");
    node.start_and_stop().code(0);
    assert_eq!((owner(&node, "data"), owner(&node, "data/data/file")), (0, 0));
    in_mode("never").run().code(78).says("CASSANDRA_INIT_CHOWN").says("full, root-check or off");
}
