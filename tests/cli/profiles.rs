//! The profiles: what each image does for variables that nobody set, and what its own variables do here.

use crate::matrix;
use crate::support::Node;

const PROFILES: [&str; 5] = ["native", "kubernetes-examples", "casskop", "official", "bitnami"];

fn profile(name: &str) -> Node {
    matrix::profile(name, &[])
}

#[test]
fn every_variable_of_the_bitnami_image_on_each_line() {
    let node = || {
        profile("bitnami")
            .env("CASSANDRA_CLUSTER_NAME", "prod")
            .env("CASSANDRA_DATACENTER", "dc7")
            .env("CASSANDRA_RACK", "r7")
            .env("CASSANDRA_HOST", "10.0.0.7")
            .env("CASSANDRA_SEEDS", "10.0.0.7,10.0.0.8")
            .env("CASSANDRA_NUM_TOKENS", "8")
            .env("CASSANDRA_ENABLE_USER_DEFINED_FUNCTIONS", "true")
            .env("CASSANDRA_ENABLE_SCRIPTED_USER_DEFINED_FUNCTIONS", "true")
            .env("CASSANDRA_CQL_PORT_NUMBER", "9043")
            .env("CASSANDRA_TRANSPORT_PORT_NUMBER", "7002")
            .env("CASSANDRA_CLIENT_ENCRYPTION", "true")
            .env("CASSANDRA_INTERNODE_ENCRYPTION", "all")
            .env("CASSANDRA_TRUSTSTORE_LOCATION", "/secrets/trust.jks")
            .env("CASSANDRA_AUTHENTICATOR", "AllowAllAuthenticator")
            .env("CASSANDRA_PASSWORD_SEEDER", "no")
            .env("ALLOW_EMPTY_PASSWORD", "yes")
    };
    let later =
        |node: Node| node.env("CASSANDRA_AUTOMATIC_SSTABLE_UPGRADE", "true").env("CASSANDRA_AUTO_SNAPSHOT_TTL", "12h");
    let of = |node: Node, version: &str| format!("# {version}\n{}\n", matrix::changes(node, version).join("\n"));
    let all = [of(node(), "3.11.4"), of(later(node()), "4.1.10"), of(later(node()), "5.0.8")];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn the_defaults_of_a_profile_do_not_reach_a_mounted_file_and_variables_do() {
    let mounted =
        "cluster_name: Mine\nnum_tokens: 4\nauthenticator: AllowAllAuthenticator\nauthorizer: AllowAllAuthorizer\n";
    for name in PROFILES {
        let node = profile(name).cassandra_yaml("conf-overlay", mounted);
        node.start_and_stop().code(0);
        let read = |node: &Node| ["cluster_name", "num_tokens", "authenticator"].map(|key| node.yaml(key));
        assert_eq!(read(&node), ["Mine", "4", "AllowAllAuthenticator"], "{name}");
        let node = node.env("CASSANDRA_NUM_TOKENS", "8").env("CASSANDRA_AUTHENTICATOR", "PasswordAuthenticator");
        node.start_and_stop().code(0);
        assert_eq!(read(&node), ["Mine", "8", "PasswordAuthenticator"], "{name}");
    }
}

#[test]
fn data_centre_and_rack_of_the_bitnami_image_bring_their_snitch_only_where_somebody_chose_them() {
    let snitch = |node: Node| {
        node.start_and_stop().code(0);
        node.yaml("endpoint_snitch")
    };
    assert_eq!(snitch(profile("bitnami")), "SimpleSnitch");
    assert_eq!(snitch(profile("bitnami").env("CASSANDRA_DATACENTER", "dc7")), "GossipingPropertyFileSnitch");
    let old = profile("bitnami").env("CASSANDRA_DATACENTER", "dc7").file("data/data/system/local/x", "x");
    assert_eq!(snitch(old), "SimpleSnitch");
}

#[test]
fn stores_are_named_only_where_something_is_encrypted_and_a_mounted_files_own_stay() {
    let stores = |pairs: &[(&str, &str)], mounted: Option<&str>| {
        let node = pairs.iter().fold(profile("bitnami"), |node, (name, value)| node.env(name, value));
        let node = mounted.into_iter().fold(node, |node, text| node.cassandra_yaml("conf-overlay", text));
        node.start_and_stop().code(0);
        let tree: serde_yaml::Value = serde_yaml::from_str(&node.conf()["cassandra.yaml"]).unwrap();
        tree["client_encryption_options"]["keystore"].as_str().unwrap_or_default().to_owned()
    };
    let encrypted = [("CASSANDRA_CLIENT_ENCRYPTION", "true")];
    let image = "/bitnami/cassandra/secrets/keystore";
    assert_ne!(stores(&[], None), image);
    assert_eq!(stores(&encrypted, None), image);
    let own = "client_encryption_options:\n  enabled: false\n  keystore: /mine\n  keystore_password: mine\n";
    assert_eq!(stores(&encrypted, Some(own)), "/mine");
}

#[test]
fn ports_reach_probe_seeds_and_nodetool_and_no_two_services_share_one() {
    let node = profile("bitnami")
        .env("CASSANDRA_CQL_PORT_NUMBER", "19042")
        .env("CASSANDRA_TRANSPORT_PORT_NUMBER", "17000")
        .env("CASSANDRA_JMX_PORT_NUMBER", "17199");
    let running = node.start();
    let answer = node.probe("readiness").code(1);
    assert!(answer.stdout.contains(":19042"), "{}", answer.stdout);
    running.stop().code(0);
    assert_eq!((node.yaml("native_transport_port"), node.yaml("storage_port")), ("19042".into(), "17000".into()));
    let arguments = &node.files("standin")["arguments"];
    assert!(arguments.lines().any(|word| word == "-Dcassandra.jmx.local.port=17199"), "{arguments}");

    let called = |node: Node, words: &[&str]| {
        let node = node.java("#!/bin/sh\necho \"$@\"\n").arguments(&["nodetool"]);
        let node = node.wrapped(&["bash", "-c", "program=$1; shift 2; exec -a nodetool \"$program\" \"$@\"", "bash"]);
        let arguments: Vec<&str> = std::iter::once("nodetool").chain(words.iter().copied()).collect();
        let printed = node.arguments(&arguments).run().code(0).stdout;
        printed.trim().rsplit_once("NodeTool ").unwrap().1.to_owned()
    };
    let with_port = || Node::new().env("CASSANDRA_JMX_PORT_NUMBER", "17199");
    assert_eq!(called(with_port(), &["status"]), "-p 17199 status");
    assert_eq!(called(with_port(), &["-p", "7", "status"]), "-p 7 status");
    assert_eq!(called(Node::new(), &["status"]), "status");

    let collision = Node::new().env("CASSANDRA_CQL_PORT_NUMBER", "7000").env("CASSANDRA_JMX_PORT_NUMBER", "7000");
    collision
        .arguments(&["check"])
        .run()
        .code(78)
        .prints("storage_port and JMX are both on port 7000")
        .prints("storage_port and native_transport_port are both on port 7000");
    for wrong in ["0", "65536", "http"] {
        let node = Node::new().env("CASSANDRA_CQL_PORT_NUMBER", wrong).arguments(&["check"]);
        node.run().code(78).prints("CASSANDRA_CQL_PORT_NUMBER").prints("from 1 to 65535");
    }
}

#[test]
fn a_script_launch_gets_another_jmx_port_after_cassandra_env_sh_has_set_its_own() {
    let script = "#!/bin/sh\nexec \"$JAVA_HOME/bin/java\" \"$@\"\n";
    let node = Node::new()
        .env("CASSANDRA_JMX_PORT_NUMBER", "17199")
        .file("home/bin/cassandra", script)
        .mode("home/bin/cassandra", 0o755);
    node.start_and_stop().code(0);
    let environment = &node.files("standin")["environment"];
    let extra = environment.lines().find(|line| line.starts_with("JVM_EXTRA_OPTS=")).unwrap();
    assert!(extra.contains("-Dcassandra.jmx.local.port=17199"), "{extra}");
}

#[test]
fn without_remote_connections_everything_is_on_loopback_and_another_address_is_a_contradiction() {
    let node = Node::new().env("CASSANDRA_ENABLE_REMOTE_CONNECTIONS", "false");
    node.start_and_stop().code(0);
    for key in ["listen_address", "rpc_address", "broadcast_rpc_address"] {
        assert_eq!(node.yaml(key), "127.0.0.1", "{key}");
    }
    assert!(node.conf()["cassandra.yaml"].contains("- seeds: \"127.0.0.1\""));
    node.env("CASSANDRA_HOST", "10.0.0.7")
        .arguments(&["check"])
        .run()
        .code(78)
        .prints("CASSANDRA_HOST: disagrees with CASSANDRA_ENABLE_REMOTE_CONNECTIONS");
}

#[test]
fn the_host_of_the_bitnami_image_is_this_node_in_every_place() {
    let node = profile("bitnami").without("POD_IP").env("CASSANDRA_HOST", "db-0.db");
    let node = node.env("CASSANDRA_SEEDS", "db-0.db").env("CASSANDRA_BROADCAST_ADDRESS", "192.0.2.7");
    node.start_and_stop().code(0).says("this node makes a cluster of its own");
    let read = ["listen_address", "broadcast_address", "broadcast_rpc_address"].map(|key| node.yaml(key));
    assert_eq!(read, ["db-0.db", "192.0.2.7", "db-0.db"]);
}

#[test]
fn a_docker_link_means_its_node_unless_seeds_are_named() {
    let seeds = |node: Node| {
        node.start_and_stop().code(0);
        let text = node.conf()["cassandra.yaml"].clone();
        text.lines().find_map(|line| Some(line.split_once("- seeds: ")?.1.to_owned())).unwrap()
    };
    let linked = || profile("official").env("CASSANDRA_NAME", "/some-app/cassandra");
    assert_eq!(seeds(linked()), "\"cassandra\"");
    assert_eq!(seeds(linked().env("CASSANDRA_SEEDS", "10.0.0.8")), "\"10.0.0.8\"");
    let own = |seed: &str| {
        format!("seed_provider:\n  - class_name: SimpleSeedProvider\n    parameters:\n      - seeds: \"{seed}\"\n")
    };
    assert_eq!(seeds(linked().cassandra_yaml("conf-overlay", &own("10.0.0.9"))), "\"10.0.0.9\"");
    assert_eq!(seeds(linked().cassandra_yaml("conf-overlay", &own("127.0.0.1"))), "\"cassandra\"");
    assert_eq!(seeds(profile("native").env("CASSANDRA_NAME", "/x/cassandra")), "\"10.244.0.10\"");
}

#[test]
fn a_hook_that_would_run_after_the_files_are_written_is_told_to_run_before() {
    let node = Node::new().file("conf-overlay/post_run.sh", "echo 'cluster_name: late' >> cassandra.yaml\n");
    node.start_and_stop().code(0).says("post_run.sh: is not run").says("pre_run.sh, whose edits count");
    assert!(!node.conf().contains_key("post_run.sh"));
}

#[test]
fn what_is_known_and_not_supported_is_told_as_that_with_a_way_out_and_never_with_its_value() {
    let node = profile("bitnami")
        .env("CASSANDRA_PASSWORD", "hunter2")
        .env("CASSANDRA_PASSWORD_SEEDER", "yes")
        .env("CASSANDRA_STARTUP_CQL", "CREATE ROLE x WITH PASSWORD = 'hunter2'")
        .env("CASSANDRA_CFG_ENV_MAX_HEAP_SIZE", "1G")
        .env("CASSANDRA_IGNORE_INITDB_SCRIPTS", "no");
    let outcome = node.start_and_stop().code(0);
    for name in ["PASSWORD", "PASSWORD_SEEDER", "STARTUP_CQL"] {
        assert!(outcome.stderr.contains(&format!("CASSANDRA_{name}: is not supported yet: ")), "{}", outcome.stderr);
    }
    assert!(outcome.stderr.contains("CASSANDRA_CFG_ENV_MAX_HEAP_SIZE: has no effect: "), "{}", outcome.stderr);
    for never in ["hunter2", "unknown variable", "INITDB"] {
        assert!(!outcome.stderr.contains(never), "{never}: {}", outcome.stderr);
    }
    node.env("CASSANDRA_INIT_STRICT", "true").run().code(78);
}

#[test]
fn the_profile_that_is_typed_wins_over_the_name_that_we_are_called_by() {
    let called = |name: &str, node: Node| {
        let wrapper = format!("program=$1; shift 2; exec -a {name} \"$program\" \"$@\"");
        node.wrapped(&["bash", "-c", &wrapper, "bash"]).arguments(&["run"])
    };
    let says = |node: Node, profile: &str| {
        // `run.sh run` is not an argument of Cassandra's; `entrypoint.sh` takes our own words.
        let outcome = node.run();
        assert!(outcome.stderr.contains(profile), "{profile}: {}", outcome.stderr);
    };
    let stops = || Node::new().java("#!/bin/sh\nexit 0\n");
    let entrypoint = "/opt/bitnami/scripts/cassandra/entrypoint.sh";
    says(called(entrypoint, stops()), "profile bitnami");
    says(called("/docker-entrypoint.sh", stops()), "profile official");
    says(called(entrypoint, stops().env("CASSANDRA_INIT_PROFILE", "native")), "profile native");
    let unknown = called(entrypoint, stops().env("CASSANDRA_INIT_PROFILE", "casskopp")).run().code(78);
    unknown.says("did you mean casskop?");
}

#[test]
fn of_two_names_for_one_setting_an_image_s_own_wins_and_without_one_they_must_agree() {
    let rack = |node: Node| {
        node.start_and_stop().code(0);
        node.conf()["cassandra-rackdc.properties"].clone()
    };
    let both = |name: &str| profile(name).env("CASSANDRA_DC", "one").env("CASSANDRA_DATACENTER", "two");
    for (name, wins) in [("kubernetes-examples", "one"), ("casskop", "one"), ("official", "one"), ("bitnami", "two")] {
        let text = rack(both(name));
        assert!(text.contains(&format!("dc={wins}\n")), "{name}: {text}");
    }
    both("native").arguments(&["check"]).run().code(78).prints("disagrees with CASSANDRA_DATACENTER='two'");
}

/// Every variable of the images' scripts (peers: kubernetes/examples, Orange and CassKop, docker-library, Bitnami).
const VARIABLES: &[(&str, &[&str])] = &[
    (
        "CASSANDRA_",
        &[
            "SEEDS",
            "SEED_PROVIDER",
            "LISTEN_ADDRESS",
            "BROADCAST_ADDRESS",
            "BROADCAST_RPC_ADDRESS",
            "RPC_ADDRESS",
            "NUM_TOKENS",
            "CLUSTER_NAME",
            "DISK_OPTIMIZATION_STRATEGY",
            "ENDPOINT_SNITCH",
            "DC",
            "RACK",
            "AUTO_BOOTSTRAP",
            "MIGRATION_WAIT",
            "RING_DELAY",
            "MAX_HEAP",
            "REPLACE_NODE",
            "GC_STDOUT",
            "OPEN_JMX",
            "DATA",
            "CONF",
            "START_RPC",
            "KEY_CACHE_SIZE_IN_MB",
            "CONCURRENT_READS",
            "CONCURRENT_WRITES",
            "MEMTABLE_CLEANUP_THRESHOLD",
            "MEMTABLE_ALLOCATION_TYPE",
            "MEMTABLE_FLUSH_WRITERS",
            "CONCURRENT_COMPACTORS",
            "COMPACTION_THROUGHPUT_MB_PER_SEC",
            "COUNTER_CACHE_SIZE_IN_MB",
            "INTERNODE_COMPRESSION",
            "GC_WARN_THRESHOLD_IN_MS",
            "LISTEN_INTERFACE",
            "RPC_INTERFACE",
            "SERVICE",
            "SERVICE_NUM_SEEDS",
        ],
    ),
    (
        "CASSANDRA_",
        &[
            "AUTHENTICATOR",
            "AUTHORIZER",
            "ENABLE_JMX",
            "LOG_DIR",
            "ENABLE_JOLOKIA",
            "AUTH_JOLOKIA",
            "EXPORTER_AGENT",
            "GC_VERBOSE",
        ],
    ),
    ("", &["JOLOKIA_USER", "JOLOKIA_PASSWORD"]),
    ("", &["POD_IP", "POD_NAME", "SERVICE_NAME", "POD_NAMESPACE"]),
    ("", &["CASSANDRA_NAME", "MAX_HEAP_SIZE", "HEAP_NEWSIZE", "JVM_OPTS", "JVM_EXTRA_OPTS", "LOCAL_JMX"]),
    (
        "CASSANDRA_",
        &[
            "CLIENT_ENCRYPTION",
            "DATACENTER",
            "ENABLE_REMOTE_CONNECTIONS",
            "ENABLE_RPC",
            "ENABLE_USER_DEFINED_FUNCTIONS",
            "ENABLE_SCRIPTED_USER_DEFINED_FUNCTIONS",
            "HOST",
            "INTERNODE_ENCRYPTION",
            "PASSWORD_SEEDER",
            "PEERS",
            "NODES",
            "AUTOMATIC_SSTABLE_UPGRADE",
            "STARTUP_CQL",
            "IGNORE_INITDB_SCRIPTS",
            "CQL_PORT_NUMBER",
            "JMX_PORT_NUMBER",
            "TRANSPORT_PORT_NUMBER",
            "CQL_MAX_RETRIES",
            "CQL_SLEEP_TIME",
            "INIT_MAX_RETRIES",
            "INIT_SLEEP_TIME",
            "PEER_CQL_MAX_RETRIES",
            "PEER_CQL_SLEEP_TIME",
            "DELAY_START_TIME",
            "AUTO_SNAPSHOT_TTL",
            "USER",
            "PASSWORD",
            "KEYSTORE_PASSWORD",
            "TRUSTSTORE_PASSWORD",
            "KEYSTORE_LOCATION",
            "TRUSTSTORE_LOCATION",
            "TMP_P12_FILE",
            "SSL_CERT_FILE",
            "SSL_KEY_FILE",
            "SSL_CA_FILE",
            "SSL_VALIDATE",
            "MOUNTED_CONF_DIR",
        ],
    ),
    ("CASSANDRA_CFG_", &["ENV_X", "COMMITLOG_X"]),
    ("", &["ALLOW_EMPTY_PASSWORD", "SSL_VERSION", "JAVA_TOOL_OPTIONS", "BITNAMI_DEBUG"]),
];

#[test]
fn every_variable_of_the_images_is_known_and_stands_on_the_page() {
    let names: Vec<String> =
        VARIABLES.iter().flat_map(|(prefix, names)| names.iter().map(move |name| format!("{prefix}{name}"))).collect();
    let node = names.iter().fold(Node::new(), |node, name| node.env(name, "x"));
    let told = node.arguments(&["check"]).run();
    assert!(!(told.stdout + &told.stderr).contains("unknown variable"));
    let page = std::fs::read_to_string(crate::support::project().join("docs/compatibility.md")).unwrap();
    for name in &names {
        let family = name.strip_suffix('X').filter(|family| family.ends_with('_'));
        let shown = family.map_or_else(|| format!("`{name}`"), |family| format!("`{family}*`"));
        assert!(page.contains(&shown), "{shown} is not in docs/compatibility.md");
    }
}
