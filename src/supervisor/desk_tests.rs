//! The desk by examples.

use super::*;
use crate::supervisor::connections::MOST_STAYING;
use crate::supervisor::control::{LONGEST_DRAIN, Standing, Stop, parse_verdict};

pub(super) const SERVES: &[u8] = b"cql=serves 127.0.0.1:9042 serves CQL\n";
pub(super) const CLOSED: &[u8] = b"cql=silent cannot connect: connection refused\nmode=JOINING\n";
pub(super) const SILENT: &[u8] = b"life=silent it is stopped by a signal\n";
const DRAINED: &[u8] = b"cql=silent closed\nmode=DRAINED\nlife=answers JMX\n";

pub(super) fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A node whose child runs.
pub(super) fn started() -> Desk {
    let patience = Patience { wedged: Some(at(10_000)), drained: Some(at(20_000)) };
    let mut desk = Desk::new(patience, Facts::default());
    desk.started(17, Facts { version: "5.0.8".into(), ..Facts::default() }, at(0));
    desk
}

fn serving() -> Desk {
    let mut desk = started();
    desk.served(at(0));
    desk
}

/// Somebody who says this at the control socket.
fn asks(desk: &mut Desk, request: &str, now: Duration) -> (Id, Vec<Errand>) {
    let (id, _) = desk.opened(Door::Control, now);
    (id, desk.heard(id, format!("{request}\n").as_bytes(), now))
}

/// What somebody was told.
fn told(errands: &[Errand], who: Id) -> Option<String> {
    errands.iter().find_map(|errand| match errand {
        Errand::Send(id, bytes) if *id == who => Some(String::from_utf8(bytes.clone()).unwrap()),
        _ => None,
    })
}

/// A probe, the look that it takes, and its answer.
fn probe(desk: &mut Desk, question: &str, look: &[u8], now: Duration) -> (String, Vec<Errand>) {
    let (id, mut errands) = asks(desk, &format!("probe {question} 1000"), now);
    if errands.iter().any(|errand| matches!(errand, Errand::Look(..))) {
        errands.extend(desk.look_ended(Some(look), now));
    }
    (told(&errands, id).unwrap(), errands)
}

#[test]
fn while_it_is_prepared_every_answer_is_known_without_a_look() {
    let mut desk = Desk::new(Patience::default(), Facts::default());
    for (question, answer) in [("startup", "no"), ("liveness", "yes"), ("readiness", "no")] {
        let (id, errands) = asks(&mut desk, &format!("probe {question} 1000"), at(5));
        assert_eq!(told(&errands, id), Some(format!("{answer} the node is being prepared\n")));
        assert_eq!(errands.len(), 1, "{errands:?}");
    }
    let (id, _) = desk.opened(Door::Web, at(5));
    let page = told(&desk.heard(id, b"GET /status HTTP/1.1\r\n\r\n", at(5)), id).unwrap();
    assert!(page.starts_with("HTTP/1.1 503 ") && page.ends_with("the node is being prepared\n"), "{page}");
}

#[test]
fn when_it_was_started_and_what_runs_is_known_from_the_beginning_and_stays() {
    let facts = |started_at| Facts { version: "5.0.8".into(), started_at, ..Facts::default() };
    let mut desk = Desk::new(Patience::default(), facts(1_790_000_000.25));
    let says = |desk: &mut Desk| {
        let (id, _) = desk.opened(Door::Web, at(5));
        told(&desk.heard(id, b"GET /metrics HTTP/1.1\r\n\r\n", at(5)), id).unwrap()
    };
    let known = ["\nprocess_start_time_seconds 1790000000.25\n", ",cassandra=\"5.0.8\"} 1\n"];
    let early = says(&mut desk);
    desk.started(17, facts(1_790_000_003.5), at(10));
    for text in [early, says(&mut desk)] {
        assert!(known.iter().all(|line| text.contains(line)), "{text}");
    }
}

#[test]
fn a_probe_is_answered_by_the_look_that_it_took() {
    let mut desk = started();
    let (no, _) = probe(&mut desk, "startup", CLOSED, at(10));
    assert_eq!(no, "no the node is joining; cannot connect: connection refused\n");
    let (yes, _) = probe(&mut desk, "readiness", SERVES, at(1000));
    assert_eq!(yes, "yes 127.0.0.1:9042 serves CQL\n");
}

