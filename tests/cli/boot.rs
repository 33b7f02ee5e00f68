//! What the JVM is started with, the stop that drains, and the exit codes.

use std::fs;

use nix::libc::{SIGINT, SIGKILL, SIGTERM};

use crate::support::Node;

/// A stand-in that ends as it is told.
fn ending(how: &str) -> Node {
    Node::new().java(&format!("#!/bin/sh\necho running > \"$STANDIN/arguments\"\n{how}\n"))
}

#[test]
fn sigterm_sigint_and_the_stop_signal_of_systemd_drain_and_end_with_0() {
    for signal in [SIGTERM, SIGINT] {
        let node = Node::new();
        let running = node.start();
        running.signal(signal);
        running.wait().code(0).says("Cassandra ended in");
        assert!(node.path("standin/drained").exists());
    }
    let node = Node::new();
    let running = node.start();
    let kill = std::process::Command::new("sh").args(["-c", &format!("kill -37 {}", running.pid())]).status().unwrap();
    assert!(kill.success());
    running.wait().code(0);
}

#[test]
fn the_jvms_own_end_is_passed_on() {
    ending("exit 3").run().code(3).says("ended by itself with exit code 3");
    ending("exit 0").run().code(0);
    ending("kill -KILL $$").run().code(137).says("was killed (SIGKILL)");
    ending("kill -TERM $$").run().code(143).says("SIGTERM");
    Node::new().java("not a program").run().code(126).says("java");
}

#[test]
fn two_stop_signals_drain_once() {
    let node = Node::new().java(
        "#!/bin/sh\ntrap 'echo drained >> \"$STANDIN/drained\"; while [ ! -e \"$STANDIN/go\" ]; do sleep 0.01; done; exit 143' TERM\necho > \"$STANDIN/running\"\nwhile :; do sleep 0.01; done\n",
    );
    let running = node.start();
    running.signal(SIGTERM);
    running.wait_for("standin/drained");
    running.signal(SIGTERM);
    running.signal(SIGINT);
    fs::write(node.path("standin/go"), "").unwrap();
    running.wait().code(0);
    assert_eq!(fs::read_to_string(node.path("standin/drained")).unwrap(), "drained\n");
}

#[test]
fn a_jvm_that_does_not_stop_is_killed_just_before_the_grace_period_ends() {
    let deaf = "#!/bin/sh\ntrap '' TERM QUIT\necho > \"$STANDIN/running\"\nwhile :; do sleep 0.01; done\n";
    let node = Node::new().java(deaf).env("CASSANDRA_STOP_GRACE", "2s");
    node.start().stop().code(137).says("the grace period ends, Cassandra is killed");
}

#[test]
fn a_stopped_jvm_is_continued_so_that_it_can_drain() {
    let node = Node::new();
    let running = node.start();
    let child = crate_child(&running);
    nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGSTOP).unwrap();
    running.stop().code(0);
}

#[test]
fn the_jvm_killed_from_outside_is_137() {
    let node = Node::new();
    let running = node.start();
    nix::sys::signal::kill(crate_child(&running), nix::sys::signal::Signal::try_from(SIGKILL).unwrap()).unwrap();
    running.wait().code(137);
}

/// The process id that is published for the probes.
pub fn crate_child(running: &crate::support::Running) -> nix::unistd::Pid {
    let mut pid = None;
    crate::support::wait_until("the published process id", || {
        let text = fs::read_to_string(running.node().path("run/node")).unwrap_or_default();
        pid = text.lines().find_map(|line| line.strip_prefix("child=")).and_then(|text| text.parse().ok());
        pid.is_some()
    });
    nix::unistd::Pid::from_raw(pid.unwrap())
}

