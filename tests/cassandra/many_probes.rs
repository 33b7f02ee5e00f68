//! Ten thousand probes, fifty at once, and probes of a JVM that is paused: what they leave behind, and when they answer.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::answers::{expect, words};
use crate::driver::{Login, cql_as};
use crate::every_state::without_native_transport;
use crate::hangs::{drains_for_ever, is_killed_with_its_threads_told};
use crate::real::{RealNode, RealStart, alone, children, signal, wait_until};
use crate::support::{Outcome, binary};

const PROBES: u32 = 10_000;
const AT_ONCE: usize = 50;
const PAUSE: Duration = Duration::from_secs(30);
const CASSANDRA: Login = Login { user: "cassandra", password: "cassandra" };

/// What each login, and each that fails, is logged as.
const LOGINS: &str =
    "audit_logging_options: {enabled: true, included_categories: AUTH, logger: [{class_name: FileAuditLogger}]}";
const AUTHENTICATION: &str = "authenticator: PasswordAuthenticator, authorizer: CassandraAuthorizer";

#[test]
fn ten_thousand_probes_of_a_node_with_logins_leave_nothing_and_its_hanging_drain_is_ended_in_time() {
    let _alone = alone();
    let node = drains_for_ever(RealNode::new()).with("CASSANDRA_YAML", &format!("{{{AUTHENTICATION}, {LOGINS}}}"));
    let mut start = node.start("log.txt");
    node.wait_ready(&mut start);
    expect(&node, "serving who logs in");
    logins_are_told(&start);
    many_in_a_row(&node, &start);
    many_at_once(&node, &start);
    while_it_is_paused(&node, &start);
    without_native_transport(&node, &start, "serving who logs in");
    is_killed_with_its_threads_told(start);
}

/// The log shows who logs in and who fails to: what is counted below would be seen.
fn logins_are_told(start: &RealStart) {
    wait_until("the first role", || cql_as(&CASSANDRA, &["SELECT key FROM system.local"]).is_ok());
    let wrong = Login { password: "wrong", ..CASSANDRA };
    cql_as(&wrong, &["SELECT key FROM system.local"]).expect_err("a wrong password");
    let log = start.log();
    assert!(log.contains("type:LOGIN_SUCCESS") && log.contains("type:LOGIN_ERROR"), "{log}");
}

/// What could pile up.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    descriptors: usize,
    children: BTreeMap<String, usize>,
    logins: usize,
    failed_logins: usize,
    connections: String,
}

impl Kept {
    fn of(start: &RealStart) -> Self {
        let connections = cql_as(&CASSANDRA, &["SELECT count(*) FROM system_views.clients"]).unwrap();
        let mut names = BTreeMap::new();
        for (name, _) in children(start.init()) {
            *names.entry(name).or_default() += 1;
        }
        let log = start.log();
        Self {
            descriptors: fs::read_dir(format!("/proc/{}/fd", start.init())).unwrap().count(),
            children: names,
            logins: log.matches("type:LOGIN_SUCCESS").count(),
            failed_logins: log.matches("type:LOGIN_ERROR").count(),
            connections,
        }
    }
}

/// Resident memory of a process in kB.
fn resident(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn many_in_a_row(node: &RealNode, start: &RealStart) {
    // What the first ones bring once is no leak.
    for kind in ["startup", "liveness", "readiness"].iter().cycle().take(30) {
        assert_eq!(node.probe(kind).code, 0);
    }
    let before = Kept::of(start);
    let (memory, lines) = (resident(start.init()), start.log().lines().count());
    let begun = Instant::now();
    let asked = words(node, "serving who logs in");
    for number in 0..PROBES {
        let answer = node.probe("readiness");
        assert_eq!((answer.code, answer.stdout.as_str()), (0, asked.as_str()), "probe {number}: {answer:?}");
    }
    let took = begun.elapsed();
    // Whoever counts logs in twice: the driver's session and its control connection.
    let after = Kept::of(start);
    assert_eq!(after, Kept { logins: before.logins + 2, ..before }, "after {PROBES} probes");
    let (grown, told) = (resident(start.init()) - memory, start.log().lines().count() - lines);
    eprintln!("{PROBES} probes in {took:.1?}: PID 1 grew by {grown} kB, the log by {told} lines");
    assert!(grown <= 128, "PID 1 grew by {grown} kB from {memory} kB");
    assert!(told <= 20, "{told} lines more: {}", start.log());
}

/// A probe with a limit, and whether it came in time: half a second is for a machine that is busy with all of them.
fn answered(node: &RealNode, kinds: &[&str], limit: Duration, mut meanwhile: impl FnMut()) -> Vec<Outcome> {
    let begun = Instant::now();
    let probe = |kind: &&str| {
        let limit = format!("{}ms", limit.as_millis());
        let mut command = Command::new(binary());
        command.args(["probe", kind, "--timeout", &limit]).env_clear().env("CASSANDRA_INIT_RUN_DIR", node.path("run"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut asked: Vec<_> = kinds.iter().map(probe).collect();
    while asked.iter_mut().any(|probe| probe.try_wait().unwrap().is_none()) {
        meanwhile();
        let late = begun.elapsed().saturating_sub(limit);
        assert!(
            late < Duration::from_secs(2),
            "not all of {kinds:?} have answered {late:?} after their limit of {limit:?}"
        );
    }
    asked.into_iter().map(|probe| probe.wait_with_output().unwrap().into()).collect()
}

fn kinds(number: usize) -> Vec<&'static str> {
    ["startup", "liveness", "readiness"].into_iter().cycle().take(number).collect()
}

/// Fifty probes, and how many helpers of PID 1 were seen beside each other meanwhile.
fn fifty(node: &RealNode, start: &RealStart) -> (Vec<Outcome>, usize) {
    let mut helpers = 0;
    let count = || helpers = helpers.max(children(start.init()).iter().filter(|(name, _)| name != "java").count());
    let answers = answered(node, &kinds(AT_ONCE), Duration::from_secs(5), count);
    (answers, helpers)
}

fn many_at_once(node: &RealNode, start: &RealStart) {
    let (answers, helpers) = fifty(node, start);
    assert!(answers.iter().all(|answer| answer.code == 0), "{answers:?}");
    assert!(helpers <= 1, "{helpers} helpers beside each other");
}

/// Nothing of the JVM runs: what is asked of it is not answered, and every probe says so in its own time.
fn while_it_is_paused(node: &RealNode, start: &RealStart) {
    signal(start.jvm(), Signal::SIGSTOP);
    let begun = Instant::now();
    let three = || answered(node, &kinds(3), Duration::from_secs(1), || ());
    // A look of a moment ago still counts.
    wait_until("the pause to be seen", || three()[2].code == 1);
    let (mut answers, helpers) = fifty(node, start);
    assert_eq!(helpers, 1, "helpers that wait for the JVM beside each other");
    while begun.elapsed() < PAUSE {
        for (answer, kind) in answers.iter().zip(kinds(answers.len())) {
            assert_eq!(answer.code, i32::from(kind == "readiness"), "{kind}: {answer:?}");
        }
        answers = three();
    }
    signal(start.jvm(), Signal::SIGCONT);
    wait_until("readiness", || node.probe("readiness").code == 0);
}