#[test]
fn who_cannot_be_answered_in_time_is_told_so_in_time() {
    let mut desk = serving();
    let (id, errands) = asks(&mut desk, "probe readiness 1000", at(0));
    assert_eq!(errands, [Errand::Look(Aim::Clients, at(900))]);
    assert_eq!(desk.deadline(), Some(at(1000)));
    assert_eq!(told(&desk.time(at(1000)), id).as_deref(), Some("no no answer within 1s\n"));
    let mut desk = serving();
    let (id, _) = asks(&mut desk, "probe liveness 1000", at(0));
    let answer = told(&desk.time(at(1000)), id);
    assert_eq!(answer.as_deref(), Some("yes Cassandra runs as process 17; the look at it: no answer within 1s\n"));
}

#[test]
fn a_stop_answers_who_waits_and_a_drain_that_is_announced_too() {
    for stop in [true, false] {
        let mut desk = serving();
        let (id, _) = asks(&mut desk, "probe readiness 1000", at(0));
        let errands =
            if stop { desk.stopping(15, at(0), None, at(10)) } else { asks(&mut desk, "drain 60000", at(10)).1 };
        let reason = if stop { "stopping" } else { "being drained" };
        assert_eq!(told(&errands, id), Some(format!("no the node is {reason}\n")));
        assert!(errands.contains(&Errand::EndLook), "{errands:?}");
        assert_eq!(desk.look_ended(None, at(20)), []);
        let (answer, errands) = probe(&mut desk, "readiness", SERVES, at(30));
        assert_eq!((answer, errands.len()), (format!("no the node is {reason}\n"), 1), "it is not looked at any more");
        assert!(probe(&mut desk, "liveness", SILENT, at(40)).0.starts_with("yes "));
    }
}

#[test]
fn whoever_asked_for_it_a_look_tells_that_the_node_serves() {
    let mut desk = started();
    let (id, _) = asks(&mut desk, "probe readiness 1000", at(0));
    let errands = desk.look_ended(Some(SERVES), at(5));
    assert_eq!(errands.first(), Some(&Errand::Observed(true)), "{errands:?}");
    assert_eq!(told(&errands, id).as_deref(), Some("yes 127.0.0.1:9042 serves CQL\n"));
    desk.served(at(6));
    let (_, errands) = probe(&mut desk, "readiness", SERVES, at(1000));
    assert!(!errands.contains(&Errand::Observed(true)), "told once: {errands:?}");
}

const BEGINS: Errand = Errand::Drain { over: false };
const OVER: Errand = Errand::Drain { over: true };

/// Somebody who drains the node, and has heard that they may.
fn drains(desk: &mut Desk, millis: u64, now: Duration) -> (Id, Vec<Errand>) {
    let (id, errands) = asks(desk, &format!("drain {millis}"), now);
    assert_eq!(told(&errands, id).as_deref(), Some("ok\n"));
    desk.sent(id, now);
    (id, errands)
}

#[test]
fn a_drain_lasts_as_long_as_somebody_is_connected_who_announced_it() {
    let mut desk = serving();
    let says_no = |desk: &mut Desk| probe(desk, "readiness", SERVES, at(1)).0 == "no the node is being drained\n";
    let (first, errands) = drains(&mut desk, 600_000, at(0));
    assert_eq!(errands, [BEGINS, Errand::Send(first, b"ok\n".to_vec())]);
    let (second, errands) = drains(&mut desk, 600_000, at(0));
    assert_eq!(errands, [Errand::Send(second, b"ok\n".to_vec())], "told once");
    assert!(says_no(&mut desk));
    assert_eq!(desk.left(first), None);
    assert!(says_no(&mut desk), "the other one is at it yet");
    assert_eq!(desk.left(second), Some(OVER));
    let over = probe(&mut desk, "readiness", SERVES, at(2)).0;
    assert!(over.starts_with("yes "), "one that is not drained after all serves on: {over}");
    // One that is drained is so by what it says itself, and stays so as long as the patience for that lasts.
    let (third, errands) = drains(&mut desk, 600_000, at(1000));
    assert_eq!(errands.first(), Some(&BEGINS));
    assert_eq!(desk.left(third), Some(OVER));
    let drained = probe(&mut desk, "readiness", DRAINED, at(1000)).0;
    assert_eq!(drained, "no the node is drained, and serves again only after a restart; closed\n");
    let answers = (1..=40).map(|second| probe(&mut desk, "liveness", DRAINED, at(second * 1000)).0);
    assert_eq!(answers.take_while(|answer| answer.starts_with("yes ")).count(), 20, "seconds");
}

