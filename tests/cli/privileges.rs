//! What the JVM gets of root, and what it can do to the root process that started it.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;

use crate::support::{Node, has, is_root, skip_or_fail};

/// A node whose JVM does this, as the user, before it waits for its end.
fn jvm(script: &str) -> Node {
    let end = "trap 'exit 143' TERM\necho > \"$STANDIN/running\"\nwhile :; do sleep 0.01; done";
    Node::new().java(&format!("#!/bin/sh\n{script}\n{end}\n"))
}

fn can_run(programs: &[&str]) -> bool {
    let can = is_root() && programs.iter().all(|program| has(program));
    if !can {
        skip_or_fail(&format!("needs root and {programs:?}"));
    }
    can
}

fn read(node: &Node, name: &str) -> String {
    fs::read_to_string(node.path("standin").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn where_ipc_lock_is_missing_the_jvm_starts_without_it() {
    if !can_run(&["setpriv"]) {
        return;
    }
    let node = jvm("cat /proc/self/status > $STANDIN/status");
    let node = node.wrapped(&["setpriv", "--bounding-set", "-ipc_lock"]);
    node.start_and_stop().code(0);
    let status = read(&node, "status");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(status.contains(&format!("{set}:\t0000000000000000\n")), "{set} in {status}");
    }
}

#[test]
fn the_jvm_has_no_parent_death_signal_and_no_new_privileges() {
    if !can_run(&["setpriv"]) {
        return;
    }
    let node = jvm("setpriv --dump > $STANDIN/dump 2>&1");
    node.start_and_stop().code(0);
    let dump = read(&node, "dump");
    for line in ["uid: 4242", "euid: 4242", "gid: 4242", "egid: 4242", "no_new_privs: 1", "Parent death signal: [none]"]
    {
        assert!(dump.lines().any(|told| told == line), "{line} in {dump}");
    }
}

#[test]
fn the_user_can_open_the_standard_streams_by_their_names() {
    if !can_run(&[]) {
        return;
    }
    let node = jvm("echo by-name > /dev/stdout; echo by-name-too > /dev/stderr");
    node.start_and_stop().code(0).prints("by-name").says("by-name-too");
}

#[test]
fn a_hook_of_root_can_write_to_our_log_and_one_of_the_user_cannot() {
    if !can_run(&["setpriv"]) {
        return;
    }
    let node = jvm("");
    let running = node.start();
    let log = format!("/proc/{}/fd/1", running.pid());
    writeln!(File::options().write(true).open(&log).unwrap(), "from preStop").unwrap();
    let user = ["--reuid", "4242", "--regid", "4242", "--clear-groups", "sh", "-c"];
    let by_user = Command::new("setpriv").args(user).arg(format!("echo no > {log}")).output().unwrap();
    assert!(!by_user.status.success(), "PID 1 stays root's, so that its descriptors are");
    running.stop().code(0).prints("from preStop");
}

#[test]
fn home_user_and_logname_are_the_users_own_and_the_path_stays() {
    if !can_run(&[]) {
        return;
    }
    let script = "env > $STANDIN/environment";
    let seen = |node: Node| {
        let node = node.env("HOME", "/root").env("USER", "root").env("LOGNAME", "root");
        node.start_and_stop().code(0);
        read(&node, "environment")
    };
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let nobody: Vec<&str> = passwd.lines().find(|line| line.starts_with("nobody:")).unwrap().split(':').collect();
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let by_name = seen(jvm(script).env("CASSANDRA_INIT_USER", "nobody"));
    for line in [&format!("HOME={}", nobody[5]), "USER=nobody", "LOGNAME=nobody", &path] {
        assert!(by_name.lines().any(|told| told == line), "{line} in {by_name}");
    }
    let by_number = seen(jvm(script).env("CASSANDRA_INIT_USER", "4242:4242"));
    assert!(by_number.lines().any(|told| told == "HOME=/"), "{by_number}");
}

#[test]
fn the_jvm_can_neither_signal_nor_look_into_the_root_process_above_it() {
    if !can_run(&[]) {
        return;
    }
    let script = "for signal in TERM KILL STOP; do kill -$signal $PPID && echo $signal >> $STANDIN/could; done 2>/dev/null\n\
        cat /proc/$PPID/environ /proc/$PPID/mem > $STANDIN/inside 2>/dev/null; ls /proc/$PPID/fd > $STANDIN/inside 2>/dev/null";
    let node = jvm(script).env("CASSANDRA_CLUSTER_NAME", "Untouched");
    node.start_and_stop().code(0);
    assert!(!node.path("standin/could").exists(), "{}", read(&node, "could"));
    assert_eq!(read(&node, "inside"), "");
}
