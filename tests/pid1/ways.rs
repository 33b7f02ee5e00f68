//! The two lives of an init: PID 1 of a pid namespace, and an ordinary process that is a subreaper.

use std::net::TcpListener;
use std::process::Command;
use std::sync::OnceLock;

use nix::libc::SIGTERM;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{
    Node, Outcome, Running, children, command_name, has, is_root, send, skip_or_fail, stat, wait_until,
};

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

/// A port that takes connections. As long as nobody answers them, a look at it lasts until its time is over.
pub(crate) struct Port(TcpListener);

impl Port {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn listener(&self) -> &TcpListener {
        &self.0
    }

    /// The node, with this as where clients would reach it.
    pub(crate) fn endpoint_of(&self, node: Node) -> Node {
        let port = format!("native_transport_port: {}", self.0.local_addr().unwrap().port());
        let yaml = node.conf()["cassandra.yaml"].replace("native_transport_port: 9042", &port);
        assert!(yaml.contains(&port));
        node.file("conf/cassandra.yaml", &yaml).env("POD_IP", "127.0.0.1")
    }
}

/// Waits until a look of PID 1 at the node is under way and stops it, as a machine without memory would. Returns its process id.
pub(crate) fn freeze_a_look(init: i32) -> i32 {
    let mut look = None;
    wait_until("a look that is frozen", || {
        // Before and after its execve.
        let of_ours = |pid: &i32| matches!(command_name(*pid).as_str(), "cassandra-init" | "exe");
        look = children(init).into_iter().filter(of_ours).find(|pid| {
            // It may have ended meanwhile.
            let _ = kill(Pid::from_raw(*pid), Signal::SIGSTOP);
            stat(*pid).is_some_and(|stat| stat[0] == "T")
        });
        look.is_some()
    });
    look.unwrap()
}

/// For scripts: say that they run, and stay until told to go.
pub(crate) const READY: &str = "echo > \"$STANDIN/running\"";
pub(crate) const STAY: &str = "until [ -e \"$STANDIN/go\" ]; do sleep 0.01; done";
