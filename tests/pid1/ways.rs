//! The two lives of an init: PID 1 of a pid namespace, and an ordinary process that is a subreaper.

use std::process::Command;
use std::sync::OnceLock;

use nix::libc::SIGTERM;

use crate::support::{Node, Outcome, Running, children, has, is_root, send, skip_or_fail, wait_until};

/// How the binary is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As a child like any other.
    Ordinary,
    /// As the first process of a pid namespace with a /proc of its own.
    Pid1,
}

const AS_ROOT: &[&str] = &["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const AS_USER: &[&str] = &["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];

impl Way {
    /// The ways that are open here to `supervise`, which needs no particular user.
    pub(crate) fn all() -> Vec<Self> {
        let mut ways = vec![Self::Ordinary];
        if Self::can_unshare() {
            ways.push(Self::Pid1);
        } else {
            skip_or_fail("as PID 1: needs unshare and a kernel that gives a pid namespace");
        }
        ways
    }

    /// The ways that are open here to `run`, which as root becomes another user.
    pub(crate) fn all_for_run() -> Vec<Self> {
        if is_root() {
            return Self::all();
        }
        skip_or_fail("as PID 1: needs root");
        vec![Self::Ordinary]
    }

    fn can_unshare() -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        *ANSWER.get_or_init(|| {
            let words = Self::Pid1.wrapper();
            has(words[0])
                && Command::new(words[0]).args(&words[1..]).arg("true").status().is_ok_and(|end| end.success())
        })
    }

    /// What stands in front of the binary.
    pub(crate) fn wrapper(self) -> &'static [&'static str] {
        match self {
            Self::Ordinary => &[],
            Self::Pid1 if is_root() => AS_ROOT,
            Self::Pid1 => AS_USER,
        }
    }

    /// This way with programs between it and the binary, which execute what follows them.
    pub(crate) fn with<'a>(self, more: &[&'a str]) -> Vec<&'a str> {
        self.wrapper().iter().chain(more).copied().collect()
    }

    /// `supervise` of a shell script, which finds a folder to write to in `$STANDIN`.
    pub(crate) fn supervise(self, script: &str) -> Node {
        self.command(&["sh", "-c", script])
    }

    /// `supervise` of a command.
    pub(crate) fn command(self, words: &[&str]) -> Node {
        let arguments: Vec<_> = ["supervise", "--"].iter().chain(words).copied().collect();
        Node::new().wrapped(self.wrapper()).arguments(&arguments)
    }

    /// `run` with a shell script in place of the JVM.
    pub(crate) fn jvm(self, script: &str) -> Node {
        Node::new().wrapped(self.wrapper()).java(&format!("#!/bin/sh\n{script}\n"))
    }

    /// The init's process id, as seen from here.
    pub(crate) fn init(self, running: &Running<'_>) -> i32 {
        match self {
            Self::Ordinary => running.pid(),
            Self::Pid1 => running.wrapped_pid(),
        }
    }

    /// SIGTERM to the init from outside, then the end.
    pub(crate) fn stop(self, running: Running<'_>) -> Outcome {
        send(self.init(&running), SIGTERM);
        running.wait()
    }
}

/// The init's only child.
pub(crate) fn child_of(init: i32) -> i32 {
    let mut found = Vec::new();
    wait_until("the init's child", || {
        found = children(init);
        !found.is_empty()
    });
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

/// For scripts: say that they run, and stay until told to go.
pub(crate) const READY: &str = "echo > \"$STANDIN/running\"";
pub(crate) const STAY: &str = "until [ -e \"$STANDIN/go\" ]; do sleep 0.01; done";
