//! What must hold for any bytes: the bodies of the fuzz targets, which `cargo test --test fuzz` drives too.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cassandra_init::cassandra::patience::Patience;
use cassandra_init::client::jmx::{self, Jmx, STORAGE_SERVICE, Value, read_stream};
use cassandra_init::client::{cql, keystore};
use cassandra_init::config::jvm_options::{JvmOptions, OptionKey, options_of};
use cassandra_init::config::masked;
use cassandra_init::config::properties::Properties;
use cassandra_init::config::yaml::{Edit, Node, Step, YamlDocument, YamlPath};
use cassandra_init::report::Report;
use cassandra_init::settings::raw::Source;
use cassandra_init::settings::{Profile, RawEnv, Settings};

use cassandra_init::supervisor::connections::Door;
use cassandra_init::supervisor::desk::Errand;
use cassandra_init::supervisor::{Desk, Facts};

/// The line between a document and the edits of it.
const SPLIT: &str = "\n====\n";

/// What is done with any bytes; it panics if something does not hold.
pub type Target = fn(&[u8]);

/// A target by its name, which is that of its corpus folder.
pub const TARGETS: [(&str, Target); 10] = [
    ("yaml", yaml),
    ("properties", properties),
    ("jvm_options", jvm_options),
    ("env", env),
    ("yaml_path", yaml_path),
    ("keystore", keystore),
    ("cql", cql),
    ("jmx", jmx),
    ("java_values", java_values),
    ("asked", asked),
];

fn parts(text: &str) -> (&str, std::str::Lines<'_>) {
    let (document, edits) = text.split_once(SPLIT).unwrap_or((text, ""));
    (document, edits.lines())
}

/// A document and edits of it, one a line: `path: value` sets, `path` removes.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (document, edits) = parts(text);
    let shown = masked::lines("cassandra.yaml", document);
    assert_eq!(shown.len(), document.split_inclusive('\n').count(), "a line for each");
    let Ok(mut doc) = YamlDocument::parse("fuzz.yaml", document) else { return };
    assert_eq!(doc.edit(&[]).expect("no edit is made").text(), doc.text());
    for line in edits {
        let (path, value) = line.split_once(": ").map_or((line, None), |(path, value)| (path, Some(value)));
        let Ok(path) = path.parse::<YamlPath>() else { continue };
        let Some(edit) = edit(&path, value) else { continue };
        let Ok(next) = doc.edit(std::slice::from_ref(&edit)) else { continue };
        let read = YamlDocument::parse("fuzz.yaml", next.text()).expect("what is written can be read");
        assert_eq!(read.tree(), next.tree(), "{edit:?}");
        match &edit {
            Edit::Set(_, node) => {
                assert_eq!(next.get(&path), Some(&node.to_value()), "{edit:?}");
                let again = next.edit(std::slice::from_ref(&edit)).expect("the same edit again is made");
                assert_eq!(again.text(), next.text(), "{edit:?} twice");
            }
            Edit::Remove(_) => {
                let is_key = matches!(path.steps().last(), Some(Step::Key(_)));
                assert!(!is_key || next.get(&path).is_none(), "{edit:?}");
            }
        }
        if doc.get(&path).is_none() {
            assert!(sentences(doc.text()).eq(sentences(next.text())), "{edit:?} takes a comment along");
        }
        doc = next;
    }
    let entries = doc.entries().into_iter().map(|(key, node)| Edit::Set(YamlPath::key(key), node)).collect::<Vec<_>>();
    let empty = YamlDocument::parse("copy.yaml", "").expect("an empty file is a document");
    if let Ok(copy) = empty.edit(&entries) {
        assert_eq!(copy.tree(), doc.tree(), "a copy means the same");
    }
}

/// Comment lines that nobody can take for an entry.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let is_sentence = |body: &&str| body.len() > 2 && body.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
    text.lines().filter_map(|line| line.trim().strip_prefix("# ")).filter(is_sentence)
}

fn edit(path: &YamlPath, value: Option<&str>) -> Option<Edit> {
    let Some(value) = value else { return Some(Edit::Remove(path.clone())) };
    let node = match YamlDocument::parse("value", &format!("v: {value}")) {
        Ok(doc) => doc.node(&YamlPath::key("v"))?,
        Err(_) => Node::from(value),
    };
    Some(Edit::Set(path.clone(), node))
}

