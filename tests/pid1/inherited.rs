//! What the child inherits: a clean slate of signals, three descriptors, and everything else as it was.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Node, command_name, project, stat, wait_until};
use crate::ways::{READY, STAY, Way, child_of};

const DIRTY: &[&str] = &[
    "env",
    "--ignore-signal=HUP,INT,QUIT,TERM,CHLD,PIPE,USR1,TSTP",
    "--block-signal=TERM,USR2,CHLD,TSTP,TTIN,TTOU,ALRM",
];

fn assert_clean(status: &str) {
    for field in ["SigBlk", "SigIgn", "SigCgt"] {
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        assert!(line.ends_with("\t0000000000000000"), "{line}");
    }
}

#[test]
fn p39_no_signal_is_blocked_ignored_or_caught() {
    for way in Way::all() {
        for entered in [&[], DIRTY] {
            let node = way.command(&["cat", "/proc/self/status"]);
            assert_clean(&node.wrapped(&way.with(entered)).run().code(0).stdout);
        }
    }
    for way in Way::all_for_run() {
        let node =
            Node::new().wrapped(&way.with(DIRTY)).java("#!/bin/sh\nexec cat /proc/self/status > \"$STANDIN/status\"\n");
        node.run().code(0);
        assert_clean(&fs::read_to_string(node.path("standin/status")).unwrap());
    }
}

/// A JVM that inherits an ignored SIGTERM never stops.
#[test]
fn p40_entered_with_sigterm_ignored_the_jvm_still_drains() {
    for way in Way::all_for_run() {
        let node = Node::new().wrapped(&way.with(&["env", "--ignore-signal=TERM,INT"]));
        way.stop(node.start()).code(0);
        assert!(node.path("standin/drained").exists(), "{way:?}");
    }
}

#[test]
fn p41_the_child_has_three_descriptors_and_we_keep_no_stray_one() {
    const STRAY: &[&str] = &["sh", "-c", "exec 7</dev/zero 9</dev/zero; exec \"$@\"", "sh"];
    for way in Way::all() {
        let node = way.command(&["sleep", "1000"]).wrapped(&way.with(STRAY));
        let running = node.spawn();
        let init = way.init(&running);
        let child = child_of(init);
        wait_until("the child's program", || command_name(child) == "sleep");
        let listing = fs::read_dir(format!("/proc/{child}/fd")).unwrap().flatten();
        let mut numbers: Vec<_> = listing.map(|entry| entry.file_name()).collect();
        numbers.sort();
        assert_eq!(numbers, ["0", "1", "2"], "{way:?}");
        for entry in fs::read_dir(format!("/proc/{init}/fd")).unwrap().flatten() {
            let target = fs::read_link(entry.path()).unwrap();
            assert_ne!(target, Path::new("/dev/zero"), "{way:?}: a stray descriptor is kept");
        }
        way.stop(running).code(143);
    }
}

#[test]
fn p42_standard_input_is_intact() {
    for way in Way::all() {
        // The wrapper feeds a pipe to everything after it.
        let mut wrapper = vec!["sh", "-c", "echo 'exit 6' | \"$@\"", "sh"];
        wrapper.extend(way.wrapper());
        way.command(&["sh"]).wrapped(&wrapper).run().code(6);
    }
}

#[test]
fn p43_the_child_stays_in_our_folder_and_we_leave_it() {
    for way in Way::all() {
        let node = way.supervise(&format!("pwd -P > \"$STANDIN/folder\"; {READY}; {STAY}"));
        let running = node.start();
        let folder = fs::read_to_string(node.path("standin/folder")).unwrap();
        assert_eq!(Path::new(folder.trim()), fs::canonicalize(project()).unwrap());
        let cwd = format!("/proc/{}/cwd", way.init(&running));
        wait_until("our going to /", || fs::read_link(&cwd).is_ok_and(|target| target == Path::new("/")));
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(0);
    }
}

#[test]
fn p44_the_child_leads_a_process_group_in_our_session() {
    for way in Way::all() {
        let node = way.supervise(&format!("{READY}; {STAY}"));
        let running = node.start();
        let init = way.init(&running);
        let child = child_of(init);
        // State, parent, group, session.
        let (child_stat, init_stat) = (stat(child).unwrap(), stat(init).unwrap());
        assert_eq!(child_stat[2], child.to_string(), "{way:?}: own group");
        assert_eq!(child_stat[3], init_stat[3], "{way:?}: same session");
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait().code(0);
    }
}

#[test]
fn p45_umask_limits_niceness_and_oom_score_stay() {
    let nice = Command::new("nice").output().unwrap();
    let nice: i32 = String::from_utf8(nice.stdout).unwrap().trim().parse().unwrap();
    for way in Way::all() {
        let node = way.supervise("umask; ulimit -n; nice; cat /proc/self/oom_score_adj");
        let set = "umask 027; ulimit -n 321; echo 555 > /proc/self/oom_score_adj; exec nice -n 3 \"$@\"";
        let node = node.wrapped(&way.with(&["sh", "-c", set, "sh"]));
        assert_eq!(node.run().code(0).stdout, format!("0027\n321\n{}\n555\n", (nice + 3).min(19)), "{way:?}");
    }
}

/// The first file that we open must not become the child's standard output.
#[test]
fn p46_closed_standard_streams_become_no_other_file() {
    // The links are read by another process, so that the shell has nothing but what it was given.
    let script = "sh -c 'for n in 0 1 2; do readlink /proc/$1/fd/$n; done > \"$STANDIN/streams\"' sh $$";
    for way in Way::all() {
        for (close, closed) in [("<&-", 0..1), (">&-", 1..2), ("2>&-", 2..3), ("<&- >&- 2>&-", 0..3)] {
            let exec = format!("exec \"$@\" {close}");
            let mut wrapper = way.wrapper().to_vec();
            wrapper.extend(["sh", "-c", &exec, "sh"]);
            let node = way.supervise(script).wrapped(&wrapper);
            node.run().code(0);
            let streams = fs::read_to_string(node.path("standin/streams")).unwrap();
            let streams: Vec<_> = streams.lines().collect();
            assert_eq!(streams.len(), 3, "{way:?} {close}: {streams:?}");
            for (number, stream) in streams.iter().enumerate() {
                let expected = if number == 0 || closed.contains(&number) { "/dev/null" } else { "pipe:" };
                assert!(stream.starts_with(expected), "{way:?} {close}: {number} is {stream}");
            }
        }
    }
    for way in Way::all_for_run() {
        let node = Node::new().wrapped(&way.with(&["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"]));
        way.stop(node.start()).code(0);
    }
}
