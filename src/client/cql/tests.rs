//! Servers in a few lines, friendly and hostile.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;

/// Set in the version of an answer.
const RESPONSE: u8 = 0x80;
const LONG: Duration = Duration::from_secs(10);

/// Runs `serve` on each connection in its turn, and the handshake against them.
fn against_each(limit: Duration, serve: Vec<fn(TcpStream)>) -> Result<Answer, Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || serve.into_iter().for_each(|serve| serve(listener.accept().unwrap().0)));
    let answer = handshake(address, None, limit);
    server.join().unwrap();
    answer
}

fn against(limit: Duration, serve: impl FnOnce(TcpStream) + Send + 'static) -> Result<Answer, Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || serve(listener.accept().unwrap().0));
    let answer = handshake(address, None, limit);
    server.join().unwrap();
    answer
}

fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; envelope::HEADER];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; u32::from_be_bytes(*header.last_chunk::<4>().unwrap()) as usize];
    stream.read_exact(&mut body).unwrap();
    [header.to_vec(), body].concat()
}

fn answer(version: Version, opcode: u8, body: &[u8]) -> Vec<u8> {
    let mut envelope = envelope::encode(version, opcode, body);
    envelope[0] |= RESPONSE;
    envelope
}

fn respond(stream: &mut TcpStream, opcode: u8, body: &[u8]) {
    stream.write_all(&answer(Version::V4, opcode, body)).unwrap();
}

/// OPTIONS and STARTUP, up to the answer to the latter.
fn begin(stream: &mut TcpStream) {
    assert_eq!(read_request(stream), [4, 0, 0, 0, 5, 0, 0, 0, 0]);
    respond(stream, opcode::SUPPORTED, &[0, 0]);
    let startup = read_request(stream);
    assert!(startup.starts_with(&[4, 0, 0, 0, 1]));
    assert!(startup.windows(11).any(|window| window == b"CQL_VERSION"));
}

/// One row with one column `bootstrapped`, of text.
fn row(value: Option<&str>) -> Vec<u8> {
    let mut body = [2_u32, 1, 1].map(u32::to_be_bytes).concat();
    for name in ["system", "local", "bootstrapped"] {
        body.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        body.extend(name.as_bytes());
    }
    body.extend([0, 0x0D]);
    body.extend(1_u32.to_be_bytes());
    body.extend(value.map_or(-1, |value| i32::try_from(value.len()).unwrap()).to_be_bytes());
    body.extend(value.unwrap_or_default().as_bytes());
    body
}

fn ready(bootstrapped: &str) -> Answer {
    Answer::Ready { bootstrapped: Some(bootstrapped.into()) }
}

#[test]
fn a_node_without_authentication_is_asked_for_its_row() {
    let answer = against(LONG, |mut stream| {
        begin(&mut stream);
        respond(&mut stream, opcode::READY, &[]);
        // As the driver of DataStax for Python writes it, but for the stream.
        let query = b"\x04\x00\x00\x00\x07\x00\x00\x00\x3e\x00\x00\x00\x37SELECT bootstrapped FROM system.local WHERE key='local'\x00\x01\x00";
        assert_eq!(read_request(&mut stream), query);
        respond(&mut stream, opcode::RESULT, &row(Some("COMPLETED")));
    });
    assert_eq!(answer.unwrap(), ready("COMPLETED"));
}

#[test]
fn what_a_node_says_of_itself_is_read_whole() {
    let address = "fd00:10:244:1:7c2a:f6ff:fe1e:9d07";
    let own = format!(
        r#"{{"cluster_name": "production", "data_center": "eu-central-1", "rack": "eu-central-1a", "host_id": "{}", "release_version": "5.0.8", "listen_address": "{address}", "broadcast_address": "{address}", "rpc_address": "{address}"}}"#,
        "cf2ced11-18d6-4021-b773-0486b19311b9",
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let told = own.clone();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        begin(&mut stream);
        respond(&mut stream, opcode::READY, &[]);
        read_request(&mut stream);
        respond(&mut stream, opcode::RESULT, &row(Some(&told)));
    });
    assert_eq!(own_row(at, None, LONG).unwrap(), Some(own));
    server.join().unwrap();
}

/// A server puts warnings before whatever it answers (flag 0x08): a guardrail's, or that of a release to come.
#[test]
fn warnings_before_an_answer_are_no_other_answer() {
    let answer = against(LONG, |mut stream| {
        begin(&mut stream);
        respond(&mut stream, opcode::READY, &[]);
        read_request(&mut stream);
        let warnings = b"\x00\x02\x00\x05slow!\x00\x00".to_vec();
        let mut envelope = answer(Version::V4, opcode::RESULT, &[warnings, row(Some("COMPLETED"))].concat());
        envelope[1] = 0x08;
        stream.write_all(&envelope).unwrap();
    });
    assert_eq!(answer.unwrap(), ready("COMPLETED"));
    let odd = against(LONG, |mut stream| {
        assert_eq!(read_request(&mut stream), [4, 0, 0, 0, 5, 0, 0, 0, 0]);
        stream.write_all(&[0x84, 0x08, 0, 0, opcode::SUPPORTED, 0, 0, 0, 3, 0, 9, 0]).unwrap();
    });
    assert!(matches!(odd, Err(Trouble::Strange { .. })), "{odd:?}");
}