/// A file and edits of it, one a line: `key=value` sets, `key` enables and removes.
pub fn properties(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (document, edits) = parts(text);
    let Ok(mut file) = Properties::parse("fuzz.properties", document) else { return };
    for line in edits {
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(value)));
        let others = |file: &Properties| {
            let other = file.iter().filter(|(name, _)| *name != key);
            other.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        let before = others(&file);
        if let Some(value) = value {
            file.set(key, value);
            assert_eq!(file.get(key), Some(value));
        } else {
            assert!(!file.enable(key) || file.get(key).is_some());
            file.remove(key);
            assert_eq!(file.get(key), None);
        }
        assert_eq!(others(&file), before, "an edit of `{key}` changes nothing else");
        let read = Properties::parse("fuzz.properties", file.text()).expect("what is written can be read");
        assert!(read.iter().eq(file.iter()));
    }
}

/// A file and options to set, one a line; `!option` removes its key.
pub fn jvm_options(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (document, edits) = parts(text);
    let mut file = JvmOptions::parse("fuzz.options", document);
    for line in edits {
        let others = |file: &JvmOptions, key: &OptionKey| {
            file.options().flat_map(options_of).filter(|option| OptionKey::of(option) != *key).collect::<Vec<_>>()
        };
        let option = line.strip_prefix('!').unwrap_or(line);
        let key = OptionKey::of(option);
        let before = others(&file, &key);
        if option == line {
            if file.set(option).is_err() {
                continue;
            }
            assert_eq!(file.get(&key), Some(option));
            assert_eq!(file.options().filter(|line| OptionKey::of(line) == key).count(), 1, "{option}");
        } else {
            file.remove(&key);
            assert_eq!(file.get(&key), None);
        }
        assert_eq!(others(&file, &key), before, "an edit of `{option}` changes nothing else");
        assert!(JvmOptions::parse("fuzz.options", &file.text()).options().eq(file.options()));
    }
}

/// An environment, one `NAME=value` a line: it is read or told about, and no secret is in what is told.
pub fn env(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut env = RawEnv::default();
    let (mut secrets, mut others) = (Vec::new(), String::new());
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        env.insert(name, value, Source::Environment(name.to_owned()));
        let is_secret = ["PASSWORD", "SECRET"].iter().any(|word| name.contains(word));
        if is_secret { secrets.push(value.to_owned()) } else { others.extend([name, "=", value, "\n"]) }
    }
    // A short one, or one that stands elsewhere too, proves nothing.
    secrets.retain(|secret| secret.len() >= 12 && !others.contains(secret.as_str()));
    let profile = Profile::named("kubernetes-examples").unwrap_or_else(|error| panic!("{error}"));
    let mut report = Report::default();
    let settings = Settings::read(&env, &profile, &mut report);
    drop(settings.yaml_settings());
    for finding in report.iter() {
        let told = finding.to_string();
        assert!(!secrets.iter().any(|secret| told.contains(secret)), "{told}");
    }
}

/// The text of a path: what is read is written as it was.
pub fn yaml_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(path) = text.parse::<YamlPath>() {
        let again = path.to_string().parse::<YamlPath>().expect("what is written can be read");
        assert_eq!(again, path);
        assert!(!path.steps().is_empty() && !path.root().is_empty());
    }
}

/// A keystore, whose password is `cassandra`.
pub fn keystore(data: &[u8]) {
    let read = keystore::read(data, "cassandra");
    if let Ok(keystore) = &read {
        let key = keystore.key.as_ref();
        assert!(key.is_none_or(|key| !key.secret.secret_der().is_empty()), "a key has bytes");
    }
    assert_eq!(read, keystore::read(data, "cassandra"), "nothing else decides");
}

/// Asks a server that says the parts of `data`, each on a connection of its own, and closes it. `PORT` in it is the server's.
fn ask<T>(data: &[u8], client: impl FnOnce(SocketAddr) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let port = u32::from(address.port()).to_be_bytes();
    let mut data = data.to_vec();
    while let Some(at) = data.windows(4).position(|window| window == b"PORT") {
        data[at..at + 4].copy_from_slice(&port);
    }
    let split = data.windows(SPLIT.len()).position(|window| window == SPLIT.as_bytes());
    let (first, second) = split.map_or((&data[..], &[][..]), |at| (&data[..at], &data[at + SPLIT.len()..]));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // A connection that is not closed before its data is read keeps it from being lost.
            let mut open = Vec::new();
            for part in std::iter::once(first).chain(std::iter::repeat(second)) {
                let (mut stream, _) = listener.accept().expect("somebody connects");
                if done.load(Ordering::SeqCst) {
                    return;
                }
                // Who is told enough does not listen any more.
                let _ = stream.write_all(part);
                let _ = stream.shutdown(Shutdown::Write);
                open.push(stream);
            }
        });
        let answer = client(address);
        done.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(address));
        answer
    })
}

