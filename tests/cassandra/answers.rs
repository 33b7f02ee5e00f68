//! What a node's situation means to an orchestrator: one table, against which each real node is held.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::real::{HTTP, RealNode, wait_until};
use crate::status;

/// The three answers, the words of readiness from their beginning, in which `HERE` is where clients find the node, and how
/// far `status` says that it is, with its mode.
struct Situation {
    name: &'static str,
    answers: [bool; 3],
    words: &'static str,
    phase: &'static str,
    mode: &'static str,
}

const QUESTIONS: [(&str, &str); 3] = [("startup", "/startupz"), ("liveness", "/livez"), ("readiness", "/readyz")];

const fn row(
    name: &'static str,
    answers: [bool; 3],
    (phase, mode): (&'static str, &'static str),
    words: &'static str,
) -> Situation {
    Situation { name, answers, words, phase, mode }
}

const NOT_YET: [bool; 3] = [false, true, false];
const ALIVE: [bool; 3] = [true, true, false];
const READY: [bool; 3] = [true, true, true];

/// A row says what an orchestrator does: wait (`NOT_YET`), send nobody (`ALIVE`), send clients (`READY`). None of them restarts.
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
    row("without native transport", ALIVE, ("serving", "NORMAL"), "the node is in the ring; HERE: cannot connect: "),
    row(
        "drained",
        ALIVE,
        ("serving", "DRAINED"),
        "the node is drained, and serves again only after a restart; HERE: cannot connect: ",
    ),
    row("decommissioned", ALIVE, ("serving", "DECOMMISSIONED"), "the node is decommissioned; HERE: cannot connect: "),
    // Whatever its mode is meanwhile.
    row("stopping", ALIVE, ("stopping", ""), "the node is stopping\n"),
];

/// Asks the node the three questions, by the program and over HTTP, and how it stands; all must be as the table has it.
#[track_caller]
pub fn expect(node: &RealNode, name: &str) {
    let situation = find(name);
    let asked = QUESTIONS.map(|(question, _)| node.probe(question));
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
}

/// Whether `status` tells of a situation.
fn stands(node: &RealNode, situation: &Situation) -> bool {
    let seen = &status::look(node, "10s")["node"];
    seen["phase"] == situation.phase
        && seen["ready"] == situation.answers[2]
        && (situation.mode.is_empty() || seen["mode"] == situation.mode)
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
