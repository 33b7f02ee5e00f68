//! A panic in PID 1: it still forwards the stop, reaps, and ends with 70. The supervisor is driven directly here, by this
//! test program started a second time, because nothing known makes the binary panic.

use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use cassandra_init::cassandra::patience::Knock;
use cassandra_init::host::command::{Command as Child, SpawnError};
use cassandra_init::host::process;
use cassandra_init::host::signals::{self, SignalFd};
use cassandra_init::log;
use cassandra_init::supervisor::{self, Aim, Desk, Facts, Owner, Policy, Reception};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{SIGSTOP, SIGTERM, SIGUSR1};
use tempfile::TempDir;

use crate::support::{send, stat, wait_until};

const FOLDER: &str = "PANICKING_INIT";

/// Panics wherever it is asked something.
struct Panics;

impl Owner for Panics {
    fn started(&mut self) -> Facts {
        assert!(std::env::var_os("AT_ONCE").is_none(), "told of the start");
        Facts::default()
    }

    fn look(
        &mut self,
        _aim: Aim,
        _limit: Duration,
        _knock: Knock,
        _answer: OwnedFd,
    ) -> Result<process::Child, SpawnError> {
        panic!("asked to look")
    }

    fn served(&mut self) {
        panic!("told that it serves")
    }

    fn stopping(&mut self, _signal: i32, _delay: Duration, _limit: Option<Duration>) {
        if std::env::var_os("WITHOUT_MEMORY").is_some() {
            // More than any machine has; a Vec does not ask whether it got it.
            std::hint::black_box(vec![0_u8; 1 << 46]);
        }
        panic!("told to stop")
    }

    fn gone(&mut self, _code: u8, _asked: bool, _drained_in: Option<Duration>) {
        panic!("told of the end")
    }
}

/// Not a test by itself: the process that the tests below start.
#[test]
#[allow(clippy::exit, reason = "this process plays PID 1, whose exit code is looked at")]
fn panicking_init() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    signals::block_all();
    std::panic::set_hook(Box::new(log::panicked));
    let script = "trap 'echo > drained; exit 0' TERM; echo $$ > running; while :; do sleep 0.01; done";
    let child = Child {
        arguments: vec!["-c".into(), script.into()],
        environment: std::env::vars_os().collect(),
        directory: Some(folder.into()),
        ..Child::new("/bin/sh")
    };
    let child = child.spawn().unwrap();
    let policy = Policy { observe: std::env::var_os("OBSERVE").is_some(), ..Policy::default() };
    let reception = Reception::new(Desk::default(), Instant::now());
    let exit = supervisor::supervise(&child, &SignalFd::new().unwrap(), policy, reception, &mut Panics);
    std::process::exit(exit.code().into());
}

/// Starts it with a variable set and a standard error, and lets `disturb` bring it to panic and to its end. How it ended, and
/// whether its child drained.
fn panicked(variable: &str, stderr: Stdio, disturb: impl FnOnce(i32, i32)) -> (ExitStatus, bool) {
    let folder = TempDir::new().unwrap();
    // The test harness has a thread of its own, which must not take the signals: all threads inherit the mask of env.
    let mut command = Command::new("env");
    command.arg("--block-signal").arg(std::env::current_exe().unwrap());
    command.args(["--exact", "panic::panicking_init", "--nocapture"]).env(FOLDER, folder.path());
    command.stdout(Stdio::null()).stderr(stderr).env(variable, "yes");
    let mut init = command.spawn().unwrap();
    let mut child = None;
    wait_until("the child", || {
        child = std::fs::read_to_string(folder.path().join("running")).ok().and_then(|text| text.trim().parse().ok());
        child.is_some()
    });
    disturb(i32::try_from(init.id()).unwrap(), child.unwrap());
    let mut status = None;
    wait_until("its end", || {
        status = init.try_wait().unwrap();
        status.is_some()
    });
    (status.unwrap(), folder.path().join("drained").exists())
}

const NOWHERE: &str = "NOWHERE_ELSE";

#[test]
fn a_panic_at_the_start_leaves_a_child_that_can_be_stopped() {
    let (status, drained) = panicked("AT_ONCE", Stdio::null(), |init, _| send(init, SIGTERM));
    assert_eq!((status.code(), drained), (Some(70), true));
}

#[test]
fn a_panic_at_the_stop_still_stops_the_child() {
    let (status, drained) = panicked(NOWHERE, Stdio::null(), |init, _| send(init, SIGTERM));
    assert_eq!((status.code(), drained), (Some(70), true));
}

#[test]
fn a_panic_at_the_stop_of_a_stopped_child_continues_it() {
    let (status, drained) = panicked(NOWHERE, Stdio::null(), |init, child| {
        send(child, SIGSTOP);
        wait_until("the stopped child", || stat(child).is_some_and(|stat| stat[0] == "T"));
        send(init, SIGTERM);
    });
    assert_eq!((status.code(), drained), (Some(70), true));
}

#[test]
fn after_a_panic_a_stop_is_forwarded_and_other_signals_are_not() {
    let (status, drained) = panicked("OBSERVE", Stdio::null(), |init, _| {
        // Its first look at the child, 250 ms after the start, panics; whenever the signals come, they end it in order.
        send(init, SIGUSR1);
        send(init, SIGTERM);
    });
    assert_eq!((status.code(), drained), (Some(70), true));
}

#[test]
fn a_panic_after_the_childs_end_is_an_end() {
    let (status, drained) = panicked(NOWHERE, Stdio::null(), |_, child| send(child, SIGTERM));
    assert_eq!((status.code(), drained), (Some(70), true));
}

/// The allocator has nothing for us: there is no unwinding out of it, and an abort would take the child along.
#[test]
fn without_memory_a_stop_is_still_passed_on() {
    let (status, drained) = panicked("WITHOUT_MEMORY", Stdio::null(), |init, _| send(init, SIGTERM));
    assert_eq!((status.code(), drained), (Some(70), true));
}

/// Std's own report of a panic would wait for a reader, and nobody would forward the stop.
#[test]
fn a_panic_whose_report_nobody_reads_holds_up_no_stop() {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC).unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while nix::unistd::write(&writer, &[0; 4096]).is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let (status, drained) = panicked("AT_ONCE", writer.into(), |init, _| send(init, SIGTERM));
    assert_eq!((status.code(), drained), (Some(70), true));
    drop(reader);
}
