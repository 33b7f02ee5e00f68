//! Whom a client takes for its server: everybody, or who shows a certificate that is valid today and known, or signed by a
//! known authority.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// One that wants these certificates above the server's; without any it takes everybody.
pub(super) fn new(
    trusted: Option<Vec<CertificateDer<'static>>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let Some(trusted) = trusted else { return Ok(Arc::new(Anybody(Arc::clone(provider)))) };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    Ok(Arc::new(Known { trusted, chains }))
}

/// Wants a certificate that is valid today, for whatever name: the node is asked by the address that its configuration says.
#[derive(Debug)]
struct Known {
    trusted: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is looked at last. Of all that is wrong with a certificate and those above it the time is what is told.
        let Err(error) = self.chains.verify_server_cert(certificate, intermediates, name, ocsp, now) else {
            return Ok(ServerCertVerified::assertion());
        };
        let is_for_another_name = matches!(
            error,
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )
        );
        // One that is trusted for itself need not be signed by anybody.
        let is_trusted = self.trusted.iter().any(|trusted| trusted == certificate);
        if is_for_another_name || (is_trusted && !is_of_another_time(&error)) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Whether a certificate is not valid now, or its time cannot be read.
fn is_of_another_time(error: &Error) -> bool {
    use CertificateError::{BadEncoding, Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        error,
        Error::InvalidCertificate(
            BadEncoding | Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
        )
    )
}

/// Takes every certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

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
        let mut schemes = self.0.signature_verification_algorithms.supported_schemes();
        // Nothing is verified, so a curve that the provider lacks is as good as the others.
        schemes.push(SignatureScheme::ECDSA_NISTP521_SHA512);
        schemes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::pem::PemObject as _;

    use super::super::{provider, refusal};
    use super::*;

    /// Valid from 2020 to 2120, signed by the authority.
    const SIGNED: &str = include_str!("../cql/test-signed.pem");
    /// Valid in 2020, signed by the authority.
    const EXPIRED: &str = include_str!("../cql/test-expired.pem");
    /// Valid from 2026 to 2126.
    const AUTHORITY: &str = include_str!("../cql/test-authority.pem");

    /// What a client says in a year of a server that shows these certificates.
    fn verified(trusted: &[&str], shown: &[&str], year: u64) -> Result<(), String> {
        let certificates = |pems: &[&str]| -> Vec<CertificateDer<'static>> {
            pems.iter().map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).collect()
        };
        let verifier = new(Some(certificates(trusted)), &Arc::new(provider())).unwrap();
        let shown = certificates(shown);
        let name = ServerName::try_from("127.0.0.1").unwrap();
        // The middle of it, nearly.
        let now = UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_556_952 + 15_552_000));
        let answer = verifier.verify_server_cert(&shown[0], &shown[1..], &name, &[], now);
        answer.map(|_| ()).map_err(|error| refusal(&error))
    }

    #[test]
    fn a_certificate_is_taken_in_its_time_alone_also_where_it_is_trusted_for_itself() {
        for trusted in [SIGNED, AUTHORITY] {
            assert_eq!(verified(&[trusted], &[SIGNED], 2026), Ok(()));
            let expired = verified(&[trusted], &[SIGNED], 2120).unwrap_err();
            assert!(expired.starts_with("certificate expired at 2120-01-01T00:00:00Z, it is 2120-"), "{expired}");
            let early = verified(&[trusted], &[SIGNED], 2019).unwrap_err();
            assert!(early.starts_with("certificate valid from 2020-01-01T00:00:00Z on, it is 2019-"), "{early}");
        }
        let both = verified(&[EXPIRED, AUTHORITY], &[EXPIRED], 2026).unwrap_err();
        assert!(both.starts_with("certificate expired at 2021-01-01T00:00:00Z, "), "{both}");
        assert_eq!(verified(&[EXPIRED], &[EXPIRED], 2020), Ok(()));
    }

    #[test]
    fn what_is_shown_above_a_trusted_certificate_has_its_time_too() {
        assert_eq!(verified(&[SIGNED], &[SIGNED, AUTHORITY], 2030), Ok(()));
        assert_eq!(verified(&[SIGNED], &[SIGNED], 2022), Ok(()));
        let early = verified(&[SIGNED], &[SIGNED, AUTHORITY], 2022).unwrap_err();
        assert!(early.starts_with("certificate valid from 2026-11-21T11:30:27Z on, it is 2022-"), "{early}");
    }

    #[test]
    fn who_is_neither_trusted_nor_signed_is_refused() {
        for shown in [&[SIGNED][..], &[SIGNED, AUTHORITY]] {
            assert!(verified(&[EXPIRED], shown, 2030).unwrap_err().contains("UnknownIssuer"));
        }
    }
}
