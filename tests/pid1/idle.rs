//! Idle costs nothing: no wake-up, one thread.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::support::{Node, wait_until};
use crate::ways::{READY, Way};

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
    observe(Duration::from_secs(2));
    assert_eq!(wake_ups(pid) - before, 0, "wake-ups in 2 s");
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

/// Points 55 and 58.
#[test]
fn supervise_sleeps_until_something_happens_in_one_thread() {
    for way in Way::all() {
        let node = way.supervise(&format!("{READY}; exec sleep 1000"));
        let running = node.start();
        assert_idle(way.init(&running));
        way.stop(running).code(143);
    }
}

/// Points 55 and 58: once the node serves, nobody looks at it any more.
#[test]
fn run_sleeps_once_the_node_serves() {
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
