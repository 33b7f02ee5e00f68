//! What an init costs: idle, at a start, and over a long life.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::libc::SIGKILL;

use crate::support::{Node, binary, has, send, skip_or_fail, stat, wait_until};
use crate::ways::{Port, READY, Way, freeze_a_look};

/// How often a process went to sleep by its own will: once for each time it woke up.
fn wake_ups(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}

fn observe(time: Duration) {
    std::thread::park_timeout(time);
}

#[track_caller]
pub(crate) fn assert_idle(pid: i32) {
    let mut last = None;
    wait_until("an idle process", || {
        observe(Duration::from_millis(50));
        let now = Some(wake_ups(pid));
        std::mem::replace(&mut last, now) == now
    });
    let before = wake_ups(pid);
    observe(Duration::from_secs(5));
    assert_eq!(wake_ups(pid) - before, 0, "wake-ups in 5 s");
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
    assert_eq!(threads, 1, "threads");
}

/// Answers the handshake of the CQL native protocol, as a node that serves.
fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let mut header = [0; 9];
        stream.read_exact(&mut header)?;
        let length = u32::from_be_bytes([header[5], header[6], header[7], header[8]]) as usize;
        stream.read_exact(&mut vec![0; length])?;
        // OPTIONS is answered by SUPPORTED with an empty map, STARTUP by AUTHENTICATE with a class.
        let (opcode, body): (u8, &[u8]) = if header[4] == 5 { (6, &[0, 0]) } else { (3, b"\x00\x01A") };
        let length = u8::try_from(body.len()).unwrap();
        stream.write_all(&[0x84, 0, header[2], header[3], opcode, 0, 0, 0, length])?;
        stream.write_all(body)?;
    }
}

#[test]
fn p55_58_supervise_sleeps_until_something_happens_in_one_thread() {
    for way in Way::all() {
        let node = way.supervise(&format!("{READY}; exec sleep 1000"));
        let running = node.start();
        assert_idle(way.init(&running));
        way.stop(running).code(143);
    }
}

/// A node that serves as soon as it runs.
pub(crate) fn serving(way: Way) -> Node {
    let port = Port::new();
    let node = port.endpoint_of(Node::new().wrapped(way.wrapper()));
    std::thread::spawn(move || {
        for stream in port.listener().incoming() {
            let _ = serve(stream.unwrap());
        }
    });
    node
}

pub(crate) fn wait_until_it_serves(node: &Node) {
    let published = || fs::read_to_string(node.path("run/node"));
    wait_until("the served node", || published().is_ok_and(|text| text.contains("phase=serving")));
}

/// Once the node serves, nobody looks at it any more.
#[test]
fn p55_58_run_sleeps_once_the_node_serves() {
    for way in Way::all_for_run() {
        let node = serving(way);
        let running = node.start();
        wait_until_it_serves(&node);
        assert_idle(way.init(&running));
        way.stop(running).code(0).says("CQL is open on 127.0.0.1");
    }
}

/// A line of smaps_rollup in kB (proc_pid_smaps(5)).
pub(crate) fn memory(pid: i32, name: &str) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What is private is what was written to; pages of the program come and go as the kernel likes, and are in the resident set
/// (its limit: design, section 10).
#[track_caller]
fn assert_becomes_small(pid: i32, what: &str) {
    // Serving is published before the pages are given back.
    wait_until(&format!("{what}: 1 MiB private, 2 MiB resident"), || {
        memory(pid, "Anonymous") <= 1024 && memory(pid, "Rss") <= 2048
    });
}

/// Whether it is a release build: one for debugging has three times the code, and as much more of relocated pointers.
fn is_small(program: &Path) -> bool {
    fs::metadata(program).unwrap().len() < 8 << 20
}

#[test]
fn p56_supervising_takes_at_most_a_megabyte_of_memory() {
    if !is_small(&binary()) {
        skip_or_fail("needs a release build, as the shipped one is");
        return;
    }
    for way in Way::all() {
        let node = way.supervise(&format!("{READY}; exec sleep 1000"));
        let running = node.start();
        let init = way.init(&running);
        assert_becomes_small(init, &format!("supervise, {way:?}"));
        way.stop(running).code(143);
    }
    for way in Way::all_for_run() {
        let node = serving(way);
        let running = node.start();
        let init = way.init(&running);
        wait_until_it_serves(&node);
        assert_becomes_small(init, &format!("run, {way:?}"));
        way.stop(running).code(0);
    }
}

/// System calls are what a start can be held to on a machine that does other work, too; its time stands beside that of others in
/// docs/decisions/0009.
#[test]
fn p57_a_start_and_an_end_take_one_process_and_few_system_calls() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Node::new();
    let trace = node.path("trace");
    let status = Command::new("strace")
        // What cargo sets makes a dynamic program look in many folders.
        .env_remove("LD_LIBRARY_PATH")
        .args(["-qq", "-f", "-o"])
        .arg(&trace)
        .arg(binary())
        .args(["supervise", "--", "/bin/true"])
        .status()
        .unwrap();
    assert!(status.success());
    let trace = fs::read_to_string(trace).unwrap();
    let calls_of = |pid: &str| trace.lines().filter(|line| line.split(' ').next() == Some(pid)).count();
    let init = trace.split(' ').next().unwrap();
    let processes: BTreeSet<&str> = trace.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(processes.len(), 2, "{processes:?}");
    assert!(calls_of(init) <= 256, "{}", calls_of(init));
}

const REPEATER: &str = "REPEATING_INIT";

/// Not a test by itself: the process that the test below starts, which has nobody else's children.
#[test]
#[allow(clippy::exit, reason = "this process plays PID 1, whose exit code is looked at")]
fn repeating_init() {
    if std::env::var_os(REPEATER).is_none() {
        return;
    }
    let own = i32::try_from(std::process::id()).unwrap();
    let hook = cassandra_init::host::command::Command::new("/bin/true");
    let before = descriptors(own);
    for round in 0..10_000 {
        let child = if round % 2 == 0 { hook.spawn().unwrap() } else { hook.spawn_unseen().unwrap() };
        child.wait().unwrap();
    }
    std::process::exit(i32::from(descriptors(own) != before));
}

#[test]
fn p59_ten_thousand_helpers_leak_no_descriptor() {
    let mut init = Command::new(std::env::current_exe().unwrap());
    init.args(["--exact", "idle::repeating_init"]).env(REPEATER, "yes").stdout(Stdio::null());
    assert_eq!(init.status().unwrap().code(), Some(0));
}

/// What PID 1 starts by itself: the hook, and a look four times a second.
#[test]
fn p59_a_node_that_is_looked_at_keeps_its_descriptors() {
    for way in Way::all_for_run() {
        let silent = Port::new();
        let node = silent.endpoint_of(Node::new().wrapped(way.wrapper()).file("conf-overlay/pre_run.sh", "true\n"));
        let running = node.start();
        let init = way.init(&running);
        let mut counts = Vec::new();
        while counts.len() < 8 {
            // Always at the same moment: while a look is under way.
            let look = freeze_a_look(init);
            counts.push(descriptors(init));
            send(look, SIGKILL);
            wait_until("the end of the look", || stat(look).is_none());
        }
        assert!(counts.iter().all(|count| *count == counts[0]), "{way:?}: {counts:?}");
        way.stop(running).code(0);
    }
}

/// Files that it has open.
pub(crate) fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}
