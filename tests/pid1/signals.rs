//! Signals: what reaches the child, what only looks dangerous, and what a JVM never gets.

use std::fs;

use nix::libc::{SIGCHLD, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

use crate::support::{Node, has, send, skip_or_fail, stat, wait_until};
use crate::ways::{Port, READY, STAY, Way, child_of, freeze_a_look};

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

#[test]
fn p19_sigterm_from_outside_drains_and_is_waited_for() {
    for way in Way::all_for_run() {
        let script = format!(
            "trap 'sleep 0.3; echo > \"$STANDIN/drained\"; exit 143' TERM; {READY}; while :; do sleep 0.01; done"
        );
        let node = way.jvm(&script);
        way.stop(node.start()).code(0).says("Cassandra ended in");
        assert!(node.path("standin/drained").exists());
    }
}

#[test]
fn p20_sigterm_from_inside_does_the_same() {
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

#[test]
fn p21_kill_and_stop_from_inside_have_no_effect() {
    if Way::all().contains(&Way::Pid1) {
        Way::Pid1.supervise("kill -KILL 1; kill -STOP 1; exit 5").run().code(5);
    }
}

#[test]
fn p22_24_a_second_sigterm_starts_no_second_drain() {
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

#[test]
fn p25_a_storm_of_signals_changes_no_exit_code() {
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

#[test]
fn p27_a_stopped_child_is_continued_by_a_stop() {
    for way in Way::all() {
        let node = way.supervise(&format!("trap 'exit 3' TERM; {READY}; while :; do sleep 0.01; done"));
        let running = node.start();
        let child = child_of(way.init(&running));
        send(child, SIGSTOP);
        wait_until("the stopped child", || stat(child).is_some_and(|stat| stat[0] == "T"));
        way.stop(running).code(3);
    }
}

/// A JVM prints its threads on SIGQUIT and goes on.
#[test]
fn p28_sigquit_reaches_the_jvm_which_lives() {
    for way in Way::all_for_run() {
        let node = telltale(way);
        let running = node.start();
        send(way.init(&running), SIGQUIT);
        running.wait_for("standin/got-QUIT");
        way.stop(running).code(0);
        assert!(node.path("standin/drained").exists());
    }
}

#[test]
fn p29_30_32_33_36_only_the_signals_that_it_bears_reach_the_jvm() {
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

/// One at a time, so that none can hide behind another.
#[test]
fn p29_30_hup_usr1_and_usr2_never_reach_the_jvm() {
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

/// A stop, whichever signal asks for it; the JVM gets SIGTERM (`run`), another child what was sent.
#[test]
fn p31_32_sigint_and_37_are_stops() {
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

/// For `supervise`: what is not a stop is passed on as it is.
#[test]
fn p32_supervise_passes_other_signals_on() {
    for way in Way::all() {
        for (signal, code) in [(SIGHUP, 129), (SIGUSR1, 138), (SIGUSR2, 140), (32, 160), (38, 166), (64, 192)] {
            let node = way.supervise(&format!("{READY}; exec sleep 1000"));
            let running = node.start();
            send(way.init(&running), signal);
            running.wait().code(code);
        }
    }
}

/// Tini ends here, and takes the container with it.
#[test]
fn p34_a_child_that_cannot_be_signalled_does_not_end_us() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    for (errno, says) in [("EPERM", "operation not permitted"), ("ESRCH", "no such process")] {
        let node = Way::Ordinary.supervise(&format!("{READY}; {STAY}; exit 9"));
        let trace = node.path("trace").display().to_string();
        let inject = format!("inject=pidfd_send_signal,kill:error={errno}");
        let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", "trace=pidfd_send_signal,kill", "-e", &inject]);
        let running = node.start();
        running.signal(SIGTERM);
        wait_until("the refusals", || fs::read_to_string(&trace).unwrap_or_default().matches(errno).count() >= 2);
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(9).says("cannot send SIGTERM to process").says(says);
    }
}

/// The system calls of a life under a storm of signals, in order.
fn calls_of_a_stormy_life(inject: &[&str]) -> (i32, String) {
    let node = Way::Ordinary.supervise(&format!("trap '' TERM; {READY}; {STAY}; exit 9"));
    let trace = node.path("trace").display().to_string();
    let calls = "trace=pidfd_open,pidfd_send_signal,kill,tkill,tgkill,wait4";
    let mut strace = vec!["strace", "-D", "-o", &trace, "-e", calls, "-e", "signal=none"];
    strace.extend(inject);
    let node = node.wrapped(&strace);
    let running = node.start();
    let child = child_of(running.pid());
    for round in 0..100 {
        if round == 50 {
            fs::write(node.path("standin/go"), "").unwrap();
        }
        // The end comes in the middle of it.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(running.pid()), nix::sys::signal::SIGTERM);
        std::thread::yield_now();
    }
    running.wait().code(9);
    (child, fs::read_to_string(&trace).unwrap())
}

#[test]
fn p35_signals_go_through_the_pidfd_and_none_after_the_reaping() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let (child, trace) = calls_of_a_stormy_life(&[]);
    let lines: Vec<_> = trace.lines().collect();
    let position =
        |what: &str| lines.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}\n{trace}"));
    let (opened, sent) = (position(&format!("pidfd_open({child},")), position("pidfd_send_signal("));
    let reaped =
        lines.iter().position(|line| line.starts_with("wait4(-1") && line.ends_with(&format!("= {child}"))).unwrap();
    assert!(opened < sent && sent < reaped, "{trace}");
    let late = lines[reaped..].iter().find(|line| line.contains("pidfd_send_signal"));
    assert_eq!(late, None, "a signal after the reaping\n{trace}");
    // Others, of whom there are none here, would be signalled by number.
    assert!(!trace.contains("kill("), "{trace}");
}

/// A kernel before 5.3, and a seccomp profile from before it, which answers EPERM to what it does not know.
#[test]
fn p35_without_pidfds_signals_go_by_number_and_none_after_the_reaping() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    for errno in ["ENOSYS", "EPERM"] {
        let inject = format!("inject=pidfd_open,pidfd_send_signal:error={errno}");
        let (child, trace) = calls_of_a_stormy_life(&["-e", &inject]);
        let lines: Vec<_> = trace.lines().collect();
        let kill = format!("kill({child}, SIGTERM)");
        assert!(trace.contains(&kill), "{errno}\n{trace}");
        let reaped = lines
            .iter()
            .position(|line| line.starts_with("wait4(-1") && line.ends_with(&format!("= {child}")))
            .unwrap();
        assert!(!lines[reaped..].iter().any(|line| line.starts_with("kill(")), "{errno}\n{trace}");
    }
}

#[test]
fn p38_a_look_that_hangs_holds_up_no_stop() {
    for way in Way::all_for_run() {
        let silent = Port::new();
        let node = silent.endpoint_of(Node::new().wrapped(way.wrapper()));
        let running = node.start();
        let look = freeze_a_look(way.init(&running));
        way.stop(running).code(0);
        assert!(node.path("standin/drained").exists(), "{way:?}");
        assert!(stat(look).is_none_or(|stat| stat[0] == "Z"), "{way:?}: it does not outlast us");
    }
}

/// After 20 s. Else the node would never be seen to serve, and its drain be cut short.
#[test]
fn p38_a_look_that_hangs_is_ended_and_another_follows() {
    let silent = Port::new();
    let node = silent.endpoint_of(Node::new());
    let running = node.start();
    let look = freeze_a_look(running.pid());
    wait_until("the end of the frozen look", || stat(look).is_none());
    let next = freeze_a_look(running.pid());
    assert_ne!(next, look);
    running.stop().code(0);
}

/// Of the grace period that is given: first a thread dump, then the kill, and the code tells of it.
#[test]
fn p26_a_jvm_that_does_not_end_is_dumped_and_killed_within_the_grace_period() {
    for way in Way::all_for_run() {
        let node = way
            .jvm(&format!(
                "trap 'echo > \"$STANDIN/got-QUIT\"' QUIT; trap '' TERM; {READY}; while :; do sleep 0.01; done"
            ))
            .env("CASSANDRA_STOP_GRACE", "3s");
        let running = node.start();
        way.stop(running).code(137).says("the grace period ends, Cassandra is killed").says("was killed after");
        assert!(node.path("standin/got-QUIT").exists(), "{way:?}");
    }
}
