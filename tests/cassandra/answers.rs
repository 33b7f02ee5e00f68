//! What a node's situation means to an orchestrator: one table, against which each real node is held.

use crate::real::RealNode;

/// The three answers, and the words of readiness from their beginning, in which `HERE` is where clients find the node.
struct Situation {
    name: &'static str,
    answers: [bool; 3],
    words: &'static str,
}

const QUESTIONS: [&str; 3] = ["startup", "liveness", "readiness"];

const fn row(name: &'static str, answers: [bool; 3], words: &'static str) -> Situation {
    Situation { name, answers, words }
}

const NOT_YET: [bool; 3] = [false, true, false];
const ALIVE: [bool; 3] = [true, true, false];
const READY: [bool; 3] = [true, true, true];

/// A row says what an orchestrator does: wait (`NOT_YET`), send nobody (`ALIVE`), send clients (`READY`). None of them restarts.
const TABLE: &[Situation] = &[
    row("starting", NOT_YET, "the node is starting; HERE: cannot connect: "),
    row("joining", NOT_YET, "the node is joining; HERE: cannot connect: "),
    row("serving", READY, "HERE serves CQL\n"),
    row("serving who logs in", READY, "HERE serves CQL (org.apache.cassandra.auth.PasswordAuthenticator)\n"),
    row("serving over TLS", READY, "HERE serves CQL over TLS\n"),
    row("serving who has a certificate", READY, "HERE speaks TLS, though not with us: a client certificate is asked for\n"),
    row("without native transport", ALIVE, "the node is in the ring; HERE: cannot connect: "),
    row("drained", ALIVE, "the node is drained, and serves again only after a restart; HERE: cannot connect: "),
    row("decommissioned", ALIVE, "the node is decommissioned; HERE: cannot connect: "),
    row("stopping", ALIVE, "the node is stopping\n"),
];

/// Asks the node the three questions; the answers must be those of the table.
#[track_caller]
pub fn expect(node: &RealNode, name: &str) {
    let situation = TABLE.iter().find(|row| row.name == name).expect("a row of the table");
    let asked = QUESTIONS.map(|question| node.probe(question));
    let codes = situation.answers.map(|yes| i32::from(!yes));
    assert_eq!(asked.each_ref().map(|answer| answer.code), codes, "{name}: {asked:?}");
    let words = words(node, name);
    assert!(asked[2].stdout.starts_with(&words), "{name}: {words:?} is not how {:?} begins", asked[2].stdout);
}

/// What readiness says in a situation, from its beginning.
pub fn words(node: &RealNode, name: &str) -> String {
    let situation = TABLE.iter().find(|row| row.name == name).expect("a row of the table");
    situation.words.replace("HERE", &format!("{}:9042", node.address()))
}