#[test]
fn who_drains_is_not_sent_away_as_others_are_but_when_their_time_is_over() {
    let mut desk = serving();
    let (id, _) = drains(&mut desk, 600_000, at(0));
    assert_eq!((desk.time(at(599_999)), desk.deadline()), (Vec::new(), Some(at(600_000))));
    assert_eq!(desk.time(at(600_000)), [Errand::Close(id), OVER]);
    assert_eq!(desk.deadline(), None);
    // Whoever asks for more than a day gets that.
    drains(&mut desk, 99_999_999_999, at(0));
    assert_eq!(desk.deadline(), Some(LONGEST_DRAIN));
}

#[test]
fn a_drain_that_nobody_needs_or_too_many_announce_is_refused() {
    let mut desk = started();
    let refused = |desk: &mut Desk| {
        let (id, errands) = asks(desk, "drain 60000", at(0));
        assert_eq!(errands.len(), 1, "{errands:?}");
        let answer = told(&errands, id).unwrap();
        assert!(answer.starts_with("error "), "{answer}");
        assert_eq!(desk.left(id), None);
    };
    refused(&mut desk);
    desk.served(at(0));
    let mut ids: Vec<Id> = (0..MOST_STAYING).map(|_| drains(&mut desk, 60_000, at(0)).0).collect();
    refused(&mut desk);
    let last = ids.pop().unwrap();
    assert_eq!(ids.into_iter().find_map(|id| desk.left(id)), None);
    assert_eq!(desk.left(last), Some(OVER));
    // A stop is what counts from then on, for those who are at it already, too.
    let (id, _) = drains(&mut desk, 60_000, at(0));
    desk.stopping(15, at(0), None, at(1));
    refused(&mut desk);
    assert_eq!(desk.left(id), None);
}

#[test]
fn people_are_told_when_an_answer_changes_and_only_then() {
    let mut desk = started();
    let news = |desk: &mut Desk, look: &[u8], now| {
        let (_, errands) = probe(desk, "readiness", look, at(now));
        errands.iter().filter(|errand| matches!(errand, Errand::Tell(..))).count()
    };
    assert_eq!([news(&mut desk, CLOSED, 0), news(&mut desk, CLOSED, 1000)], [0, 0], "it has not come up yet");
    desk.served(at(1500));
    let told: Vec<usize> = [SERVES, SERVES, CLOSED, CLOSED, SERVES, SERVES]
        .into_iter()
        .zip(2..)
        .map(|(look, second)| news(&mut desk, look, second * 1000))
        .collect();
    assert_eq!(told, [0, 0, 1, 0, 1, 0]);
}

#[test]
fn a_jvm_that_answers_nobody_is_asked_for_its_threads_once_before_liveness_fails() {
    let mut desk = serving();
    let mut answers = Vec::new();
    let mut dumps = Vec::new();
    for second in 0..15 {
        let (answer, errands) = probe(&mut desk, "liveness", SILENT, at(second * 1000));
        answers.push(parse_verdict(&answer).unwrap().yes);
        if let Some(dump) = errands.iter().position(|errand| *errand == Errand::DumpThreads) {
            let answer = errands.iter().position(|errand| matches!(errand, Errand::Send(..)));
            assert!(Some(dump) < answer, "the threads are dumped first: {errands:?}");
            dumps.push(second);
        }
    }
    assert_eq!(answers, (0..15).map(|second| second < 10).collect::<Vec<_>>());
    assert_eq!(dumps, [10]);
    let (answer, errands) = probe(&mut desk, "liveness", b"life=answers JMX\n", at(20_000));
    assert!(answer.starts_with("yes "), "{answer}");
    assert!(errands.iter().any(|errand| matches!(errand, Errand::Tell(Question::Liveness, verdict) if verdict.yes)));
}

