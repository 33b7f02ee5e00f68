//! Who is connected, what they have said so far, and how long they may stay. Pure: bytes in, requests out.
//!
//! ```text
//!   opened ──► Speaking ──the request is whole──► Waiting ──its answer──► Leaving ──all of it is sent, and read──► gone
//!                 │                                  │                       │
//!                 └──────── the deadline, or the other side is gone ─────────┴──► gone
//! ```
//!
//! Who is allowed to stay is given time of their own before they have to go.
//!
//! Of each door at most [`MOST`] are connected at once. Who comes then takes the place of who has had all of their answer for
//! longest, else of who has been speaking longest without having said what they want, so that nobody who only holds connections
//! keeps a probe out; where all others wait for an answer, the next one waits outside, in the kernel's queue.

use std::time::Duration;

use crate::cassandra::modes::Verdict;
use crate::supervisor::control::{LONGEST_REQUEST, Request, verdict_line};
use crate::supervisor::http::{self, Head, Method, Page, Response};

/// How many may be connected at each door.
pub const MOST: usize = 16;
/// How many of them may stay after their answer, which leaves room for the others.
pub const MOST_STAYING: usize = 4;
/// How long a request may take to be said, and its answer to be read.
pub const SPEAKING: Duration = Duration::from_secs(5);
/// How long we wait after the last byte of an answer for the other side to close: closing first could take the answer from it
/// (RFC 9112, section 9.6).
pub const LINGERING: Duration = Duration::from_secs(1);

/// Which of our sockets somebody came in at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The control socket.
    Control,
    /// The HTTP port.
    Web,
}

/// A connection's name; none is ever used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(u64);

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A request line of the control socket.
    Request(Request),
    /// A page of the HTTP port.
    Page(Page),
}

/// What came of something that somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// There must be more of it, or nothing more was expected.
    Nothing,
    /// They want this, and wait for an answer.
    Wish(Wish),
    /// It cannot be understood, and these bytes are the answer.
    Refused(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Speaking(Vec<u8>),
    Waiting,
    Leaving,
    /// All of the answer is sent, and nothing more is to come.
    Told,
}

#[derive(Debug, Clone)]
struct Connection {
    id: Id,
    door: Door,
    method: Method,
    state: State,
    until: Duration,
    /// Until when they may stay after their answer, where they may.
    stays: Option<Duration>,
}

/// All connections.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    list: Vec<Connection>,
    named: u64,
}

impl Connections {
    /// Whether another one may come in at a door.
    pub fn has_room(&self, door: Door) -> bool {
        !self.is_full(door) || self.gives_way(door).is_some()
    }

    fn is_full(&self, door: Door) -> bool {
        self.list.iter().filter(|one| one.door == door).count() >= MOST
    }

    /// Who would have to leave for somebody else: of those who were told everything, else of those who speak, who has been here
    /// longest.
    pub fn gives_way(&self, door: Door) -> Option<Id> {
        if !self.is_full(door) {
            return None;
        }
        // Each new one stands behind all others.
        let first = |is_done: fn(&State) -> bool| self.list.iter().find(|one| one.door == door && is_done(&one.state));
        let told = first(|state| *state == State::Told);
        told.or_else(|| first(|state| matches!(state, State::Speaking(_)))).map(|one| one.id)
    }

    /// Somebody has come in. Who is given, too, has to leave for that.
    pub fn open(&mut self, door: Door, now: Duration) -> (Id, Option<Id>) {
        let leaves = self.gives_way(door);
        if let Some(id) = leaves {
            self.close(id);
        }
        self.named += 1;
        let id = Id(self.named);
        let until = now.saturating_add(SPEAKING);
        let state = State::Speaking(Vec::new());
        self.list.push(Connection { id, door, method: Method::Get, state, until, stays: None });
        (id, leaves)
    }