#[test]
fn a_node_that_asks_for_a_password_accepts_clients() {
    let answer = against(LONG, |mut stream| {
        begin(&mut stream);
        respond(&mut stream, opcode::AUTHENTICATE, b"\x00\x15PasswordAuthenticator");
    });
    assert_eq!(answer.unwrap(), Answer::Authenticate("PasswordAuthenticator".into()));
}

#[test]
fn an_address_of_ipv6_is_asked_as_any_other() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        begin(&mut stream);
        respond(&mut stream, opcode::AUTHENTICATE, b"\x00\x01A");
    });
    assert_eq!(handshake(address, None, LONG).unwrap(), Answer::Authenticate("A".into()));
    server.join().unwrap();
}

/// Refuses the first request, as a node that allows no older protocols.
fn refuse_v4(mut stream: TcpStream) {
    assert_eq!(read_request(&mut stream)[0], 4);
    stream.write_all(&answer(Version::V5, opcode::ERROR, b"\x00\x00\x00\x0a\x00\x09Rejecting")).unwrap();
}

/// Speaks v5 up to the query; the query's frame, and the frames that answer it.
fn speak_v5(mut stream: TcpStream, frames: &[Vec<u8>]) {
    assert_eq!(read_request(&mut stream), [5, 0, 0, 0, 5, 0, 0, 0, 0]);
    stream.write_all(&answer(Version::V5, opcode::SUPPORTED, &[0, 0])).unwrap();
    assert!(read_request(&mut stream).starts_with(&[5, 0, 0, 0, 1]));
    stream.write_all(&answer(Version::V5, opcode::READY, &[])).unwrap();
    let mut header = [0; frame::HEADER];
    stream.read_exact(&mut header).unwrap();
    let mut payload = vec![0; frame::decode_header(header).unwrap()];
    stream.read_exact(&mut payload).unwrap();
    let mut trailer = [0; frame::TRAILER];
    stream.read_exact(&mut trailer).unwrap();
    assert!(frame::is_whole(&payload, trailer));
    assert!(payload.starts_with(&[5, 0, 0, 0, 7]) && payload.ends_with(&[0, 1, 0, 0, 0, 0]), "{payload:x?}");
    for frame in frames {
        stream.write_all(frame).unwrap();
    }
}

#[test]
fn where_v4_is_forbidden_v5_is_spoken_in_frames() {
    let whole: fn(TcpStream) = |stream| {
        let result = answer(Version::V5, opcode::RESULT, &row(Some("COMPLETED")));
        speak_v5(stream, &[frame::encode(&result).unwrap()]);
    };
    assert_eq!(against_each(LONG, vec![refuse_v4, whole]).unwrap(), ready("COMPLETED"));
    let torn: fn(TcpStream) = |stream| {
        let result = answer(Version::V5, opcode::RESULT, &row(None));
        let frames: Vec<_> = result.chunks(7).map(|part| frame::encode(part).unwrap()).collect();
        speak_v5(stream, &frames);
    };
    assert_eq!(against_each(LONG, vec![refuse_v4, torn]).unwrap(), ready(""));
    let wrong: fn(TcpStream) = |stream| {
        let mut frame = frame::encode(&answer(Version::V5, opcode::RESULT, &row(None))).unwrap();
        *frame.last_mut().unwrap() ^= 1;
        speak_v5(stream, &[frame]);
    };
    let trouble = against_each(LONG, vec![refuse_v4, wrong]).unwrap_err();
    assert!(trouble.to_string().ends_with("a frame with a wrong checksum"), "{trouble}");
    let neither = against_each(
        LONG,
        vec![refuse_v4, |mut stream| {
            read_request(&mut stream);
            stream.write_all(&answer(Version::V5, opcode::ERROR, b"\x00\x00\x00\x0a\x00\x02no")).unwrap();
        }],
    );
    assert!(matches!(neither, Err(Trouble::Refused { code: 0x000A, .. })), "{neither:?}");
}

#[test]
fn a_busy_node_and_one_that_knows_clients_by_certificate_are_ready_and_a_broken_one_is_not() {
    let refuse = |code: u32| {
        against(LONG, move |mut stream| {
            begin(&mut stream);
            respond(&mut stream, opcode::READY, &[]);
            read_request(&mut stream);
            respond(&mut stream, opcode::ERROR, &[&code.to_be_bytes()[..], b"\x00\x02no"].concat());
        })
    };
    for code in [code::OVERLOADED, code::UNAUTHORIZED] {
        assert_eq!(refuse(code).unwrap(), Answer::Ready { bootstrapped: None });
    }
    for code in [0x0000, 0x1002, 0x1200] {
        let answer = refuse(code);
        assert!(matches!(answer, Err(Trouble::Refused { code: said, .. }) if said == code), "{answer:?}");
    }
}

