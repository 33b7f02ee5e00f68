//! What the scripts of other images get wrong, one test for each: every one of them fails on what the original does.
//!
//! A comment names the defect: the image, or the thread in which its users told of it. Defects that other suites hold already
//! (probes, stopping, ownership, read-only folders) are listed in docs/compatibility.md with their tests.

use serde_yaml::Value;

use crate::support::{Node, Outcome, project};

fn profile(name: &str) -> Node {
    Node::new().env("CASSANDRA_INIT_PROFILE", name)
}

/// The finished cassandra.yaml, read by a real parser.
fn tree(node: &Node) -> Value {
    serde_yaml::from_str(&node.conf()["cassandra.yaml"]).unwrap()
}

fn render(node: Node, version: &str) -> Outcome {
    let line = version.rsplit_once('.').unwrap().0;
    let conf = project().join("config-defaults").join(line).display().to_string();
    node.arguments(&["render", "--cassandra-version", version, "--conf", &conf]).run()
}

/// The seeds of the finished file.
fn seeds(node: &Node) -> String {
    tree(node)["seed_provider"][0]["parameters"][0]["seeds"].as_str().unwrap().to_owned()
}

/// How many live lines of a text begin with `start`.
fn count(text: &str, start: &str) -> usize {
    text.lines().filter(|line| line.starts_with(start)).count()
}

// --- kubernetes/examples ---

/// `${CASSANDRA_SEEDS:false}` is a substring in bash and not a default: what was meant is a node that seeds itself.
#[test]
fn seeds_that_are_switched_off_mean_this_node_itself() {
    let node = profile("kubernetes-examples").env("CASSANDRA_SEEDS", "false");
    node.start_and_stop().code(0);
    assert_eq!(seeds(&node), "10.244.0.10");
}

/// `replace_address=<value>/` is no address, and without `_first_boot` the second start is refused by Cassandra.
#[test]
fn a_replaced_address_arrives_as_an_address_and_survives_a_restart() {
    for name in ["kubernetes-examples", "casskop"] {
        let node = profile(name).env("CASSANDRA_REPLACE_NODE", "10.233.93.174").env("CASSANDRA_SEEDS", "10.0.0.1");
        node.start_and_stop().code(0);
        node.start_and_stop().code(0);
        let arguments = &node.files("standin")["arguments"];
        let replaced: Vec<&str> = arguments.lines().filter(|word| word.contains("replace_address")).collect();
        assert_eq!(replaced, ["-Dcassandra.replace_address_first_boot=10.233.93.174"], "{name}");
        let slash = node.env("CASSANDRA_REPLACE_NODE", "10.233.93.174/").arguments(&["check"]);
        slash.run().code(78).prints("CASSANDRA_REPLACE_NODE");
    }
}

/// run.sh appends `auto_bootstrap` and JVM options at each start (also LukeTillman/dse-docker#15).
#[test]
fn what_the_scripts_append_at_each_start_is_there_once() {
    let node = profile("kubernetes-examples").env("CASSANDRA_RING_DELAY", "5000").env("CASSANDRA_SEEDS", "10.0.0.1");
    for _ in 0..3 {
        node.start_and_stop().code(0);
    }
    let conf = node.conf();
    assert_eq!(count(&conf["cassandra.yaml"], "auto_bootstrap:"), 1);
    assert_eq!(count(&conf["jvm-server.options"], "-Dcassandra.ring_delay_ms="), 1);
    assert_eq!(count(&conf["jvm-server.options"], "-Xmx"), 1);
}