#[test]
fn a_look_that_failed_says_so_and_kills_nobody() {
    let mut desk = serving();
    let (id, _) = asks(&mut desk, "probe readiness 1000", at(0));
    let answer = told(&desk.look_ended(None, at(5)), id);
    assert_eq!(answer.as_deref(), Some("no the look at the node failed\n"));
    for second in 1..100 {
        let (id, _) = asks(&mut desk, "probe liveness 1000", at(second * 1000));
        let answer = told(&desk.look_ended(None, at(second * 1000)), id).unwrap();
        assert_eq!(answer, "yes Cassandra runs as process 17\n");
    }
}

#[test]
fn a_look_that_failed_brings_no_wedged_jvm_back_to_life() {
    let mut desk = serving();
    for second in 0..=10 {
        probe(&mut desk, "liveness", SILENT, at(second * 1000));
    }
    let (id, _) = asks(&mut desk, "probe liveness 1000", at(11_000));
    let answer = told(&desk.look_ended(None, at(11_900)), id).unwrap();
    assert!(answer.starts_with("no ") && answer.contains("has answered nobody for 10 s"), "{answer}");
    // Nor does one that was ended by force after its asker was told.
    let (id, _) = asks(&mut desk, "probe liveness 1000", at(21_000));
    assert!(told(&desk.time(at(22_000)), id).unwrap().starts_with("no "));
    desk.look_ended(None, at(22_400));
    let (id, _) = asks(&mut desk, "probe liveness 1000", at(31_000));
    assert!(told(&desk.time(at(32_000)), id).unwrap().starts_with("no "));
}

#[test]
fn what_a_helper_tells_can_neither_write_lines_of_ours_nor_answer_for_us() {
    let mut desk = serving();
    let (answer, errands) = probe(&mut desk, "readiness", b"cql=serves x\x1b[2J\rno\0\n\xff\xff=\n", at(0));
    assert!(answer.starts_with("yes x") && !answer.trim_end().contains(char::is_control), "{answer:?}");
    assert!(errands.iter().all(|errand| matches!(errand, Errand::Look(..) | Errand::Send(..))), "{errands:?}");
}

#[test]
fn the_status_page_is_relayed_as_it_is() {
    let mut desk = serving();
    let (id, _) = desk.opened(Door::Web, at(0));
    let errands = desk.heard(id, b"GET /status HTTP/1.1\r\n\r\n", at(0));
    assert_eq!(errands, [Errand::Look(Aim::Page, at(4900))]);
    let page = told(&desk.look_ended(Some(b"{\"mode\": \"NORMAL\"}\n"), at(50)), id).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 19\r\n"), "{page}");
    assert!(page.ends_with("\r\n\r\n{\"mode\": \"NORMAL\"}\n"), "{page}");
}

#[test]
fn our_own_look_and_a_probe_share_one() {
    let mut desk = started();
    assert_eq!(desk.observe(at(0)), [Errand::Look(Aim::Clients, at(1900))]);
    let (id, errands) = asks(&mut desk, "probe startup 1000", at(10));
    assert_eq!(errands, []);
    let errands = desk.look_ended(Some(SERVES), at(20));
    assert_eq!(errands[0], Errand::Observed(true));
    assert_eq!(told(&errands, id).as_deref(), Some("yes 127.0.0.1:9042 serves CQL\n"));
}

#[test]
fn the_standing_says_what_was_answered_and_how_long_ago() {
    let mut desk = serving();
    probe(&mut desk, "readiness", SERVES, at(1000));
    desk.stopping(15, at(5000), Some(at(60_000)), at(3000));
    let (id, errands) = asks(&mut desk, "status", at(4000));
    let standing = Standing::parse(&told(&errands, id).unwrap()).unwrap();
    assert_eq!((standing.phase, standing.child, standing.up), (Phase::Stopping, Some(17), at(4000)));
    let stop = Stop { signal: 15, since: at(1000), delay: at(5000), limit: Some(at(60_000)) };
    assert_eq!(standing.stop, Some(stop));
    let [None, None, Some(given)] = standing.answers else { panic!("{:?}", standing.answers) };
    assert_eq!((given.verdict.yes, given.ago), (true, at(3000)));
}

#[test]
fn nothing_is_due_when_nobody_asks() {
    let mut desk = serving();
    let (id, _) = asks(&mut desk, "probe readiness 1000", at(0));
    desk.look_ended(Some(SERVES), at(5));
    desk.sent(id, at(5));
    desk.left(id);
    assert_eq!(desk.deadline(), None);
}
