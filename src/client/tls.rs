//! TLS as a client that asks the node on its own address how it is: whoever answers there is the node, so its certificate is
//! not verified, and nothing secret is sent.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

/// How TLS is spoken with a node.
#[derive(Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    own: Arc<Own>,
}

/// The certificate that we have, if any, and whether it was asked for.
#[derive(Debug)]
struct Own {
    certificate: Option<Arc<CertifiedKey>>,
    wanted: AtomicBool,
}

impl Tls {
    /// With the client certificate and key of a PEM text, if there are both in it and the key needs no password.
    pub fn new(certificate: Option<&[u8]>) -> Result<Self, Error> {
        let provider = Arc::new(provider());
        let certificate = certificate.and_then(read_certificate).map(Arc::new);
        let own = Arc::new(Own { certificate, wanted: AtomicBool::new(false) });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_client_cert_resolver(Arc::<Own>::clone(&own));
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), own })
    }

    /// Whether a server has asked for a certificate; then it speaks TLS, and may want one that we do not have.
    pub fn was_asked_for_a_certificate(&self) -> bool {
        self.own.wanted.load(Ordering::Relaxed)
    }

    /// Whether there is a certificate to send.
    pub fn has_certificate(&self) -> bool {
        self.own.certificate.is_some()
    }

    pub(super) fn session(&self, peer: IpAddr) -> Result<Session, Error> {
        let name = ServerName::IpAddress(peer.into());
        ClientConnection::new(Arc::clone(&self.config), name).map(Box::new).map(Session)
    }
}

/// The state of one connection.
pub(super) struct Session(Box<ClientConnection>);

impl Session {
    /// The connection's plain text; the handshake is made when it is first needed.
    pub(super) fn over<'a, T: Read + Write>(&'a mut self, stream: &'a mut T) -> impl Read + Write + 'a {
        rustls::Stream::new(&mut *self.0, stream)
    }
}

/// Whether an error says that client and server found no version or cipher in common: the server lives, and
/// speaks to others.
pub(super) fn is_disagreement(error: &Error) -> bool {
    use rustls::AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    matches!(error, Error::AlertReceived(HandshakeFailure | InsufficientSecurity | ProtocolVersion))
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

fn read_certificate(pem: &[u8]) -> Option<CertifiedKey> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    let key = PrivateKeyDer::from_pem_slice(pem).ok()?;
    let key = ring::sign::any_supported_type(&key).ok()?;
    (!chain.is_empty()).then(|| CertifiedKey::new(chain, key))
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.wanted.store(true, Ordering::Relaxed);
        self.certificate.clone()
    }

    fn has_certs(&self) -> bool {
        self.certificate.is_some()
    }
}

/// Takes every certificate.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        use SignatureScheme::{
            ECDSA_NISTP256_SHA256, ECDSA_NISTP384_SHA384, ECDSA_NISTP521_SHA512, ED25519, RSA_PKCS1_SHA256,
            RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        };
        vec![
            ECDSA_NISTP256_SHA256,
            ECDSA_NISTP384_SHA384,
            ECDSA_NISTP521_SHA512,
            ED25519,
            RSA_PSS_SHA256,
            RSA_PSS_SHA384,
            RSA_PSS_SHA512,
            RSA_PKCS1_SHA256,
            RSA_PKCS1_SHA384,
            RSA_PKCS1_SHA512,
        ]
    }
}
