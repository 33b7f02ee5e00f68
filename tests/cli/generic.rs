//! Generic variables and variables from files, from the environment to the files that Cassandra reads.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::support::{Node, is_root};

fn node() -> Node {
    Node::new().env("MAX_HEAP_SIZE", "1G")
}

#[test]
fn strings_that_yaml_1_1_would_misread_arrive_as_strings() {
    for text in ["on", "1_000", "12:30:45", "~", "0x1f", "=", "1e3", "0o7", "a: b", "# x", "é\"'\\", "!tag", "*a", "-"]
    {
        let node = node().env("CASSANDRA_YAML_cluster_name", text);
        node.start_and_stop().code(0);
        let tree: serde_yaml::Value = serde_yaml::from_str(&node.conf()["cassandra.yaml"]).unwrap();
        assert_eq!(tree["cluster_name"].as_str(), Some(text));
        let line =
            node.conf()["cassandra.yaml"].lines().find(|line| line.starts_with("cluster_name:")).unwrap().to_owned();
        assert!(line.contains(['\'', '"']), "plain, and so for SnakeYAML to judge: {line}");
    }
}

#[test]
fn a_fragment_in_a_variable_and_keys_by_name_reach_the_files() {
    let node = node()
        .env(
            "CASSANDRA_YAML",
            "client_encryption_options:\n  enabled: true\n  optional: true\nnum_tokens: 8\ncdc_enabled: null\n",
        )
        .env("CASSANDRA_YAML_data_file_directories", r#"["/d1", "/d2"]"#)
        .env("CASSANDRA_CFG_YAML_HINTED_HANDOFF_ENABLED", "no")
        .env("CASSANDRA_YAML_read_request_timeout_in_ms", "7000")
        .env("CASSANDRA_CFG_RACKDC_PREFER_LOCAL", "true")
        .env("CASSANDRA_RACKDC_dc", "east")
        .arguments(&["render"]);
    let outcome = node.run().code(0);
    for line in [
        "+num_tokens: 8",
        "+  enabled: true",
        "+  optional: true",
        "+data_file_directories:",
        "+  - /d1",
        "+  - /d2",
        "+hinted_handoff_enabled: false",
        "+read_request_timeout: 7000ms",
        "-cdc_enabled: false",
        "+dc=east",
        "+prefer_local=true",
        // dc brings the snitch that reads it, as the variable of that name does.
        "+endpoint_snitch: GossipingPropertyFileSnitch",
    ] {
        assert!(outcome.stdout.lines().any(|known| known == line), "{line}\n{}", outcome.stdout);
    }
}

#[test]
fn an_address_by_a_generic_variable_beats_the_pods_in_every_profile_and_the_others_follow() {
    for profile in ["native", "kubernetes-examples", "official"] {
        let node = node()
            .env("CASSANDRA_INIT_PROFILE", profile)
            .env("CASSANDRA_YAML_listen_address", "10.9.9.9")
            .env("CASSANDRA_YAML_broadcast_address", "10.9.9.8");
        node.start_and_stop().code(0);
        assert_eq!(node.yaml("listen_address"), "10.9.9.9", "{profile}");
        assert_eq!(node.yaml("broadcast_address"), "10.9.9.8", "{profile}");
        let seeds = node.yaml("seed_provider");
        assert!(seeds.contains("10.9.9.8"), "this node's own address is its seed: {seeds}");
    }
}

#[test]
fn seeds_by_a_generic_variable_count_as_the_files_and_disagree_with_the_named_one() {
    let path = "CASSANDRA_YAML_seed_provider__0__parameters__0__seeds";
    let one = node().env(path, "10.1.1.1,10.1.1.2");
    one.start_and_stop().code(0);
    assert!(one.yaml("seed_provider").contains("10.1.1.1,10.1.1.2"));
    let both = one.env("CASSANDRA_SEEDS", "10.1.1.1");
    both.run()
        .code(78)
        .says(&format!("{path}: disagrees with CASSANDRA_SEEDS on seed_provider[0].parameters[0].seeds"));
    let both = both.env("CASSANDRA_SEEDS", "10.1.1.1, 10.1.1.2");
    both.start_and_stop().code(0);
}

#[test]
fn what_disagrees_or_is_unknown_or_mistyped_stops_the_start_and_is_told_at_once() {
    let node = node()
        .env("CASSANDRA_NUM_TOKENS", "16")
        .env("CASSANDRA_YAML_num_tokens", "8")
        .env("CASSANDRA_YAML_num_token", "8")
        .env("CASSANDRA_YAML_storage_port", "many")
        .env("CASSANDRA_YAML_start_rpc", "true")
        .env("CASSANDRA_YAML", "a:\n - b\n c: d\n");
    let before = node.conf();
    node.run()
        .code(78)
        .says("CASSANDRA_YAML_num_tokens: disagrees with CASSANDRA_NUM_TOKENS on num_tokens")
        .says("CASSANDRA_YAML_num_token: 'num_token' is not known to Cassandra 5.0.8 (hint: did you mean num_tokens?)")
        .says("CASSANDRA_YAML_storage_port: 'many' is not valid, expected a whole number")
        .says("CASSANDRA_YAML_start_rpc: 'start_rpc' is not known to Cassandra 5.0.8 (hint: Cassandra 3.11 was the last line to have it")
        .says("CASSANDRA_YAML:3");
    assert_eq!(node.conf(), before);
}

#[test]
fn a_value_from_a_file_counts_and_is_never_told() {
    let node = node().file("secrets/password", "Geheim1&\"'x\n").file("secrets/name", "From a file\n").file(
        "conf-overlay/pre_run.sh",
        "export CASSANDRA_SEEDS_FILE=/etc/passwd\nexport CASSANDRA_YAML_num_tokens=4\n",
    );
    let path = |name: &str| node.path(name).display().to_string();
    let (password, name) = (path("secrets/password"), path("secrets/name"));
    let node = node
        .env("CASSANDRA_YAML_client_encryption_options__keystore_password_FILE", &password)
        .env("CASSANDRA_CLUSTER_NAME_FILE", &name);
    let outcome = node.start_and_stop().code(0);
    let outcome = outcome.says("CASSANDRA_SEEDS_FILE: a hook cannot name a file").says("CASSANDRA_YAML_num_tokens=4");
    assert_eq!(node.yaml("cluster_name"), "From a file");
    assert_eq!(node.yaml("num_tokens"), "4");
    let tree: serde_yaml::Value = serde_yaml::from_str(&node.conf()["cassandra.yaml"]).unwrap();
    assert_eq!(tree["client_encryption_options"]["keystore_password"].as_str(), Some("Geheim1&\"'x"));
    let node = node.arguments(&["render"]);
    let rendered = node.run().code(0);
    let node = node.arguments(&["explain"]);
    let explained =
        node.run().code(0).prints("cluster_name = From a file  (environment: CASSANDRA_CLUSTER_NAME_FILE (");
    for text in [&outcome.stderr, &rendered.stdout, &rendered.stderr, &explained.stdout, &explained.stderr] {
        assert!(!text.contains("Geheim1"), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_read_or_says_something_else_stops_the_start() {
    let node = node().file("dc", "east\n");
    let dc = node.path("dc").display().to_string();
    let node = node
        .env("CASSANDRA_SEEDS_FILE", "/does/not/exist")
        .env("CASSANDRA_DC_FILE", &dc)
        .env("CASSANDRA_DC", "west")
        .env("CASSANDRA_RACK_FILE", "/proc");
    node.run()
        .code(78)
        .says("CASSANDRA_SEEDS_FILE: cannot read /does/not/exist")
        .says("CASSANDRA_RACK_FILE: cannot read /proc: not a regular file")
        .says(&format!("CASSANDRA_DC: says something else than the file {dc} of CASSANDRA_DC_FILE"));
}

#[test]
fn a_file_with_a_secret_is_for_cassandra_alone() {
    let node = node()
        .mode("conf/cassandra.yaml", 0o644)
        .mode("conf/jvm-server.options", 0o644)
        .env("CASSANDRA_YAML_client_encryption_options__keystore_password", "geheim");
    node.start_and_stop().code(0);
    let metadata = fs::metadata(node.path("conf/cassandra.yaml")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o007, 0);
    if is_root() {
        assert_eq!((metadata.uid(), metadata.gid(), metadata.permissions().mode() & 0o777), (0, 4242, 0o640));
    }
    let plain = fs::metadata(node.path("conf/jvm-server.options")).unwrap();
    assert_eq!(plain.permissions().mode() & 0o777, 0o644, "without a secret the mode stays");
}

#[test]
fn cassandras_own_variables_pass_through_and_are_told() {
    let node = node().env("CASSANDRA_SETTINGS_NUM_TOKENS", "4");
    node.start_and_stop().code(0).says("CASSANDRA_SETTINGS_NUM_TOKENS: Cassandra 5.0.8 does not read it");
    let environment = fs::read_to_string(node.path("standin/environment")).unwrap();
    assert!(environment.contains("CASSANDRA_SETTINGS_NUM_TOKENS=4"));
}

#[test]
fn a_profiles_default_gives_way_to_a_generic_variable_and_to_a_fragment() {
    let node = || node().env("CASSANDRA_INIT_PROFILE", "kubernetes-examples");
    let plain = node();
    plain.start_and_stop().code(0);
    assert_eq!(plain.yaml("num_tokens"), "32", "the profile has a default to give way");
    let variable = node().env("CASSANDRA_YAML_num_tokens", "8");
    variable.start_and_stop().code(0);
    assert_eq!(variable.yaml("num_tokens"), "8");
    let fragment = node().file("conf-overlay/cassandra.yaml.d/x.yaml", "num_tokens: 4\n");
    fragment.start_and_stop().code(0);
    assert_eq!(fragment.yaml("num_tokens"), "4");
}

#[test]
fn folders_that_a_hook_or_a_variables_file_names_are_not_given_away() {
    if !is_root() {
        crate::support::skip_or_fail("giving folders away needs root");
        return;
    }
    let owner = |node: &Node| fs::metadata(node.path("outside")).unwrap().uid();
    let named = |node: Node, name: &str| {
        let outside = node.path("outside").display().to_string();
        node.file("outside/x", "").env(name, &outside)
    };
    let by_variable = named(node(), "CASSANDRA_YAML_commitlog_directory");
    by_variable.start_and_stop().code(0);
    assert_eq!(owner(&by_variable), 4242, "the container's environment may");
    let outside = |node: &Node| node.path("outside").display().to_string();
    let by_hook = node().file("outside/x", "");
    let script = format!("export CASSANDRA_YAML_commitlog_directory={}\n", outside(&by_hook));
    let by_hook = by_hook.file("conf-overlay/pre_run.sh", &script);
    by_hook.start_and_stop().code(0).says("its owner is left alone");
    assert_eq!(owner(&by_hook), 0);
    let by_file = node().file("outside/x", "");
    let text = format!("commitlog_directory: {}\n", outside(&by_file));
    let by_file = by_file.file("fragment", &text);
    let path = by_file.path("fragment").display().to_string();
    let by_file = by_file.env("CASSANDRA_YAML_FILE", &path);
    by_file.start_and_stop().code(0).says("its owner is left alone");
    assert_eq!(owner(&by_file), 0);
    let steering = node().file("home-of", "/x\n").mode("home-of", 0o666).without("CASSANDRA_LOG_DIR");
    let path = steering.path("home-of").display().to_string();
    steering.env("CASSANDRA_LOG_DIR_FILE", &path).run().code(78).says("can be written by others than root");
}

#[test]
fn a_named_class_keeps_the_form_that_the_file_uses() {
    let mounted = "authenticator:\n  class_name: A\n  parameters:\n    x: w\n";
    let diff = Node::new()
        .file("conf-overlay/cassandra.yaml.d/a.yaml", mounted)
        .env("CASSANDRA_AUTHENTICATOR", "PasswordAuthenticator")
        .arguments(&["render"])
        .run()
        .code(0)
        .stdout;
    assert!(diff.contains("\n+authenticator:\n+  class_name: PasswordAuthenticator\n"), "{diff}");
    assert!(!diff.contains("+  parameters") && !diff.contains("x: w"), "{diff}");
}
