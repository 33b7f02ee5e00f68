//! One builder for all suites: a node's folders with a stand-in for the JVM, the environment, and what came of it.
//!
//! The binary under test is the shipped one where `CASSANDRA_INIT_BINARY` names it, else the one that cargo built.

#![allow(dead_code, unreachable_pub, reason = "each suite uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A test waits this long for something that takes milliseconds, before it fails.
pub const LONG: Duration = Duration::from_mins(1);

/// The user that a root start becomes in these tests: no entry in /etc/passwd is needed for it.
pub const USER: &str = "4242:4242";

/// What a cassandra.yaml of 5.0 needs beside seeds, which a start writes.
pub const NEEDED: &str = "partitioner: org.apache.cassandra.dht.Murmur3Partitioner\nendpoint_snitch: SimpleSnitch\n\
                          commitlog_sync: periodic\ncommitlog_sync_period: 10s\n";

/// The binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("CASSANDRA_INIT_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_cassandra-init").into(), PathBuf::from)
}

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether the suite runs as root; what needs it says so.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Whether a program can be found.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Tells that a test cannot run here, and why. In CI, where everything can be had, that is a failure.
#[track_caller]
pub fn skip_or_fail(reason: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "cannot run in CI: {reason}");
    eprintln!("skipped: {reason}");
}

/// A node with folders of its own.
pub struct Node {
    dir: TempDir,
    environment: BTreeMap<String, String>,
    arguments: Vec<String>,
    wrapper: Vec<String>,
}

/// What the stand-in for the JVM does when it is started: tells that it runs, then waits for SIGTERM and "drains".
const JAVA: &str = r#"#!/bin/sh
printf '%s\n' "$@" > "$STANDIN/arguments"
env > "$STANDIN/environment"
cat /proc/self/status > "$STANDIN/status"
trap 'echo drained >> "$STANDIN/drained"; exit 143' TERM
echo running > "$STANDIN/running"
while :; do sleep 0.01; done
"#;

impl Node {
    /// Cassandra 5.0.8 by the name of its jar, a stand-in for Java 17, a conf folder from config-defaults/5.0.
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let node = Self { dir, environment: BTreeMap::new(), arguments: vec!["run".into()], wrapper: Vec::new() };
        let path = |name: &str| node.path(name);
        for folder in ["home/lib", "java/bin", "conf", "data", "log", "run", "standin"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        fs::set_permissions(node.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(path("standin"), fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(path("home/lib/apache-cassandra-5.0.8.jar"), "").unwrap();
        fs::write(path("java/release"), "JAVA_VERSION=\"17.0.15\"\n").unwrap();
        for entry in fs::read_dir(project().join("config-defaults/5.0")).unwrap().flatten() {
            fs::copy(entry.path(), path("conf").join(entry.file_name())).unwrap();
        }
        let standin = path("standin").display().to_string();
        node.java(JAVA).env("STANDIN", &standin).default_environment()
    }

    fn default_environment(self) -> Self {
        let path = |name: &str| self.path(name).display().to_string();
        let pairs = [
            ("CASSANDRA_HOME", path("home")),
            ("CASSANDRA_CONF", path("conf")),
            ("CASSANDRA_DATA", path("data")),
            ("CASSANDRA_LOG_DIR", path("log")),
            ("CASSANDRA_INIT_RUN_DIR", path("run")),
            ("CASSANDRA_INIT_USER", USER.to_owned()),
            ("CASSANDRA_CONFIG_OVERLAY", path("conf-overlay")),
            ("JAVA_HOME", path("java")),
            ("POD_IP", "10.244.0.10".to_owned()),
            ("PATH", std::env::var("PATH").unwrap()),
        ];
        fs::create_dir_all(self.path("conf-overlay")).unwrap();
        pairs.into_iter().fold(self, |node, (name, value)| node.env(name, &value))
    }

    /// A path below the node's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Leaves a variable unset.
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Puts a file below the node's folder.
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Puts a cassandra.yaml of one's own into a folder: what is given, and what Cassandra has no default for.
    pub fn cassandra_yaml(self, folder: &str, text: &str) -> Self {
        let required = "partitioner: org.apache.cassandra.dht.Murmur3Partitioner\ncommitlog_sync: periodic\n\
                        commitlog_sync_period: 10000ms\nendpoint_snitch: SimpleSnitch\n";
        self.file(&format!("{folder}/cassandra.yaml"), &format!("{text}{required}"))
    }

    /// Sets a file's mode.
    pub fn mode(self, name: &str, mode: u32) -> Self {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Makes the stand-in for the JVM do something else.
    pub fn java(self, script: &str) -> Self {
        self.file("java/bin/java", script).mode("java/bin/java", 0o755)
    }

    /// The command line after the program's name; `run` where nothing is said.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(ToString::to_string).collect();
        self
    }

    /// Programs in front of the binary, such as strace or unshare.
    pub fn wrapped(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// The environment that the binary gets.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The command line after the program's name.
    pub fn words(&self) -> &[String] {
        &self.arguments
    }

    fn command(&self) -> Command {
        let mut words = self.wrapper.clone();
        words.push(binary().display().to_string());
        words.extend(self.arguments.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    pub fn run(&self) -> Outcome {
        self.spawn().wait()
    }

    /// Starts and returns at once.
    pub fn spawn(&self) -> Running<'_> {
        let child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { node: self, child: Some(child) }
    }

    /// Starts and returns once the stand-in for the JVM runs.
    pub fn start(&self) -> Running<'_> {
        let running = self.spawn();
        running.wait_for("standin/running");
        running
    }

    /// One whole life: start, SIGTERM, end.
    pub fn start_and_stop(&self) -> Outcome {
        let _ = fs::remove_file(self.path("standin/running"));
        self.start().stop()
    }

    /// A probe's answer.
    pub fn probe(&self, kind: &str) -> Outcome {
        let mut command = Command::new(binary());
        command.args(["probe", kind]).env_clear().env("CASSANDRA_INIT_RUN_DIR", self.path("run"));
        command.output().unwrap().into()
    }

    /// Every file of the conf folder with its text.
    pub fn conf(&self) -> BTreeMap<String, String> {
        self.files("conf")
    }

    /// Every regular file of a folder with its text.
    pub fn files(&self, folder: &str) -> BTreeMap<String, String> {
        let listing = fs::read_dir(self.path(folder)).unwrap().flatten();
        let regular = listing.filter(|entry| entry.path().is_file());
        regular
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
            .collect()
    }

    /// Whether the stand-in for the JVM was ever started.
    pub fn java_was_started(&self) -> bool {
        self.path("standin/arguments").exists()
    }

    /// A key of the finished cassandra.yaml, as text.
    pub fn yaml(&self, key: &str) -> String {
        let tree: serde_yaml::Value = serde_yaml::from_str(&self.conf()["cassandra.yaml"]).unwrap();
        serde_yaml::to_string(&tree[key]).unwrap().trim().to_owned()
    }
}

/// A start that has not ended.
pub struct Running<'a> {
    node: &'a Node,
    child: Option<Child>,
}

impl Running<'_> {
    /// The node that this is a start of.
    pub fn node(&self) -> &Node {
        self.node
    }

    /// The process id of what was started.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.as_ref().unwrap().id()).unwrap()
    }

