//! The handshake in TLS, with servers that take anybody, want a certificate, or speak something else.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection, SignatureScheme,
    StreamOwned, SupportedProtocolVersion,
};

use super::*;
use crate::client::keystore;
use crate::client::tls::Identity;

/// A key that opens nothing, and its certificate.
const PEM: &str = include_str!("test-node.pem");
const LONG: Duration = Duration::from_secs(10);

/// A certificate, and one that ended in 2021, both of the authority's for the name node.example.
const SIGNED: &str = include_str!("test-signed.pem");
const EXPIRED: &str = include_str!("test-expired.pem");
const AUTHORITY: &str = include_str!("test-authority.pem");

/// What a server thinks of certificates of clients.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wants {
    Nothing,
    TheNodes,
    Another,
}

impl ClientCertVerifier for Wants {
    fn offer_client_auth(&self) -> bool {
        *self != Self::Nothing
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        assert_eq!(*certificate, CertificateDer::from_pem_slice(PEM.as_bytes()).unwrap());
        match self {
            Self::Another => Err(CertificateError::UnknownIssuer.into()),
            _ => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn server(pem: &str, version: &'static SupportedProtocolVersion, wants: Wants) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(Arc::new(wants))
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// Serves one client in TLS.
fn serve(config: Arc<ServerConfig>, stream: TcpStream) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    let _ = converse_with_client(&mut stream);
    // The alert that tells why must be out before the connection is closed.
    let _ = stream.flush();
}

/// OPTIONS and STARTUP as a node with passwords answers them; what a client sends that is no such thing ends it.
fn converse_with_client(stream: &mut (impl Read + Write)) -> std::io::Result<()> {
    for (request, answer) in [(5, &b"\x84\0\0\0\x06\0\0\0\x02\0\0"[..]), (1, b"\x84\0\0\0\x03\0\0\0\x03\0\x01A")] {
        let mut header = [0; envelope::HEADER];
        stream.read_exact(&mut header)?;
        assert_eq!(header[4], request);
        stream.read_exact(&mut vec![0; usize::from(header[8])])?;
        stream.write_all(answer)?;
    }
    Ok(())
}

fn identity(pem: Option<&str>) -> Identity {
    let pem = pem.map(str::to_owned);
    Box::new(move || {
        let keystore = keystore::read(pem.as_ref().ok_or("nothing is known")?.as_bytes(), "");
        keystore.map_err(|error| error.to_string())?.key.ok_or("no key".to_owned())
    })
}

/// The handshake against `serve`.
fn against_each(tls: &Tls, limit: Duration, serve: impl FnOnce(TcpStream) + Send + 'static) -> Result<Answer, Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || serve(listener.accept().unwrap().0));
    let answer = handshake(address, Some(tls), limit);
    thread.join().unwrap();
    answer
}

/// The same with `pem` for a client's certificate.
fn against(
    pem: Option<&str>,
    limit: Duration,
    serve: impl FnOnce(TcpStream) + Send + 'static,
) -> Result<Answer, Trouble> {
    against_each(&Tls::new(identity(pem), None).unwrap(), limit, serve)
}

/// The same against a server that speaks TLS.
fn against_tls(pem: Option<&str>, version: &'static SupportedProtocolVersion, wants: Wants) -> Result<Answer, Trouble> {
    against(pem, LONG, move |stream| serve(server(PEM, version, wants), stream))
}

/// The handshake of a client that trusts `trusted`, with a server that shows the certificate of `pem`.
fn verified(trusted: &str, pem: &'static str, version: &'static SupportedProtocolVersion) -> Result<Answer, Trouble> {
    let trusted = keystore::read(trusted.as_bytes(), "").unwrap().trusted;
    let tls = Tls::new(identity(None), Some(trusted)).unwrap();
    against_each(&tls, LONG, move |stream| serve(server(pem, version, Wants::Nothing), stream))
}

#[test]
fn cql_is_spoken_in_tls_of_both_versions_whoever_signed_the_certificate() {
    for version in [&TLS12, &TLS13] {
        let answer = against_tls(None, version, Wants::Nothing).unwrap();
        assert_eq!(answer, Answer::Authenticate("A".into()), "{version:?}");
    }
}

#[test]
fn where_clients_need_a_certificate_the_nodes_own_is_shown() {
    for version in [&TLS12, &TLS13] {
        let answer = against_tls(Some(PEM), version, Wants::TheNodes).unwrap();
        assert_eq!(answer, Answer::Authenticate("A".into()), "{version:?}");
    }
}

#[test]
fn a_server_that_wants_a_certificate_which_we_have_not_got_accepts_clients() {
    let without_key = PEM.split("-----BEGIN PRIVATE KEY-----").next();
    for version in [&TLS12, &TLS13] {
        for (pem, why) in [
            (None, "nothing is known"),
            (without_key, "no key"),
            (Some(""), "not a keystore: neither PEM, PKCS#12 nor JKS"),
        ] {
            let answer = against_tls(pem, version, Wants::TheNodes).unwrap();
            let said = format!("a client certificate is asked for ({why})");
            assert_eq!(answer, Answer::OnlyOthers(said), "{version:?}");
        }
        let answer = against_tls(Some(PEM), version, Wants::Another).unwrap();
        let said = "the node's own certificate is not taken for a client's".to_owned();
        assert_eq!(answer, Answer::OnlyOthers(said), "{version:?}");
    }
}

#[test]
fn a_server_that_finds_no_cipher_in_common_accepts_clients() {
    let alert = |code: u8| {
        against(None, LONG, move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(&[0x15, 3, 3, 0, 2, 2, code]).unwrap();
        })
    };
    assert_eq!(alert(40).unwrap(), Answer::OnlyOthers("no version or cipher in common".into()));
    let internal_error = alert(80);
    assert!(matches!(internal_error, Err(Trouble::Encryption { .. })), "{internal_error:?}");
}

/// Such as Java 8 where `protocol` is TLSv1.1, or TLSv1 as 3.11 allows it: clients of its time are served.
#[test]
fn a_server_whose_hello_is_of_an_older_version_accepts_clients() {
    for minor in [0x01, 0x02] {
        let answer = against(None, LONG, move |mut stream| {
            let hello = [&[0x03, minor][..], &[7; 32], &[0, 0xC0, 0x14, 0]].concat();
            let length = u8::try_from(hello.len()).unwrap();
            let begin = [0x16, 0x03, minor, 0, length + 4, 0x02, 0, 0, length];
            let _ = stream.write_all(&[&begin[..], &hello].concat());
            let _ = stream.read(&mut [0; 1000]);
        });
        assert_eq!(answer.unwrap(), Answer::OnlyOthers("no version or cipher in common".into()), "TLS 1.{}", minor - 1);
    }
}

#[test]
fn a_server_without_tls_a_closing_and_a_silent_one_end_within_the_limit() {
    let plain = against(None, LONG, |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"\x84\0\0\0\0\0\0\0\x06\0\0\0\x0a\0\0").unwrap();
    });
    assert!(plain.as_ref().unwrap_err().to_string().contains(": no TLS: "), "{plain:?}");
    let closing = against(None, LONG, |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
    });
    assert!(matches!(closing, Err(Trouble::Connection { .. })), "{closing:?}");
    let silent = against(None, Duration::from_millis(200), |mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(matches!(silent, Err(Trouble::TimedOut { .. })), "{silent:?}");
}