    /// They said something. What they say after their request is nothing to us.
    pub fn hear(&mut self, id: Id, bytes: &[u8], now: Duration) -> Heard {
        let Some(one) = self.list.iter_mut().find(|one| one.id == id) else { return Heard::Nothing };
        let State::Speaking(said) = &mut one.state else { return Heard::Nothing };
        said.extend_from_slice(bytes);
        let (heard, method) = match one.door {
            Door::Control => (line(said), Method::Get),
            Door::Web => page(said),
        };
        match heard {
            Heard::Nothing => return Heard::Nothing,
            Heard::Wish(_) => (one.state, one.method) = (State::Waiting, method),
            Heard::Refused(_) => (one.state, one.until) = (State::Leaving, now.saturating_add(SPEAKING)),
        }
        heard
    }

    /// Whether they have asked for something and not been answered yet.
    pub fn waits(&self, id: Id) -> bool {
        self.list.iter().any(|one| one.id == id && one.state == State::Waiting)
    }

    /// They wait for an answer until then, which they get; the deadline is pushed beyond it.
    pub fn wait(&mut self, id: Id, until: Duration) {
        if let Some(one) = self.list.iter_mut().find(|one| one.id == id) {
            one.until = until.saturating_add(SPEAKING);
        }
    }

    /// They may stay once they have their answer, until then at the latest; false where they are gone or [`MOST_STAYING`] stay.
    pub fn stay(&mut self, id: Id, until: Duration) -> bool {
        let has_room = self.staying() < MOST_STAYING;
        let waits = |one: &&mut Connection| one.id == id && one.state == State::Waiting;
        let Some(one) = self.list.iter_mut().find(waits).filter(|_| has_room) else { return false };
        one.stays = Some(until);
        true
    }

    /// How many stay, or will once they have their answer.
    pub fn staying(&self) -> usize {
        self.list.iter().filter(|one| one.stays.is_some()).count()
    }

    /// The bytes of an answer to them, which are about to be sent; none where they are gone or have got one.
    pub fn answer(&mut self, id: Id, answer: &Answer, now: Duration) -> Option<Vec<u8>> {
        let one = self.list.iter_mut().find(|one| one.id == id && one.state == State::Waiting)?;
        one.state = State::Leaving;
        one.until = now.saturating_add(SPEAKING);
        Some(match (answer, one.door) {
            (Answer::Verdict(verdict), Door::Control) => verdict_line(verdict).into_bytes(),
            (Answer::Verdict(verdict), Door::Web) => Response::verdict(verdict).bytes(one.method),
            (Answer::Text(text), _) => text.clone().into_bytes(),
            (Answer::Page(response), _) => response.bytes(one.method),
        })
    }

    /// All of the answer is sent.
    pub fn sent(&mut self, id: Id, now: Duration) {
        if let Some(one) = self.list.iter_mut().find(|one| one.id == id) {
            if let Some(until) = one.stays {
                one.until = until;
            } else {
                (one.state, one.until) = (State::Told, now.saturating_add(LINGERING));
            }
        }
    }

    /// They are gone.
    pub fn close(&mut self, id: Id) {
        self.list.retain(|one| one.id != id);
    }

    /// Those whose time is over; they are gone with this.
    pub fn late(&mut self, now: Duration) -> Vec<Id> {
        let late: Vec<Id> = self.list.iter().filter(|one| now >= one.until).map(|one| one.id).collect();
        self.list.retain(|one| now < one.until);
        late
    }

    /// When somebody's time is over next.
    pub fn deadline(&self) -> Option<Duration> {
        self.list.iter().map(|one| one.until).min()
    }

    /// How many are connected.
    pub fn count(&self) -> usize {
        self.list.len()
    }
}

/// An answer to a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a probe, in the words of whichever door.
    Verdict(Verdict),
    /// To another request line.
    Text(String),
    /// To another page.
    Page(Response),
}

