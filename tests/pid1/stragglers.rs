//! What is left after the child: it is told, gets time, and does not outlast us. All five references fail here.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc::SIGTERM;

use crate::support::{children, command_name, has, is_root, send, skip_or_fail, stat, wait_until};
use crate::ways::{READY, Way};

/// A JVM that leaves a process in a session of its own, which does `what`, and ends with 3.
fn leaving(what: &str) -> String {
    format!(
        "export NAP=0.3
         setsid sh -c '{what}; echo $$ > \"$STANDIN/straggler\"; while :; do sleep 0.01; done' &
         until [ -s \"$STANDIN/straggler\" ]; do sleep 0.01; done
         exit 3"
    )
}

/// What a straggler does that needs a while to save its work.
const SAVES: &str = "trap \"sleep $NAP; echo > \\\"$STANDIN/saved\\\"; exit\" TERM";

#[test]
fn p51_52_53_stragglers_get_sigterm_and_time_and_the_code_stays() {
    for way in Way::all_for_run() {
        let node = way.jvm(&leaving(SAVES));
        node.run().code(3);
        assert!(node.path("standin/saved").exists(), "{way:?}");
    }
    for way in Way::all() {
        let node = way.supervise(&leaving(SAVES));
        node.run().code(3);
        assert!(node.path("standin/saved").exists(), "{way:?}");
    }
}

/// One that is stopped is continued, so that it can save its work.
#[test]
fn p27_51_a_stopped_straggler_is_continued() {
    for way in Way::all() {
        let script = leaving(&format!("{SAVES}; echo $$ > \"$STANDIN/straggler\"; kill -STOP $$"));
        let node = way.supervise(&script.replace(
            "exit 3",
            "until grep -q '^State:.T' \"/proc/$(cat \"$STANDIN/straggler\")/status\"; do sleep 0.01; done; exit 3",
        ));
        node.run().code(3);
        assert!(node.path("standin/saved").exists(), "{way:?}");
    }
}

#[test]
fn p51_53_stragglers_that_stay_are_killed_and_the_code_stays() {
    for way in Way::all_for_run() {
        let node = way.jvm(&leaving("trap \"\" TERM"));
        node.run().code(3);
        if way == Way::Ordinary {
            let pid = fs::read_to_string(node.path("standin/straggler")).unwrap().trim().parse().unwrap();
            wait_until("the straggler's end", || stat(pid).is_none_or(|stat| stat[0] == "Z"));
        }
    }
}

#[test]
fn p54_stragglers_do_not_outlast_the_grace_period() {
    for way in Way::all_for_run() {
        let deaf = "setsid sh -c 'trap \"\" TERM; echo > \"$STANDIN/running\"; while :; do sleep 0.01; done' &
            trap '' TERM QUIT; while :; do sleep 0.01; done";
        let node = way.jvm(deaf).env("CASSANDRA_STOP_GRACE", "2s");
        let running = node.start();
        let start = Instant::now();
        send(way.init(&running), SIGTERM);
        running.wait().code(137);
        assert!(start.elapsed() < Duration::from_millis(3500), "{way:?}: {:?}", start.elapsed());
    }
}

/// Who came in from outside (`kubectl exec`) is nobody's child here, and no SIGCHLD tells of its end.
#[test]
fn p51_54_a_process_that_entered_from_outside_is_not_waited_for_after_its_end() {
    if !is_root() || !has("nsenter") {
        skip_or_fail("needs root and nsenter");
        return;
    }
    if !Way::all().contains(&Way::Pid1) {
        return;
    }
    let node = Way::Pid1.supervise(&format!("{READY}; exec sleep 1000"));
    let running = node.start();
    let init = Way::Pid1.init(&running);
    let target = init.to_string();
    let mut guest = Command::new("nsenter");
    guest.args(["--target", &target, "--pid", "--mount", "sleep", "1000"]).stdin(Stdio::null());
    let mut guest = guest.spawn().unwrap();
    let guest_pid = i32::try_from(guest.id()).unwrap();
    wait_until("the guest", || children(guest_pid).iter().any(|pid| command_name(*pid) == "sleep"));
    let start = Instant::now();
    send(init, SIGTERM);
    running.wait().code(143);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    guest.wait().unwrap();
}