#[test]
fn a_certificate_is_verified_by_its_authority_for_any_name_and_by_itself() {
    for version in [&TLS12, &TLS13] {
        for (trusted, pem) in [(AUTHORITY, SIGNED), (PEM, PEM)] {
            assert_eq!(verified(trusted, pem, version).unwrap(), Answer::Authenticate("A".into()), "{version:?}");
        }
        let expired = "it: certificate expired at 2021-01-01T00:00:00Z, it is 20";
        for (trusted, pem, why) in
            [(PEM, SIGNED, "UnknownIssuer"), (AUTHORITY, EXPIRED, expired), (EXPIRED, EXPIRED, expired)]
        {
            let trouble = verified(trusted, pem, version).unwrap_err();
            assert!(matches!(trouble, Trouble::Certificate { .. }), "{trouble:?}");
            let words = trouble.to_string();
            assert!(words.contains("clients that verify its certificate refuse it") && words.contains(why), "{words}");
        }
    }
}

/// A server in TLS that closes after so many bytes of its side of the handshake, or lets them drip.
fn torn(limit: Duration, bytes: usize, drips: bool) -> Result<Answer, Trouble> {
    against(None, limit, move |mut stream| {
        let mut connection = ServerConnection::new(server(PEM, &TLS12, Wants::Nothing)).unwrap();
        let mut sent = Vec::new();
        connection.read_tls(&mut stream).unwrap();
        connection.process_new_packets().unwrap();
        while connection.wants_write() {
            connection.write_tls(&mut sent).unwrap();
        }
        assert!(bytes < sent.len(), "only {} bytes are said first", sent.len());
        if !drips {
            let _ = stream.write_all(&sent[..bytes]);
            return;
        }
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        for byte in sent {
            let gone = stream.write_all(&[byte]).is_err() || stream.read(&mut [0; 64]).is_ok_and(|read| read == 0);
            if gone {
                break;
            }
        }
    })
}

#[test]
fn a_handshake_that_is_cut_off_anywhere_or_drips_ends_in_a_clear_result() {
    for bytes in (0..400).step_by(7) {
        let trouble = torn(LONG, bytes, false).unwrap_err();
        assert!(matches!(trouble, Trouble::Connection { .. }), "after {bytes} bytes: {trouble:?}");
    }
    let trouble = torn(Duration::from_millis(300), 0, true).unwrap_err();
    assert!(matches!(trouble, Trouble::TimedOut { .. }), "{trouble:?}");
}

#[test]
fn a_server_that_sends_without_end_is_no_tls_server() {
    let trouble = against(None, LONG, |mut stream| while stream.write_all(&[0x42; 4096]).is_ok() {}).unwrap_err();
    assert!(matches!(trouble, Trouble::Encryption { .. }), "{trouble:?}");
    // Records of handshakes, each of them empty.
    let records = [0x16, 3, 3, 0, 0].repeat(1000);
    let trouble = against(None, LONG, move |mut stream| while stream.write_all(&records).is_ok() {}).unwrap_err();
    assert!(matches!(trouble, Trouble::Encryption { .. }), "{trouble:?}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_for_a_server_hello_end_in_a_clear_result(bytes: Vec<u8>, as_handshake: bool) {
        let result = against(None, Duration::from_secs(5), move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let length = u16::try_from(bytes.len()).unwrap();
            let record = [&[0x16, 3, 3][..], &length.to_be_bytes()].concat();
            let _ = stream.write_all(if as_handshake { &record } else { &[] });
            let _ = stream.write_all(&bytes);
        });
        proptest::prop_assert!(result.is_err());
    }
}
