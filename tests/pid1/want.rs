//! Want: the kernel refuses what PID 1 asks for. It ends before the child is there, or goes on with what it has.

use std::fs;

use crate::support::{Node, has, send, skip_or_fail, wait_until};
use crate::ways::{READY, Way};

/// The node with a system call that fails, once it is `ready` to be wrapped.
fn refused(node: Node, call: &str, errno: &str) -> Node {
    let trace = node.path("trace").display().to_string();
    let (trace_call, inject) = (format!("trace={call}"), format!("inject={call}:error={errno}"));
    node.wrapped(&["strace", "-D", "-o", &trace, "-e", &trace_call, "-e", "signal=none", "-e", &inject])
}

#[test]
fn without_a_signal_descriptor_nothing_is_started() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    refused(Way::Ordinary.supervise("exit 9"), "signalfd4", "EMFILE")
        .run()
        .code(74)
        .says("cannot create a signal descriptor");
    let node = refused(Node::new(), "signalfd4", "EMFILE");
    node.run().code(74).says("cannot create a signal descriptor");
    assert!(!node.java_was_started());
}

/// A child that could not be signalled safely is none that should run.
#[test]
fn without_descriptors_for_the_child_it_is_ended_and_that_is_told() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    for (call, says) in [("pidfd_open", "cannot watch a new process"), ("pipe2", "cannot create a pipe")] {
        let node = refused(Node::new().java("#!/bin/sh\nexec sleep 1000\n"), call, "EMFILE");
        node.run().code(75).says(says).says("too many open files");
    }
}

/// What remains is passing the stop on and reaping.
#[test]
fn without_a_timer_the_stop_is_passed_on_and_the_end_is_ours() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = refused(Node::new(), "timerfd_create", "EMFILE");
    node.start_and_stop().code(70).says("supervision goes on without probes and deadlines: cannot create a timer");
    assert!(node.path("standin/drained").exists());
}

/// A wait that fails must not become a loop that burns a processor.
#[test]
fn without_waiting_the_stop_is_passed_on_and_no_processor_is_burnt() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = refused(Node::new(), "ppoll", "ENOMEM");
    node.start_and_stop().code(70).says("supervision goes on without probes and deadlines: cannot wait for events");
    assert!(node.path("standin/drained").exists());
    let waits = fs::read_to_string(node.path("trace")).unwrap().lines().count();
    assert!(waits < 1000, "{waits} attempts to wait");
}

/// Looks that cannot be started are told once and tried again; the node runs and stops all the same.
#[test]
fn without_processes_for_looks_the_node_runs_and_the_want_is_told_once() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Node::new();
    let trace = node.path("trace").display().to_string();
    let calls = "trace=fork,vfork,clone,clone3";
    // The first two are the thread that answers while the node is prepared, and the JVM itself.
    let inject = "inject=fork,vfork,clone,clone3:error=EAGAIN:when=3+";
    let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", calls, "-e", "signal=none", "-e", inject]);
    let running = node.start();
    crate::support::wait_until("three attempts", || fs::read_to_string(&trace).unwrap().matches("EAGAIN").count() >= 3);
    let outcome = running.stop().code(0);
    assert_eq!(outcome.stderr.matches("cannot look whether Cassandra serves").count(), 1, "{}", outcome.stderr);
}

/// One answers while the node is prepared; only the walk over a data folder with many files has more (tests/cli/walk.rs).
/// Supervision has none to be short of memory for.
#[test]
fn one_thread_is_started_and_has_ended_before_the_jvm_is() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Node::new().file("conf-overlay/pre_run.sh", "true\n").env("CASSANDRA_SEEDS", "localhost,10.0.0.1");
    let trace = node.path("trace").display().to_string();
    let calls = "trace=fork,vfork,clone,clone3,exit";
    let node = node.wrapped(&["strace", "-f", "-D", "-o", &trace, "-e", calls, "-e", "signal=none"]);
    node.start_and_stop().code(0);
    let trace = fs::read_to_string(&trace).unwrap();
    let own = trace.split(' ').next().unwrap();
    let calls: Vec<&str> = trace.lines().filter(|line| line.contains('(') || line.contains("resumed")).collect();
    let threads = calls.iter().filter(|line| line.contains("CLONE_THREAD")).count();
    assert_eq!(threads, 1, "{trace}");
    // A thread ends with exit, a process with exit_group.
    let ended = calls.iter().position(|line| line.contains(" exit(") && !line.starts_with(own)).expect("its end");
    // The C libraries make a process by one or the other.
    let forks = |line: &str| line.contains(" fork(") || line.contains("clone(") && line.contains("SIGCHLD");
    let jvm = calls.iter().rposition(|line| line.starts_with(own) && forks(line));
    assert!(jvm.is_some_and(|jvm| ended < jvm), "{trace}");
}

