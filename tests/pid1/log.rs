//! Point 37: nobody reads our log, and that must not matter to anybody.

use crate::support::{send, stat, wait_until};
use crate::ways::{READY, Way};

#[test]
fn a_standard_error_without_a_reader_ends_nobody() {
    for way in Way::all_for_run() {
        let node = way
            .jvm(&format!("trap 'echo > \"$STANDIN/drained\"; exit 143' TERM; {READY}; while :; do sleep 0.01; done"));
        let mut running = node.spawn();
        running.hang_up();
        running.wait_for("standin/running");
        way.stop(running).code(0);
        assert!(node.path("standin/drained").exists(), "{way:?}");
    }
}

#[test]
fn a_standard_error_that_is_full_holds_up_no_stop() {
    for way in Way::all_for_run() {
        // More than any pipe takes, from a process that then hangs in its write; our own lines have no room after it.
        let node = way.jvm(&format!(
            "trap 'echo > \"$STANDIN/drained\"; exit 143' TERM
             head -c 2000000 /dev/zero >&2 &
             until grep -q '^State:.S' /proc/$!/status; do sleep 0.01; done
             {READY}; while :; do sleep 0.01; done"
        ));
        let running = node.start();
        let init = way.init(&running);
        send(init, nix::libc::SIGTERM);
        // Nobody has read a byte until here.
        running.wait_for("standin/drained");
        wait_until("our end", || stat(init).is_none_or(|stat| stat[0] == "Z"));
        running.wait().code(0);
    }
}

#[test]
fn a_closed_standard_error_does_not_change_the_code() {
    for way in Way::all() {
        let node = way.command(&["no-such-program"]);
        let node = node.wrapped(&way.with(&["sh", "-c", "exec \"$@\" 2>&-", "sh"]));
        node.run().code(127);
    }
}
