//! Reaping: no zombie stays, no death is missed, and a stopped process is not a dead one.

use std::fs;

use nix::libc::SIGCONT;

use crate::support::{children, command_name, send, stat, wait_until};
use crate::ways::{READY, STAY, Way, child_of};

/// Points 9 and 18: everywhere orphans are ours.
#[test]
fn orphans_that_end_at_once_leave_no_zombie() {
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

/// Point 10, as often as the patience of a test allows.
#[test]
fn the_child_and_an_orphan_that_end_together_do_not_hang_us() {
    for way in Way::all() {
        for _ in 0..50 {
            way.supervise("( (exit 1) & ) ; exit 3").run().code(3);
        }
    }
}

/// Points 12 and 13.
#[test]
fn entered_with_sigchld_ignored_or_blocked() {
    for way in Way::all() {
        for option in ["--ignore-signal=CHLD", "--block-signal=CHLD"] {
            let node = way.supervise("sh -c 'exit 1'; exit 5");
            node.wrapped(&way.with(&["env", option])).run().code(5);
        }
    }
}

/// Point 14.
#[test]
fn a_stopped_child_is_not_dead() {
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

/// Points 16 and 18.
#[test]
fn a_daemon_that_forked_twice_is_adopted_and_reaped() {
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

/// Point 17: a zombie whose parent lives belongs to its parent, and does not hold up our end.
#[test]
fn a_zombie_of_somebody_else_is_left_alone() {
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
