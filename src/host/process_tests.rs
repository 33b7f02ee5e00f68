//! Children, orphans and exit codes. Reaping "any child" would take other tests' children away, so it runs alone, in a
//! process of its own.

use std::time::Duration;

use super::*;
use crate::host::command::Command;
use crate::host::events;

fn shell(script: &str) -> Child {
    let mut command = Command::new("/bin/sh");
    command.arguments = vec!["-c".into(), script.into()];
    command.spawn().unwrap()
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    assert_eq!(shell("exit 3").wait().unwrap(), Ended::Exited(3));
    let killed = shell("kill -KILL $$").wait().unwrap();
    assert_eq!((killed.code(), killed.to_string()), (137, "SIGKILL".to_owned()));
    let real_time = shell("kill -37 $$").wait().unwrap();
    assert_eq!((real_time.code(), real_time.to_string()), (165, "signal 37".to_owned()));
    assert_eq!(Ended::Exited(3).to_string(), "exit code 3");
}

#[test]
fn a_stopped_child_has_not_ended() {
    let child = shell("kill -STOP $$; exit 5");
    let raw = child.pid();
    while row(raw, &std::fs::read(format!("/proc/{raw}/stat")).unwrap()).is_some()
        && !std::fs::read_to_string(format!("/proc/{raw}/stat")).unwrap().contains(") T ")
    {
        std::thread::yield_now();
    }
    assert_eq!(wait(raw, libc::WNOHANG | libc::__WALL), Ok(None));
    child.signal(libc::SIGCONT).unwrap();
    assert_eq!(child.wait().unwrap(), Ended::Exited(5));
}

#[test]
fn the_pidfd_is_readable_at_the_end_and_signals_nobody_after_it() {
    let child = shell("exec sleep 1000");
    assert_eq!(events::wait(&[child.as_fd()], Some(Duration::ZERO)).unwrap(), [false]);
    child.signal(libc::SIGTERM).unwrap();
    assert_eq!(events::wait(&[child.as_fd()], None).unwrap(), [true]);
    assert_eq!(child.wait().unwrap().code(), 143);
    let error = child.signal(libc::SIGTERM).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ESRCH));
    assert!(error.to_string().starts_with("cannot send SIGTERM to process "), "{error}");
}

#[test]
fn a_group_signal_reaches_grandchildren() {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    let mut command = Command::new("/bin/sh");
    command.arguments = vec!["-c".into(), "sleep 1000 & wait".into()];
    command.stdout = crate::host::command::Stdio::Fd(writer);
    let child = command.spawn().unwrap();
    drop(command);
    while descendants(child.pid(), &process_table()).is_empty() {
        std::thread::yield_now();
    }
    child.signal_group(libc::SIGKILL).unwrap();
    child.wait().unwrap();
    // The pipe closes when its last holder, the grandchild, is gone.
    assert_eq!(events::wait(&[reader.as_fd()], Some(Duration::from_secs(10))).unwrap(), [true]);
}

#[test]
fn a_process_name_with_parentheses_is_read_right() {
    assert_eq!(row(5, b"5 (a) S) R 42 1 1").map(|row| row.parent), Some(42));
    assert!(row(5, b"5 (a) Z 42 1 1").is_none());
}

#[test]
fn descendants_are_found_through_their_parents() {
    let table = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 4)].map(|(pid, parent)| Row { pid, parent });
    assert_eq!(descendants(2, &table), [3, 4, 6]);
}

/// Runs the test named in a process of its own.
fn alone(name: &str) {
    let exe = std::env::current_exe().unwrap();
    let name = format!("host::process::tests::{name}");
    let output = std::process::Command::new(exe).args(["--exact", &name, "--ignored"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "no test {name}");
}

#[test]
fn orphans_are_adopted_and_reaped() {
    alone("orphans_alone");
}

#[test]
#[ignore = "reaps every child of this process: run by orphans_are_adopted_and_reaped"]
fn orphans_alone() {
    become_subreaper().unwrap();
    let child = shell("for i in 1 2 3 4 5; do (sleep 1000 &) ; done; exit 7");
    let mut all = Vec::new();
    while all.is_empty() {
        all.extend(reap());
    }
    assert_eq!(all, [Reaped { pid: child.pid(), ended: Ended::Exited(7) }]);
    assert_eq!(all_other_processes().len(), 5);
    signal_all_others(libc::SIGKILL);
    while all.len() < 6 {
        all.extend(reap());
    }
    assert!(all.iter().skip(1).all(|reaped| reaped.ended.code() == 137), "{all:?}");
    assert_eq!(reap(), None);
    assert!(all_other_processes().is_empty());
}

#[test]
fn an_ignored_sigchld_does_not_lose_the_status() {
    alone("ignored_sigchld_alone");
}

#[test]
#[ignore = "changes a disposition of this process: run by an_ignored_sigchld_does_not_lose_the_status"]
fn ignored_sigchld_alone() {
    // SAFETY: sets a disposition without a handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    signals::reset_dispositions();
    assert_eq!(shell("exit 9").wait().unwrap(), Ended::Exited(9));
}
