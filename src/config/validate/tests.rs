//! The validator over the files that Cassandra ships and over what people get wrong.

use super::*;
use crate::config::defaults;

const V3_11: Version = Version::new(Line::V3_11, 19);
const V4_0: Version = Version::new(Line::V4_0, 19);
const V4_1: Version = Version::new(Line::V4_1, 10);
const V5_0: Version = Version::new(Line::V5_0, 9);
const V6_0: Version = Version::new(Line::V6_0, 0);

/// The least that every release starts with.
const SOUND: &str = "\
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
commitlog_sync: periodic
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: 127.0.0.1
";

fn told(text: &str, version: Version) -> Vec<String> {
    let document = YamlDocument::parse("cassandra.yaml", text).unwrap();
    let problems = validate(&document, version);
    problems
        .into_iter()
        .map(|problem| match problem.hint {
            Some(hint) => format!("{}: {} ({hint})", problem.severity, problem.message),
            None => format!("{}: {}", problem.severity, problem.message),
        })
        .collect()
}

/// What is told of some lines added to a sound file.
fn of(lines: &str, version: Version) -> Vec<String> {
    let period =
        if version.line() >= Line::V4_1 { "commitlog_sync_period: 10s" } else { "commitlog_sync_period_in_ms: 10000" };
    told(&format!("{SOUND}{period}\n{lines}\n"), version)
}

#[test]
fn our_own_files_are_sound_in_their_line() {
    for version in [V3_11, V4_0, V4_1, V5_0, V6_0] {
        let (_, text) = defaults::files(version.line()).iter().find(|(name, _)| *name == "cassandra.yaml").unwrap();
        assert_eq!(told(text, version), [""; 0], "{version}");
        assert_eq!(of("", version), [""; 0], "{version}");
    }
}

#[test]
fn the_files_that_cassandra_ships_are_sound() {
    let folder = std::env::var_os("CASSANDRA_INIT_UPSTREAM_CONF").map_or_else(
        || std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream-conf"),
        std::path::PathBuf::from,
    );
    for (file, version) in [
        ("4.0/cassandra.yaml", V4_0),
        ("4.1/cassandra.yaml", V4_1),
        ("5.0/cassandra.yaml", V5_0),
        ("5.0/cassandra_latest.yaml", V5_0),
    ] {
        match std::fs::read_to_string(folder.join(file)) {
            Ok(text) => assert_eq!(told(&text, version), [""; 0], "{file}"),
            Err(error) => println!("skipped: {file}: {error}"),
        }
    }
}

