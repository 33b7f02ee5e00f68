//! TLS as a client that asks the node on its own address how it is: whoever answers there is the node, so its certificate is
//! verified only for whom wants to know whether clients can, and nothing secret is sent.

mod refusal;
mod verifier;

use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, Error, SignatureScheme};

use crate::client::keystore::Key;
pub(super) use refusal::words as refusal;

/// Where a client's key and certificate come from, or why there is none. It is asked only when a server wants one, as a
/// keystore may take some milliseconds to open.
pub type Identity = Box<dyn Fn() -> Result<Key, String> + Send + Sync>;

/// How TLS is spoken with a node.
#[derive(Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    own: Arc<Own>,
}

/// The certificate that we have, if any, and whether it was asked for.
struct Own {
    identity: Identity,
    certificate: OnceLock<Result<Arc<CertifiedKey>, String>>,
    wanted: AtomicBool,
}

impl Tls {
    /// With what is shown where a server wants a client's certificate, and the certificates of whom a server's is to be signed
    /// by; none: nobody asks.
    pub fn new(identity: Identity, trusted: Option<Vec<CertificateDer<'static>>>) -> Result<Self, Error> {
        let provider = Arc::new(provider());
        let own = Arc::new(Own { identity, certificate: OnceLock::new(), wanted: AtomicBool::new(false) });
        let verifier = verifier::new(trusted, &provider)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::<Own>::clone(&own));
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), own })
    }

    /// Whether a server has asked for a certificate; then it speaks TLS, and may want one that we do not have.
    pub fn was_asked_for_a_certificate(&self) -> bool {
        self.own.wanted.load(Ordering::Relaxed)
    }

    /// Why there was no certificate to send, if there was none.
    pub fn why_no_certificate(&self) -> Option<&str> {
        self.own.certificate.get()?.as_ref().err().map(String::as_str)
    }

    pub(super) fn session(&self, peer: IpAddr) -> Result<Session, Error> {
        let name = ServerName::IpAddress(peer.into());
        ClientConnection::new(Arc::clone(&self.config), name).map(Box::new).map(Session)
    }
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Session(Box<ClientConnection>);

impl Session {
    /// The connection's plain text; the handshake is made when it is first needed.
    pub(super) fn over<'a, T: Read + Write>(&'a mut self, stream: &'a mut T) -> impl Read + Write + 'a {
        rustls::Stream::new(&mut *self.0, stream)
    }
}

/// Whether an error says that client and server found no version or cipher in common: the server lives, and
/// speaks to others. It says so itself, or its hello is one that we cannot go on from.
pub(super) fn is_disagreement(error: &Error) -> bool {
    use rustls::AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    matches!(
        error,
        Error::AlertReceived(HandshakeFailure | InsufficientSecurity | ProtocolVersion) | Error::PeerIncompatible(_)
    )
}

/// Few of the ciphers, as each makes the binary larger: these are on in every Java since 8.
fn provider() -> CryptoProvider {
    use ring::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS13_AES_128_GCM_SHA256,
        TLS13_AES_256_GCM_SHA384,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        kx_groups: vec![ring::kx_group::X25519, ring::kx_group::SECP256R1],
        ..ring::default_provider()
    }
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.wanted.store(true, Ordering::Relaxed);
        self.certificate.get_or_init(|| certified((self.identity)()?)).clone().ok()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn certified(key: Key) -> Result<Arc<CertifiedKey>, String> {
    if key.chain.is_empty() {
        return Err("the key has no certificate".to_owned());
    }
    let secret = ring::sign::any_supported_type(&key.secret)
        .map_err(|_| "the key is none of RSA, P-256, P-384 and Ed25519".to_owned())?;
    Ok(Arc::new(CertifiedKey::new(key.chain, secret)))
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