/// More than any server of these targets takes.
const LIMIT: Duration = Duration::from_mins(1);

/// What is made of a CQL server that says this.
pub fn cql_answer(data: &[u8]) -> Result<cql::Answer, cql::Trouble> {
    ask(data, |address| cql::handshake(address, None, LIMIT))
}

/// What is made of a JMX server that says this.
pub fn jmx_answer(data: &[u8]) -> Result<Value, jmx::Trouble> {
    ask(data, |address| Jmx::connect(address, None, LIMIT)?.attribute(STORAGE_SERVICE, "OperationMode"))
}

/// What a CQL server says: on its first connection, and behind the line on its second.
pub fn cql(data: &[u8]) {
    let answer = cql_answer(data);
    assert!(!matches!(answer, Err(cql::Trouble::TimedOut { .. })), "{answer:?}");
    assert!(!matches!(answer, Ok(cql::Answer::OnlyOthers(_))), "without TLS there are no others: {answer:?}");
    let told = answer.map_or_else(|trouble| trouble.to_string(), |answer| format!("{answer:?}"));
    assert!(!told.contains(char::is_control), "{told:?}");
}

/// What a JMX server says: its registry on the first connection, and behind the line the server itself.
pub fn jmx(data: &[u8]) {
    // The entry may name any other port, where anybody may listen.
    if let Err(trouble) = jmx_answer(data)
        && !matches!(trouble, jmx::Trouble::TimedOut { .. })
    {
        let told = trouble.to_string();
        assert!(!told.contains(char::is_control), "{told:?}");
    }
}

/// An answer of a JMX server: it is read or not, and what it says is not more than its bytes can bear.
pub fn java_values(data: &[u8]) {
    fn count(value: &Value) -> usize {
        match value {
            Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|(key, value)| count(key) + count(value)).sum::<usize>(),
            _ => 1,
        }
    }
    if let Some(value) = read_stream(data) {
        assert!(count(&value) <= data.len(), "{} things in {} bytes", count(&value), data.len());
    }
}

/// What is said at the control socket and at the HTTP port, and what a look tells after [`SPLIT`]. Whatever the pieces in which it
/// comes, it is answered once, or never because it has no end, and the answer is whole.
pub fn asked(data: &[u8]) {
    let split = data.windows(SPLIT.len()).position(|bytes| bytes == SPLIT.as_bytes()).unwrap_or(data.len());
    let (said, told) = data.split_at(split);
    let told = told.get(SPLIT.len()..).unwrap_or_default();
    for door in [Door::Control, Door::Web] {
        let whole = answers(door, &[said], told);
        let (first, second) = said.split_at(said.len() / 2);
        let halves = answers(door, &[first, second], told);
        let bytes: Vec<&[u8]> = said.chunks(1).collect();
        let single = answers(door, &bytes, told);
        assert_eq!((whole.is_some(), whole.is_some()), (halves.is_some(), single.is_some()), "in any pieces");
        let Some(answer) = whole else { continue };
        let text = std::str::from_utf8(&answer).expect("an answer is text");
        match door {
            Door::Control => assert!(text.ends_with('\n') && !text.contains('\r'), "{text:?}"),
            Door::Web => {
                let (head, body) = text.split_once("\r\n\r\n").expect("a head");
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
                assert!(
                    head.starts_with("HTTP/1.1 ") && (body.is_empty() || length == body.len().to_string()),
                    "{text}"
                );
            }
        }
    }
}

/// The answer to pieces of a request.
fn answers(door: Door, pieces: &[&[u8]], told: &[u8]) -> Option<Vec<u8>> {
    let now = std::time::Duration::ZERO;
    let mut desk = Desk::new(Patience::new(None, None), Facts::default());
    desk.started(17, Facts::default(), now);
    let (id, _) = desk.opened(door, now);
    let mut errands = Vec::new();
    for piece in pieces {
        errands.extend(desk.heard(id, piece, now));
    }
    if errands.iter().any(|errand| matches!(errand, Errand::Look(..))) {
        errands.extend(desk.look_ended(Some(told), now));
    }
    let mut sent = errands.into_iter().filter_map(|errand| match errand {
        Errand::Send(_, bytes) => Some(bytes),
        _ => None,
    });
    let answer = sent.next();
    assert!(sent.next().is_none(), "one answer");
    answer
}