fn line(said: &[u8]) -> Heard {
    let refused = |why: &str| Heard::Refused(format!("error {why}\n").into_bytes());
    let Some(end) = said.iter().position(|byte| *byte == b'\n') else {
        return if said.len() > LONGEST_REQUEST { refused("the request is too long") } else { Heard::Nothing };
    };
    let text = said.get(..end).filter(|text| text.len() <= LONGEST_REQUEST).unwrap_or_default();
    let request = std::str::from_utf8(text).ok().and_then(Request::parse);
    request.map_or_else(|| refused("not a request that is known here"), |request| Heard::Wish(Wish::Request(request)))
}

fn page(said: &[u8]) -> (Heard, Method) {
    match http::read(said) {
        Head::Unfinished => (Heard::Nothing, Method::Get),
        Head::Asks(page, method) => (Heard::Wish(Wish::Page(page)), method),
        Head::Refused(response) => {
            let method = if said.starts_with(b"HEAD ") { Method::Head } else { Method::Get };
            (Heard::Refused(response.bytes(method)), method)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::modes::Question;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const STATUS: Heard = Heard::Wish(Wish::Request(Request::Status));

    #[test]
    fn a_request_may_come_byte_by_byte_and_what_follows_it_is_not_heard() {
        let mut connections = Connections::default();
        let (id, _) = connections.open(Door::Control, at(0));
        for byte in b"statu" {
            assert_eq!(connections.hear(id, &[*byte], at(0)), Heard::Nothing);
        }
        assert_eq!(connections.hear(id, b"s\ndrain\n", at(0)), STATUS);
        assert_eq!(connections.hear(id, b"drain\n", at(0)), Heard::Nothing);
    }

    #[test]
    fn what_is_no_request_is_refused_at_once() {
        for bytes in [&[b'x'; LONGEST_REQUEST + 1], b"hello\n".as_slice(), b"\xff\xfe\n", b"\n"] {
            let mut connections = Connections::default();
            let (id, _) = connections.open(Door::Control, at(0));
            let heard = connections.hear(id, bytes, at(1));
            assert!(matches!(&heard, Heard::Refused(words) if words.starts_with(b"error ")), "{heard:?}");
            assert_eq!(connections.deadline(), Some(at(1) + SPEAKING));
        }
    }

    #[test]
    fn an_answer_is_given_once_in_the_words_of_the_door() {
        let mut connections = Connections::default();
        let yes = Answer::Verdict(Verdict { yes: true, reason: "it serves CQL".into() });
        let (id, _) = connections.open(Door::Web, at(0));
        assert_eq!(connections.answer(id, &yes, at(0)), None, "nothing was asked yet");
        let heard = connections.hear(id, b"HEAD /livez HTTP/1.0\r\n\r\n", at(0));
        assert_eq!(heard, Heard::Wish(Wish::Page(Page::Probe(Question::Liveness))));
        let bytes = connections.answer(id, &yes, at(0)).unwrap();
        assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n") && bytes.ends_with(b"\r\n\r\n"));
        assert_eq!(connections.answer(id, &yes, at(0)), None);
        let (id, _) = connections.open(Door::Control, at(0));
        connections.hear(id, b"probe liveness 5\n", at(0));
        assert_eq!(connections.answer(id, &yes, at(0)).as_deref(), Some(b"yes it serves CQL\n".as_slice()));
    }

    #[test]
    fn everybody_has_a_deadline_from_the_first_moment_to_the_last() {
        let mut connections = Connections::default();
        let (id, _) = connections.open(Door::Web, at(0));
        assert_eq!(connections.deadline(), Some(SPEAKING));
        connections.hear(id, b"GET /readyz HTTP/1.1\r\n", at(4));
        assert_eq!(connections.deadline(), Some(SPEAKING), "a line more is no time more");
        connections.hear(id, b"\r\n", at(4));
        connections.wait(id, at(60));
        assert_eq!(connections.deadline(), Some(at(60) + SPEAKING));
        connections.answer(id, &Answer::Text(String::new()), at(20));
        assert_eq!(connections.deadline(), Some(at(20) + SPEAKING));
        connections.sent(id, at(21));
        assert_eq!(connections.deadline(), Some(at(21) + LINGERING));
        assert_eq!(connections.late(at(21)), []);
        assert_eq!(connections.late(at(22)), [id]);
        assert_eq!((connections.deadline(), connections.count()), (None, 0));
    }

    #[test]
    fn who_may_stay_does_so_for_their_own_time_once_they_have_their_answer() {
        let mut connections = Connections::default();
        let (id, _) = connections.open(Door::Control, at(0));
        assert!(!connections.stay(id, at(600)), "they have asked for nothing");
        connections.hear(id, b"drain 600000\n", at(0));
        assert!(connections.stay(id, at(600)));
        connections.answer(id, &Answer::Text("ok\n".to_owned()), at(1));
        assert_eq!(connections.deadline(), Some(at(1) + SPEAKING), "the answer is to be read as any other");
        connections.sent(id, at(2));
        assert_eq!((connections.deadline(), connections.staying()), (Some(at(600)), 1));
        assert_eq!(connections.late(at(600)), [id]);
        assert_eq!(connections.staying(), 0);
    }

    #[test]
    fn a_few_may_stay_and_the_others_find_room() {
        let mut connections = Connections::default();
        let stays: Vec<bool> = (0..=MOST_STAYING)
            .map(|_| {
                let (id, _) = connections.open(Door::Control, at(0));
                connections.hear(id, b"drain 600000\n", at(0));
                connections.stay(id, at(600))
            })
            .collect();
        assert_eq!(stays, [true, true, true, true, false]);
        // However many come who only hold connections, none of those who stay gives way.
        for _ in 0..2 * MOST {
            assert!(connections.has_room(Door::Control));
            connections.open(Door::Control, at(1));
        }
        assert_eq!((connections.staying(), connections.count()), (MOST_STAYING, MOST));
    }

    #[test]
    fn who_has_their_answer_and_does_not_go_keeps_nobody_out() {
        let mut connections = Connections::default();
        let told: Vec<Id> = (0..MOST)
            .map(|_| {
                let (id, _) = connections.open(Door::Web, at(0));
                connections.hear(id, b"GET /metrics HTTP/1.1\r\n\r\n", at(0));
                connections.answer(id, &Answer::Text("words".to_owned()), at(0)).unwrap();
                id
            })
            .collect();
        assert!(!connections.has_room(Door::Web), "nobody loses what is being sent to them");
        connections.sent(told[1], at(0));
        connections.sent(told[2], at(0));
        assert!(connections.has_room(Door::Web));
        assert_eq!(connections.open(Door::Web, at(0)).1, Some(told[1]));
        assert_eq!(connections.open(Door::Web, at(0)).1, Some(told[2]), "before those who speak");
    }

    #[test]
    fn who_only_holds_connections_gives_way_and_who_waits_for_an_answer_does_not() {
        let mut connections = Connections::default();
        let waiting: Vec<Id> = (1..MOST)
            .map(|_| {
                let (id, _) = connections.open(Door::Control, at(0));
                assert_eq!(connections.hear(id, b"status\n", at(0)), STATUS);
                id
            })
            .collect();
        let (slow, _) = connections.open(Door::Control, at(0));
        assert!(connections.has_room(Door::Control));
        let (next, leaves) = connections.open(Door::Control, at(1));
        assert_eq!((leaves, connections.count()), (Some(slow), MOST));
        assert_eq!(connections.hear(next, b"status\n", at(1)), STATUS);
        assert!(!connections.has_room(Door::Control));
        assert!(connections.has_room(Door::Web), "each door has places of its own");
        connections.close(waiting[0]);
        assert!(connections.has_room(Door::Control));
        assert_eq!(connections.open(Door::Control, at(1)).1, None);
    }
}
