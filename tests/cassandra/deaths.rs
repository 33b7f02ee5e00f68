//! Real nodes that die, and what is said of it: with our logback.xml, which logs to standard output, and with a stock one.

use std::fs;

use crate::real::{RealNode, alone};

/// What `logback.xml` of the releases does as far as it counts here: the whole log in a file, and none on standard output.
const STOCK_LOGBACK: &str = r#"<configuration>
  <appender name="SYSTEMLOG" class="ch.qos.logback.core.FileAppender">
    <file>${cassandra.logdir}/system.log</file>
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="SYSTEMLOG"/></root>
</configuration>
"#;

/// Starts the node, which dies; the line about its end.
fn end(node: &RealNode, log: &str) -> String {
    let start = node.start(log);
    assert_eq!(start.wait(), 3);
    let text = fs::read_to_string(node.path(log)).unwrap();
    text.lines().find(|line| line.contains("Cassandra ended by itself")).expect("a line about the end").to_owned()
}

#[test]
fn a_node_that_dies_of_its_configuration_or_of_a_start_check_is_explained_by_its_own_last_error() {
    let _alone = alone();
    for (line, node) in [("4.1", RealNode::of_4_1()), ("5.0", RealNode::new())] {
        let node = node.with("CASSANDRA_YAML", "authenticator: NoSuchAuthenticator");
        let told = end(&node, "configuration.log");
        assert!(
            told.contains("ConfigurationException: Unable to find") && told.contains("NoSuchAuthenticator"),
            "{line}: {told}"
        );
        // A table of a release that this one cannot read.
        let table = "data/data/k/t-5a1c395e44c011e5a3a2f1c3e0b2d3c4";
        fs::create_dir_all(node.path(table)).unwrap();
        fs::write(node.path(table).join("k-t-jb-1-Data.db"), "").unwrap();
        let node = node.with("CASSANDRA_YAML", "");
        let told = end(&node, "start-check.log");
        assert!(told.contains("Detected unreadable sstables") && told.contains("k-t-jb-1-Data.db"), "{line}: {told}");
        assert!(!told.contains("NoSuchAuthenticator"), "{line}: an earlier start's error: {told}");
    }
}

#[test]
fn a_stock_logback_keeps_its_own_log_and_the_last_error_comes_from_there() {
    let _alone = alone();
    let node = RealNode::new().with("CASSANDRA_YAML", "authenticator: NoSuchAuthenticator");
    fs::write(node.path("conf/logback.xml"), STOCK_LOGBACK).unwrap();
    let told = end(&node, "stock.log");
    assert!(told.contains("ConfigurationException: Unable to find"), "{told}");
    assert!(!node.path("log/warnings.log").exists(), "ours was not put in its place");
    assert!(fs::read_to_string(node.path("log/system.log")).unwrap().contains("NoSuchAuthenticator"));
}
