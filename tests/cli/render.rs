//! `render`: what is shown of a start, and what is written for somebody to look at.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::{Node, has, skip_or_fail};

fn render(node: Node, more: &[&str]) -> Node {
    node.arguments(&[&["render", "--cassandra-version", "5.0.9"], more].concat())
}

#[test]
fn no_secret_is_shown_wherever_it_stands_and_its_change_is() {
    let fragment = "authenticator:\n  class_name: org.apache.cassandra.auth.PasswordAuthenticator\n  parameters: {users: geheim}\n\
                    role_manager:\n  class_name: CassandraRoleManager\n  parameters:\n    one: [geheim]\n\
                    client_encryption_options:\n  keystore_password: |\n    geheim\n    geheim: geheim\n\
                    server_encryption_options: {truststore_password: geheim, internode_encryption: all}\n";
    let options = "-Dmy.password=geheim\n-javaagent:/a.jar=port=1,token=geheim,user=me";
    let node = Node::new().env("CASSANDRA_YAML", fragment).env("CASSANDRA_JVM_OPTIONS", options);
    let shown = render(node, &[]).run().code(0).prints("class_name: org.apache.cassandra.auth.PasswordAuthenticator");
    assert!(!shown.stdout.contains("geheim"), "{}", shown.stdout);
    for line in ["+    users: ***", "+  keystore_password: ***", "+-Dmy.password=***", "port=1,token=***,user=me"] {
        assert!(shown.stdout.contains(line), "{line}: {}", shown.stdout);
    }
}

#[test]
fn a_password_that_is_an_ordinary_word_blanks_nothing_else() {
    let conf = |node: Node| {
        let text = "cluster_name: old\npartitioner: org.apache.cassandra.dht.Murmur3Partitioner\n\
                    commitlog_sync: periodic\ncommitlog_sync_period: 10s\nendpoint_snitch: SimpleSnitch\nclient_encryption_options:\n  keystore: /etc/cassandra/store\n  keystore_password: cassandra\n";
        let node = node.file("small/cassandra.yaml", text);
        let small = node.path("small").display().to_string();
        render(node, &["--conf", &small])
    };
    let node = Node::new()
        .env("CASSANDRA_CLUSTER_NAME", "cassandra")
        .env("CASSANDRA_YAML_client_encryption_options__keystore_password", "other");
    let shown = conf(node).run().code(0).stdout;
    for line in [
        "+cluster_name: cassandra\n",
        "   keystore: /etc/cassandra/store\n-  keystore_password: ***\n+  keystore_password: ***\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn files_go_to_a_folder_that_is_named_from_here_and_no_link_is_written_through() {
    let secret = || Node::new().env("CASSANDRA_YAML_client_encryption_options__keystore_password", "geheim");
    let node = render(secret(), &["--output", "out/there"]).file("mine", "mine").file("out/there/logback.xml", "old");
    symlink("../../mine", node.path("out/there/cassandra.yaml")).unwrap();
    let folder = node.path("").display().to_string();
    let node = node.wrapped(&["sh", "-c", &format!("cd '{folder}' && exec \"$@\""), "sh"]);
    assert_eq!(node.run().code(0).stdout, "", "no diff where it was not asked for");
    assert_eq!(std::fs::read_to_string(node.path("mine")).unwrap(), "mine");
    let written = |name: &str| std::fs::symlink_metadata(node.path("out/there").join(name)).unwrap();
    assert!(written("cassandra.yaml").is_file());
    assert_eq!(written("cassandra.yaml").permissions().mode() & 0o777, 0o600);
    assert_eq!(written("cassandra-rackdc.properties").permissions().mode() & 0o777, 0o644);
    assert!(node.files("out/there")["cassandra.yaml"].contains("keystore_password: geheim"));
}

#[test]
fn colour_is_for_terminals_whose_user_did_not_say_no() {
    if !has("script") {
        return skip_or_fail("needs script");
    }
    let on_a_terminal = |name: &str, value: &str| {
        let node = Node::new().env("CASSANDRA_CLUSTER_NAME", "x").env("TERM", "xterm").env(name, value);
        render(node, &[]).wrapped(&["sh", "-c", "exec script -qefc \"$*\" /dev/null", "sh"]).run().code(0).stdout
    };
    assert!(on_a_terminal("NO_COLOR", "").contains("\u{1b}[32m+cluster_name: 'x'\u{1b}[0m"));
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = on_a_terminal(name, value);
        assert!(plain.contains("+cluster_name: 'x'") && !plain.contains('\u{1b}'), "{name}: {plain}");
    }
}
