//! Variables to files: every variable of run.sh and of the official image, under both profiles.

use crate::support::Node;

/// The rendered files of a case, without the long comments of ours: only the lines that a start changed.
fn diff(node: Node) -> String {
    let outcome = node.arguments(&["render", "--diff"]).run().code(0);
    let changed = |line: &&str| (line.starts_with('+') || line.starts_with('-')) && !line.contains("/tmp/");
    outcome.stdout.lines().filter(changed).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_statefulset_of_the_exercise() {
    let node = Node::new()
        .env("CASSANDRA_INIT_PROFILE", "kubernetes-examples")
        .env("MAX_HEAP_SIZE", "512M")
        .env("HEAP_NEWSIZE", "100M")
        .env("CASSANDRA_SEEDS", "cassandra-0.cassandra")
        .env("CASSANDRA_CLUSTER_NAME", "K8Demo")
        .env("CASSANDRA_DC", "DC1-K8Demo")
        .env("CASSANDRA_RACK", "Rack1-K8Demo");
    insta::assert_snapshot!(diff(node));
}

#[test]
fn native_defaults() {
    insta::assert_snapshot!(diff(Node::new().env("MAX_HEAP_SIZE", "1G")));
}

#[test]
fn every_looped_key_of_run_sh_under_its_name_and_unit_of_5_0() {
    let node = Node::new()
        .env("CASSANDRA_MAX_HEAP", "1G")
        .env("CASSANDRA_BROADCAST_ADDRESS", "10.0.0.1")
        .env("CASSANDRA_BROADCAST_RPC_ADDRESS", "10.0.0.2")
        .env("CASSANDRA_LISTEN_ADDRESS", "10.0.0.3")
        .env("CASSANDRA_RPC_ADDRESS", "0.0.0.0")
        .env("CASSANDRA_DISK_OPTIMIZATION_STRATEGY", "spinning")
        .env("CASSANDRA_ENDPOINT_SNITCH", "PropertyFileSnitch")
        .env("CASSANDRA_NUM_TOKENS", "8")
        .env("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "100")
        .env("CASSANDRA_COUNTER_CACHE_SIZE_IN_MB", "50")
        .env("CASSANDRA_CONCURRENT_READS", "64")
        .env("CASSANDRA_CONCURRENT_WRITES", "65")
        .env("CASSANDRA_MEMTABLE_CLEANUP_THRESHOLD", "0.2")
        .env("CASSANDRA_MEMTABLE_ALLOCATION_TYPE", "offheap_objects")
        .env("CASSANDRA_MEMTABLE_FLUSH_WRITERS", "3")
        .env("CASSANDRA_CONCURRENT_COMPACTORS", "4")
        .env("CASSANDRA_COMPACTION_THROUGHPUT_MB_PER_SEC", "128")
        .env("CASSANDRA_INTERNODE_COMPRESSION", "all")
        .env("CASSANDRA_GC_WARN_THRESHOLD_IN_MS", "2000")
        .env("CASSANDRA_AUTO_BOOTSTRAP", "false")
        .env("CASSANDRA_RING_DELAY", "5000")
        .env("CASSANDRA_GC_STDOUT", "true");
    insta::assert_snapshot!(diff(node));
}

#[test]
fn interfaces_replace_addresses() {
    let node = Node::new()
        .without("POD_IP")
        .env("MAX_HEAP_SIZE", "1G")
        .env("CASSANDRA_LISTEN_INTERFACE", "lo")
        .env("CASSANDRA_RPC_INTERFACE", "lo");
    insta::assert_snapshot!(diff(node));
}

#[test]
fn an_interface_must_be_there_and_stand_alone() {
    for pair in ["LISTEN", "RPC"] {
        let (interface, address) = (format!("CASSANDRA_{pair}_INTERFACE"), format!("CASSANDRA_{pair}_ADDRESS"));
        let check = |node: Node| node.without("POD_IP").arguments(&["check"]).run();
        check(Node::new().env(&interface, "no0"))
            .code(78)
            .prints(&format!("{interface}: no interface 'no0' with an address here"));
        check(Node::new().env(&interface, "lo").env(&address, "10.0.0.1"))
            .code(78)
            .prints(&format!("{address}: set together with {interface}, and Cassandra takes only one of them"));
    }
}

#[test]
fn folders_of_an_images_own_file_follow_the_data_root_and_those_of_a_mounted_one_stay() {
    let yaml = |node: &Node| {
        let mut text = node.conf()["cassandra.yaml"].clone();
        text.push_str("data_file_directories:\n    - /cassandra_data/data\n    - /disk2/data\n");
        text + "commitlog_directory: /cassandra_data/commitlog\nsaved_caches_directory: /disk2/caches\n"
    };
    let own = Node::new().without("CASSANDRA_DATA");
    let text = yaml(&own);
    let rendered = diff(own.file("conf/cassandra.yaml", &text));
    assert!(rendered.contains("+    - /var/lib/cassandra/data"), "{rendered}");
    assert!(rendered.contains("+commitlog_directory: /var/lib/cassandra/commitlog"), "{rendered}");
    assert!(!rendered.contains("/disk2"), "{rendered}");
    let mounted = diff(Node::new().without("CASSANDRA_DATA").file("conf-overlay/cassandra.yaml", &text));
    assert!(!mounted.contains("commitlog_directory: /var"), "{mounted}");
}

#[test]
fn a_heap_in_bytes_is_a_heap_and_one_that_nobody_understands_is_left_alone() {
    for heap in ["-Xms4294967296\n-Xmx4294967296\n", "-Xms4G -Xmx4G\n", "-Xmx50%\n"] {
        let rendered = diff(Node::new().file("conf/jvm-server.options", heap));
        assert!(!rendered.contains("-Xm"), "{heap}: {rendered}");
    }
    let rendered = diff(Node::new().file("conf/jvm-server.options", "-Xmx1073741824\n"));
    assert!(rendered.contains("+-Xms1024M"), "{rendered}");
}

#[test]
fn loopback_seeds_count_as_unset() {
    for seeds in ["127.0.0.1", "localhost", "::1"] {
        let node = Node::new().env("CASSANDRA_SEEDS", seeds);
        node.arguments(&["render"]).run().code(0).prints("+      - seeds: \"10.244.0.10\"");
    }
    let node = Node::new().without("POD_IP").env("CASSANDRA_SEEDS", "127.0.0.1");
    let node = node.env("CASSANDRA_LISTEN_ADDRESS", "127.0.0.2").arguments(&["render"]);
    node.run().code(0).prints("+      - seeds: \"127.0.0.1\"");
}

#[test]
fn the_kubernetes_seed_provider_becomes_a_list_of_seeds() {
    let node = Node::new().env("CASSANDRA_SEED_PROVIDER", "io.k8s.cassandra.KubernetesSeedProvider");
    let outcome = node.arguments(&["render"]).run().code(0).prints("+      - seeds: \"10.244.0.10\"");
    assert!(!outcome.stdout.contains("+  - class_name"), "{}", outcome.stdout);
    let node = Node::new().env("CASSANDRA_SEED_PROVIDER", "com.example.SeedProvider");
    node.arguments(&["render"]).run().code(0).prints("+  - class_name: com.example.SeedProvider");
}

#[test]
fn without_addresses_the_official_profile_announces_the_one_that_it_listens_on() {
    let announced = |pairs: &[(&str, &str)]| {
        let node = Node::new().env("CASSANDRA_INIT_PROFILE", "official").without("POD_IP");
        let node = pairs.iter().fold(node, |node, (name, value)| node.env(name, value));
        node.start_and_stop().code(0);
        let listen = node.yaml("listen_address");
        assert!(listen.parse::<std::net::IpAddr>().is_ok(), "{listen}");
        assert_eq!(node.yaml("broadcast_rpc_address"), listen);
        assert_eq!(node.yaml("rpc_address"), "0.0.0.0");
        listen
    };
    assert_eq!(announced(&[]), announced(&[("CASSANDRA_LISTEN_ADDRESS", "auto")]));
}

#[test]
fn the_seed_provider_of_3_11_takes_no_ports() {
    let seeds = |version: &str| {
        let node = Node::new().env("CASSANDRA_SEEDS", "10.0.0.7:7001,10.0.0.7,cs-1.cs:7000");
        // Without a conf folder our own files of that line are the base.
        node.without("CASSANDRA_CONF").arguments(&["render", "--cassandra-version", version]).run().code(0)
    };
    seeds("3.11.4")
        .prints("seeds: \"10.0.0.7,cs-1.cs\"")
        .says("CASSANDRA_SEEDS: Cassandra 3.11 takes no port in '10.0.0.7:7001', the seed is written without it");
    seeds("4.0.0").prints("seeds: \"10.0.0.7:7001,10.0.0.7,cs-1.cs:7000\"");
}

#[test]
fn keys_and_options_that_this_release_lacks_warn_and_are_left_out() {
    let node = Node::new().env("CASSANDRA_START_RPC", "true").env("CASSANDRA_MIGRATION_WAIT", "2");
    let outcome = node.arguments(&["check"]).run().code(0);
    outcome
        .prints("warning: CASSANDRA_START_RPC: Cassandra 3.11 was the last to have start_rpc")
        .prints("warning: CASSANDRA_MIGRATION_WAIT: Cassandra 5.0.8 does not wait for migrations");
}

#[test]
fn pod_ip_fills_in_under_native_and_wins_under_kubernetes_examples() {
    let address = |profile: &str| {
        let node = Node::new().env("CASSANDRA_INIT_PROFILE", profile).env("CASSANDRA_LISTEN_ADDRESS", "10.9.9.9");
        node.start_and_stop().code(0);
        (node.yaml("listen_address"), node.yaml("broadcast_address"))
    };
    assert_eq!(address("native"), ("10.9.9.9".into(), "10.244.0.10".into()));
    assert_eq!(address("kubernetes-examples"), ("10.244.0.10".into(), "10.244.0.10".into()));
}

#[test]
fn data_centre_and_rack_bring_their_snitch() {
    let snitch = |profile: &str, pairs: &[(&str, &str)]| {
        let node =
            Node::new().env("CASSANDRA_INIT_PROFILE", profile).env("CASSANDRA_DC", "dc9").env("CASSANDRA_RACK", "r9");
        let node = pairs.iter().fold(node, |node, (name, value)| node.env(name, value));
        node.start_and_stop().code(0);
        let rackdc = node.conf()["cassandra-rackdc.properties"].clone();
        assert!(rackdc.contains("dc=dc9\n") && rackdc.contains("rack=r9\n"), "{rackdc}");
        node.yaml("endpoint_snitch")
    };
    assert_eq!(snitch("native", &[]), "GossipingPropertyFileSnitch");
    assert_eq!(snitch("official", &[]), "GossipingPropertyFileSnitch");
    assert_eq!(snitch("native", &[("CASSANDRA_ENDPOINT_SNITCH", "Ec2Snitch")]), "Ec2Snitch");
    assert_eq!(
        snitch("kubernetes-examples", &[("CASSANDRA_ENDPOINT_SNITCH", "SimpleSnitch")]),
        "GossipingPropertyFileSnitch"
    );
}

#[test]
fn kubernetes_examples_forces_its_snitch_only_where_both_are_set() {
    let check = |pairs: &[(&str, &str)]| {
        let node = Node::new().env("CASSANDRA_INIT_PROFILE", "kubernetes-examples").env("CASSANDRA_DC", "dc9");
        let node = pairs.iter().fold(node, |node, (name, value)| node.env(name, value));
        node.start_and_stop().code(0)
    };
    let snitch = ("CASSANDRA_ENDPOINT_SNITCH", "Ec2Snitch");
    check(&[snitch, ("CASSANDRA_RACK", "r9")])
        .says("CASSANDRA_ENDPOINT_SNITCH: 'Ec2Snitch' gives way to GossipingPropertyFileSnitch")
        .says("endpoint_snitch = GossipingPropertyFileSnitch");
    check(&[snitch]).says("endpoint_snitch = Ec2Snitch");
    check(&[]).says("endpoint_snitch = GossipingPropertyFileSnitch");
}

#[test]
fn the_official_profile_leaves_the_snitch_of_old_data_alone() {
    let node = Node::new()
        .env("CASSANDRA_INIT_PROFILE", "official")
        .env("CASSANDRA_DC", "dc9")
        .file("data/data/system/local/nb-1-big-Data.db", "x");
    node.start_and_stop().code(0).says("CASSANDRA_DC: without effect, SimpleSnitch reads neither");
    assert_eq!(node.yaml("endpoint_snitch"), "SimpleSnitch");
}

#[test]
fn the_snitch_that_the_official_profile_brought_stays_once_there_is_data() {
    let node = Node::new().env("CASSANDRA_INIT_PROFILE", "official").env("CASSANDRA_DC", "dc9");
    node.start_and_stop().code(0);
    let node = node.file("data/data/system/local/nb-1-big-Data.db", "x");
    node.start_and_stop().code(0);
    assert_eq!(node.yaml("endpoint_snitch"), "GossipingPropertyFileSnitch");
}

#[test]
fn values_that_break_sed_arrive_as_they_are() {
    let name = r"a/b&c \1 'd' #e: [f]";
    let node = Node::new().env("CASSANDRA_CLUSTER_NAME", name);
    node.start_and_stop().code(0);
    let tree: serde_yaml::Value = serde_yaml::from_str(&node.conf()["cassandra.yaml"]).unwrap();
    assert_eq!(tree["cluster_name"].as_str(), Some(name));
}

#[test]
fn a_replaced_node_is_given_for_its_first_boot_only_and_without_a_slash() {
    let node = Node::new().env("CASSANDRA_REPLACE_NODE", "10.233.93.174").env("CASSANDRA_SEEDS", "10.244.0.11");
    node.start_and_stop().code(0);
    let options = &node.conf()["jvm-server.options"];
    assert!(options.contains("\n-Dcassandra.replace_address_first_boot=10.233.93.174\n"), "{options}");
}

#[test]
fn jmx_can_be_opened() {
    let node = Node::new().env("CASSANDRA_OPEN_JMX", "true").arguments(&["java-command"]);
    let outcome = node.run().code(0);
    for option in [
        "-Dcassandra.jmx.remote.port=7199",
        "-Dcom.sun.management.jmxremote.authenticate=false",
        "-Djava.rmi.server.hostname=10.244.0.10",
    ] {
        assert!(outcome.stdout.lines().any(|line| line == option), "{option}\n{}", outcome.stdout);
    }
}

#[test]
fn a_founding_node_waits_for_nobody_unless_the_user_says_how_long() {
    let once = |node: Node| {
        let outcome = node.arguments(&["java-command"]).run().code(0);
        let wait = |line: &&str| {
            line.contains("gossip_to_settle") || line.contains("ring_delay") || line.contains("setup_delay")
        };
        outcome.stdout.lines().filter(wait).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        once(Node::new()),
        [
            "-Dcassandra.skip_wait_for_gossip_to_settle=0",
            "-Dcassandra.ring_delay_ms=1000",
            "-Dcassandra.superuser_setup_delay_ms=0"
        ]
    );
    let chosen = once(Node::new().env("CASSANDRA_RING_DELAY", "30000"));
    assert!(chosen.contains(&"-Dcassandra.ring_delay_ms=30000".to_owned()), "{chosen:?}");
    assert!(!chosen.contains(&"-Dcassandra.ring_delay_ms=1000".to_owned()), "{chosen:?}");
    assert_eq!(once(Node::new().env("CASSANDRA_SEEDS", "10.244.0.10,10.244.0.11")), [""; 0]);
    assert_eq!(once(Node::new().file("data/data/system/x", "")), [""; 0]);
}

#[test]
fn a_node_that_cannot_be_observed_founds_only_without_data() {
    let hurries = |node: Node| {
        let text =
            node.conf()["cassandra.yaml"].replace("start_native_transport: true", "start_native_transport: false");
        // A first start leaves the stamp `founding`, and nobody ever sees this node serve.
        let node = node.file("conf/cassandra.yaml", &text).file("data/.keep", "");
        node.start_and_stop().code(0);
        let first = node.files("standin")["arguments"].contains("skip_wait_for_gossip_to_settle");
        let node = node.file("data/data/system/x", "");
        node.start_and_stop().code(0);
        (first, node.files("standin")["arguments"].contains("skip_wait_for_gossip_to_settle"))
    };
    assert_eq!(hurries(Node::new()), (true, false));
}

/// `bin/cassandra` as far as its variables go.
const SCRIPT: &str = "#!/bin/sh\nexec \"$JAVA_HOME/bin/java\" \"$@\"\n";

#[test]
fn what_the_hook_exports_reaches_cassandras_own_scripts() {
    let hook = "export JVM_EXTRA_OPTS=-Dfrom=hook JVM_OPTS= LOCAL_JMX=no\n";
    let node = Node::new()
        .env("JVM_EXTRA_OPTS", "-Dfrom=environment")
        .env("JVM_OPTS", "-Dtaken=away")
        .env("CASSANDRA_HEAPDUMP_DIR", "/var/tmp")
        .env("CASSANDRA_LIBJEMALLOC", "-")
        .file("home/bin/cassandra", SCRIPT)
        .mode("home/bin/cassandra", 0o755)
        .file("conf-overlay/pre_run.sh", hook);
    node.start_and_stop().code(0);
    let environment = &node.files("standin")["environment"];
    for line in [
        "JVM_EXTRA_OPTS=-Dfrom=hook",
        "JVM_OPTS=",
        "LOCAL_JMX=no",
        "CASSANDRA_LIBJEMALLOC=-",
        "CASSANDRA_HEAPDUMP_DIR=/var/tmp",
    ] {
        assert!(environment.lines().any(|known| known == line), "{line}\n{environment}");
    }
}

#[test]
fn unknown_variables_are_told_with_the_nearest_known_and_stop_a_strict_start() {
    let node = Node::new().env("CASSANDRA_BOADCAST_ADDRESS", "10.0.0.1");
    node.start_and_stop().code(0).says("did you mean CASSANDRA_BROADCAST_ADDRESS?");
    let before = node.conf();
    let node = node.env("CASSANDRA_INIT_STRICT", "true");
    node.run().code(78).says("CASSANDRA_BOADCAST_ADDRESS: unknown variable");
    assert_eq!(node.conf(), before);
}

#[test]
fn variables_can_come_from_a_file_of_assignments() {
    let node = Node::new().file("node.env", "# a comment\n\nCASSANDRA_CLUSTER_NAME=From File\n");
    let path = node.path("node.env").display().to_string();
    let node = node.arguments(&["render", "--cassandra-version", "5.0.8", "--env-file", &path]);
    node.run().code(0).prints("+cluster_name: 'From File'");
    let node = node.file("node.env", "CASSANDRA_CLUSTER_NAME\n");
    node.run().code(65).says("node.env:1: expected NAME=value");
}

#[test]
fn the_tests_that_docs_compatibility_names_are_there() {
    let text = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let project = crate::support::project();
    let code: String = ["src", "tests"]
        .iter()
        .flat_map(|folder| crate::house::sources(&project.join(folder)))
        .map(|path| text(&path))
        .collect();
    let page = text(&project.join("docs/compatibility.md"));
    let mut seen = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what")) {
        let names = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in names.split(", ").map(|name| name.trim_matches('`')) {
            assert!(code.contains(&format!("fn {name}()")), "{name}: {row}");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} tests are named");
}
