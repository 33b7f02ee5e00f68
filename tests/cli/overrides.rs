//! JVM options that override cassandra.yaml: what probes, checks and nodetool are told follows them.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::support::{Node, binary, wait_until};

const NATIVE_PORT: &str = "-Dcassandra.native_transport_port";

/// What PID 1 says of the node, once it has started it.
fn told(node: &Node) -> String {
    let text = || fs::read_to_string(node.path("run/node")).unwrap();
    wait_until("what PID 1 says", || text().contains("phase=starting"));
    text()
}

/// What PID 1 published of a start, line by line.
fn published(node: &Node) -> Vec<String> {
    let running = node.start();
    let text = told(node);
    running.stop().code(0);
    fs::remove_file(node.path("standin/running")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn has(lines: &[String], line: &str) -> bool {
    lines.iter().any(|known| known == line)
}

#[test]
fn the_published_endpoint_is_where_the_last_option_puts_it() {
    let node = || Node::new().env("CASSANDRA_CQL_PORT_NUMBER", "9100");
    let overlay = "conf-overlay/jvm-server.options.d/port.options";
    let told = published(&node());
    assert!(has(&told, "port=9100") && has(&told, "jmx=7199"), "{told:?}");

    let node = node().env("JVM_OPTS", &format!("{NATIVE_PORT}=9101"));
    let told = published(&node);
    assert!(has(&told, "port=9101"), "over the file: {told:?}");
    let node = node.file(overlay, &format!("{NATIVE_PORT}=9102\n"));
    assert!(has(&published(&node), "port=9102"), "the files come behind JVM_OPTS");
    let node = node.env("CASSANDRA_JVM_OPTIONS", &format!("{NATIVE_PORT}=9103"));
    assert!(has(&published(&node), "port=9103"), "and in them the variable wins");
    let node = node.env("JVM_EXTRA_OPTS", &format!("{NATIVE_PORT}=9104 -Dx=y"));
    assert!(has(&published(&node), "port=9104"), "behind them comes JVM_EXTRA_OPTS");
    let node = node.arguments(&["run", &format!("{NATIVE_PORT}=9105")]);
    assert!(has(&published(&node), "port=9105"), "and behind that our own command line");
    let node =
        node.env("JAVA_TOOL_OPTIONS", &format!("{NATIVE_PORT}=1")).env("_JAVA_OPTIONS", &format!("{NATIVE_PORT}=9106"));
    assert!(has(&published(&node), "port=9106"), "the last word is the JVM's own variable");
}

#[test]
fn a_native_transport_that_an_option_switches_off_has_no_endpoint_and_one_that_it_switches_on_has() {
    let node = Node::new().env("JVM_EXTRA_OPTS", "-Dcassandra.start_native_transport=false");
    assert!(!published(&node).iter().any(|line| line.starts_with("port=")));
    let node = Node::new().env("CASSANDRA_YAML_start_native_transport", "false");
    assert!(!published(&node).iter().any(|line| line.starts_with("port=")));
    let node = node.env("JVM_EXTRA_OPTS", "-Dcassandra.start_native_transport=true");
    assert!(has(&published(&node), "port=9042"));
}

#[test]
fn what_an_option_overrides_is_told_at_the_start_by_check_and_by_explain() {
    let node = Node::new().env("JVM_EXTRA_OPTS", &format!("{NATIVE_PORT}=9142 -Dcassandra.storage_port=7100"));
    let told = "JVM_EXTRA_OPTS: native_transport_port is 9142 by -Dcassandra.native_transport_port, over the 9042 of \
                cassandra.yaml";
    node.start_and_stop().code(0).says(told);
    assert_eq!(node.yaml("native_transport_port"), "9042", "the file stays what it is");
    node.java("#!/bin/sh\n").arguments(&["check"]).run().code(0).prints(told);
    let node = Node::new().env("JVM_EXTRA_OPTS", &format!("{NATIVE_PORT}=9142"));
    let source = "(environment: -Dcassandra.native_transport_port of JVM_EXTRA_OPTS)";
    node.arguments(&["explain", "native_transport_port"])
        .run()
        .code(0)
        .prints(&format!("cassandra.yaml: native_transport_port = 9142  {source}\n"));
    let node =
        Node::new().file("conf-overlay/jvm-server.options.d/port.options", &format!("# ours\n{NATIVE_PORT}=9142\n"));
    node.arguments(&["explain", "native_transport_port"])
        .run()
        .code(0)
        .prints("(overlay: -Dcassandra.native_transport_port of jvm-server.options.d/port.options:2)");
}

#[test]
fn ports_are_compared_as_the_options_make_them() {
    let node =
        Node::new().env("JVM_EXTRA_OPTS", "-Dcassandra.native_transport_port=7000 -Dcassandra.storage_port=7199");
    let outcome = node.arguments(&["check"]).run().code(78);
    outcome.prints("storage_port and JMX are both on port 7199");
    let apart = Node::new()
        .env("CASSANDRA_CQL_PORT_NUMBER", "7000")
        .env("JVM_EXTRA_OPTS", "-Dcassandra.native_transport_port=9042");
    apart.arguments(&["check"]).run().code(0);
}

#[test]
fn a_port_that_java_cannot_read_stops_the_start_before_java_does() {
    let node = Node::new().env("JVM_EXTRA_OPTS", &format!("{NATIVE_PORT}=91x42"));
    let refused = "JVM_EXTRA_OPTS: -Dcassandra.native_transport_port is '91x42', expected a port";
    node.run().code(78).says(refused).says("ports go from 1 to 65535");
    assert!(!node.java_was_started());
}

#[test]
fn a_variable_that_6_0_reads_by_itself_is_followed() {
    let node = Node::new()
        .env("CASSANDRA_ALLOW_CONFIG_ENVIRONMENT_VARIABLES", "true")
        .env("CASSANDRA_SETTINGS_NATIVE_TRANSPORT_PORT", "9142");
    node.arguments(&["explain", "--cassandra-version", "6.0", "native_transport_port"]).run().code(0).prints(
        "cassandra.yaml: native_transport_port = 9142  (environment: CASSANDRA_SETTINGS_NATIVE_TRANSPORT_PORT)",
    );
}

#[test]
fn a_manifests_arguments_are_followed_as_those_of_our_own_command_line_are() {
    let manifest = "\
        apiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec:\n  containers:\n  - name: cassandra\n    \
        image: x/cassandra-init:5.0\n    args: [-Dcassandra.native_transport_port=7199]\n";
    let node = Node::new().file("pod.yaml", manifest);
    let path = node.path("pod.yaml").display().to_string();
    let outcome = node.arguments(&["check", "-f", &path]).run().code(78);
    outcome.prints("JMX and native_transport_port are both on port 7199");
}

#[test]
fn nodetool_goes_to_the_jmx_port_that_an_option_chose() {
    let java = fs::read_to_string(Node::new().path("java/bin/java")).unwrap();
    let java = java.replacen('\n', "\ncase \"$*\" in *NodeTool*) echo \"$@\"; exit 0;; esac\n", 1);
    let script = "#!/bin/sh\nexec \"$JAVA_HOME/bin/java\" \"$@\"\n";
    for mode in ["direct", "script"] {
        let node = Node::new()
            .java(&java)
            .file("home/bin/cassandra", script)
            .mode("home/bin/cassandra", 0o755)
            .env("CASSANDRA_LAUNCH", mode)
            .env("CASSANDRA_JMX_PORT_NUMBER", "7299")
            .env("JVM_EXTRA_OPTS", "-Dcassandra.jmx.local.port=7399");
        let running = node.start();
        told(&node);
        let mut nodetool = Command::new(binary());
        nodetool.arg0("nodetool").arg("info").env_clear();
        nodetool.envs(node.variables());
        let printed = String::from_utf8(nodetool.output().unwrap().stdout).unwrap();
        running.stop().code(0);
        assert!(printed.trim_end().ends_with("NodeTool -p 7399 info"), "{mode}: {printed}");
        // What java gets has it last, too.
        let standin = node.files("standin");
        let (words, environment) = (&standin["arguments"], &standin["environment"]);
        let all = if mode == "direct" { words } else { environment };
        let at = |port: &str| all.find(&format!("-Dcassandra.jmx.local.port={port}")).unwrap();
        assert!(at("7299") < at("7399"), "{all}");
    }
}