    /// The process id of what the wrapper started: PID 1 of its namespace where that is `unshare --fork`.
    pub fn wrapped_pid(&self) -> i32 {
        let mut found = None;
        wait_until("the process behind the wrapper", || {
            // unshare forks first and executes the binary then.
            found = children(self.pid()).first().copied().filter(|pid| command_name(*pid) == "cassandra-init");
            found.is_some()
        });
        found.unwrap()
    }

    /// Closes our end of its standard error, as a log collector that died.
    pub fn hang_up(&mut self) {
        drop(self.child.as_mut().unwrap().stderr.take());
    }

    /// Waits until a file below the node's folder is there.
    pub fn wait_for(&self, name: &str) {
        wait_until(name, || self.node.path(name).exists());
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        send(self.pid(), signal);
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Outcome {
        let pid = self.pid();
        let child = self.child.take().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(LONG) else {
            send(pid, nix::libc::SIGKILL);
            panic!("process {pid} did not end within {LONG:?}");
        };
        output.unwrap().into()
    }

    /// SIGTERM, then the end.
    pub fn stop(self) -> Outcome {
        self.signal(nix::libc::SIGTERM);
        self.wait()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// How a run ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code, or 128 + signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let code = output.status.code().or(output.status.signal().map(|signal| 128 + signal)).unwrap();
        Self {
            code,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Outcome {
    /// Asserts the exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard error holds a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "expected in stderr: {text}\n{}", self.stderr);
        self
    }

    /// Asserts that standard output holds a text.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "expected in stdout: {text}\n{}", self.stdout);
        self
    }
}

/// Sends any signal, real-time ones included.
#[track_caller]
pub fn send(pid: i32, signal: i32) {
    if let Ok(signal) = nix::sys::signal::Signal::try_from(signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    } else {
        let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status().unwrap();
        assert!(kill.success());
    }
}

/// The fields of `/proc/<pid>/stat` from the state on; `None` once the process is reaped.
pub fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(ToOwned::to_owned).collect())
}

/// The children of a process, zombies included.
pub fn children(of: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|stat| stat[1] == of.to_string())).collect()
}

/// What `ps` shows as its command; empty once it is reaped.
pub fn command_name(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// Waits until something is true; what it is waited for is named in the failure.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "waited {LONG:?} for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
