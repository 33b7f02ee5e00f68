//! Reaping: no zombie stays, no death is missed, and a stopped process is not a dead one.

use std::fs;

use nix::libc::{SIGCONT, SIGSTOP};

use crate::support::{Node, children, command_name, has, send, skip_or_fail, stat, wait_until};
use crate::ways::{Port, READY, STAY, Way, child_of, freeze_a_look};

/// Everywhere orphans are ours.
#[test]
fn p09_18_orphans_that_end_at_once_leave_no_zombie() {
    for way in Way::all() {
        // Opening a FIFO to read waits for a writer: all go at the same moment.
        let script = format!(
            "mkfifo \"$STANDIN/gate\"; i=0
             while [ $i -lt 2000 ]; do ( (read line < \"$STANDIN/gate\") & ) ; i=$((i + 1)); done
             {READY}; {STAY}; exit 7"
        );
        let node = way.supervise(&script);
        let running = node.start();
        let init = way.init(&running);
        wait_until("the adoption of 2000 orphans", || children(init).len() == 2001);
        drop(fs::File::options().write(true).open(node.path("standin/gate")).unwrap());
        wait_until("the end of 2000 orphans", || children(init).len() == 1);
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(7);
    }
}

/// Ordinary luck, a hundred times.
#[test]
fn p10_the_child_and_an_orphan_that_end_together_do_not_hang_us() {
    for way in Way::all() {
        let node = way.supervise("( (exit 1) & ) ; exit 3");
        for _ in 0..50 {
            node.run().code(3);
        }
    }
}

/// No luck needed: while we are stopped both die, and one SIGCHLD is all that is pending.
#[test]
fn p10_two_deaths_behind_one_sigchld_are_both_seen() {
    for way in Way::all() {
        let script = format!("( ( {STAY}; exit 1 ) & ); {READY}; {STAY}; exit 3");
        let node = way.supervise(&script);
        let running = node.start();
        let init = way.init(&running);
        wait_until("the adoption", || children(init).len() == 2);
        let both = children(init);
        send(init, SIGSTOP);
        wait_until("our being stopped", || stat(init).is_some_and(|stat| stat[0] == "T"));
        fs::write(node.path("standin/go"), "").unwrap();
        wait_until("both deaths", || both.iter().all(|pid| stat(*pid).is_some_and(|stat| stat[0] == "Z")));
        send(init, SIGCONT);
        running.wait().code(3);
    }
}

/// The last system call before the loop is held until the child is dead.
#[test]
fn p11_a_child_that_dies_before_the_loop_is_reaped() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    for way in Way::all() {
        let node = way.supervise("exit 5");
        let trace = node.path("trace").display().to_string();
        let mut wrapper = vec!["strace", "-D", "-f", "-o", &trace, "-e", "trace=chdir", "-e", "signal=none"];
        wrapper.extend(["-e", "inject=chdir:delay_enter=500000"]);
        wrapper.extend(way.wrapper());
        let node = node.wrapped(&wrapper);
        node.run().code(5);
        assert!(fs::read_to_string(&trace).unwrap().contains("chdir(\"/\""), "{way:?}: it was held");
    }
}

#[test]
fn p12_13_entered_with_sigchld_ignored_or_blocked() {
    for way in Way::all() {
        for option in ["--ignore-signal=CHLD", "--block-signal=CHLD"] {
            let node = way.supervise("sh -c 'exit 1'; exit 5");
            node.wrapped(&way.with(&["env", option])).run().code(5);
        }
    }
}

/// What the hook left behind ends with other codes at the same time.
#[test]
fn p15_the_hooks_status_is_its_own() {
    let orphans = "i=0; while [ $i -lt 100 ]; do ( ( sleep 0.0$((i % 10)); exit 0 ) & ); i=$((i + 1)); done";
    for way in Way::all_for_run() {
        let node = Node::new().wrapped(way.wrapper());
        let node = node.file("conf-overlay/pre_run.sh", &format!("{orphans}; sleep 0.05; exit 3\n"));
        node.run().code(78).says("ended with exit code 3");
        assert!(!node.java_was_started(), "{way:?}");
    }
}

/// A look that is under way has no verdict yet, whoever ends with 0 meanwhile.
#[test]
fn p15_the_end_of_an_orphan_is_no_verdict_of_a_look() {
    for way in Way::all_for_run() {
        let script = "i=0; while [ $i -lt 100 ]; do ( (exit 0) & ); i=$((i + 1)); done; echo > \"$STANDIN/stormed\"";
        let silent = Port::new();
        let node = silent.endpoint_of(way.jvm(&format!("{READY}; {STAY}; {script}; exec sleep 1000")));
        let running = node.start();
        let init = way.init(&running);
        let look = freeze_a_look(init);
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait_for("standin/stormed");
        wait_until("the reaping of the orphans", || children(init).len() == 2);
        let published = fs::read_to_string(node.path("run/node")).unwrap();
        assert!(published.contains("phase=starting"), "{way:?}: {published}");
        send(look, SIGCONT);
        way.stop(running).code(0);
    }
}

#[test]
fn p14_a_stopped_child_is_not_dead() {
    for way in Way::all() {
        let node = way.supervise("kill -STOP $$; exit 6");
        let running = node.spawn();
        let init = way.init(&running);
        let child = child_of(init);
        wait_until("the stopped child", || stat(child).is_some_and(|stat| stat[0] == "T"));
        send(init, SIGCONT);
        running.wait().code(6);
    }
}

/// Orphans then go to somebody else, which is no reason not to start.
#[test]
fn p18_a_kernel_that_refuses_a_subreaper_is_told_and_borne() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Way::Ordinary.supervise("exit 4");
    let trace = node.path("trace").display().to_string();
    let strace = ["strace", "-D", "-o", &trace, "-e", "trace=prctl", "-e", "inject=prctl:error=EPERM"];
    node.wrapped(&strace).run().code(4).says("cannot become a subreaper: operation not permitted");
}

#[test]
fn p16_18_a_daemon_that_forked_twice_is_adopted_and_reaped() {
    for way in Way::all() {
        let script = format!(
            "sh -c 'setsid sh -c \"echo > \\\"$STANDIN/daemon\\\"; until [ -e \\\"$STANDIN/end\\\" ]; do sleep 0.01; done\" &'
             {READY}; {STAY}; exit 8"
        );
        let node = way.supervise(&script);
        let running = node.start();
        running.wait_for("standin/daemon");
        let init = way.init(&running);
        wait_until("the adoption", || children(init).len() == 2);
        fs::write(node.path("standin/end"), "").unwrap();
        wait_until("the reaping", || children(init).len() == 1);
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(8);
    }
}

/// A zombie whose parent lives belongs to its parent, and does not hold up our end.
#[test]
fn p17_a_zombie_of_somebody_else_is_left_alone() {
    for way in Way::all() {
        // `exec` keeps the process but forgets its child, which becomes a zombie that nobody waits for.
        let node = way.supervise(&format!("sh -c '{STAY}' & {READY}; exec sleep 1000"));
        let running = node.start();
        let child = child_of(way.init(&running));
        wait_until("the exec", || command_name(child) == "sleep");
        fs::write(node.path("standin/go"), "").unwrap();
        let zombies = || children(child).iter().filter(|pid| stat(**pid).is_some_and(|stat| stat[0] == "Z")).count();
        wait_until("the zombie", || zombies() == 1);
        way.stop(running).code(143);
    }
}
