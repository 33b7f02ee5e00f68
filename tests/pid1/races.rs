//! A stop at the worst moment: between fork and exec. dumb-init loses it there.

use std::fs;

use nix::libc::SIGTERM;

use crate::support::{Node, has, send, skip_or_fail, wait_until};
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

/// Point 22, between fork and exec.
#[test]
fn sigterm_between_fork_and_exec_is_not_lost() {
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

/// Point 22, at the very start: a stop that was pending before the first instruction counts.
#[test]
fn sigterm_before_the_first_instruction_is_not_lost() {
    for way in Way::all_for_run() {
        // The process executes us with SIGTERM blocked and pending.
        let node =
            Node::new().wrapped(&way.with(&["env", "--block-signal=TERM", "sh", "-c", "kill $$; exec \"$@\"", "sh"]));
        node.run().code(0).says("SIGTERM: stopped before Cassandra was started");
        assert!(!node.java_was_started(), "{way:?}");
    }
}

/// Point 22, after the child's death: a late stop changes nothing.
#[test]
fn sigterm_after_the_childs_death_keeps_its_code() {
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
