//! `explain`: who set what.

use crate::support::{Node, is_root};

fn node() -> Node {
    Node::new()
        .env("MAX_HEAP_SIZE", "1G")
        .env("CASSANDRA_CLUSTER_NAME", "K8")
        .env("CASSANDRA_YAML_concurrent_reads", "12")
        .env("JVM_EXTRA_OPTS", "-Djavax.net.ssl.keyStorePassword=geheim -Dsite=east")
        .file("conf-overlay/cassandra.yaml.d/10-x.yaml", "# ours\nconcurrent_writes: 9\nkey_cache_size_in_mb: 7\n")
        .file("conf-overlay/jvm-server.options.d/x.options", "-Xss512k\n")
}

fn explain(node: Node, keys: &[&str]) -> String {
    let arguments: Vec<&str> = ["explain"].iter().chain(keys).copied().collect();
    node.arguments(&arguments).run().code(0).stdout
}

#[test]
fn every_setting_has_its_layer_and_exact_source() {
    let text = explain(node(), &[]);
    for line in [
        "cassandra.yaml: cluster_name = K8  (environment: CASSANDRA_CLUSTER_NAME)",
        "cassandra.yaml: concurrent_reads = 12  (environment: CASSANDRA_YAML_concurrent_reads)",
        "cassandra.yaml: concurrent_writes = 9  (overlay: cassandra.yaml.d/10-x.yaml:2)",
        "cassandra.yaml: key_cache_size = 7MiB  (overlay: cassandra.yaml.d/10-x.yaml:3)",
        "cassandra.yaml: listen_address = 10.244.0.10  (environment: POD_IP)",
        "cassandra.yaml: rpc_address = 0.0.0.0  (computed: the defaults of the profile native)",
        "cassandra.yaml: seed_provider[0].parameters[0].seeds = 10.244.0.10  (computed: this node's own address)",
        "jvm-server.options: -Xmx1024M  (environment: MAX_HEAP_SIZE)",
        "jvm-server.options: -Xss512k  (overlay: jvm-server.options.d/x.options:1)",
        "java command line: -Dsite=east  (environment: JVM_EXTRA_OPTS)",
        "java command line: -Djavax.net.ssl.keyStorePassword=***  (environment: JVM_EXTRA_OPTS)",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    let pristine = text.lines().find(|line| line.contains(": num_tokens = ")).unwrap();
    let stock = node().conf()["cassandra.yaml"].lines().position(|line| line.starts_with("num_tokens:")).unwrap() + 1;
    assert_eq!(pristine, format!("cassandra.yaml: num_tokens = 16  (pristine: cassandra.yaml:{stock})"));
}

#[test]
fn every_live_key_is_explained() {
    let node = node();
    node.start_and_stop().code(0);
    let tree: serde_yaml::Value = serde_yaml::from_str(&node.conf()["cassandra.yaml"]).unwrap();
    let text = explain(node, &[]);
    let keys: Vec<&str> = tree.as_mapping().unwrap().keys().filter_map(|key| key.as_str()).collect();
    assert!(keys.len() > 80, "{}", keys.len());
    for key in keys {
        let start = format!("cassandra.yaml: {key}");
        let named = |line: &str| line.strip_prefix(&start).is_some_and(|rest| rest.starts_with([' ', '.', '[']));
        assert!(text.lines().any(named), "{key}");
    }
}

#[test]
fn a_setting_is_found_by_any_of_its_names() {
    for (name, key) in [
        ("key_cache_size_in_mb", "key_cache_size"),
        ("seeds", "seed_provider[0].parameters[0].seeds"),
        ("CASSANDRA_CLUSTER_NAME", "cluster_name"),
        ("-Xmx", "-Xmx1024M"),
        ("cdc_raw_directory", "cdc_raw_directory = unset"),
    ] {
        let text = explain(node(), &[name]);
        assert!(text.contains(key) && text.lines().count() == 1, "{name}: {text}");
    }
    node().arguments(&["explain", "num_token"]).run().code(64).says("did you mean num_tokens");
    node()
        .arguments(&["explain", "frobnicate"])
        .run()
        .code(64)
        .says("`cassandra-init explain` without a name lists all");
}

#[test]
fn the_json_is_json_and_holds_the_same() {
    let text = explain(node(), &["--format", "json", "cluster_name", "concurrent_writes"]);
    let tree: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    let rows = tree["settings"].as_sequence().unwrap();
    assert_eq!(tree["cassandra"].as_str(), Some("5.0.8"));
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["value"].as_str(), Some("K8"));
    assert_eq!(rows[1]["source"].as_str(), Some("cassandra.yaml.d/10-x.yaml:2"));
}

#[test]
fn on_a_live_node_it_is_what_that_node_was_started_with_after_its_hook() {
    let node = node().file(
        "conf-overlay/pre_run.sh",
        "export CASSANDRA_DC=hooked\necho 'new: 1' > \"$CASSANDRA_CONF/other.yaml\"\n",
    );
    let running = node.start();
    running.wait_for("run/plan.json");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(node.path("run/plan.json")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let recorded = std::fs::read_to_string(node.path("run/plan.json")).unwrap();
    assert!(!recorded.contains("geheim"));
    let run_dir = node.path("run").display().to_string();
    let ask = |arguments: &[&str]| {
        let mut command = std::process::Command::new(crate::support::binary());
        command.args(arguments).env_clear().env("CASSANDRA_INIT_RUN_DIR", &run_dir);
        crate::support::Outcome::from(command.output().unwrap())
    };
    ask(&["explain", "dc", "cluster_name"])
        .code(0)
        .says("what the running node was started with")
        .prints("cassandra-rackdc.properties: dc = hooked  (environment: CASSANDRA_DC from the pre-run hook)")
        .prints("cassandra.yaml: cluster_name = K8  (environment: CASSANDRA_CLUSTER_NAME)");
    if is_root() {
        // Who may not read it is told, and gets what can be known.
        let home = node.path("home").display().to_string();
        let other = ["setpriv", "--reuid", "4242", "--regid", "4242", "--clear-groups"];
        let mut command = std::process::Command::new(other[0]);
        command.args(&other[1..]).arg(crate::support::binary()).args(["explain", "cluster_name"]);
        command.env("CASSANDRA_INIT_RUN_DIR", &run_dir).env("CASSANDRA_HOME", home);
        command.env("JAVA_HOME", node.path("java")).env("CASSANDRA_CONF", node.path("conf"));
        let outcome = crate::support::Outcome::from(command.output().unwrap());
        outcome.says("this is what a start with this environment would do");
    }
    running.stop().code(0);
    let after = ask(&["explain", "dc"]);
    assert!(!after.stderr.contains("running node"), "{}", after.stderr);
}

#[test]
fn options_that_a_switch_brings_name_its_variable() {
    let node = node()
        .env("CASSANDRA_OPEN_JMX", "true")
        .env("CASSANDRA_JMX_PORT_NUMBER", "7299")
        .env("CASSANDRA_HEAPDUMP_DIR", "/dumps");
    let text = explain(node, &[]);
    for line in [
        "java command line: -Dcassandra.jmx.remote.port=7299  (environment: CASSANDRA_JMX_PORT_NUMBER)",
        "java command line: -Dcom.sun.management.jmxremote.authenticate=false  (environment: CASSANDRA_OPEN_JMX)",
        "java command line: -XX:HeapDumpPath=/dumps  (environment: CASSANDRA_HEAPDUMP_DIR)",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    assert!(!explain(self::node(), &[]).contains("jmxremote"));
}
