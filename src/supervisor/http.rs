//! HTTP as far as probes and Prometheus speak it: one request for each connection, GET and HEAD, and what is answered.
//!
//! Nothing of a request but its method and its path is looked at; a body is not read.

use std::fmt::Write as _;

use crate::cassandra::modes::{Question, Verdict};

/// The longest request head in bytes, its empty line included.
pub const LONGEST_HEAD: usize = 4096;

/// More header fields than anybody sends who has not more than that many bytes.
const MOST_FIELDS: usize = 64;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// One of the three questions.
    Probe(Question),
    /// The node as a whole, as JSON.
    Status,
    /// Figures for Prometheus.
    Metrics,
}

/// The pages by their paths.
const PAGES: [(&str, Page); 5] = [
    ("/startupz", Page::Probe(Question::Startup)),
    ("/livez", Page::Probe(Question::Liveness)),
    ("/readyz", Page::Probe(Question::Readiness)),
    ("/status", Page::Status),
    ("/metrics", Page::Metrics),
];

/// What was read of a request so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// It has no end yet.
    Unfinished,
    /// A page is asked for.
    Asks(Page, Method),
    /// It is answered with this and nothing else.
    Refused(Response),
}

/// Whether the answer has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It has.
    Get,
    /// Only its length is told.
    Head,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: Status,
    kind: &'static str,
    body: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLarge,
    Unavailable,
    NoSuchVersion,
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// The text format that every Prometheus reads (prometheus.io/docs/instrumenting/exposition_formats).
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
            Self::NoSuchVersion => "505 HTTP Version Not Supported",
        }
    }
}

/// Reads what has come of a request.
pub fn read(bytes: &[u8]) -> Head {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let within = bytes.get(..LONGEST_HEAD).unwrap_or(bytes);
    match request.parse(within) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Head::Unfinished,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return refused(Status::HeadTooLarge, format!("a request head has at most {LONGEST_HEAD} bytes here"));
        }
        Err(httparse::Error::Version) => {
            return refused(Status::NoSuchVersion, "HTTP/1.0 and HTTP/1.1 are spoken here");
        }
        Err(error) => return refused(Status::BadRequest, format!("not an HTTP request: {error}")),
    }
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => return refused(Status::MethodNotAllowed, "GET and HEAD are answered here"),
    };
    let asked = request.path.unwrap_or_default();
    let path = path_of(asked).split(['?', '#']).next().unwrap_or_default();
    if let Some((_, page)) = PAGES.iter().find(|(known, _)| *known == path) {
        return Head::Asks(*page, method);
    }
    refused(Status::NotFound, format!("here are {}", PAGES.map(|(path, _)| path).join(" ")))
}

/// The path of what was asked for, which a client may send with the server before it (RFC 9112, section 3.2.2).
fn path_of(target: &str) -> &str {
    match target.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        }
        _ => target,
    }
}

fn refused(status: Status, why: impl Into<String>) -> Head {
    Head::Refused(Response { status, kind: TEXT, body: why.into() + "\n" })
}

impl Response {
    /// A probe's answer: 200 or 503, and why.
    pub fn verdict(verdict: &Verdict) -> Self {
        let status = if verdict.yes { Status::Ok } else { Status::Unavailable };
        Self { status, kind: TEXT, body: format!("{}\n", verdict.reason) }
    }

    /// The node as a whole, or why that cannot be told.
    pub fn status(page: Result<String, String>) -> Self {
        match page {
            Ok(body) => Self { status: Status::Ok, kind: JSON, body },
            Err(why) => Self { status: Status::Unavailable, kind: TEXT, body: why + "\n" },
        }
    }

    /// The figures.
    pub fn metrics(body: String) -> Self {
        Self { status: Status::Ok, kind: EXPOSITION, body }
    }

    /// The bytes that are sent. A refusal has its body whatever was asked, except for HEAD.
    pub fn bytes(&self, method: Method) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {}\r\n", self.status.line());
        if self.status == Status::MethodNotAllowed {
            text.push_str("Allow: GET, HEAD\r\n");
        }
        let _ = write!(
            text,
            "Content-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            self.kind,
            self.body.len()
        );
        if method == Method::Get {
            text.push_str(&self.body);
        }
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the kubelet sends it (k8s.io/kubernetes/pkg/probe/http).
    const KUBELET: &str = "GET /readyz HTTP/1.1\r\nHost: 10.244.0.10:9180\r\nUser-Agent: kube-probe/1.31\r\n\
                           Accept: */*\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n";

