//! A server in a few lines, which answers as a JVM's does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::arguments::put_utf;
use super::jrmp::message;
use super::*;

const LONG: Duration = Duration::from_secs(10);

/// What a server's object answers to the calls that it gets, in their order: whether normally, and the value's bytes.
type Script = Vec<(u8, Vec<u8>)>;

const THROWN: u8 = 0x02;

/// Serves the registry, the server object and the client's on one port, a connection after the other: the first has one call,
/// the second what is in `script`.
fn serve(script: Script) -> (SocketAddr, thread::JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = thread::spawn(move || {
        let entry = vec![(message::NORMAL_RETURN, stub(address.port(), 1))];
        let mut calls = converse(&listener, entry);
        calls.extend(converse(&listener, script));
        calls
    });
    (address, handle)
}

/// One connection; the calls that came, without the protocol's head.
fn converse(listener: &TcpListener, script: Script) -> Vec<Vec<u8>> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut greeting = [0; 7];
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(greeting, message::STREAM_PROTOCOL);
    let mut hello = vec![message::ACKNOWLEDGED];
    put_utf(&mut hello, "somebody");
    hello.extend(4711_u32.to_be_bytes());
    stream.write_all(&hello).unwrap();
    let mut endpoint = [0; 2];
    stream.read_exact(&mut endpoint).unwrap();
    stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(endpoint)) + 4]).unwrap();
    let mut calls = Vec::new();
    for (kind, value) in script {
        let mut call = vec![0; 4096];
        let length = stream.read(&mut call).unwrap();
        call.truncate(length);
        calls.push(call);
        let mut answer = vec![message::RETURN];
        answer.extend(stream::HEADER);
        answer.extend([tag::BLOCK, 15, kind]);
        answer.extend([0; 14]);
        answer.extend(value);
        if stream.write_all(&answer).is_err() {
            break;
        }
    }
    calls
}

/// A stub: a class that extends `java.rmi.server.RemoteObject`, which writes its reference itself.
fn stub(port: u16, number: u8) -> Vec<u8> {
    let mut block = Vec::new();
    put_utf(&mut block, "UnicastRef2");
    block.push(0);
    put_utf(&mut block, "an.unknown.host");
    block.extend(u32::from(port).to_be_bytes());
    block.extend([number; 22]);
    block.push(0);
    let mut stub = vec![tag::OBJECT];
    class(&mut stub, "javax.management.remote.rmi.RMIServerImpl_Stub", 0x02);
    class(&mut stub, "java.rmi.server.RemoteObject", 0x03);
    stub.extend([tag::NULL, tag::BLOCK, u8::try_from(block.len()).unwrap()]);
    stub.extend(block);
    stub.push(tag::END);
    stub
}

/// A class description without fields; its parent is to follow.
fn class(bytes: &mut Vec<u8>, name: &str, flags: u8) {
    bytes.push(tag::CLASS_DESCRIPTION);
    put_utf(bytes, name);
    bytes.extend([0; 8]);
    bytes.extend([flags, 0, 0, tag::NULL, tag::END]);
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_text(&mut bytes, text);
    bytes
}

/// An exception: a class with the field `detailMessage`.
fn exception(name: &str, words: &str) -> Vec<u8> {
    let mut bytes = vec![tag::OBJECT, tag::CLASS_DESCRIPTION];
    put_utf(&mut bytes, name);
    bytes.extend([0; 8]);
    bytes.extend([0x02, 0, 1, b'L']);
    put_utf(&mut bytes, "detailMessage");
    put_text(&mut bytes, "Ljava/lang/String;");
    bytes.extend([tag::END, tag::NULL]);
    put_text(&mut bytes, words);
    bytes
}

fn normal(value: Vec<u8>) -> (u8, Vec<u8>) {
    (message::NORMAL_RETURN, value)
}

#[test]
fn the_mode_is_read_from_the_port_of_the_entry_whatever_host_it_names() {
    let (address, server) = serve(vec![normal(stub(0, 2)), normal(text("NORMAL"))]);
    let mut jmx = Jmx::connect(address, None, LONG).unwrap();
    assert_eq!(jmx.attribute(STORAGE_SERVICE, "OperationMode"), Ok(Value::Text("NORMAL".into())));
    drop(jmx);
    let calls = server.join().unwrap();
    assert_eq!(calls.len(), 3);
    assert!(calls[0].ends_with(b"\x74\x00\x06jmxrmi"));
    // The object is the server's, then the client's.
    assert_eq!(calls[1][7..29], [1; 22]);
    assert_eq!(calls[2][7..29], [2; 22]);
    assert!(calls[2].windows(13).any(|window| window == b"OperationMode"));
}

#[test]
fn a_password_goes_along_and_its_refusal_is_told_apart() {
    let refusal = (THROWN, exception("java.lang.SecurityException", "Authentication failed!\u{7}"));
    let (address, server) = serve(vec![refusal]);
    let credentials = Some(Credentials { user: "ops".into(), password: "wrong".into() });
    let trouble = Jmx::connect(address, Some(&Login { credentials, tls: None }), LONG).unwrap_err();
    assert_eq!(trouble, Trouble::Refused { address, message: "Authentication failed!".into() });
    assert!(server.join().unwrap()[1].ends_with(b"\x74\x00\x03ops\x74\x00\x05wrong"));
}

