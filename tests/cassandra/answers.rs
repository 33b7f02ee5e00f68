//! What a node's situation means to an orchestrator: one table, against which each real node is held.
//!
//! | rows | 5.0 on Java 17 | 4.1 on Java 11 | 3.11 on Java 8 |
//! |---|---|---|---|
//! | joining, decommissioned | `pair` | `every_state` | `every_state` |
//! | serving, drained, stopping | `node` | `every_state` | `every_state` |
//! | serving who logs in, without native transport | `many_probes` | `every_state` | `every_state` |
//! | serving over TLS | `encrypted` | `every_state` | `every_state` |
//! | paused, paused for long | `hangs` | `every_state` | `every_state` |
//!
//! `every_state` fails where a row is missing.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::real::{HTTP, RealNode, wait_until};
use crate::status;

/// The three answers, the words of readiness from their beginning, in which `HERE` is where clients find the node, and how
/// far `status` says that it is, with its mode. Whoever asks gets an answer within the limit.
#[derive(Clone, Copy)]
struct Situation {
    name: &'static str,
    answers: [bool; 3],
    words: &'static str,
    phase: &'static str,
    mode: &'static str,
    limit: &'static str,
}

/// A mode that may be any.
const ANY: &str = "*";
/// No mode, as nobody can say it.
const UNKNOWN: &str = "";

const QUESTIONS: [(&str, &str); 3] = [("startup", "/startupz"), ("liveness", "/livez"), ("readiness", "/readyz")];

const fn row(
    name: &'static str,
    answers: [bool; 3],
    (phase, mode): (&'static str, &'static str),
    words: &'static str,
) -> Situation {
    // Other suites may keep the machine busy.
    Situation { name, answers, words, phase, mode, limit: "10s" }
}

/// The same where nothing answers before the limit.
const fn within(limit: &'static str, row: Situation) -> Situation {
    Situation { limit, ..row }
}

const NOT_YET: [bool; 3] = [false, true, false];
const ALIVE: [bool; 3] = [true, true, false];
const READY: [bool; 3] = [true, true, true];
const DEAD: [bool; 3] = [true, false, false];

/// A row says what an orchestrator does: wait (`NOT_YET`), send nobody (`ALIVE`), send clients (`READY`), restart (`DEAD`).
const TABLE: &[Situation] = &[
    row("joining", NOT_YET, ("starting", "JOINING"), "the node is joining; HERE: cannot connect: "),
    row("serving", READY, ("serving", "NORMAL"), "HERE serves CQL\n"),
    row(
        "serving who logs in",
        READY,
        ("serving", "NORMAL"),
        "HERE serves CQL (org.apache.cassandra.auth.PasswordAuthenticator)\n",
    ),
    row("serving over TLS", READY, ("serving", "NORMAL"), "HERE serves CQL over TLS\n"),
    row(
        "serving who logs in over TLS",
        READY,
        ("serving", "NORMAL"),
        "HERE serves CQL over TLS (org.apache.cassandra.auth.PasswordAuthenticator)\n",
    ),
    row("without native transport", ALIVE, ("serving", "NORMAL"), "the node is in the ring; HERE: cannot connect: "),
    row(
        "drained",
        ALIVE,
        ("serving", "DRAINED"),
        "the node is drained, and serves again only after a restart; HERE: cannot connect: ",
    ),
    row("decommissioned", ALIVE, ("serving", "DECOMMISSIONED"), "the node is decommissioned; HERE: cannot connect: "),
    within("500ms", row("paused", ALIVE, ("serving", UNKNOWN), "")),
    within("500ms", row("paused for long", DEAD, ("serving", UNKNOWN), "")),
    row("stopping", ALIVE, ("stopping", ANY), "the node is stopping\n"),
];

/// Rows that are one row in a node that does both.
const BOTH: (&str, [&str; 2]) = ("serving who logs in over TLS", ["serving who logs in", "serving over TLS"]);

thread_local! {
    /// The rows against which nodes of this test were held.
    static HELD: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Fails if this test has not held its nodes against every row.
#[track_caller]
pub fn all_rows_were_held() {
    let held = HELD.with_borrow(|held| {
        let both = if held.contains(BOTH.0) { &BOTH.1[..] } else { &[] };
        held.iter().chain(both).copied().collect::<BTreeSet<_>>()
    });
    assert_eq!(held, TABLE.iter().map(|row| row.name).collect::<BTreeSet<_>>());
}

/// Asks the node the three questions, by the program and over HTTP, and how it stands; all must be as the table has it.
#[track_caller]
pub fn expect(node: &RealNode, name: &str) {
    let situation = find(name);
    let asked = QUESTIONS.map(|(question, _)| node.probe_within(question, situation.limit));
    let codes = situation.answers.map(|yes| i32::from(!yes));
    assert_eq!(asked.each_ref().map(|answer| answer.code), codes, "{name}: {asked:?}");
    let words = words(node, name);
    assert!(asked[2].stdout.starts_with(&words), "{name}: {words:?} is not how {:?} begins", asked[2].stdout);
    for ((question, path), yes) in QUESTIONS.iter().zip(situation.answers) {
        let begin = if *question == "readiness" { words.as_str() } else { "" };
        // Over HTTP there is less time than a busy machine may need.
        wait_until(&format!("{name}: {yes} at {path}"), || {
            let (status, text) = get(node, path);
            status == if yes { 200 } else { 503 } && text.starts_with(begin)
        });
    }
    // Whoever probes may see that the node serves a moment before PID 1 looks.
    wait_until(&format!("{name}: status"), || stands(node, situation));
    HELD.with_borrow_mut(|held| held.insert(situation.name));
}

/// Whether `status` tells of a situation.
fn stands(node: &RealNode, situation: &Situation) -> bool {
    let seen = &status::look(node, situation.limit)["node"];
    seen["phase"] == situation.phase
        && seen["ready"] == situation.answers[2]
        && (situation.mode == ANY || seen["mode"].as_str().unwrap_or(UNKNOWN) == situation.mode)
}

/// What PID 1 answers over HTTP: the status code and the text.
fn get(node: &RealNode, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect((node.address(), HTTP)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: node\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// What readiness says in a situation, from its beginning.
pub fn words(node: &RealNode, name: &str) -> String {
    find(name).words.replace("HERE", &format!("{}:9042", node.address()))
}

fn find(name: &str) -> &'static Situation {
    TABLE.iter().find(|row| row.name == name).expect("a row of the table")
}
