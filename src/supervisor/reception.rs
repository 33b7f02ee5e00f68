//! Moves bytes between those who are connected and the desk; never waits for anybody.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use crate::host::events::Interest;
use crate::host::sockets::{Accepted, Listener, Moved, Stream};
use crate::supervisor::connections::{Door, Id};
use crate::supervisor::desk::{Desk, Errand};

/// How many are taken in before others get their turn.
const AT_ONCE: usize = 16;
/// How much is read of somebody at a time: the longest request there is.
const BUFFER: usize = 4096;
/// How much somebody may send who has got their answer.
const MOST_UNHEARD: usize = 64 << 10;
/// How long nobody is taken in when the kernel has no descriptor to give.
const REST: Duration = Duration::from_secs(1);

/// Our listening sockets, those who came in, and the desk that answers them.
#[derive(Debug)]
pub struct Reception {
    /// What is known and answered.
    pub desk: Desk,
    start: Instant,
    listeners: Vec<(Door, Listener)>,
    guests: Vec<Guest>,
    /// The users who may ask at the control socket.
    users: Vec<u32>,
    resting: Option<Duration>,
}

#[derive(Debug)]
struct Guest {
    id: Id,
    stream: Stream,
    state: State,
}

#[derive(Debug)]
enum State {
    /// We listen.
    Speaking,
    /// They wait.
    Waiting,
    /// They get these bytes, so many of which are sent.
    Sending(Vec<u8>, usize),
    /// They have got all, and we wait for them to go, or they stay; so much was not heard.
    Lingering(usize),
}

impl Reception {
    /// Without any socket. `start` is when this process began: its clock counts from there.
    pub fn new(desk: Desk, start: Instant) -> Self {
        Self { desk, start, listeners: Vec::new(), guests: Vec::new(), users: Vec::new(), resting: None }
    }

    /// Takes in who connects there; at the control socket only processes of these users.
    pub fn listen(&mut self, door: Door, listener: Listener, users: &[u32]) {
        self.listeners.push((door, listener));
        self.users.extend_from_slice(users);
    }

    /// Nobody is taken in any more, and who is there has to leave.
    pub fn close(&mut self) {
        self.listeners.clear();
        self.guests.clear();
    }

    /// A reading of the clock.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// What to wait for. The answer goes to [`Reception::turn`], with nothing else done in between.
    pub fn interests(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        let listeners = self.listeners.iter().map(|(door, listener)| {
            let open = self.resting.is_none() && self.desk.has_room(*door);
            (listener.as_fd(), if open { Interest::Read } else { Interest::Gone })
        });
        let guests = self.guests.iter().map(|guest| {
            let interest = match guest.state {
                State::Speaking | State::Lingering(_) => Interest::Read,
                State::Waiting => Interest::Gone,
                State::Sending(..) => Interest::Write,
            };
            (guest.stream.as_fd(), interest)
        });
        listeners.chain(guests).collect()
    }

    /// When something is to be done although nothing comes.
    pub fn deadline(&self) -> Option<Duration> {
        self.desk.deadline().into_iter().chain(self.resting).min()
    }

    /// Does what can be done now: `ready` has a flag for each of the interests. What is left to do is given back.
    pub fn turn(&mut self, ready: &[bool], now: Duration) -> Vec<Errand> {
        let (listeners, guests) = ready.split_at_checked(self.listeners.len()).unwrap_or_default();
        let doors: Vec<usize> = (0..).zip(listeners).filter(|(_, ready)| **ready).map(|(at, _)| at).collect();
        let ids: Vec<Id> =
            self.guests.iter().zip(guests).filter(|(_, ready)| **ready).map(|(guest, _)| guest.id).collect();
        let mut errands = Vec::new();
        for id in ids {
            errands.extend(self.attend(id, now));
        }
        if self.resting.is_some_and(|until| now >= until) {
            self.resting = None;
        }
        for at in doors {
            errands.extend(self.take_in(at, now));
        }
        errands.extend(self.desk.time(now));
        self.carry(errands, now)
    }

    /// Does the errands that are ours, and gives the others back.
    pub fn carry(&mut self, errands: Vec<Errand>, now: Duration) -> Vec<Errand> {
        let mut others = Vec::new();
        for errand in errands {
            match errand {
                Errand::Send(id, bytes) => {
                    if let Some(guest) = self.guests.iter_mut().find(|guest| guest.id == id) {
                        guest.state = State::Sending(bytes, 0);
                        // Most answers fit at once.
                        others.extend(self.send(id, now));
                    }
                }
                Errand::Close(id) => self.guests.retain(|guest| guest.id != id),
                other => others.push(other),
            }
        }
        others
    }

