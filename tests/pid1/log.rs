//! Point 37: nobody reads our log, and that must not matter to anybody.

use std::fs;

use crate::support::{has, send, skip_or_fail, stat, wait_until};
use crate::ways::{READY, Way};

#[test]
fn p37_a_standard_error_without_a_reader_ends_nobody() {
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
fn p37_a_standard_error_that_is_full_holds_up_no_stop() {
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
fn p37_a_closed_standard_error_does_not_change_the_code() {
    for way in Way::all() {
        let node = way.command(&["no-such-program"]);
        let node = node.wrapped(&way.with(&["sh", "-c", "exec \"$@\" 2>&-", "sh"]));
        node.run().code(127);
    }
}

/// The child shares the descriptor and writes to it with patience: not one line of its log may be lost for ours.
#[test]
fn p37_the_childs_standard_error_still_waits() {
    for way in Way::all_for_run() {
        let flags =
            "while read name value; do [ \"$name\" = flags: ] && echo $((value & 04000)); done < /proc/self/fdinfo/2";
        let node = way.jvm(&format!("{flags} > \"$STANDIN/flags\"; exit 0"));
        node.run().code(0);
        // O_NONBLOCK is 04000.
        assert_eq!(fs::read_to_string(node.path("standin/flags")).unwrap(), "0\n", "{way:?}");
    }
}

/// Full between our question whether there is room and our line.
#[test]
fn p37_a_standard_error_that_fills_up_at_the_worst_moment_holds_up_no_stop() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Way::Ordinary.jvm(&format!(
        "trap 'echo > \"$STANDIN/drained\"; exit 143' TERM
         {READY}
         until grep -q stopping \"$STANDIN/../run/node\"; do sleep 0.01; done
         head -c 2000000 /dev/zero >&2 &
         while :; do sleep 0.01; done"
    ));
    let trace = node.path("trace").display().to_string();
    let hold = "inject=poll:delay_exit=300000";
    let node = node.wrapped(&["strace", "-D", "-o", &trace, "-e", "trace=poll", "-e", "signal=none", "-e", hold]);
    let running = node.start();
    send(running.pid(), nix::libc::SIGTERM);
    // Nobody has read a byte until here.
    running.wait_for("standin/drained");
    wait_until("our end", || stat(running.pid()).is_none_or(|stat| stat[0] == "Z"));
    running.wait().code(0);
}
