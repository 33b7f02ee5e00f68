//! Under a terminal: job control for whom we supervise, Ctrl-C to us where a JVM runs behind our back.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::openpty;

use crate::support::{Node, children, command_name, has, skip_or_fail, stat, wait_until};
use crate::ways::{READY, Way, child_of};

/// A terminal with the test at its keyboard.
struct Terminal {
    keyboard: File,
    /// Kept open, so that the terminal is not hung up between two programs.
    _line: OwnedFd,
    path: PathBuf,
    shown: String,
}

impl Terminal {
    fn new() -> Self {
        let pair = openpty(None, None).unwrap();
        for end in [&pair.master, &pair.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let path = fs::read_link(format!("/proc/self/fd/{}", pair.slave.as_fd().as_raw_fd())).unwrap();
        Self { keyboard: pair.master.into(), _line: pair.slave, path, shown: String::new() }
    }

    /// The node with this as its controlling terminal, the init being the leader of the session.
    fn control(&self, way: Way, node: Node) -> Node {
        let enter = format!("exec setsid --ctty \"$@\" <{0} >{0} 2>&1", self.path.display());
        let mut wrapper = vec!["sh", "-c", &enter, "sh"];
        wrapper.extend(way.wrapper());
        node.wrapped(&wrapper)
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn read(&mut self) -> &str {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = self.keyboard.read(&mut bytes) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        &self.shown
    }

    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        wait_until(text, || self.read().contains(text));
    }
}

/// Waits until a child of `parent` of this name is in the foreground of its terminal, and returns it.
fn foreground_child(parent: i32, name: &str) -> i32 {
    let mut found = None;
    wait_until(name, || {
        found = children(parent).into_iter().find(|pid| {
            // Group and the terminal's foreground group.
            let foreground = stat(*pid).is_some_and(|stat| stat[2] == stat[5]);
            foreground && command_name(*pid) == name
        });
        found.is_some()
    });
    found.unwrap()
}

fn can_setsid() -> bool {
    let can = has("setsid");
    if !can {
        skip_or_fail("needs setsid");
    }
    can
}

#[test]
fn p47_an_interactive_bash_has_job_control() {
    if !can_setsid() || !has("bash") {
        return;
    }
    for way in Way::all() {
        let mut terminal = Terminal::new();
        let node =
            way.command(&["bash", "--norc", "--noprofile", "-i"]).env("PS1", "ready> ").env("HISTFILE", "/dev/null");
        let node = terminal.control(way, node);
        let running = node.spawn();
        terminal.wait_for("ready> ");
        terminal.press("case $- in *m*) echo job-''control;; esac\n");
        terminal.wait_for("job-control");
        let bash = foreground_child(way.init(&running), "bash");
        terminal.press("sleep 1000\n");
        foreground_child(bash, "sleep");
        terminal.press("\x03");
        terminal.press("echo code''=$?\n");
        terminal.wait_for("code=130");
        terminal.press("sleep 1000\n");
        foreground_child(bash, "sleep");
        // Ctrl-Z, and the job can be brought back.
        terminal.press("\x1a");
        terminal.wait_for("Stopped");
        terminal.press("fg\n");
        foreground_child(bash, "sleep");
        terminal.press("\x03");
        terminal.press("exit 4\n");
        running.wait().code(4);
        assert!(!terminal.read().contains("no job control"), "{}", terminal.shown);
    }
}

#[test]
fn p47_ctrl_c_and_ctrl_backslash_reach_what_is_supervised() {
    if !can_setsid() {
        return;
    }
    for way in Way::all() {
        for (key, code) in [("\x03", 130), ("\x1c", 131)] {
            let mut terminal = Terminal::new();
            let node = terminal.control(way, way.supervise("ulimit -c 0; exec sleep 1000"));
            let running = node.spawn();
            foreground_child(way.init(&running), "sleep");
            terminal.press(key);
            running.wait().code(code);
        }
    }
}

/// What dumb-init's giving up of the terminal did: a SIGHUP to the child kills it, and a SIGCONT wakes what shall sleep.
#[test]
fn p48_no_signal_reaches_the_child_at_its_start() {
    if !can_setsid() || !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    for way in Way::all() {
        let terminal = Terminal::new();
        let repeat = |times: u32, node: Node, before: &[&str]| {
            let enter = format!(
                "i=0; while [ $i -lt {times} ]; do setsid --ctty --wait \"$@\" <{0} >{0} 2>&1 || exit; i=$((i + 1)); done",
                terminal.path.display()
            );
            let mut wrapper = vec!["sh", "-c", &enter, "sh"];
            wrapper.extend(before);
            wrapper.extend(way.wrapper());
            let node = node.wrapped(&wrapper);
            node.run().code(0);
            node
        };
        // 500 starts each way, fifty at a time.
        for _ in 0..10 {
            repeat(50, way.supervise("trap 'exit 50' HUP CONT TERM INT; exit 0"), &[]);
        }
        // Also before the trap.
        let node = way.supervise("exit 0");
        let trace = node.path("trace").display().to_string();
        let strace = ["strace", "-D", "-f", "-A", "-o", &trace, "-e", "trace=exit_group", "-e", "signal=HUP,CONT,TERM"];
        let _node = repeat(10, node, &strace);
        let trace = fs::read_to_string(trace).unwrap();
        assert!(trace.matches("exited with 0").count() >= 20, "{way:?}\n{trace}");
        assert!(!trace.contains("--- SIG"), "{way:?}\n{trace}");
    }
}

/// Design, section 6: `run` keeps the terminal.
#[test]
fn p31_47_ctrl_c_in_run_reaches_us_and_drains_and_the_jvm_gets_no_sigint() {
    if !can_setsid() {
        return;
    }
    for way in Way::all_for_run() {
        let mut terminal = Terminal::new();
        let node = way.jvm(&format!(
            "trap 'echo > \"$STANDIN/got-INT\"' INT; trap 'echo > \"$STANDIN/drained\"; exit 143' TERM
             {READY}; while :; do sleep 0.01; done"
        ));
        let node = terminal.control(way, node);
        let running = node.start();
        terminal.press("\x03");
        running.wait().code(0);
        assert!(node.path("standin/drained").exists(), "{way:?}");
        assert!(!node.path("standin/got-INT").exists(), "{way:?}");
        terminal.wait_for("SIGINT: not ready any more, stopping Cassandra");
    }
}

/// With TOSTOP a write from the background stops whoever does not care.
#[test]
fn p49_a_start_in_the_background_of_a_terminal_is_not_stopped() {
    if !can_setsid() {
        return;
    }
    let mut terminal = Terminal::new();
    let node = Way::Ordinary.command(&["no-such-program"]);
    // The shell leads the session with job control, so that what it starts with & is in the background.
    let enter = format!(
        "exec setsid --ctty --wait bash -c 'set -m; stty tostop; \"$@\" & wait $!' bash \"$@\" <{0} >{0} 2>&1",
        terminal.path.display()
    );
    node.wrapped(&["sh", "-c", &enter, "sh"]).run().code(127);
    terminal.wait_for("no-such-program");
}

#[test]
fn p50_any_standard_input_will_do() {
    let terminal = Terminal::new();
    let foreign = format!("exec \"$@\" <{}", terminal.path.display());
    for way in Way::all() {
        for enter in ["exec \"$@\" </etc/passwd", "exec \"$@\" </dev/null", "exec \"$@\" <&-", ": | \"$@\"", &foreign] {
            let mut wrapper = vec!["sh", "-c", enter, "sh"];
            wrapper.extend(way.wrapper());
            way.supervise("exit 5").wrapped(&wrapper).run().code(5);
        }
    }
    for way in Way::all_for_run() {
        let node = Node::new().wrapped(&way.with(&["sh", "-c", &foreign, "sh"]));
        way.stop(node.start()).code(0);
    }
}

/// Under a terminal: the child that a Ctrl-Z stops is continued by a stop.
#[test]
fn p14_27_a_child_that_ctrl_z_stopped_can_be_stopped_for_good() {
    if !can_setsid() {
        return;
    }
    for way in Way::all() {
        let mut terminal = Terminal::new();
        let node = terminal.control(way, way.supervise(&format!("{READY}; exec sleep 1000")));
        let running = node.start();
        let init = way.init(&running);
        foreground_child(init, "sleep");
        let child = child_of(init);
        terminal.press("\x1a");
        wait_until("the stopped child", || stat(child).is_some_and(|stat| stat[0] == "T"));
        way.stop(running).code(143);
    }
}