#[test]
fn a_node_that_has_not_joined_has_no_bean() {
    let missing = exception("javax.management.InstanceNotFoundException", STORAGE_SERVICE);
    let (address, server) = serve(vec![normal(stub(0, 2)), (THROWN, missing)]);
    let mut jmx = Jmx::connect(address, None, LONG).unwrap();
    let trouble = jmx.attribute(STORAGE_SERVICE, "Joined").unwrap_err();
    assert!(matches!(&trouble, Trouble::NoBean { bean, .. } if bean == STORAGE_SERVICE), "{trouble}");
    server.join().unwrap();
}

#[test]
fn an_operations_exception_has_its_class_and_words() {
    let thrown = exception("java.lang.IllegalStateException", "Unable to drain");
    let (address, server) = serve(vec![normal(stub(0, 2)), (THROWN, thrown)]);
    let trouble = Jmx::connect(address, None, LONG).unwrap().invoke(STORAGE_SERVICE, "drain").unwrap_err();
    assert!(trouble.to_string().ends_with(": java.lang.IllegalStateException: Unable to drain"), "{trouble}");
    server.join().unwrap();
}

#[test]
fn a_silent_and_a_closing_server_end_within_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts: the kernel connects, and nothing is ever said.
    let trouble = Jmx::connect(address, None, Duration::from_millis(100)).unwrap_err();
    assert!(matches!(trouble, Trouble::TimedOut { .. }), "{trouble}");
    drop(listener);
    let trouble = Jmx::connect(address, None, LONG).unwrap_err();
    assert!(matches!(trouble, Trouble::Connection { .. }), "{trouble}");
}

#[test]
fn a_server_that_speaks_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // A TLS alert: unexpected message.
        stream.write_all(&[0x15, 3, 3, 0, 2, 2, 10]).unwrap();
    });
    let trouble = Jmx::connect(address, None, LONG).unwrap_err();
    assert!(matches!(trouble, Trouble::Strange { .. }), "{trouble}");
    server.join().unwrap();
}

/// Connects to a server that says these bytes and closes when it was left.
fn hear(said: Vec<u8>, limit: Duration, speak: fn(TcpStream, Vec<u8>)) -> Trouble {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || speak(listener.accept().unwrap().0, said));
    let trouble = Jmx::connect(address, None, limit).unwrap_err();
    server.join().unwrap();
    trouble
}

/// What a registry says: its view of the client, and an entry that lies on a port where nobody listens.
fn registry() -> Vec<u8> {
    let mut said = vec![message::ACKNOWLEDGED];
    put_utf(&mut said, "somebody");
    said.extend(4711_u32.to_be_bytes());
    said.push(message::RETURN);
    said.extend(stream::HEADER);
    said.extend([tag::BLOCK, 15, message::NORMAL_RETURN]);
    said.extend([0; 14]);
    said.extend(stub(1, 1));
    said
}

#[test]
fn a_registry_that_is_cut_off_at_any_byte_is_a_broken_connection() {
    let whole = registry();
    for length in 0..=whole.len() {
        let trouble = hear(whole[..length].to_vec(), LONG, |mut stream, said| {
            stream.write_all(&said).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let Trouble::Connection { what, .. } = trouble else { panic!("after {length} bytes: {trouble:?}") };
        let expected = if length == whole.len() { "cannot connect" } else { "cannot read the answer" };
        assert_eq!(what, expected, "after {length} bytes");
    }
}

#[test]
fn a_registry_that_drips_is_late_and_one_that_sends_without_end_is_none() {
    let late = hear(registry(), Duration::from_millis(200), |mut stream, said| {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        for byte in said.into_iter().cycle() {
            // Its own time limit is what makes it slow.
            if stream.write_all(&[byte]).is_err() || stream.read(&mut [0; 64]).is_ok_and(|read| read == 0) {
                break;
            }
        }
    });
    assert!(matches!(late, Trouble::TimedOut { .. }), "{late:?}");
    let without_end = |said: Vec<u8>| hear(said, LONG, |mut stream, said| while stream.write_all(&said).is_ok() {});
    let zeros = without_end(vec![0; 4096]);
    assert!(matches!(zeros, Trouble::Strange { .. }), "{zeros:?}");
    // An answer of blocks without end: an object that never comes to its own.
    let mut endless = registry()[..15 + 22].to_vec();
    endless.extend([
        tag::OBJECT,
        tag::CLASS_DESCRIPTION,
        0,
        1,
        b'A',
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        3,
        0,
        0,
        tag::END,
        tag::NULL,
    ]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(&endless).unwrap();
        while stream.write_all(&[tag::BLOCK, 1, 0].repeat(1000)).is_ok() {}
    });
    let trouble = Jmx::connect(address, None, LONG).unwrap_err();
    assert!(trouble.to_string().contains("it holds too much"), "{trouble}");
    server.join().unwrap();
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_answer_ends_in_a_clear_result(bytes: Vec<u8>) {
        let (address, server) = serve(vec![normal(stub(0, 2)), normal(bytes)]);
        let mut jmx = Jmx::connect(address, None, Duration::from_secs(5)).unwrap();
        let _ = jmx.attribute(STORAGE_SERVICE, "OperationMode");
        drop(jmx);
        server.join().unwrap();
    }
}