#[test]
fn an_unknown_key_is_told_with_what_was_meant() {
    let table = [
        ("cluster_nam: a", V5_0),
        ("key_cache_size: 100MiB", V4_0),
        ("start_rpc: true", V4_0),
        ("sai_options: {}", V4_1),
        ("commitlog_sync_batch_window_in_ms: 2", V5_0),
        ("native_transport_port_ssl: 9142", V6_0),
        ("compaction_throughput_mb_per_seconds: 1", V5_0),
        ("native_transport_max_message_size: 1MiB", Version::new(Line::V5_0, 1)),
        ("otc_coalescing_strategy: DISABLED", Version::new(Line::V4_0, 2)),
        ("client_encryption_options: {enable: true, keystore_pasword: x}", V5_0),
        ("client_encryption_options: {ssl_context_factory: {class_name: a.B}}", V4_0),
        ("cluster_nam: a", Version::new(Line::V5_0, 10)),
        ("zzz: 1", V5_0),
    ];
    let all: Vec<String> = table.into_iter().flat_map(|(text, version)| of(text, version)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_the_right_form() {
    let table = [
        "read_request_timeout: 10",
        "read_request_timeout: 10 s",
        "read_request_timeout: 10us",
        "read_request_timeout: -1",
        "read_request_timeout: 1.5s",
        "permissions_validity: 2147483647ms",
        "key_cache_size: 10MB",
        "key_cache_size: 1.5GiB",
        "key_cache_size: 1TiB",
        "compaction_throughput: 64MB/s",
        "compaction_throughput: 64",
        "key_cache_size_in_mb: 100MiB",
        "num_tokens: many",
        "num_tokens: 99999999999",
        "auto_snapshot: maybe",
        "disk_failure_policy: Stop",
        "memtable_allocation_type: offheap_object",
        "data_file_directories: /data",
        "cluster_name: [a]",
        "storage_port:",
        "key_cache_size:",
        "client_encryption_options: true",
        "client_encryption_options: {keystore_password: [hunter2], enabled: perhaps}",
        "authenticator: [{class_name: A}, {class_name: B}]",
        "authenticator: {class_nam: A}",
        "audit_logging_options: {logger: {class_name: A, parameters: [{a: b}]}}",
        "audit_logging_options: {logger: [{class_name: A, parameters: {a: b}}]}",
        "memtable: {configurations: {default: {inherits: skiplist, clas_name: X}}}",
    ];
    let all: Vec<String> = table.into_iter().flat_map(|text| of(text, V5_0)).collect();
    insta::assert_snapshot!(all.join("\n"));
    assert!(!all.join("\n").contains("hunter2"));
}

#[test]
fn what_yaml_and_cassandra_take_is_taken() {
    let lines = "\
auto_snapshot: yes
storage_port: '7000'
num_tokens: 0x10
phi_convict_threshold: 8
key_cache_save_period: 14400
row_cache_save_period: 4h
cluster_name: 12
sstable_preemptive_open_interval:
authenticator: AllowAllAuthenticator
authorizer: {class_name: AllowAllAuthorizer, parameters: {any: 1}}
audit_logging_options.enabled: true
client_error_reporting_exclusions: {subnets: [127.0.0.1, 10.0.0.0/8]}
startup_checks: {check_dc: {enabled: false}}
default_compaction: {class_name: UnifiedCompactionStrategy, parameters: {scaling_parameters: T4}}
trickle_fsync_interval: 1GiB
table_properties_warned: []";
    assert_eq!(of(lines, V5_0), [""; 0]);
}

#[test]
fn an_authenticator_is_a_string_or_a_map_as_the_release_takes() {
    let map = "role_manager: {class_name: A}";
    assert!(of(map, V4_1)[0].contains("role_manager is a map, expected a string"), "{:?}", of(map, V4_1));
    assert_eq!(of(map, Version::new(Line::V5_0, 1)).len(), 1);
    assert_eq!(of(map, Version::new(Line::V5_0, 2)), [""; 0]);
    for version in [V3_11, V4_0, V4_1, V5_0, V6_0] {
        assert_eq!(of("role_manager: A", version), [""; 0], "{version}");
    }
}

#[test]
fn keys_that_exclude_or_need_each_other_are_told() {
    let table = [
        ("key_cache_size: 1MiB\nkey_cache_size_in_mb: 1", V5_0),
        ("listen_address: a\nlisten_interface: eth0", V5_0),
        ("rpc_address: 0.0.0.0", V5_0),
        ("rpc_address: '::'\nbroadcast_rpc_address: 10.0.0.1", V5_0),
        ("listen_address: 0.0.0.0", V4_0),
        ("sstable: {selected_format: bti}", V5_0),
        ("sstable: {selected_format: bti}\nstorage_compatibility_mode: NONE", V5_0),
        ("native_transport_port_ssl: 9142", V5_0),
        ("native_transport_port_ssl: 9142\nclient_encryption_options: {enabled: true}", V4_1),
        (
            "server_encryption_options: {enable_legacy_ssl_storage_port: true, legacy_ssl_storage_port_enabled: true}",
            V5_0,
        ),
    ];
    let all: Vec<String> = table.into_iter().flat_map(|(text, version)| of(text, version)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_must_be_there_is_told_by_name() {
    let mut all = told("cluster_name: a\n", V5_0);
    all.extend(told(&SOUND.replace("127.0.0.1", "' '"), V3_11));
    all.extend(told(&SOUND.replace("periodic", "group"), V4_1));
    all.extend(of("", V3_11).into_iter().chain(told(&SOUND.replace("periodic", "batch"), V3_11)));
    let batch =
        of("", V5_0).is_empty().then(|| format!("{}commitlog_sync_period: 10s\n", SOUND.replace("periodic", "batch")));
    all.extend(told(&batch.unwrap(), V5_0));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_key_at_the_wrong_depth_is_told_where_it_belongs() {
    assert_eq!(
        of("keystore_password: x\nclient_encryption_options:\n  num_tokens: 4", V5_0),
        [
            "error: keystore_password is not known to Cassandra 5.0.9 (did you mean client_encryption_options.keystore_password, or server_encryption_options.keystore_password?)",
            "error: client_encryption_options.num_tokens is not known to Cassandra 5.0.9 (num_tokens is a key of the top level: write it without indentation)",
        ]
    );
}

#[test]
fn the_old_name_that_no_release_with_the_new_one_can_read_is_told_with_what_to_write() {
    assert_eq!(
        of("table_count_warn_threshold: 150\nkeyspace_count_warn_threshold: 40", V5_0),
        [
            "error: table_count_warn_threshold is an old name that Cassandra 5.0.9 cannot read: it fails while it starts (set tables_warn_threshold: 102, which does not count Cassandra's own tables)"
        ]
    );
    assert_eq!(of("table_count_warn_threshold: 150", V4_1), [""; 0]);
}

#[test]
fn a_number_that_is_no_port_is_told_before_java_fails_on_it() {
    let expected = ["error: storage_port is '70000', expected a port (ports go from 1 to 65535)"];
    assert_eq!(of("storage_port: 70000\nnative_transport_port: 9042", V5_0), expected);
}
