//! What an init costs: idle, at a start, and over a long life.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::libc::SIGKILL;

use crate::support::{Node, send, stat, wait_until};
use crate::ways::{READY, Silent, Way, freeze_a_look};

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
fn assert_idle(pid: i32) {
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
        // OPTIONS is answered by SUPPORTED with an empty map, STARTUP by READY.
        let (opcode, body): (u8, &[u8]) = if header[4] == 5 { (6, &[0, 0]) } else { (2, &[]) };
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

/// Once the node serves, nobody looks at it any more.
#[test]
fn p55_58_run_sleeps_once_the_node_serves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = serve(stream.unwrap());
        }
    });
    for way in Way::all_for_run() {
        let node = Node::new().wrapped(way.wrapper());
        let yaml = node.conf()["cassandra.yaml"]
            .replace("native_transport_port: 9042", &format!("native_transport_port: {port}"));
        let node = node.file("conf/cassandra.yaml", &yaml).env("POD_IP", "127.0.0.1");
        let running = node.start();
        wait_until("the served node", || {
            fs::read_to_string(node.path("run/node")).is_ok_and(|text| text.contains("phase=serving"))
        });
        assert_idle(way.init(&running));
        way.stop(running).code(0).says("CQL is open on 127.0.0.1");
    }
}

/// Memory that nobody else shares, in kB (proc_pid_smaps(5)).
fn private_memory(pid: i32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let private = rollup.lines().filter(|line| line.starts_with("Private_"));
    private.map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()).sum()
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
        let silent = Silent::new();
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
fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

#[test]
fn p56_supervising_takes_at_most_a_megabyte_of_memory() {
    for way in Way::all() {
        let node = way.supervise(&format!("{READY}; exec sleep 1000"));
        let running = node.start();
        let init = way.init(&running);
        wait_until("our going to sleep", || {
            fs::read_link(format!("/proc/{init}/cwd")).is_ok_and(|cwd| cwd == Path::new("/"))
        });
        println!("supervise {way:?}: {} kB private", private_memory(init));
        assert!(private_memory(init) <= 1024, "{way:?}: {} kB", private_memory(init));
        way.stop(running).code(143);
    }
    for way in Way::all_for_run() {
        let node = Node::new().wrapped(way.wrapper());
        let running = node.start();
        let init = way.init(&running);
        println!("run {way:?}: {} kB private", private_memory(init));
        assert!(private_memory(init) <= 1024, "{way:?}: {} kB", private_memory(init));
        way.stop(running).code(0);
    }
}
