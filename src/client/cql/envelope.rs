//! The protocol's messages: an envelope of nine bytes, and the few bodies that a probe sends and reads.

/// Message types (section 2.4 of the specifications).
pub(super) mod opcode {
    pub(in super::super) const ERROR: u8 = 0x00;
    pub(in super::super) const STARTUP: u8 = 0x01;
    pub(in super::super) const READY: u8 = 0x02;
    pub(in super::super) const AUTHENTICATE: u8 = 0x03;
    pub(in super::super) const OPTIONS: u8 = 0x05;
    pub(in super::super) const SUPPORTED: u8 = 0x06;
    pub(in super::super) const QUERY: u8 = 0x07;
    pub(in super::super) const RESULT: u8 = 0x08;
}

/// The length of an envelope's header.
pub(super) const HEADER: usize = 9;

/// Set in the version of every answer.
const RESPONSE: u8 = 0x80;

/// No answer to what we ask comes near this; a peer that announces more is not a CQL server.
const LONGEST_BODY: usize = 256 * 1024;

/// How many characters of a server's words are kept: a sentence, for it ends in a log.
const LONGEST_WORDS: usize = 200;

/// Set in the flags of an answer that begins with warnings (since v4).
const WARNING: u8 = 0x08;

/// `[consistency]` ONE: the row is the node's own.
const ONE: u16 = 0x0001;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Spoken by every line from 3.11 on, unless it is forbidden (`native_transport_allow_older_protocols`).
    V4 = 4,
    /// Spoken by 4.0 and later.
    V5 = 5,
}

/// An answer.
pub(super) struct Envelope {
    pub(super) opcode: u8,
    pub(super) body: Vec<u8>,
}

/// A request on stream 0.
pub(super) fn encode(version: Version, opcode: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut envelope = vec![version as u8, 0, 0, 0, opcode];
    envelope.extend(length.to_be_bytes());
    envelope.extend(body);
    envelope
}

/// What an answer's header says.
pub(super) struct Header {
    flags: u8,
    opcode: u8,
    /// The length of what follows, in bytes.
    pub(super) length: usize,
}

/// The header of what may be an answer.
pub(super) fn decode_header(header: [u8; HEADER]) -> Option<Header> {
    let [version, flags, _, _, opcode, length @ ..] = header;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    (version & RESPONSE != 0 && length <= LONGEST_BODY).then_some(Header { flags, opcode, length })
}

/// An answer of its header and what followed it. A server may put warnings before any answer (section 2.2); they are not read.
pub(super) fn decode(header: &Header, mut body: Vec<u8>) -> Option<Envelope> {
    if header.flags & WARNING != 0 {
        let (count, mut rest) = body.split_first_chunk::<2>()?;
        for _ in 0..u16::from_be_bytes(*count) {
            rest = take_string(rest)?.1;
        }
        body = rest.to_vec();
    }
    Some(Envelope { opcode: header.opcode, body })
}

/// `{CQL_VERSION: 3.0.0, DRIVER_NAME: cassandra-init}`, a `[string map]`; the driver is seen in `system_views.clients`.
pub(super) fn startup_body() -> Vec<u8> {
    let pairs = [
        ("CQL_VERSION", "3.0.0"),
        ("DRIVER_NAME", env!("CARGO_PKG_NAME")),
        ("DRIVER_VERSION", env!("CARGO_PKG_VERSION")),
    ];
    let mut body = vec![0, 3];
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        body.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend(text.as_bytes());
    }
    body
}

/// A query without values, paging or options.
pub(super) fn query_body(version: Version, query: &str) -> Vec<u8> {
    let mut body = u32::try_from(query.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    body.extend(query.as_bytes());
    body.extend(ONE.to_be_bytes());
    body.extend(match version {
        Version::V4 => &[0][..],
        Version::V5 => &[0; 4],
    });
    body
}

/// The code and the text of an ERROR.
pub(super) fn read_error(body: &[u8]) -> Option<(u32, String)> {
    let (code, rest) = body.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*code), read_string(rest).unwrap_or_default()))
}

/// The beginning of a `[string]`: its length in two bytes, then UTF-8; control characters are dropped.
pub(super) fn read_string(body: &[u8]) -> Option<String> {
    Some(printable(take_string(body)?.0, LONGEST_WORDS))
}

fn take_string(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn take_int(body: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = body.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

fn printable(bytes: &[u8], most: usize) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(most).collect()
}

/// The one value of a RESULT with one row and one column of text (section 4.2.5.2), whole: empty where it is null.
pub(super) fn read_only_text(body: &[u8]) -> Option<String> {
    const ROWS: u32 = 2;
    const GLOBAL_TABLE: u32 = 1;
    let (kind, rest) = take_int(body)?;
    let (flags, rest) = take_int(rest)?;
    let (columns, mut rest) = take_int(rest)?;
    if (kind, flags, columns) != (ROWS, GLOBAL_TABLE, 1) {
        return None;
    }
    // Keyspace, table, column.
    for _ in 0..3 {
        rest = take_string(rest)?.1;
    }
    // The type, an [option] without a value.
    let (_kind, rest) = rest.split_first_chunk::<2>()?;
    let (1, rest) = take_int(rest)? else { return None };
    let (length, rest) = take_int(rest)?;
    match i32::from_be_bytes(length.to_be_bytes()) {
        ..0 => Some(String::new()),
        length => Some(printable(rest.get(..usize::try_from(length).ok()?)?, LONGEST_BODY)),
    }
}
