//! A stop at the worst moment: between fork and exec. dumb-init loses it there.

use std::fs;
use std::path::Path;

use nix::libc::SIGTERM;

use crate::support::{Node, binary, has, send, skip_or_fail, wait_until};
use crate::ways::Way;

/// Holds the execve of `program` (a path below the node's folder) by strace and asks for a stop meanwhile.
fn stopped_before_exec(way: Way, node: Node, program: &str) -> (Node, i32) {
    let trace = node.path("trace").display().to_string();
    let mut wrapper = vec!["strace", "-D", "-f", "-o", &trace, "-e", "trace=execve", "-e", "signal=none"];
    wrapper.extend(["-e", "inject=execve:delay_enter=300000"]);
    wrapper.extend(way.wrapper());
    let node = node.wrapped(&wrapper);
    let call = format!("execve(\"{}\"", node.path(program).display());
    let running = node.spawn();
    wait_until("the held execve", || fs::read_to_string(&trace).unwrap_or_default().contains(&call));
    send(way.init(&running), SIGTERM);
    let code = running.wait().code;
    (node, code)
}

/// Between fork and exec.
#[test]
fn p22_sigterm_between_fork_and_exec_is_not_lost() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    for way in Way::all() {
        let node = Node::new().file("standin/program", "#!/bin/sh\nsleep 1000\n").mode("standin/program", 0o755);
        let program = node.path("standin/program").display().to_string();
        let (_, code) = stopped_before_exec(way, node.arguments(&["supervise", "--", &program]), "standin/program");
        assert_eq!(code, 143, "{way:?}");
    }
    for way in Way::all_for_run() {
        let (_, code) = stopped_before_exec(way, Node::new(), "java/bin/java");
        assert_eq!(code, 0, "{way:?}");
    }
}

/// At the very start: a stop that was pending before the first instruction counts.
#[test]
fn p22_sigterm_before_the_first_instruction_is_not_lost() {
    for way in Way::all_for_run() {
        // The process executes us with SIGTERM blocked and pending.
        let node =
            Node::new().wrapped(&way.with(&["env", "--block-signal=TERM", "sh", "-c", "kill $$; exec \"$@\"", "sh"]));
        node.run().code(0).says("SIGTERM: stopped before Cassandra was started");
        assert!(!node.java_was_started(), "{way:?}");
    }
}

/// The handlers of a JVM are not there yet: SIGTERM ends it as it ends any program.
#[test]
fn p22_sigterm_before_the_jvm_has_handlers_ends_it() {
    for way in Way::all_for_run() {
        let node = way.jvm("echo > \"$STANDIN/running\"; exec sleep 1000");
        way.stop(node.start()).code(0);
    }
}

/// How long PID 1 is deaf at its start, counted in system calls. The C library's own start makes the first three.
#[test]
fn p23_signals_are_blocked_within_five_system_calls() {
    if !has("strace") || !is_static(&binary()) {
        skip_or_fail("needs strace and a static binary, as the shipped one is");
        return;
    }
    let node = Way::Ordinary.command(&["true"]);
    let trace = node.path("trace").display().to_string();
    let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", "signal=none"]);
    node.run().code(0);
    let trace = fs::read_to_string(&trace).unwrap();
    let calls: Vec<_> = trace.lines().skip_while(|line| !line.starts_with("execve(")).skip(1).collect();
    let blocked = calls.iter().position(|line| line.starts_with("rt_sigprocmask(SIG_SETMASK, ~[]")).unwrap();
    assert!(blocked <= 5, "{blocked} system calls before signals are blocked\n{}", calls[..=blocked].join("\n"));
}

/// Whether the kernel needs no interpreter to run it: it has no program header of type 3 (elf(5)).
fn is_static(program: &Path) -> bool {
    let bytes = fs::read(program).unwrap();
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).all(|index| number(table + index * size, 4) != 3)
}

/// After the child's death: a late stop changes nothing.
#[test]
fn p22_sigterm_after_the_childs_death_keeps_its_code() {
    for way in Way::all() {
        let script = "setsid sh -c 'trap \"echo > \\\"$STANDIN/term\\\"; until [ -e \\\"$STANDIN/go\\\" ]; do sleep 0.01; done; exit\" TERM
            echo > \"$STANDIN/running\"; while :; do sleep 0.01; done' &
            until [ -e \"$STANDIN/running\" ]; do sleep 0.01; done; exit 4";
        let node = way.supervise(script);
        let running = node.start();
        running.wait_for("standin/term");
        send(way.init(&running), SIGTERM);
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(4);
    }
}