/// From 4.0 on nobody reads `jvm.options`, where run.sh puts the heap and the options.
#[test]
fn the_heap_lands_in_a_file_that_the_release_reads() {
    for (version, file) in
        [("3.11.4", "jvm.options"), ("4.0.20", "jvm-server.options"), ("5.0.8", "jvm-server.options")]
    {
        let outcome = render(profile("kubernetes-examples").env("CASSANDRA_MAX_HEAP", "768M"), version).code(0);
        let diff =
            outcome.stdout.split_once(&format!("+++ {file}\n")).unwrap_or_else(|| panic!("{}", outcome.stdout)).1;
        let hunk = diff.split("\n--- ").next().unwrap();
        assert!(hunk.contains("+-Xms768M") && hunk.contains("+-Xmx768M"), "{version}: {hunk}");
    }
}

/// Keys that were renamed are skipped by the loop without a word, and the setting is lost.
#[test]
fn a_setting_survives_the_renaming_of_its_key() {
    let node = || {
        profile("kubernetes-examples")
            .env("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "77")
            .env("CASSANDRA_COMPACTION_THROUGHPUT_MB_PER_SEC", "33")
            .env("CASSANDRA_GC_WARN_THRESHOLD_IN_MS", "444")
    };
    let old = render(node(), "4.0.20").code(0);
    let old = old.prints("+key_cache_size_in_mb: 77").prints("+compaction_throughput_mb_per_sec: 33");
    old.prints("+gc_warn_threshold_in_ms: 444");
    let new = render(node(), "4.1.10").code(0);
    let new = new.prints("+key_cache_size: 77MiB").prints("+compaction_throughput: 33MiB/s");
    new.prints("+gc_warn_threshold: 444ms");
}

/// The same key under both names stops Cassandra (k8ssandra/k8ssandra-operator#898, apache/cassandra-ccm#748).
#[test]
fn the_old_name_of_a_key_goes_where_the_new_one_is_written() {
    let yaml = "key_cache_size_in_mb: 10\ncompaction_throughput_mb_per_sec: 16\n";
    let node = Node::new()
        .cassandra_yaml("conf-overlay", yaml)
        .env("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "77")
        .env("CASSANDRA_COMPACTION_THROUGHPUT_MB_PER_SEC", "33");
    node.start_and_stop().code(0);
    let tree = tree(&node);
    assert_eq!(
        (tree["key_cache_size"].as_str(), tree["compaction_throughput"].as_str()),
        (Some("77MiB"), Some("33MiB/s"))
    );
    assert!(tree.get("key_cache_size_in_mb").is_none() && tree.get("compaction_throughput_mb_per_sec").is_none());
}

/// The image owns `/cassandra_data` while the manifest mounts `/var/lib/cassandra`.
#[test]
fn data_goes_to_the_root_that_is_used_and_not_to_the_one_that_the_images_file_names() {
    let yaml = "data_file_directories:\n  - /cassandra_data/data\ncommitlog_directory: /cassandra_data/commitlog\n";
    let node = profile("kubernetes-examples").cassandra_yaml("conf", yaml);
    node.start_and_stop().code(0);
    let tree = tree(&node);
    let data = node.path("data").display().to_string();
    assert_eq!(tree["data_file_directories"][0].as_str(), Some(format!("{data}/data").as_str()));
    assert_eq!(tree["commitlog_directory"].as_str(), Some(format!("{data}/commitlog").as_str()));
}

// --- Orange cassandra-image, CassKop ---

/// For what is unset the script reads the file back with grep and awk: the first word of the first match at any depth.
#[test]
fn what_is_unset_stays_as_the_file_has_it_blanks_and_all() {
    let yaml = "audit_logging_options:\n  enabled: false\ncluster_name: 'My Own Cluster'\nrpc_address: 10.244.0.10\n\
                num_tokens: 4 # not 256\nauthenticator:\n  class_name: PasswordAuthenticator\n";
    let node = profile("casskop").cassandra_yaml("conf-overlay", yaml);
    node.start_and_stop().code(0);
    let tree = tree(&node);
    assert_eq!(tree["cluster_name"].as_str(), Some("My Own Cluster"));
    assert_eq!((tree["num_tokens"].as_u64(), tree["rpc_address"].as_str()), (Some(4), Some("10.244.0.10")));
    assert_eq!(tree["authenticator"]["class_name"].as_str(), Some("PasswordAuthenticator"));
    assert!(node.conf()["cassandra.yaml"].contains("num_tokens: 4 # not 256\n"));
}

fn pod(name: &str) -> Node {
    profile("casskop").env("POD_NAME", name).env("SERVICE_NAME", "cs").env("POD_NAMESPACE", "prod")
}

/// An unanchored sed takes the own name out of the list: the domain behind it stays as a seed of its own, and a longer name is cut
/// in half.
#[test]
fn the_own_name_leaves_the_seed_list_whole_and_no_other_name_is_cut() {
    for own in ["cs-1.cs.prod", "cs-1.cs.prod.svc", "cs-1.cs.prod.svc.cluster.local"] {
        let node = pod("cs-1").env("CASSANDRA_SEEDS", &format!("cs-0.cs.prod,{own},xcs-1.cs.prod,cs-1.cs.prod2"));
        node.start_and_stop().code(0);
        assert_eq!(seeds(&node), "cs-0.cs.prod,xcs-1.cs.prod,cs-1.cs.prod2", "{own}");
    }
}

/// palantir/cassandra#117: where every node of a new cluster leaves the list, nobody is there to be joined.
#[test]
fn the_first_of_the_list_stays_in_it_so_that_there_is_somebody_to_join() {
    let node = pod("cs-0").env("CASSANDRA_SEEDS", "cs-0.cs.prod,cs-1.cs.prod");
    node.start_and_stop().code(0);
    assert_eq!(seeds(&node), "10.244.0.10,cs-1.cs.prod");
}

/// Orange-OpenSource/casskop#384, #301: no seed answers `nc`, so the node takes itself for the first one. cscetbon/casskop#149: no
/// seed resolves, with the same end.
#[test]
fn seeds_that_cannot_be_reached_or_do_not_resolve_make_nobody_the_first_node() {
    for list in ["198.51.100.1,198.51.100.2", "cs-0.cs.invalid,cs-1.cs.invalid"] {
        for state in ["", "data/data/system/local/x"] {
            let node = pod("cs-2").env("CASSANDRA_SEEDS", list);
            let node = if state.is_empty() { node } else { node.file(state, "x") };
            let outcome = node.start_and_stop().code(0);
            assert_eq!(seeds(&node), list);
            assert!(!outcome.stderr.contains("a cluster of its own"), "{}", outcome.stderr);
        }
    }
}

/// docker-library/cassandra#16, #17: the own address was added to every list, so that no node ever bootstrapped.
#[test]
fn a_list_of_seeds_gets_nobody_added() {
    for name in ["official", "casskop", "bitnami", "kubernetes-examples", "native"] {
        let node = profile(name).env("CASSANDRA_SEEDS", "10.0.0.1,10.0.0.2");
        node.start_and_stop().code(0);
        assert_eq!(seeds(&node), "10.0.0.1,10.0.0.2", "{name}");
    }
}

/// `sed 's/- class_name: .*/…/'` also hits the audit logger and the key provider of 4.0 and later.
#[test]
fn the_seed_provider_replaces_its_own_class_and_no_other() {
    let yaml = "seed_provider:\n  - class_name: org.apache.cassandra.locator.SimpleSeedProvider\n    parameters:\n\
                \x20     - seeds: \"127.0.0.1\"\naudit_logging_options:\n  logger:\n    - class_name: BinAuditLogger\n\
                transparent_data_encryption_options:\n  key_provider:\n\
                \x20   - class_name: org.apache.cassandra.security.JKSKeyProvider\n";
    let node = profile("casskop").cassandra_yaml("conf", yaml).env("CASSANDRA_SEED_PROVIDER", "com.example.Seeds");
    node.start_and_stop().code(0);
    let tree = tree(&node);
    assert_eq!(tree["seed_provider"][0]["class_name"].as_str(), Some("com.example.Seeds"));
    assert_eq!(tree["audit_logging_options"]["logger"][0]["class_name"].as_str(), Some("BinAuditLogger"));
    let key_provider = &tree["transparent_data_encryption_options"]["key_provider"][0]["class_name"];
    assert_eq!(key_provider.as_str(), Some("org.apache.cassandra.security.JKSKeyProvider"));
}

/// The hooks of bootstrap.sh are its children: the documented `export CASSANDRA_REPLACE_NODE=…` has no effect there.
#[test]
fn what_pre_run_exports_counts() {
    let node = pod("cs-2")
        .env("CASSANDRA_SEEDS", "10.0.0.1")
        .file("conf-overlay/pre_run.sh", "export CASSANDRA_REPLACE_NODE=10.233.93.174\n");
    node.start_and_stop().code(0);
    assert!(node.conf()["jvm-server.options"].contains("replace_address_first_boot=10.233.93.174\n"));
}

/// Orange-OpenSource/casskop#231: the heap of a mounted option file gave way to the computed quarter.
#[test]
fn a_heap_that_somebody_wrote_down_is_not_computed_anew() {
    for name in ["casskop", "native", "bitnami"] {
        let node = profile(name).file("conf-overlay/jvm-server.options", "-Xms900M\n-Xmx900M\n");
        node.start_and_stop().code(0);
        assert_eq!(node.conf()["jvm-server.options"], "-Xms900M\n-Xmx900M\n", "{name}");
    }
}

/// `set | grep CASSANDRA` at the start: every password is in the log.
#[test]
fn the_log_of_a_start_says_what_was_set_and_no_password() {
    let node = profile("bitnami")
        .env("CASSANDRA_CLUSTER_NAME", "told")
        .env("CASSANDRA_CLIENT_ENCRYPTION", "true")
        .env("CASSANDRA_KEYSTORE_PASSWORD", "hunter2")
        .env("CASSANDRA_TRUSTSTORE_PASSWORD", "hunter2")
        .env("CASSANDRA_PASSWORD", "hunter2");
    let node = node.file("conf-overlay/pre_run.sh", "export CASSANDRA_KEYSTORE_PASSWORD=hunter2hook\n");
    let outcome = node.start_and_stop().code(0).says("cluster_name = told (CASSANDRA_CLUSTER_NAME)");
    assert!(!outcome.stderr.contains("hunter2") && !outcome.stdout.contains("hunter2"), "{}", outcome.stderr);
    assert_eq!(tree(&node)["client_encryption_options"]["keystore_password"].as_str(), Some("hunter2hook"));
    assert!(!node.files("standin")["arguments"].contains("hunter2"));
}

// --- docker-library/cassandra ---

/// docker-library/cassandra#27, #67: a restarted container kept its old address as its seed.
#[test]
fn a_new_address_leaves_nothing_of_the_old_one() {
    for name in ["official", "bitnami", "kubernetes-examples"] {
        let node = profile(name).env("POD_IP", "10.244.0.10");
        node.start_and_stop().code(0);
        let node = node.env("POD_IP", "10.244.0.99");
        node.start_and_stop().code(0);
        assert_eq!(seeds(&node), "10.244.0.99", "{name}");
        assert!(!node.conf()["cassandra.yaml"].contains("10.244.0.10"), "{name}");
    }
}

/// docker-library/cassandra#57, #118, #143: data centre and rack had no effect under the default snitch.
#[test]
fn a_data_centre_has_an_effect_under_the_official_profile() {
    let node = profile("official").env("CASSANDRA_DC", "dc9").env("CASSANDRA_RACK", "r9");
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("endpoint_snitch"), "GossipingPropertyFileSnitch");
}

/// docker-library/cassandra#123, #289: variables of another image were ignored without a word.
#[test]
fn variables_of_another_image_count_or_are_told() {
    let node = profile("official")
        .env("CASSANDRA_AUTHENTICATOR", "PasswordAuthenticator")
        .env("CASSANDRA_DATACENTER", "dc9")
        .env("CASSANDRA_PASSWORD_SEEDER", "yes")
        .env("CASSANDRA_PASSWORD", "x");
    let outcome = node.start_and_stop().code(0);
    assert_eq!(node.yaml("authenticator"), "PasswordAuthenticator");
    assert!(node.conf()["cassandra-rackdc.properties"].contains("dc=dc9\n"));
    outcome.says("CASSANDRA_PASSWORD_SEEDER: is not supported yet").says("CASSANDRA_PASSWORD: is not supported yet");
}

/// docker-library/cassandra#2: days lost on a letter.
#[test]
fn a_misspelled_variable_is_told_under_every_profile() {
    for name in ["official", "bitnami", "casskop", "kubernetes-examples"] {
        let node = profile(name).env("CASSANDRA_BOADCAST_ADDRESS", "10.0.0.1");
        node.arguments(&["check"]).run().code(0).prints("did you mean CASSANDRA_BROADCAST_ADDRESS?");
    }
}

// --- Bitnami ---

/// bitnami/bitnami-docker-cassandra#94: with a mounted cassandra.yaml the variables are ignored.
#[test]
fn variables_count_over_a_mounted_file() {
    let mounted = "# ours\ncluster_name: mounted\nnative_transport_port: 9042\nnum_tokens: 4\n";
    let node = profile("bitnami")
        .cassandra_yaml("conf-overlay", mounted)
        .env("CASSANDRA_CLUSTER_NAME", "variable")
        .env("CASSANDRA_CQL_PORT_NUMBER", "9043");
    node.start_and_stop().code(0);
    let read = ["cluster_name", "native_transport_port", "num_tokens"].map(|key| node.yaml(key));
    assert_eq!(read, ["variable", "9043", "4"]);
    assert!(node.conf()["cassandra.yaml"].starts_with("# ours\n"));
}

/// bitnami/charts#1409, thelastpickle/cassandra-reaper#1143: a password with a slash, an ampersand or a quote breaks sed, or
/// arrives as another one; `on` and `0x1f` would be a truth and a number to SnakeYAML.
#[test]
fn a_password_of_any_characters_arrives_as_it_is() {
    let all: String = (' '..='~').collect();
    for password in
        [all.as_str(), r"a/b&c\1", "it's \"x\" ${HOME} `id`", "on", "0x1f", "12:30:45", "~", "1_000", "=", "#"]
    {
        let node =
            Node::new().env("CASSANDRA_KEYSTORE_PASSWORD", password).env("CASSANDRA_TRUSTSTORE_PASSWORD", password);
        node.start_and_stop().code(0);
        let tree = tree(&node);
        for block in ["client_encryption_options", "server_encryption_options"] {
            for key in ["keystore_password", "truststore_password"] {
                assert_eq!(tree[block][key].as_str(), Some(password), "{block}.{key}");
            }
        }
        // YAML 1.1 would read a bare one as something else.
        let text = &node.conf()["cassandra.yaml"];
        for bare in ["on", "0x1f", "12:30:45", "~", "1_000", "="] {
            assert!(!text.contains(&format!("_password: {bare}\n")), "{bare}");
        }
    }
}

/// bitnami/containers#76691, #75745: a line-wise edit of an authenticator that is a map leaves lines that are no YAML.
#[test]
fn an_authenticator_that_is_a_map_in_the_file_is_replaced_as_a_whole() {
    let yaml = "authenticator:\n  class_name: org.apache.cassandra.auth.AllowAllAuthenticator\n  parameters:\n    a: b\n\
                authorizer:\n  class_name: AllowAllAuthorizer\nnum_tokens: 4\n";
    for name in ["bitnami", "casskop"] {
        let node = profile(name)
            .cassandra_yaml("conf-overlay", yaml)
            .env("CASSANDRA_AUTHENTICATOR", "PasswordAuthenticator")
            .env("CASSANDRA_AUTHORIZER", "CassandraAuthorizer");
        node.start_and_stop().code(0);
        let tree = tree(&node);
        let class = |key: &str| tree[key].as_str().or_else(|| tree[key]["class_name"].as_str()).unwrap().to_owned();
        assert_eq!(
            (class("authenticator"), class("authorizer")),
            ("PasswordAuthenticator".into(), "CassandraAuthorizer".into())
        );
        assert!(tree["authenticator"].get("parameters").is_none() && tree["num_tokens"].as_u64() == Some(4));
    }
}

/// The sed for `keystore:` hits every line of that name at any depth, comments among them.
#[test]
fn a_key_store_is_set_where_it_is_meant_and_nowhere_else() {
    let yaml = "client_encryption_options:\n  enabled: false\n# keystore: an example\n\
                transparent_data_encryption_options:\n  key_provider:\n    - class_name: x.Y\n      parameters:\n\
                \x20       - keystore: conf/.other\n          keystore_password: other\n";
    let node = Node::new()
        .cassandra_yaml("conf-overlay", yaml)
        .env("CASSANDRA_KEYSTORE_LOCATION", "/secrets/key.jks")
        .env("CASSANDRA_KEYSTORE_PASSWORD", "mine");
    node.start_and_stop().code(0);
    let tree = tree(&node);
    assert_eq!(tree["client_encryption_options"]["keystore"].as_str(), Some("/secrets/key.jks"));
    let other = &tree["transparent_data_encryption_options"]["key_provider"][0]["parameters"][0];
    assert_eq!((other["keystore"].as_str(), other["keystore_password"].as_str()), (Some("conf/.other"), Some("other")));
    assert!(node.conf()["cassandra.yaml"].contains("# keystore: an example\n"));
}

/// `client_encryption_options` is only switched on where `enabled` is one of the next two lines.
#[test]
fn encryption_is_switched_on_wherever_its_key_stands() {
    let blocks = [
        "client_encryption_options:\n  # one\n  # two\n  # three\n  keystore: a\n  enabled: false\n",
        "client_encryption_options: {keystore: a, enabled: false}\n",
        "client_encryption_options:\n  keystore: a\n",
        "num_tokens: 4\n",
    ];
    for block in blocks {
        let node = Node::new().cassandra_yaml("conf-overlay", block).env("CASSANDRA_CLIENT_ENCRYPTION", "true");
        node.start_and_stop().code(0);
        assert_eq!(tree(&node)["client_encryption_options"]["enabled"].as_bool(), Some(true), "{block}");
    }
}

/// A key that the file does not have is skipped without a word, and every value is written as a string.
#[test]
fn a_key_that_the_file_lacks_is_added_with_the_type_that_it_has() {
    let node = profile("bitnami")
        .cassandra_yaml("conf-overlay", "num_tokens: 4\n")
        .env("CASSANDRA_ENABLE_USER_DEFINED_FUNCTIONS", "yes")
        .env("CASSANDRA_AUTOMATIC_SSTABLE_UPGRADE", "true")
        .env("CASSANDRA_CQL_PORT_NUMBER", "9043");
    node.start_and_stop().code(0);
    let tree = tree(&node);
    assert_eq!(tree["user_defined_functions_enabled"].as_bool(), Some(true));
    assert_eq!(tree["automatic_sstable_upgrade"].as_bool(), Some(true));
    assert_eq!(tree["native_transport_port"].as_u64(), Some(9043));
}

/// bitnami/bitnami-docker-cassandra#60, #78: a password without the seeder flag was ignored, and the node was open.
#[test]
fn a_password_that_is_not_set_is_told() {
    let node = profile("bitnami").env("CASSANDRA_PASSWORD", "hunter2");
    let outcome = node.start_and_stop().code(0);
    let outcome =
        outcome.says("CASSANDRA_PASSWORD: is not supported yet: the role cassandra keeps its well-known password");
    assert!(!outcome.stderr.contains("hunter2"));
}
