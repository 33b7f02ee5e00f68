//! A real JVM through its attach socket: what it says, what is left in the folders, and who may not ask.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::real::{RealNode, alone, signal, wait_until};
use crate::support::Outcome;

/// What `VM.flags -all` says: every flag with its value.
pub fn flags(text: &str) -> BTreeMap<String, String> {
    // `   bool UseG1GC   = true   {product} {command line}`
    let flag = |line: &str| {
        let (left, right) = line.split_once('=')?;
        let right = right.split_once('{').map_or(right, |(value, _)| value);
        Some((left.split_whitespace().nth(1)?.to_owned(), right.trim().to_owned()))
    };
    text.lines().filter_map(flag).collect()
}

/// What `VM.system_properties` says.
pub fn properties(text: &str) -> BTreeMap<String, String> {
    let property = |line: &str| {
        let at = line.char_indices().find(|(at, c)| *c == '=' && !line[..*at].ends_with('\\'))?.0;
        // `Properties.store` escapes these; no other escape is in what Cassandra is given.
        let plain = |text: &str| text.replace("\\:", ":").replace("\\=", "=").replace("\\ ", " ");
        Some((plain(&line[..at]), plain(&line[at + 1..])))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(property).collect()
}

/// The files by which somebody attaches, below the folders where HotSpot looks for them.
fn traces(jvm: i32) -> Vec<PathBuf> {
    let folders = [format!("/proc/{jvm}/cwd"), format!("/proc/{jvm}/root/tmp")];
    let names = |folder: &String| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let is_trace = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".attach_pid") || name.starts_with(".java_pid")
    };
    let mut found: Vec<PathBuf> = folders.iter().flat_map(names).filter(is_trace).collect();
    found.sort();
    found
}

/// The JVM's own socket.
pub fn socket(jvm: i32) -> PathBuf {
    let status = fs::read_to_string(format!("/proc/{jvm}/status")).unwrap();
    let inner = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap().split_whitespace().last().unwrap();
    Path::new(&format!("/proc/{jvm}/root/tmp")).join(format!(".java_pid{inner}"))
}

/// How often the JVM printed its threads for a SIGQUIT.
pub fn dumps(log: &str) -> usize {
    log.matches("Full thread dump").count()
}

/// Asks a JVM that nobody has asked before, and again without its socket, as a cleaner of /tmp leaves it. `jcmd` runs our
/// subcommand where the JVM is.
pub fn answers_and_leaves_nothing(jvm: i32, jcmd: &dyn Fn(&[&str]) -> Outcome) {
    let socket = socket(jvm);
    let others = |traces: Vec<PathBuf>| traces.into_iter().filter(|path| *path != socket).collect::<Vec<_>>();
    let before = others(traces(jvm));
    assert!(!socket.exists(), "nobody has attached yet");
    for again in [false, true] {
        let uptime = jcmd(&["VM.uptime"]).code(0).stdout;
        assert!(uptime.trim_end().ends_with(" s"), "{uptime}");
        assert!(socket.exists());
        assert_eq!(others(traces(jvm)), before, "asked again: {again}");
        fs::remove_file(&socket).unwrap();
    }
    let threads = jcmd(&["Thread.print", "-l"]).code(0).stdout;
    assert!(threads.contains("Full thread dump") && threads.contains("\"Attach Listener\""), "{threads}");
    assert!(jcmd(&[]).code(0).stdout.contains("VM.system_properties"), "the commands are told");
    let unknown = jcmd(&["No.such"]);
    assert_eq!((unknown.code, unknown.stderr.contains("Unknown diagnostic command")), (1, true), "{unknown:?}");
    assert_eq!(others(traces(jvm)), before);
}

#[test]
fn a_jvm_to_which_nobody_may_attach_is_no_jvm_that_hangs() {
    let _alone = alone();
    let node = RealNode::new().with("JVM_EXTRA_OPTS", "-XX:TieredStopAtLevel=1 -XX:+DisableAttachMechanism");
    let mut start = node.start("log.txt");
    node.wait_ready(&mut start);
    let asked = node.inside(&start, &["jcmd", "VM.uptime"]);
    assert_eq!(asked.code, 69, "{asked:?}");
    assert!(asked.stderr.contains("the JVM was started with -XX:+DisableAttachMechanism"), "{asked:?}");
    assert_eq!(dumps(&start.log()), 0);
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 0);
}

#[test]
fn a_node_of_5_0_answers_at_its_attach_socket() {
    let _alone = alone();
    let node = RealNode::new();
    let mut start = node.start("log.txt");
    // Long before it serves.
    wait_until("the JVM", || node.probe("liveness").stdout.contains("Cassandra runs"));
    wait_until("an answer", || node.inside(&start, &["jcmd", "VM.uptime"]).code == 0);
    start.must_run();
    let socket = socket(start.jvm());
    fs::remove_file(&socket).unwrap();
    answers_and_leaves_nothing(start.jvm(), &|command| node.inside(&start, &[&["jcmd"], command].concat()));
    assert_eq!(dumps(&start.log()), 0, "no SIGQUIT of ours was taken for a wish to see the threads");
    let here = Path::new("/tmp").join(socket.file_name().unwrap());
    assert!(here.exists(), "this node has no /tmp of its own");
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 0);
    assert!(!here.exists(), "the JVM removes its socket");
}
