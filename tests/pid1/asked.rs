//! PID 1 as it is asked: at its control socket and over HTTP, by many, by slow ones, and by those who may not.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::libc::SIGTERM;

use crate::idle::{assert_idle, descriptors, memory, serving, wait_until_it_serves};
use crate::support::{
    LONG, Node, Running, binary, children, command_name, is_root, send, skip_or_fail, stat, wait_until,
};
use crate::ways::{Port, Way, freeze_a_look};

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn with_http(node: Node) -> (Node, u16) {
    let port = free_port();
    (node.env("CASSANDRA_INIT_HTTP", &format!("127.0.0.1:{port}")), port)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Everything that is answered to these bytes, until the other side ends.
fn http(port: u16, request: &[u8]) -> String {
    let mut stream = connect(port);
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(port: u16, path: &str) -> String {
    http(port, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
}

fn control(node: &Node) -> UnixStream {
    let stream = UnixStream::connect(node.path("run/control")).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// The answer at the control socket.
fn ask(node: &Node, request: &str) -> String {
    let mut stream = control(node);
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A figure of /metrics.
fn figure(port: u16, sample: &str) -> f64 {
    let text = get(port, "/metrics");
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{sample} is missing in\n{text}")).parse().unwrap()
}

const SEEN: &str = r#"cassandra_init_looks_total{look="clients",result="seen"}"#;

#[test]
fn a_node_that_serves_is_told_by_every_door() {
    for way in Way::all_for_run() {
        let (node, port) = with_http(serving(way));
        let running = node.start();
        wait_until_it_serves(&node);
        for path in ["/startupz", "/livez", "/readyz"] {
            let answer = get(port, path);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {answer}");
            let head = http(port, format!("HEAD {path} HTTP/1.0\r\n\r\n").as_bytes());
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{path}: {head}");
        }
        assert!(get(port, "/readyz").contains(" serves CQL"), "the reason is the body");
        let status = get(port, "/status");
        assert!(status.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{status}");
        assert!(status.contains("\"phase\": \"serving\""), "{status}");
        for (request, code) in [
            ("GET / HTTP/1.1\r\n\r\n", 404),
            ("POST /readyz HTTP/1.1\r\nContent-Length: 3\r\n\r\nyes", 405),
            ("\u{16}\u{3}\u{1}\r\n\r\n", 400),
            (&format!("GET /readyz HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000)), 431),
        ] {
            let answer = http(port, request.as_bytes());
            assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{request:.40}: {answer}");
        }
        assert!(ask(&node, "probe readiness 1000").starts_with("yes "));
        assert!(ask(&node, "status").starts_with("phase=serving\n"));
        assert!(ask(&node, "hello").starts_with("error "));
        let probe = node.probe("readiness").code(0);
        assert!(probe.stdout.contains(" serves CQL"), "{probe:?}");
        assert!(figure(port, SEEN) >= 1.0);
        assert!(figure(port, r#"cassandra_init_phase{phase="serving"}"#) >= 1.0);
        assert!(figure(port, r#"cassandra_init_boot_phase_seconds{phase="ownership"}"#) >= 0.0);
        way.stop(running).code(0);
    }
}

#[test]
fn a_node_that_is_prepared_is_alive_and_not_ready_however_long_that_takes() {
    for way in Way::all_for_run() {
        let hook = "echo > \"$STANDIN/running\"\nuntil [ -e \"$STANDIN/go\" ]; do sleep 0.01; done\n";
        let node = Node::new().wrapped(way.wrapper()).file("conf-overlay/pre_run.sh", hook);
        let (node, port) = with_http(node);
        let running = node.start();
        assert!(get(port, "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(get(port, "/startupz").starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
        assert!(get(port, "/readyz").ends_with("\r\n\r\nthe node is being prepared\n"));
        assert!(ask(&node, "status").starts_with("phase=preparing\n"));
        let started = figure(port, "process_start_time_seconds");
        assert!(started > 0.0, "it is known from the beginning");
        node.probe("startup").code(1).prints("the node is being prepared");
        // One who is connected meanwhile is answered after it.
        let mut patient = connect(port);
        patient.write_all(b"GET /livez HTTP/1.1\r\n").unwrap();
        fs::write(node.path("standin/go"), "").unwrap();
        running.wait_for("standin/arguments");
        patient.write_all(b"\r\n").unwrap();
        let mut answer = String::new();
        patient.read_to_string(&mut answer).unwrap();
        // Its shell may just wait for a disk, with nobody else to answer for it.
        let is_told = ["Cassandra runs as process", "Cassandra, process", "being prepared"];
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(is_told.iter().any(|words| answer.contains(words)), "{answer}");
        assert!((figure(port, "process_start_time_seconds") - started).abs() < f64::EPSILON, "it was not restarted");
        let threads = || fs::read_dir(format!("/proc/{}/task", way.init(&running))).unwrap().count();
        wait_until("one thread", || threads() == 1);
        way.stop(running).code(0);
    }
}

#[test]
fn fifty_probes_at_once_are_a_few_looks() {
    for way in Way::all_for_run() {
        let (node, port) = with_http(serving(way));
        let running = node.start();
        wait_until_it_serves(&node);
        let before = figure(port, SEEN);
        // All have asked before the first is listened to; those beyond the sixteenth wait at the door.
        let mut probes: Vec<UnixStream> = (0..50).map(|_| control(&node)).collect();
        for probe in &mut probes {
            // Who was connected for long and had not asked yet gave way to the others, and would look for themselves.
            let _ = probe.write_all(b"probe readiness 30000\n");
        }
        let mut answered = 0;
        for mut probe in probes {
            let mut answer = String::new();
            if probe.read_to_string(&mut answer).is_ok() && !answer.is_empty() {
                assert!(answer.starts_with("yes "), "{answer}");
                answered += 1;
            }
        }
        assert!(answered >= 16, "{way:?}: {answered} of 50 are answered");
        let looks = figure(port, SEEN) - before;
        assert!(looks <= 10.0, "{way:?}: {looks} looks for 50 probes");
        way.stop(running).code(0);
    }
}

#[test]
fn a_thousand_probes_in_a_row_leave_nothing_behind() {
    for way in Way::all_for_run() {
        let (node, port) = with_http(serving(way));
        let running = node.start();
        let init = way.init(&running);
        wait_until_it_serves(&node);
        let round = |count: usize| {
            for number in 0..count {
                let answer = match number % 4 {
                    0 => ask(&node, "probe readiness 5000"),
                    1 => ask(&node, "probe liveness 5000"),
                    2 => get(port, "/readyz"),
                    _ => get(port, "/livez"),
                };
                assert!(answer.starts_with("yes ") || answer.starts_with("HTTP/1.1 200 "), "{answer}");
            }
        };
        round(200);
        let settled = || (descriptors(init), children(init).len());
        wait_until("the last look and visitor", || settled().1 == 1);
        let (before, anonymous) = (settled(), memory(init, "Anonymous"));
        round(1000);
        wait_until(&format!("{before:?} descriptors and children again"), || settled() == before);
        let grown = memory(init, "Anonymous").saturating_sub(anonymous);
        assert!(grown <= 64, "{way:?}: {grown} kB more");
        let log = way.stop(running).code(0).stderr;
        assert!(log.lines().count() < 200 && !log.contains("ready again"), "a line for each probe:\n{log:.2000}");
    }
}

#[test]
fn who_asks_nothing_or_never_ends_keeps_nobody_else_waiting() {
    for way in Way::all_for_run() {
        let (node, port) = with_http(serving(way));
        let running = node.start();
        wait_until_it_serves(&node);
        let mut held: Vec<TcpStream> = Vec::new();
        for number in 0..40 {
            let mut stream = connect(port);
            match number % 3 {
                0 => {}
                1 => stream.write_all(b"GET /readyz HTTP/1.1\r\nX-Slow: ").unwrap(),
                // It may have been sent away by then.
                _ => drop(stream.shutdown(Shutdown::Write)),
            }
            held.push(stream);
            if number % 10 == 0 {
                assert!(get(port, "/readyz").starts_with("HTTP/1.1 200 "), "with {number} others");
            }
        }
        let silent: Vec<UnixStream> = (0..40).map(|_| control(&node)).collect();
        assert!(ask(&node, "probe readiness 5000").starts_with("yes "));
        node.probe("readiness").code(0);
        // The last of them are not sent away by others, but by their deadline.
        let last = held.iter_mut().rev().find(|_| true).unwrap();
        let mut rest = Vec::new();
        let _ = last.read_to_end(&mut rest);
        assert!(rest.is_empty(), "no request, no answer: {rest:?}");
        drop(silent);
        assert_idle(way.init(&running));
        way.stop(running).code(0);
    }
}

#[test]
fn a_stop_waits_for_no_client() {
    for way in Way::all_for_run() {
        // A port that takes connections and says nothing: the look lasts, and who asked waits.
        let silent = Port::new();
        let (node, port) = with_http(silent.endpoint_of(Node::new().wrapped(way.wrapper())));
        let running = node.start();
        wait_until("a node that is started", || {
            ask_if_there(&node).is_some_and(|text| text.starts_with("phase=starting"))
        });
        let mut waiting = control(&node);
        waiting.write_all(b"probe readiness 60000\n").unwrap();
        let mut slow = connect(port);
        slow.write_all(b"GET /read").unwrap();
        wait_until("a look", || children(way.init(&running)).len() > 1);
        send(way.init(&running), SIGTERM);
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "no the node is stopping\n");
        running.wait().code(0);
        drop(slow);
    }
}

/// The page asks over JMX, too, which may be stuck while clients are served.
#[test]
fn a_status_page_that_is_slow_makes_no_probe_late() {
    let stuck = Port::new();
    let jmx = stuck.listener().local_addr().unwrap().port();
    let way = Way::all_for_run()[0];
    let (node, port) = with_http(serving(way).env("CASSANDRA_JMX_PORT_NUMBER", &jmx.to_string()));
    let running = node.start();
    wait_until_it_serves(&node);
    // Looks before that have been here.
    stuck.listener().set_nonblocking(true).unwrap();
    while stuck.listener().accept().is_ok() {}
    stuck.listener().set_nonblocking(false).unwrap();
    // What the last of them saw would answer the probe below.
    std::thread::sleep(Duration::from_millis(300));
    let mut page = connect(port);
    page.write_all(b"GET /status HTTP/1.1\r\n\r\n").unwrap();
    let _asked = stuck.listener().accept().unwrap();
    let answer = get(port, "/readyz");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let mut answer = String::new();
    page.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"ready\": true"), "{answer}");
    way.stop(running).code(0);
}

fn ask_if_there(node: &Node) -> Option<String> {
    node.path("run/control").exists().then(|| ask(node, "status"))
}

#[test]
fn a_look_that_hangs_is_ended_and_the_probe_answered_in_time() {
    for way in Way::all_for_run() {
        let (node, port) = with_http(serving(way));
        let running = node.start();
        let init = way.init(&running);
        wait_until_it_serves(&node);
        let mut waiting = control(&node);
        // The first look may have ended before it could be stopped.
        let mut frozen = None;
        std::thread::scope(|scope| {
            let freezer = scope.spawn(|| freeze_a_look(init));
            while !freezer.is_finished() {
                waiting = control(&node);
                waiting.write_all(b"probe readiness 700\n").unwrap();
                std::thread::park_timeout(std::time::Duration::from_millis(250));
            }
            frozen = Some(freezer.join().unwrap());
        });
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "no no answer within 700ms\n");
        wait_until("the end of the frozen look", || frozen.is_none_or(|look| stat(look).is_none()));
        assert!(ask(&node, "probe readiness 30000").starts_with("yes "));
        assert!(figure(port, r#"cassandra_init_looks_total{look="clients",result="failed"}"#) >= 1.0);
        way.stop(running).code(0).says("not ready: no answer within 700ms").says("ready again: ");
    }
}

/// A drain that is announced as long as this is open.
fn announce(node: &Node) -> UnixStream {
    let mut stream = control(node);
    stream.write_all(b"drain 3600000\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "ok\n");
    stream
}

#[test]
fn an_announced_drain_withdraws_readiness_and_nothing_else_while_somebody_is_connected() {
    for way in Way::all_for_run() {
        let node = serving(way);
        let running = node.start();
        wait_until_it_serves(&node);
        let (one, mut two) = (announce(&node), announce(&node));
        drop(one);
        // What is said after a request is not heard.
        two.write_all(&[b'x'; 1000]).unwrap();
        node.probe("readiness").code(1).prints("the node is being drained");
        node.probe("liveness").code(0);
        node.probe("startup").code(0);
        // Nobody is sent away for it, and it costs nothing.
        let silent: Vec<UnixStream> = (0..40).map(|_| control(&node)).collect();
        node.probe("readiness").code(1).prints("the node is being drained");
        drop(silent);
        assert_idle(way.init(&running));
        node.probe("readiness").code(1).prints("the node is being drained");
        // One that did not come off: the node serves on.
        drop(two);
        wait_until("a node that is ready again", || node.probe("readiness").code == 0);
        // A stop does not wait for the end of it.
        let _lasting = announce(&node);
        way.stop(running)
            .code(0)
            .says("a drain begins: not ready any more")
            .says("whoever drained is done or gone: as ready as it looks")
            .says("ready again");
    }
}

/// `drain` as somebody types it in the container.
fn drain(node: &Node) -> Child {
    let mut command = Command::new(binary());
    command.args(["drain", "--timeout", "1h"]).env_clear().envs(node.variables());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn sockets(process: &Child) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap().flatten();
    let leads_to = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    leads_to.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

#[test]
fn who_drains_and_is_killed_gives_readiness_back() {
    for way in Way::all_for_run() {
        // Its JMX takes connections and says nothing: the drain lasts.
        let jmx = Port::new();
        let port = jmx.listener().local_addr().unwrap().port();
        let node = serving(way).env("CASSANDRA_JMX_PORT_NUMBER", &port.to_string());
        let running = node.start();
        wait_until_it_serves(&node);
        let mut drains = [drain(&node), drain(&node)];
        // Each has one connection to PID 1 and one to JMX.
        wait_until("both drains at JMX", || drains.iter().all(|drain| sockets(drain) == 2));
        let kill = |drain: &mut Child| drain.kill().and_then(|()| drain.wait()).unwrap();
        let [one, two] = &mut drains;
        kill(one);
        node.probe("readiness").code(1).prints("the node is being drained");
        kill(two);
        wait_until("a node that is ready again", || node.probe("readiness").code == 0);
        way.stop(running).code(0).says("whoever drained is done or gone");
    }
}

#[test]
fn a_drain_that_nodetool_does_in_its_place_lasts_until_nodetool_ends() {
    for way in Way::all_for_run() {
        let java = "#!/bin/sh\n\
                    case \"$*\" in *NodeTool*) until [ -e \"$STANDIN/go\" ]; do sleep 0.01; done; exit 0;; esac\n\
                    trap 'exit 143' TERM\necho running > \"$STANDIN/running\"\nwhile :; do sleep 0.01; done\n";
        let node = serving(way).java(java).env("CASSANDRA_JMX_PORT_NUMBER", &free_port().to_string());
        let running = node.start();
        wait_until_it_serves(&node);
        let mut drain = drain(&node);
        wait_until("NodeTool", || command_name(i32::try_from(drain.id()).unwrap()) == "java");
        node.probe("readiness").code(1).prints("the node is being drained");
        fs::write(node.path("standin/go"), "").unwrap();
        assert!(drain.wait().unwrap().success());
        wait_until("a node that is ready again", || node.probe("readiness").code == 0);
        way.stop(running).code(0);
    }
}

const SOCKET: &str = "SOCKET_OF_ANOTHER_USER";

/// Not a test by itself: what another user says at a control socket, and hears.
#[test]
fn somebody_else() {
    let Some(path) = std::env::var_os(SOCKET) else { return };
    let mut stream = UnixStream::connect(path).expect("the group lets it in");
    let _ = stream.write_all(b"status\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
}

#[test]
fn only_root_and_the_nodes_user_are_heard_at_the_control_socket() {
    if !is_root() {
        return skip_or_fail("needs root to be another user");
    }
    let node = Node::new();
    let running: Running<'_> = node.start();
    let path = node.path("run/control");
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (0, 4242, 0o660));
    // The test program lies in a folder that others may not enter.
    let program = node.path("standin/program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let heard = |uid: u32| {
        let mut command = Command::new(&program);
        command.args(["--exact", "asked::somebody_else"]).env(SOCKET, &path).uid(uid).gid(4242);
        command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
    };
    assert_eq!(heard(4343).code(), Some(0), "another user of the same group gets no word");
    assert_eq!(heard(4242).code(), Some(101), "the node's own user gets one");
    running.stop().code(0);
}

#[test]
fn a_port_that_is_taken_stops_the_start_before_anything_is_done() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let node = Node::new().env("CASSANDRA_INIT_HTTP", &format!("127.0.0.1:{port}"));
    node.run().code(78).says("CASSANDRA_INIT_HTTP: cannot listen on 127.0.0.1:").says("address already in use");
    assert!(!node.java_was_started());
}

#[test]
fn a_run_folder_with_a_long_name_has_no_socket_and_probes_look_for_themselves() {
    let long = format!("run/{}", "x".repeat(100));
    let node = Node::new();
    let path = node.path(&long).display().to_string();
    let node = node.env("CASSANDRA_INIT_RUN_DIR", &path);
    let running = node.start();
    wait_until("the published phase", || node.path(&format!("{long}/node")).exists());
    let mut probe = Command::new(binary());
    let answer = probe.args(["probe", "liveness"]).env_clear().env("CASSANDRA_INIT_RUN_DIR", &path).output().unwrap();
    assert_eq!(answer.status.code(), Some(0), "{answer:?}");
    running.stop().code(0).says("probes look at the node themselves (hint: a shorter CASSANDRA_INIT_RUN_DIR)");
}

#[test]
fn the_socket_of_a_killed_pid_1_is_replaced() {
    let node = Node::new();
    let running = node.start();
    let child = children(running.pid());
    send(running.pid(), nix::libc::SIGKILL);
    drop(running);
    for pid in child {
        send(pid, nix::libc::SIGKILL);
    }
    fs::remove_file(node.path("standin/running")).unwrap();
    assert!(node.path("run/control").exists());
    node.probe("liveness").code(69);
    let running = node.start();
    assert!(ask(&node, "probe liveness 1000").starts_with("yes "));
    running.stop().code(0);
}
