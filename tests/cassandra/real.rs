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

/// The port at which PID 1 answers over HTTP, at the node's own address.
pub const HTTP: u16 = 8088;

/// Half the CPU for a node that lives for seconds.
const QUICK: &str = "-XX:TieredStopAtLevel=1";

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

/// A Cassandra with folders of its own.
pub struct RealNode {
    line: &'static str,
    dir: TempDir,
    environment: Vec<(String, String)>,
    /// Programs in front of the binary.
    wrapper: Vec<String>,
    /// Where clients and other nodes find it.
    address: String,
    jmx_port: u16,
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
        Self::of("5.0", dir, &java_17())
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
        Self::of("4.1", dir, &java)
    }

    /// The official 3.11.4 release on Java 8, in a root tree of its own, at the places where an image has them: only the run
    /// folder is named, so that probes find it from outside, too.
    pub fn of_3_11() -> Self {
        let dir = folder();
        // A copy: its conf folder is written to.
        let home = fetched(&["cassandra", "3.11.4"]);
        assert!(Command::new("cp").arg("-a").args([&home, &dir.path().join("home")]).status().unwrap().success());
        let mut node = Self::of("3.11", dir, Path::new(""));
        let named = ["CASSANDRA_HOME", "CASSANDRA_CONF", "CASSANDRA_DATA", "CASSANDRA_LOG_DIR", "JAVA_HOME"];
        node.environment.retain(|(name, _)| !named.contains(&name.as_str()));
        let at = |name: &str, place: &str| format!("{}:{place}", node.path(name).display());
        let same = |path: PathBuf| format!("{0}:{0}", path.display());
        let mounts = [
            at("home", "/opt/cassandra"),
            at("data", "/var/lib/cassandra"),
            at("log", "/var/log/cassandra"),
            same(node.path("run")),
            same(node.path("keys")),
            same(binary()),
        ];
        let rooted = project().join("tests/support/rooted").display().to_string();
        let tree = fetched(&["jdk8-root"]).display().to_string();
        node.wrapper = [vec![rooted, tree], mounts.to_vec(), vec!["--".to_owned()]].concat();
        node
    }

    /// A node on 127.0.0.1 with a heap of 512 MB; as root a real PID 1.
    fn of(line: &'static str, dir: TempDir, java: &Path) -> Self {
        for name in ["data", "log", "run", "keys"] {
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
            ("CASSANDRA_INIT_HTTP", format!("127.0.0.1:{HTTP}")),
            ("MAX_HEAP_SIZE", "512M".to_owned()),
            ("JVM_EXTRA_OPTS", QUICK.to_owned()),
            ("JAVA_HOME", java.display().to_string()),
            ("PATH", std::env::var("PATH").unwrap()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
        let wrapper = if is_root() { namespace.map(str::to_owned).to_vec() } else { Vec::new() };
        Self { line, dir, environment, wrapper, address: "127.0.0.1".to_owned(), jmx_port: 7199 }
    }

    /// As the second node of the cluster that 127.0.0.1 has founded, at an address of its own.
    pub fn second(mut self) -> Self {
        (self.address, self.jmx_port) = ("127.0.0.2".to_owned(), 7299);
        let (address, jmx_port) = (self.address.clone(), self.jmx_port.to_string());
        self.with("CASSANDRA_LISTEN_ADDRESS", &address)
            .with("CASSANDRA_RPC_ADDRESS", &address)
            .with("CASSANDRA_JMX_PORT_NUMBER", &jmx_port)
            .with("CASSANDRA_INIT_HTTP", &format!("{address}:{HTTP}"))
            .with("CASSANDRA_SEEDS", "127.0.0.1")
    }

    /// With options for the JVM beside those that make it start quicker.
    pub fn with_options(self, options: &str) -> Self {
        self.with("JVM_EXTRA_OPTS", &format!("{QUICK} {options}"))
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

    /// The binary under another name.
    pub fn alias(&self, name: &str) -> PathBuf {
        let alias = self.path(name);
        if !alias.exists() {
            std::os::unix::fs::symlink(binary(), &alias).unwrap();
        }
        alias
    }

    /// Us in the node's namespaces, as `kubectl exec` runs us there.
    pub fn inside(&self, start: &RealStart, arguments: &[&str]) -> Outcome {
        let binary = binary();
        if is_root() {
            self.entered(start, &[&[binary.to_str().unwrap()], arguments].concat())
        } else {
            self.command(&binary, arguments)
        }
    }

    /// Root in the node's namespaces.
    pub fn entered(&self, start: &RealStart, words: &[&str]) -> Outcome {
        let init = start.init().to_string();
        let entered = ["--target", &init, "--pid", "--mount", "--uts", "--"];
        self.command("/usr/bin/nsenter".as_ref(), &[&entered, words].concat())
    }

    /// The line of its Cassandra.
    pub fn line(&self) -> &'static str {
        self.line
    }

    /// Its configuration, where the node has it.
    pub fn conf(&self) -> PathBuf {
        if self.line == "3.11" { "/opt/cassandra/conf".into() } else { self.path("conf") }
    }

    /// Where clients find it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it is asked over JMX.
    pub fn jmx_port(&self) -> u16 {
        self.jmx_port
    }

    /// A probe's answer, for which there is time: other suites may keep the machine busy.
    pub fn probe(&self, kind: &str) -> Outcome {
        self.probe_within(kind, "10s")
    }

    /// A probe's answer within a limit.
    pub fn probe_within(&self, kind: &str, limit: &str) -> Outcome {
        self.command(&binary(), &["probe", kind, "--timeout", limit])
    }

    /// Waits until the node is ready. Returns what it was before, each once: the words of readiness up to the first `;`.
    pub fn wait_ready(&self, start: &mut RealStart) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        wait_until("readiness", || {
            start.must_run();
            let answer = self.probe("readiness");
            let words = answer.stdout.split(';').next().unwrap_or_default().trim_end();
            if answer.code != 0 && !seen.iter().any(|known| known == words) {
                seen.push(words.to_owned());
            }
            answer.code == 0
        });
        eprintln!("ready after {:.1} s, before: {seen:?}", start.began.elapsed().as_secs_f64());
        seen
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
pub fn java_17() -> PathBuf {
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

    /// Where that is.
    pub fn log_path(&self) -> PathBuf {
        self.log.clone()
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

    /// Stops it as an orchestrator does; it must drain.
    pub fn stop(self) {
        signal(self.init(), nix::sys::signal::Signal::SIGTERM);
        let log = self.log.clone();
        assert_eq!(self.wait(), 0, "{}", fs::read_to_string(log).unwrap());
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

/// The children of a process: name and id. One that is gone meanwhile is left out.
pub fn children(parent: i32) -> Vec<(String, i32)> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let name = |pid: i32| Some((fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned(), pid));
    list.split_whitespace().filter_map(|pid| name(pid.parse().unwrap())).collect()
}

/// The first process called java among the descendants of a process.
pub fn java_below(ancestor: i32) -> Option<i32> {
    let mut generation = vec![ancestor];
    while !generation.is_empty() {
        let next: Vec<(String, i32)> = generation.iter().flat_map(|parent| children(*parent)).collect();
        if let Some((_, java)) = next.iter().find(|(name, _)| name == "java") {
            return Some(*java);
        }
        generation = next.into_iter().map(|(_, pid)| pid).collect();
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