    fn status_of(request: &str) -> String {
        match read(request.as_bytes()) {
            Head::Refused(response) => {
                let bytes = String::from_utf8(response.bytes(Method::Get)).unwrap();
                bytes.split(' ').nth(1).unwrap().to_owned()
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_probe_of_the_kubelet_is_understood_as_soon_as_it_is_whole() {
        for end in 0..KUBELET.len() {
            assert_eq!(read(&KUBELET.as_bytes()[..end]), Head::Unfinished, "{end}");
        }
        assert_eq!(read(KUBELET.as_bytes()), Head::Asks(Page::Probe(Question::Readiness), Method::Get));
    }

    #[test]
    fn every_page_is_there_in_both_versions_and_methods() {
        for (path, page) in PAGES {
            for version in ["1.0", "1.1"] {
                let head = |method: &str| read(format!("{method} {path}?verbose HTTP/{version}\r\n\r\n").as_bytes());
                assert_eq!(head("GET"), Head::Asks(page, Method::Get));
                assert_eq!(head("HEAD"), Head::Asks(page, Method::Head));
            }
        }
    }

    #[test]
    fn a_page_may_be_asked_for_with_the_servers_name_before_it() {
        for target in ["http://10.0.0.1:8080/livez", "HTTP://cs-0.cs/livez?verbose", "http:///livez"] {
            let asked = read(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
            assert_eq!(asked, Head::Asks(Page::Probe(Question::Liveness), Method::Get), "{target}");
        }
        for target in ["http://livez", "http://", "http:/livez", "https://10.0.0.1/livez", "//livez"] {
            assert_eq!(status_of(&format!("GET {target} HTTP/1.1\r\n\r\n")), "404", "{target}");
        }
    }

    #[test]
    fn what_is_not_served_has_the_code_that_says_why() {
        let long = format!("GET /livez HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(LONGEST_HEAD));
        let many = format!("GET /livez HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(MOST_FIELDS + 1));
        for (request, code) in [
            ("POST /livez HTTP/1.1\r\n\r\n", "405"),
            ("GET / HTTP/1.1\r\n\r\n", "404"),
            ("GET /livez/../status HTTP/1.1\r\n\r\n", "404"),
            ("GET /Livez HTTP/1.1\r\n\r\n", "404"),
            ("GET /livez HTTP/2.0\r\n\r\n", "505"),
            ("\u{16}\u{3}\u{1} a TLS hello\r\n\r\n", "400"),
            ("GET  /livez HTTP/1.1\r\n\r\n", "400"),
            (&long, "431"),
            (&many, "431"),
        ] {
            assert_eq!(status_of(request), code, "{request:.60}");
        }
    }

    #[test]
    fn an_answer_tells_its_length_and_ends_the_connection() {
        let no = Verdict { yes: false, reason: "größer".into() };
        let get = String::from_utf8(Response::verdict(&no).bytes(Method::Get)).unwrap();
        assert_eq!(
            get,
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\ngrößer\n"
        );
        let head = String::from_utf8(Response::verdict(&no).bytes(Method::Head)).unwrap();
        assert_eq!(Some(head.as_str()), get.strip_suffix("größer\n"));
        let Head::Refused(refused) = read(b"PUT /livez HTTP/1.1\r\n\r\n") else { panic!("a PUT") };
        let refused = String::from_utf8(refused.bytes(Method::Get)).unwrap();
        assert!(refused.contains("\r\nAllow: GET, HEAD\r\n"), "{refused}");
    }

    proptest! {
        /// Bytes in, and never a request out of more than the longest head, nor an endless wait for its end.
        #[test]
        fn any_bytes_have_an_answer_in_the_end(bytes in prop::collection::vec(any::<u8>(), 0..200), fill in any::<u8>()) {
            let mut bytes = bytes;
            prop_assert!(!matches!(read(&bytes), Head::Asks(Page::Metrics, Method::Head)) || bytes.starts_with(b"HEAD"));
            bytes.resize(LONGEST_HEAD, fill);
            prop_assert_ne!(read(&bytes), Head::Unfinished);
        }
    }
}
