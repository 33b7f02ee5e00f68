//! The official 3.11.4 release on Java 8, started by its own `bin/cassandra`.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::real::{alone, cql, fetched, java_below, parent, signal, wait_until};
use crate::support::{Outcome, binary, is_root, project};

#[test]
fn the_3_11_4_release_runs_by_its_own_scripts_and_drains() {
    if !is_root() {
        eprintln!("skipped: needs root for a tree with Java 8");
        return;
    }
    let _alone = alone();
    let dir = tempfile::TempDir::new().unwrap();
    let home = fetched(&["cassandra", "3.11.4"]);
    let tree = fetched(&["jdk8-root"]);
    for name in ["data", "log", "run", "home"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    // A copy: its conf folder is written to.
    assert!(
        Command::new("cp").args(["-a"]).arg(home.join(".")).arg(dir.path().join("home")).status().unwrap().success()
    );
    let at = |name: &str, place: &str| format!("{}:{place}", dir.path().join(name).display());
    let binary = format!("{}:/usr/local/bin/cassandra-init", binary().display());
    let mounts = [
        at("home", "/opt/cassandra"),
        at("data", "/var/lib/cassandra"),
        at("log", "/var/log/cassandra"),
        at("run", "/run/cassandra-init"),
        binary,
    ];
    let log = dir.path().join("log.txt");
    let output = File::create(&log).unwrap();
    let mut node = Command::new(project().join("tests/support/rooted"))
        .arg(&tree)
        .args(&mounts)
        .args(["--", "cassandra-init", "run"])
        .env("CASSANDRA_INIT_USER", "999:999")
        .env("CASSANDRA_LISTEN_ADDRESS", "127.0.0.1")
        .env("CASSANDRA_RPC_ADDRESS", "127.0.0.1")
        .env("CASSANDRA_CLUSTER_NAME", "Eleven")
        .env("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "8")
        .env("CASSANDRA_START_RPC", "false")
        .env("MAX_HEAP_SIZE", "512M")
        .env("CASSANDRA_GC_STDOUT", "true")
        .env_remove("JAVA_HOME")
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let text = || fs::read_to_string(&log).unwrap();
    wait_until("CQL to open", || {
        assert!(node.try_wait().unwrap().is_none(), "{}", text());
        text().contains("CQL is open on 127.0.0.1 port 9042")
    });
    assert_eq!(cql(&["SELECT cluster_name, release_version FROM system.local"]), "Eleven 3.11.4\n");
    let probe: Outcome = Command::new(crate::support::binary())
        .args(["probe", "readiness"])
        .env("CASSANDRA_INIT_RUN_DIR", dir.path().join("run"))
        .output()
        .unwrap()
        .into();
    assert_eq!(probe.code, 0, "{probe:?}");
    let yaml = fs::read_to_string(dir.path().join("home/conf/cassandra.yaml")).unwrap();
    assert!(yaml.contains("\nkey_cache_size_in_mb: 8\n"), "3.11 keeps its own names");
    let jvm = java_below(i32::try_from(node.id()).unwrap()).expect("java below the tree");
    let line = fs::read_to_string(format!("/proc/{jvm}/cmdline")).unwrap().replace('\0', " ");
    for word in ["-Xms512M", "-Xmx512M", "-Xmn", "-XX:+UseConcMarkSweepGC", "-Xloggc:/dev/stdout"] {
        assert!(line.contains(word), "{word} is missing in {line}");
    }
    let status = fs::read_to_string(format!("/proc/{jvm}/status")).unwrap();
    assert!(status.contains("Uid:\t999\t999\t999\t999"), "{status}");
    signal(parent(jvm), Signal::SIGTERM);
    wait_until("the end", || node.try_wait().unwrap().is_some());
    assert_eq!(node.wait().unwrap().code(), Some(0), "{}", text());
    assert!(text().contains("Cassandra drained and ended"));
    // A drain that SIGTERM began is told at DEBUG, which stock logback.xml sends to a file of its own.
    let debug = fs::read_to_string(dir.path().join("log/debug.log")).unwrap();
    assert!(debug.contains("DRAINED"), "{debug}");
}