    fn take_in(&mut self, at: usize, now: Duration) -> Vec<Errand> {
        let mut errands = Vec::new();
        for _ in 0..AT_ONCE {
            let Some((door, _)) = self.listeners.get(at) else { break };
            let door = *door;
            errands.extend(self.hear_who_gives_way(door, now));
            let Some((_, listener)) = self.listeners.get(at).filter(|_| self.desk.has_room(door)) else { break };
            let stream = match listener.accept() {
                Accepted::Stream(stream) => stream,
                Accepted::Nobody => break,
                Accepted::Failed => {
                    self.resting = Some(now.saturating_add(REST));
                    break;
                }
            };
            let known = || stream.peer_uid().is_some_and(|uid| self.users.contains(&uid));
            if door == Door::Control && !known() {
                // Closed without a word: who may not ask looks for themselves.
                continue;
            }
            let (id, leaves) = self.desk.opened(door, now);
            self.guests.push(Guest { id, stream, state: State::Speaking });
            self.carry(leaves.into_iter().collect(), now);
        }
        errands
    }

    /// What they said may have come since we last waited: nobody leaves for others with their request unheard.
    fn hear_who_gives_way(&mut self, door: Door, now: Duration) -> Vec<Errand> {
        let mut errands = Vec::new();
        while let Some(id) = self.desk.gives_way(door) {
            let heard = self.attend(id, now);
            errands.extend(self.carry(heard, now));
            if self.desk.gives_way(door) == Some(id) {
                break;
            }
        }
        errands
    }

    /// Somebody can be read from or written to, or is gone.
    fn attend(&mut self, id: Id, now: Duration) -> Vec<Errand> {
        let Some(guest) = self.guests.iter_mut().find(|guest| guest.id == id) else { return Vec::new() };
        let mut buffer = [0; BUFFER];
        match &mut guest.state {
            State::Speaking => match guest.stream.read(&mut buffer) {
                Moved::Bytes(count) => {
                    let errands = self.desk.heard(id, buffer.get(..count).unwrap_or_default(), now);
                    return self.asked(id, errands);
                }
                Moved::Later => {}
                Moved::Over => return self.leave(id),
            },
            State::Waiting => return self.leave(id),
            State::Sending(..) => return self.send(id, now),
            State::Lingering(unheard) => match guest.stream.read(&mut buffer) {
                Moved::Bytes(count) if *unheard + count <= MOST_UNHEARD => *unheard += count,
                Moved::Later => {}
                Moved::Bytes(_) | Moved::Over => return self.leave(id),
            },
        }
        Vec::new()
    }

    /// Whoever has said all of their request waits from now on.
    fn asked(&mut self, id: Id, errands: Vec<Errand>) -> Vec<Errand> {
        if self.desk.waits(id)
            && let Some(guest) = self.guests.iter_mut().find(|guest| guest.id == id)
        {
            guest.state = State::Waiting;
        }
        errands
    }

    /// What is given back is none of ours.
    fn send(&mut self, id: Id, now: Duration) -> Vec<Errand> {
        let Some(guest) = self.guests.iter_mut().find(|guest| guest.id == id) else { return Vec::new() };
        let State::Sending(bytes, sent) = &mut guest.state else { return Vec::new() };
        while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
            match guest.stream.write(rest) {
                Moved::Bytes(count) => *sent += count,
                Moved::Later => return Vec::new(),
                Moved::Over => return self.leave(id),
            }
        }
        guest.stream.end_sending();
        guest.state = State::Lingering(0);
        self.desk.sent(id, now);
        Vec::new()
    }

    /// The same.
    fn leave(&mut self, id: Id) -> Vec<Errand> {
        self.guests.retain(|guest| guest.id != id);
        self.desk.left(id).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;
    use crate::cassandra::patience::Patience;
    use crate::supervisor::connections::MOST;
    use crate::supervisor::metrics::Facts;

    #[test]
    fn nobody_has_to_leave_whose_request_has_come_already() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut reception = Reception::new(Desk::new(Patience::default(), Facts::default()), Instant::now());
        reception.listen(Door::Web, Listener::tcp(Some(free.ip()), free.port()).unwrap(), &[]);
        let mut clients: Vec<TcpStream> = (0..MOST).map(|_| TcpStream::connect(free).unwrap()).collect();
        reception.turn(&[true], Duration::ZERO);
        assert_eq!(reception.guests.len(), MOST);
        for client in &mut clients {
            client.write_all(b"GET /livez HTTP/1.1\r\n\r\n").unwrap();
        }
        clients.push(TcpStream::connect(free).unwrap());
        // What is known of the others is as old as the last wait: they were silent then.
        let mut ready = vec![false; MOST + 1];
        ready[0] = true;
        reception.turn(&ready, Duration::ZERO);
        clients.pop();
        for mut client in clients {
            let mut answer = String::new();
            reception.turn(&vec![true; 1 + reception.guests.len()], Duration::ZERO);
            client.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        }
    }
}