#[test]
fn a_node_for_which_no_thread_can_be_had_starts_all_the_same() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    // The C libraries start a thread by one or the other, and a process by another one yet.
    for call in ["clone3", "clone"] {
        let node = Node::new();
        let trace = node.path("trace").display().to_string();
        let (calls, inject) = (format!("trace={call}"), format!("inject={call}:error=EAGAIN:when=1"));
        let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", &calls, "-e", "signal=none", "-e", &inject]);
        let running = node.start();
        let mut stream = std::os::unix::net::UnixStream::connect(node.path("run/control")).unwrap();
        std::io::Write::write_all(&mut stream, b"probe liveness 60000\n").unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        assert!(answer.starts_with("yes "), "{answer}");
        let outcome = running.stop().code(0);
        if fs::read_to_string(&trace).unwrap().contains("CLONE_THREAD") {
            outcome.says("cannot start a thread: ");
            return;
        }
    }
    panic!("no thread was started in either way");
}

/// A clock that is set must move no deadline.
#[test]
fn every_timer_is_on_the_monotonic_clock_and_relative() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Way::Ordinary.jvm(&format!("trap '' TERM QUIT; {READY}; while :; do sleep 0.01; done"));
    let trace = node.path("trace").display().to_string();
    let calls = "trace=/timer,nanosleep,clock_nanosleep,alarm";
    let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", calls, "-e", "signal=none"]);
    let node = node.env("CASSANDRA_STOP_GRACE", "2s");
    node.start().stop().code(137);
    let trace = fs::read_to_string(&trace).unwrap();
    let calls: Vec<_> = trace.lines().filter(|line| line.contains('(')).collect();
    assert!(calls.iter().any(|line| line.contains("timerfd_settime")), "{trace}");
    for call in calls {
        let good = call.starts_with("timerfd_create(CLOCK_MONOTONIC,")
            || call.starts_with("timerfd_settime(") && !call.contains("TFD_TIMER_ABSTIME")
            || call.starts_with("nanosleep(");
        assert!(good, "{call}");
    }
}

/// The system calls by which a process gets memory, while a hundred orphans end and as many signals come.
fn calls_for_memory(pid: i32, node: &Node, busy: impl FnOnce()) -> Vec<String> {
    let trace = node.path("memory").display().to_string();
    let calls = "trace=brk,mmap,mremap,read";
    let words = ["-p", &pid.to_string(), "-o", &trace, "-e", calls, "-e", "signal=none"];
    let mut strace = std::process::Command::new("strace").args(words).spawn().unwrap();
    let status = format!("/proc/{pid}/status");
    let traced = || fs::read_to_string(&status).unwrap().contains(&format!("TracerPid:\t{}", strace.id()));
    wait_until("strace to look on", traced);
    busy();
    send(i32::try_from(strace.id()).unwrap(), nix::libc::SIGINT);
    strace.wait().unwrap();
    let trace = fs::read_to_string(&trace).unwrap();
    assert!(trace.matches("read(").count() > 10, "it was looked at while it had something to do\n{trace}");
    let asks = |line: &&str| ["brk(", "mmap(", "mremap("].iter().any(|call| line.contains(call));
    trace.lines().filter(asks).map(str::to_owned).collect()
}

/// What a signal or a dead orphan takes was given back by the one before it: it asks the kernel for nothing, and a want of memory
/// that comes meanwhile is not felt.
#[test]
fn signals_and_orphans_cost_no_memory_and_their_supervision_outlives_a_want_of_it() {
    if !has("strace") || !has("prlimit") {
        skip_or_fail("needs strace and prlimit");
        return;
    }
    // Orphans in pairs of shells, then whoever asks is told.
    let script = "trap 'echo > $STANDIN/drained; exit 0' TERM\n\
        trap 'for i in 1 2 3 4 5 6 7 8 9 10; do (true &); done; echo x >> $STANDIN/rounds' WINCH\n\
        echo running > $STANDIN/running; while :; do sleep 0.01; done";
    for way in Way::all() {
        let node = way.supervise(script);
        let running = node.start();
        let pid = if way == Way::Pid1 { running.wrapped_pid() } else { running.pid() };
        let rounds = |more: usize| {
            let done = || fs::read_to_string(node.path("standin/rounds")).unwrap_or_default().lines().count();
            let enough = done() + more;
            while done() < enough {
                send(pid, nix::libc::SIGWINCH);
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
        };
        // The first round may need more than there was.
        rounds(2);
        let calls = calls_for_memory(pid, &node, || rounds(10));
        assert_eq!(calls, [""; 0], "{way:?}");
        // From now on the kernel gives it nothing more.
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap().trim().trim_end_matches(" kB");
        let limit = format!("--as={0}:{0}", size.parse::<u64>().unwrap() * 1024);
        let limited = std::process::Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
        assert!(limited.unwrap().success());
        rounds(10);
        send(pid, nix::libc::SIGTERM);
        running.wait().code(0);
        assert!(node.path("standin/drained").exists(), "{way:?}");
    }
}
