//! What is said of a node's end, and what of the Cassandra user's files is read for it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Node, is_root, skip_or_fail};

/// A node whose JVM does this; `$LOG` is its log folder.
fn jvm(script: &str) -> Node {
    let node = Node::new();
    let log = node.path("log").display().to_string();
    node.java(&format!("#!/bin/sh\nLOG={log}\n{script}\n"))
}

#[test]
fn the_last_error_of_this_starts_log_and_the_files_it_left_are_named() {
    let node = jvm("echo 'ERROR [main] this start' >> $LOG/system.log\n\
         echo 'org.apache.cassandra.exceptions.ConfigurationException: no such snitch' >> $LOG/system.log\n\
         echo report > $LOG/hs_err_pid$$.log\nexit 3")
    .file("log/system.log", "ERROR [main] an earlier start\n")
    .file("log/hs_err_pid0.log", "an earlier report\n");
    let outcome = node.run().code(3).says("exit code 3: something failed while it started");
    let end = outcome.stderr.lines().find(|line| line.contains("ended by itself")).unwrap();
    assert!(
        end.contains("ERROR [main] this start org.apache.cassandra.exceptions.ConfigurationException: no such snitch")
    );
    assert!(end.contains("it left") && end.contains("/log/hs_err_pid"), "{end}");
    assert!(!end.contains("earlier") && !end.contains("hs_err_pid0"), "{end}");
}

#[test]
fn a_node_that_logs_to_standard_output_keeps_its_errors_where_the_end_finds_them() {
    let node = jvm("echo 'WARN  [main] harmless' >> $LOG/warnings.log\n\
         echo 'ERROR [main] no such disk' >> $LOG/warnings.log\nexit 3");
    node.run().code(3).says("the last error of its log: ERROR [main] no such disk");
}

#[test]
fn without_a_new_error_only_the_code_speaks() {
    let node =
        jvm("echo 'INFO  [main] fine' >> $LOG/system.log\nexit 100").file("log/system.log", "ERROR [main] old\n");
    let outcome = node.run().code(100).says("exit code 100: a start check or a failure policy");
    assert!(!outcome.stderr.contains("its log") && !outcome.stderr.contains("it left"), "{}", outcome.stderr);
}

#[test]
fn a_link_that_the_user_planted_shows_no_file_of_roots() {
    if !is_root() {
        skip_or_fail("needs root");
        return;
    }
    let node = jvm("rm -f $LOG/system.log\nln -s $STANDIN/../secret $LOG/system.log\nexit 1");
    let node = node.file("secret", "ERROR [main] the secret of root\n").mode("secret", 0o600);
    let outcome = node.run().code(1).says("exit code 1");
    assert!(fs::symlink_metadata(node.path("log/system.log")).unwrap().is_symlink(), "it was planted");
    assert!(!outcome.stderr.contains("secret of root"), "{}", outcome.stderr);
    // One that was there before the start is no better.
    let node = jvm("exit 1").file("secret", "ERROR [main] the secret of root\n").mode("secret", 0o600);
    symlink(node.path("secret"), node.path("log/system.log")).unwrap();
    let outcome = node.run().code(1).says("exit code 1");
    assert!(!outcome.stderr.contains("secret of root"), "{}", outcome.stderr);
}