#[test]
fn a_node_whose_requests_are_stuck_is_late() {
    let late = against(Duration::from_millis(200), |mut stream| {
        begin(&mut stream);
        respond(&mut stream, opcode::READY, &[]);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(matches!(late, Err(Trouble::TimedOut { .. })), "{late:?}");
}

#[test]
fn an_error_is_told_in_words_without_control_characters() {
    let trouble = against(LONG, |mut stream| {
        read_request(&mut stream);
        respond(&mut stream, opcode::ERROR, b"\x00\x00\x10\x01\x00\x08busy\x1b[0m");
    })
    .unwrap_err();
    assert!(trouble.to_string().ends_with("refused with error 0x1001: busy[0m"), "{trouble}");
}

#[test]
fn a_silent_a_dripping_and_a_closing_peer_end_within_the_limit() {
    let limit = Duration::from_millis(200);
    let silent = against(limit, |mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(matches!(silent, Err(Trouble::TimedOut { .. })), "{silent:?}");
    let dripping = against(limit, |mut stream| {
        while stream.write_all(&[RESPONSE | 4]).is_ok() {
            thread::yield_now();
            if stream.peek(&mut [0; 1]).is_ok_and(|read| read == 0) {
                break;
            }
        }
    });
    assert!(dripping.is_err(), "{dripping:?}");
    let closing = against(LONG, drop);
    assert!(matches!(closing, Err(Trouble::Connection { .. })), "{closing:?}");
}

/// What a node without authentication says, all of it.
fn conversation() -> Vec<u8> {
    let supported = answer(Version::V4, opcode::SUPPORTED, &[0, 0]);
    let ready = answer(Version::V4, opcode::READY, &[]);
    [supported, ready, answer(Version::V4, opcode::RESULT, &row(Some("COMPLETED")))].concat()
}

#[test]
fn a_conversation_that_is_cut_off_at_any_byte_is_a_broken_connection() {
    let whole = conversation();
    for length in 0..=whole.len() {
        let said = whole[..length].to_vec();
        let answer = against(LONG, move |mut stream| {
            stream.write_all(&said).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        if length == whole.len() {
            assert_eq!(answer.unwrap(), ready("COMPLETED"));
        } else {
            assert!(matches!(answer, Err(Trouble::Connection { .. })), "after {length} bytes: {answer:?}");
        }
    }
}

#[test]
fn a_conversation_that_drips_is_late_however_much_of_it_comes() {
    let answer = against(Duration::from_millis(200), |mut stream| {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        // Its own time limit is what makes it slow.
        for byte in conversation().into_iter().cycle() {
            if stream.write_all(&[byte]).is_err() || stream.peek(&mut [0; 1]).is_ok_and(|read| read == 0) {
                break;
            }
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    assert!(matches!(answer, Err(Trouble::TimedOut { .. })), "{answer:?}");
}

#[test]
fn a_server_that_sends_without_end_is_answered_at_once() {
    let without_end = |said: Vec<u8>| against(LONG, move |mut stream| while stream.write_all(&said).is_ok() {});
    let zeros = without_end(vec![0; 4096]);
    assert!(matches!(zeros, Err(Trouble::Strange { .. })), "{zeros:?}");
    let answers = without_end(answer(Version::V4, opcode::SUPPORTED, &[0, 0]).repeat(100));
    assert!(matches!(answers, Err(Trouble::Strange { .. })), "{answers:?}");
    // A body that is announced as longer than any that is read.
    let huge = without_end(vec![0x84, 0, 0, 0, opcode::SUPPORTED, 0x7F, 0xFF, 0xFF, 0xFF]);
    assert!(matches!(huge, Err(Trouble::Strange { .. })), "{huge:?}");
}

#[test]
fn an_http_server_is_not_a_cql_server() {
    let trouble = against(LONG, |mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    assert!(matches!(trouble, Err(Trouble::Strange { .. })), "{trouble:?}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_for_an_answer_end_in_a_clear_result(bytes: Vec<u8>) {
        let result = against(Duration::from_secs(5), move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(&bytes);
        });
        proptest::prop_assert!(result.is_err());
    }

    #[test]
    fn any_row_is_read_as_its_text_or_refused(bytes: Vec<u8>, cut in 0_usize..80) {
        let text: String = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).take(200).collect();
        let whole = row(Some(&text));
        proptest::prop_assert_eq!(envelope::read_only_text(&whole), Some(text));
        proptest::prop_assert_eq!(envelope::read_only_text(&whole[..whole.len().saturating_sub(cut + 1)]), None);
        let _ = envelope::read_only_text(&bytes);
    }
}
