//! A real node in folders of its own, its log, and what is asked of it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{Outcome, binary, is_root, project};

/// A real node may take this long for anything, before a test fails.
const LONG: Duration = Duration::from_mins(3);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What `image/fetch` has in its cache, fetched if need be.
pub fn fetched(what: &[&str]) -> PathBuf {
    let output = Command::new(project().join("image/fetch")).args(what).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "image/fetch {what:?}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Waits for something that a real node does.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "waited {LONG:?} for {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Only one node at a time: the ports are fixed.
pub fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Statements by the real driver; what they return, a row a line.
pub fn cql(statements: &[&str]) -> String {
    let python = fetched(&["driver"]);
    let script = "import sys\nfrom cassandra.cluster import Cluster\nsession = Cluster(['127.0.0.1']).connect()\n\
                  for statement in sys.argv[1:]:\n    for row in session.execute(statement): print(*row)\n";
    let output = Command::new(python).args(["-c", script]).args(statements).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A Cassandra with folders of its own.
pub struct RealNode {
    dir: TempDir,
    environment: Vec<(String, String)>,
    /// Programs in front of the binary.
    wrapper: Vec<String>,
}

/// A start of a real node.
pub struct RealStart {
    child: Child,
    log: PathBuf,
    began: Instant,
}

impl RealNode {
    /// Cassandra 5.0 on Java 17 with our files in its conf folder.
    pub fn new() -> Self {
        let dir = folder();
        link_or_copy(&fetched(&["cassandra", "5.0"]), &dir.path().join("home"));
        let conf = dir.path().join("conf");
        let copy = Command::new("cp").arg("-r").arg(project().join("config-defaults/5.0")).arg(&conf).status();
        assert!(copy.unwrap().success());
        Self::of(dir, &java_home())
    }

    /// Cassandra 4.1 on Java 11 as Maven has it: jars, and no configuration file at all.
    pub fn of_4_1() -> Self {
        let dir = folder();
        link_or_copy(&fetched(&["cassandra", "4.1"]), &dir.path().join("home"));
        // The tree in the cache, then Java's place in it.
        let java = fetched(&["jdk11"]);
        let tree = java.ancestors().find(|folder| folder.join(".complete").exists()).expect("the fetched tree");
        link_or_copy(tree, &dir.path().join("jdk11"));
        fs::create_dir(dir.path().join("conf")).unwrap();
        let java = dir.path().join("jdk11").join(java.strip_prefix(tree).unwrap());
        Self::of(dir, &java)
    }

    /// A node on 127.0.0.1 with a heap of 512 MB; as root a real PID 1.
    fn of(dir: TempDir, java: &Path) -> Self {
        for name in ["data", "log", "run"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let path = |name: &str| dir.path().join(name).display().to_string();
        let environment = [
            ("CASSANDRA_HOME", path("home")),
            ("CASSANDRA_CONF", path("conf")),
            ("CASSANDRA_DATA", path("data")),
            ("CASSANDRA_LOG_DIR", path("log")),
            ("CASSANDRA_INIT_RUN_DIR", path("run")),
            ("CASSANDRA_INIT_USER", crate::support::USER.to_owned()),
            ("CASSANDRA_LISTEN_ADDRESS", "127.0.0.1".to_owned()),
            ("CASSANDRA_RPC_ADDRESS", "127.0.0.1".to_owned()),
            ("MAX_HEAP_SIZE", "512M".to_owned()),
            // Half the CPU for a node that lives for seconds.
            ("JVM_EXTRA_OPTS", "-XX:TieredStopAtLevel=1".to_owned()),
            ("JAVA_HOME", java.display().to_string()),
            ("PATH", std::env::var("PATH").unwrap()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
        let wrapper = if is_root() { namespace.map(str::to_owned).to_vec() } else { Vec::new() };
        Self { dir, environment, wrapper }
    }

    /// Other programs in front of the binary.
    pub fn wrapped(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// Sets a variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path below the node's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts; the log of each start has a file of its own.
    pub fn start(&self, log: &str) -> RealStart {
        let log = self.path(log);
        let output = File::create(&log).unwrap();
        let mut words = self.wrapper.clone();
        words.push(binary().display().to_string());
        let child = Command::new(&words[0])
            .args(&words[1..])
            .arg("run")
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        RealStart { child, log, began: Instant::now() }
    }

    /// Runs the binary by another name or with other arguments, with the node's environment.
    pub fn command(&self, program: &Path, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.iter().cloned()).env("HOME", self.dir.path());
        command.output().unwrap().into()
    }

    /// A probe's answer.
    pub fn probe(&self, kind: &str) -> Outcome {
        self.command(&binary(), &["probe", kind])
    }

    /// Waits until the node is ready.
    pub fn wait_ready(&self, start: &mut RealStart) {
        wait_until("readiness", || {
            start.must_run();
            self.probe("readiness").code == 0
        });
        eprintln!("ready after {:.1} s", start.began.elapsed().as_secs_f64());
    }
}

fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Puts a fetched tree where the JVM's user can go, which the cache need not be; by hard links where that is possible.
pub fn link_or_copy(from: &Path, to: &Path) {
    let copy = |option: &str| Command::new("cp").arg(option).args([from, to]).status().unwrap().success();
    if !copy("-al") {
        let _ = fs::remove_dir_all(to);
        assert!(copy("-a"), "a copy of {}", from.display());
    }
}

/// The Java 17 of this machine.
fn java_home() -> PathBuf {
    let named = std::env::var_os("JAVA_HOME").map(PathBuf::from).filter(|home| major(home) == Some(17));
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten().map(|entry| entry.path());
    named.or_else(|| installed.into_iter().find(|home| major(home) == Some(17))).expect("a Java 17")
}

fn major(home: &Path) -> Option<u16> {
    let text = fs::read_to_string(home.join("release")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?.split('.').next()?.parse().ok()
}

impl RealStart {
    /// What was logged so far, by us and by Cassandra.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Fails with the log's end if the start has ended.
    #[track_caller]
    pub fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            let log = self.log();
            let tail = log.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
            panic!("ended with {status}\n{tail}");
        }
    }

    /// The JVM's process id, seen from here.
    pub fn jvm(&self) -> i32 {
        java_below(i32::try_from(self.child.id()).unwrap()).expect("java below the start")
    }

    /// PID 1 of the node, seen from here: the JVM's parent.
    pub fn init(&self) -> i32 {
        parent(self.jvm())
    }

    /// Waits for the end and returns the exit code.
    pub fn wait(mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        let mut status = None;
        wait_until("the end of the node", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let status = status.unwrap();
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
    }
}

impl Drop for RealStart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first process called java among the descendants of a process.
pub fn java_below(ancestor: i32) -> Option<i32> {
    let mut generation = vec![ancestor];
    while !generation.is_empty() {
        let of =
            |parent: &i32| fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let children: Vec<String> = generation.iter().map(of).collect();
        generation = children.iter().flat_map(|list| list.split_whitespace()).map(|pid| pid.parse().unwrap()).collect();
        let is_java =
            |pid: &&i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "java");
        if let Some(java) = generation.iter().find(is_java) {
            return Some(*java);
        }
    }
    None
}

/// The parent of a process.
pub fn parent(pid: i32) -> i32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap()
}

/// Sends a signal.
pub fn signal(pid: i32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
}
