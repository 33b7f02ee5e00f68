//! Signals: what reaches the child, what only looks dangerous, and what a JVM never gets.

use std::fs;

use nix::libc::{SIGCHLD, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

use crate::support::{Node, has, send, skip_or_fail, stat, wait_until};
use crate::ways::{READY, STAY, Way, child_of};

/// A stand-in for the JVM that tells of each signal it gets, by a file of the signal's name.
fn telltale(way: Way) -> Node {
    let traps: String =
        ["HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "PWR", "XCPU", "VTALRM", "URG", "IO", "WINCH", "37", "64"]
            .map(|name| format!("trap 'echo >> \"$STANDIN/got-{name}\"' {name}\n"))
            .concat();
    way.jvm(&format!(
        "{traps}trap 'echo >> \"$STANDIN/drained\"; exit 143' TERM\n{READY}\nwhile :; do sleep 0.01; done"
    ))
}

/// Point 19.
#[test]
fn sigterm_from_outside_drains_and_is_waited_for() {
    for way in Way::all_for_run() {
        let script = format!(
            "trap 'sleep 0.3; echo > \"$STANDIN/drained\"; exit 143' TERM; {READY}; while :; do sleep 0.01; done"
        );
        let node = way.jvm(&script);
        way.stop(node.start()).code(0).says("Cassandra ended in");
        assert!(node.path("standin/drained").exists());
    }
}

/// Point 20.
#[test]
fn sigterm_from_inside_does_the_same() {
    if !Way::all().contains(&Way::Pid1) {
        return;
    }
    Way::Pid1.supervise("trap 'exit 3' TERM; kill 1; while :; do sleep 0.01; done").run().code(3);
    if Way::all_for_run().contains(&Way::Pid1) {
        let node = telltale(Way::Pid1);
        let running = node.start();
        // As `kubectl exec POD -- kill 1` does: another process of the namespace.
        let init = Way::Pid1.init(&running).to_string();
        let kill = ["--target", &init, "--pid", "--mount", "sh", "-c", "kill 1"];
        assert!(std::process::Command::new("nsenter").args(kill).status().unwrap().success());
        running.wait().code(0).says("SIGTERM: not ready any more");
        assert!(node.path("standin/drained").exists());
    }
}

/// Point 21.
#[test]
fn kill_and_stop_from_inside_have_no_effect() {
    if Way::all().contains(&Way::Pid1) {
        Way::Pid1.supervise("kill -KILL 1; kill -STOP 1; exit 5").run().code(5);
    }
}

/// Point 24.
#[test]
fn a_second_sigterm_starts_no_second_drain() {
    for way in Way::all_for_run() {
        let node = way.jvm(&format!(
            "trap 'echo drained >> \"$STANDIN/drained\"; {STAY}; exit 143' TERM; {READY}; while :; do sleep 0.01; done"
        ));
        let running = node.start();
        let init = way.init(&running);
        send(init, SIGTERM);
        running.wait_for("standin/drained");
        send(init, SIGTERM);
        send(init, SIGINT);
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(0);
        assert_eq!(fs::read_to_string(node.path("standin/drained")).unwrap(), "drained\n");
    }
}

/// Point 25.
#[test]
fn a_storm_of_signals_changes_no_exit_code() {
    for way in Way::all() {
        let node = way.supervise(&format!("trap '' TERM USR1; {READY}; {STAY}; exit 9"));
        let running = node.start();
        let init = way.init(&running);
        for _ in 0..10_000 {
            send(init, SIGTERM);
            send(init, SIGUSR1);
        }
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(9);
    }
}

/// Point 27.
#[test]
fn a_stopped_child_is_continued_by_a_stop() {
    for way in Way::all() {
        let node = way.supervise(&format!("trap 'exit 3' TERM; {READY}; while :; do sleep 0.01; done"));
        let running = node.start();
        let child = child_of(way.init(&running));
        send(child, SIGSTOP);
        wait_until("the stopped child", || stat(child).is_some_and(|stat| stat[0] == "T"));
        way.stop(running).code(3);
    }
}

/// Point 28: a JVM prints its threads on SIGQUIT and goes on.
#[test]
fn sigquit_reaches_the_jvm_which_lives() {
    for way in Way::all_for_run() {
        let node = telltale(way);
        let running = node.start();
        send(way.init(&running), SIGQUIT);
        running.wait_for("standin/got-QUIT");
        way.stop(running).code(0);
        assert!(node.path("standin/drained").exists());
    }
}

/// Points 29, 30, 32, 33 and 36.
#[test]
fn only_the_signals_that_it_bears_reach_the_jvm() {
    for way in Way::all_for_run() {
        let node = telltale(way);
        let running = node.start();
        let init = way.init(&running);
        let stops = [SIGINT, SIGKILL, SIGTERM, SIGSTOP, SIGQUIT, SIGWINCH, 37];
        for signal in (1..=64).filter(|signal| !stops.contains(signal)) {
            send(init, signal);
        }
        // Signals are read in the order of their numbers, real-time ones last: what comes after a second round of
        // questions comes after all of them.
        send(init, SIGWINCH);
        running.wait_for("standin/got-WINCH");
        assert!(stat(init).is_some_and(|stat| stat[0] != "Z"), "{way:?}: PID 1 lives");
        way.stop(running).code(0);
        let got: Vec<_> = node.files("standin").into_keys().filter(|name| name.starts_with("got-")).collect();
        assert_eq!(got, ["got-WINCH"], "{way:?}");
    }
}

/// Points 29 and 30, one at a time, so that none can hide behind another.
#[test]
fn hup_usr1_and_usr2_never_reach_the_jvm() {
    for way in Way::all_for_run() {
        let node = telltale(way);
        let running = node.start();
        let init = way.init(&running);
        for signal in [SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD] {
            let _ = fs::remove_file(node.path("standin/got-WINCH"));
            send(init, signal);
            send(init, SIGWINCH);
            running.wait_for("standin/got-WINCH");
        }
        way.stop(running).code(0);
        let got: Vec<_> = node.files("standin").into_keys().filter(|name| name.starts_with("got-")).collect();
        assert_eq!(got, ["got-WINCH"], "{way:?}");
    }
}

/// Points 31 and 32: a stop, whichever signal asks for it; the JVM gets SIGTERM (`run`), another child what was sent.
#[test]
fn sigint_and_37_are_stops() {
    for way in Way::all() {
        for (signal, code) in [(SIGTERM, 3), (SIGINT, 4), (37, 5)] {
            let traps = "trap 'exit 3' TERM; trap 'exit 4' INT; trap 'exit 5' 37";
            let node = way.supervise(&format!("{traps}; {READY}; while :; do sleep 0.01; done"));
            let running = node.start();
            send(way.init(&running), signal);
            running.wait().code(code);
        }
    }
    for way in Way::all_for_run() {
        for signal in [SIGINT, 37] {
            let node =
                way.jvm(&format!("trap 'exit 143' TERM; trap 'exit 4' INT; {READY}; while :; do sleep 0.01; done"));
            let running = node.start();
            send(way.init(&running), signal);
            running.wait().code(0);
        }
    }
}

/// Point 32, for `supervise`: what is not a stop is passed on as it is.
#[test]
fn supervise_passes_other_signals_on() {
    for way in Way::all() {
        for (signal, code) in [(SIGHUP, 129), (SIGUSR1, 138), (SIGUSR2, 140), (32, 160), (38, 166), (64, 192)] {
            let node = way.supervise(&format!("{READY}; exec sleep 1000"));
            let running = node.start();
            send(way.init(&running), signal);
            running.wait().code(code);
        }
    }
}

/// Point 34: tini ends here, and takes the container with it.
#[test]
fn a_child_that_we_may_not_signal_does_not_end_us() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Way::Ordinary.supervise(&format!("{READY}; {STAY}; exit 9"));
    let trace = node.path("trace").display().to_string();
    let inject = "inject=pidfd_send_signal:error=EPERM";
    let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", "trace=pidfd_send_signal", "-e", inject]);
    let running = node.start();
    running.signal(SIGTERM);
    wait_until("the refusals", || fs::read_to_string(&trace).unwrap_or_default().matches("EPERM").count() >= 2);
    fs::write(node.path("standin/go"), "").unwrap();
    running.wait().code(9).says("cannot send SIGTERM to process").says("operation not permitted");
}