#[test]
fn the_jvms_command_line_and_environment() {
    let node = Node::new()
        .env("MAX_HEAP_SIZE", "512M")
        .env("JVM_OPTS", "-Dfrom.jvm.opts=1")
        .env("JVM_EXTRA_OPTS", "-Dfrom.extra=1")
        .arguments(&["-Dfrom.arguments=1"]);
    node.start_and_stop().code(0);
    let arguments = fs::read_to_string(node.path("standin/arguments")).unwrap();
    let at = |word: &str| {
        arguments.lines().position(|line| line == word).unwrap_or_else(|| panic!("{word} is missing in\n{arguments}"))
    };
    let order = ["-Dfrom.jvm.opts=1", "-Xms512M", "-Xmx512M", "-XX:+UseG1GC", "-Dfrom.extra=1", "-Dfrom.arguments=1"];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{arguments}");
    let environment = fs::read_to_string(node.path("standin/environment")).unwrap();
    assert!(!environment.contains("CASSANDRA_INIT_"), "{environment}");
    assert!(environment.contains("MALLOC_ARENA_MAX=4"), "{environment}");
}

#[test]
fn a_second_start_in_the_same_place_is_refused_and_changes_nothing_for_the_first() {
    let node = Node::new();
    let running = node.start();
    crate_child(&running);
    node.run().code(75).says("another cassandra-init runs a node here");
    assert_eq!(node.probe("liveness").code, 0);
    running.stop().code(0);
    assert_eq!(node.probe("liveness").code, 69, "what a process left does not count once it is gone");
}

#[test]
fn a_run_folder_that_anybody_could_write_is_taken_and_emptied_of_what_others_put_there() {
    if !crate::support::is_root() {
        return crate::support::skip_or_fail("needs root");
    }
    let node = Node::new().file("run/conf/jvm-clients.options", "-XX:OnError=evil\n").mode("run", 0o1777);
    for name in ["run/conf", "run/conf/jvm-clients.options"] {
        std::os::unix::fs::chown(node.path(name), Some(4242), Some(4242)).unwrap();
    }
    node.start_and_stop().code(0);
    assert!(!node.path("run/conf").exists());
    let metadata = fs::metadata(node.path("run")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777, 0o755);
}

#[test]
fn probes_follow_the_nodes_life() {
    let node = Node::new();
    let probe = |kind: &str| Node::probe(&node, kind);
    assert_eq!(probe("readiness").code, 69, "nothing runs");
    let running = node.start();
    // The stand-in runs a moment before it is published.
    crate_child(&running);
    assert_eq!(probe("liveness").code, 0);
    let not_ready = probe("readiness");
    assert_eq!(not_ready.code, 1, "{not_ready:?}");
    assert!(not_ready.stdout.contains("cannot connect"), "{not_ready:?}");
    assert_eq!(probe("startup").code, 1);
    let held = fs::read_to_string(node.path("run/node")).unwrap();
    assert!(held.starts_with("phase=starting\n"), "{held}");
    running.stop().code(0);
    assert_eq!(probe("readiness").code, 69, "and nothing runs again");
}

#[test]
fn a_changed_cassandra_env_sh_is_refused_where_no_shell_would_read_it() {
    let node = Node::new().file("conf/cassandra-env.sh", "JVM_OPTS=\"$JVM_OPTS -Dmine=1\"\n");
    node.run().code(78).says("cassandra-env.sh: has no effect").says("hint: put its options in jvm-server.options");
    assert!(!node.java_was_started());
    let mounted = Node::new().file("conf-overlay/cassandra-env.sh", "JVM_OPTS=-Dmine=1\n");
    mounted.run().code(78).says("cassandra-env.sh: has no effect");
    assert!(!node.java_was_started());
}

#[test]
fn script_mode_runs_bin_cassandra_with_what_its_scripts_need() {
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$STANDIN/arguments\"\nenv > \"$STANDIN/environment\"\n";
    let node = Node::new()
        .file("home/bin/cassandra", script)
        .mode("home/bin/cassandra", 0o755)
        .env("CASSANDRA_OPEN_JMX", "true");
    node.run().code(0);
    let arguments = fs::read_to_string(node.path("standin/arguments")).unwrap();
    assert!(arguments.starts_with("-f\n-Dcassandra.skip_wait_for_gossip_to_settle=0\n"), "{arguments}");
    let environment = fs::read_to_string(node.path("standin/environment")).unwrap();
    for name in ["MAX_HEAP_SIZE=", "HEAP_NEWSIZE=", "LOCAL_JMX=no", "CASSANDRA_CONF=", "JAVA_HOME="] {
        assert!(environment.lines().any(|line| line.starts_with(name)), "{name}\n{environment}");
    }
}
