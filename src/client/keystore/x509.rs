//! What a keystore's reader must know of certificates and keys: whose they are, and what Java leaves out of keys.

use rustls::pki_types::PrivateKeyDer;

use super::Key;
use super::der::{self, Der};

/// `id-ecPublicKey`, 1.2.840.10045.2.1.
const ELLIPTIC_CURVE: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];

/// Parts of a certificate (RFC 5280, section 4.1), with tag and length.
pub(super) struct Certificate<'a> {
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// `SubjectPublicKeyInfo`.
    public_key: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut body = Der(certificate).inside(der::SEQUENCE).ok()?.inside(der::SEQUENCE).ok()?;
        if body.tag() == Some(der::EXPLICIT_0) {
            let _version = body.next().ok()?;
        }
        let (_serial, _algorithm) = (body.next().ok()?, body.next().ok()?);
        let issuer = body.whole().ok()?;
        let _validity = body.next().ok()?;
        Some(Self { issuer, subject: body.whole().ok()?, public_key: body.whole().ok()? })
    }

    /// The public key's bits, a point where it lies on a curve.
    fn point(&self) -> Option<&'a [u8]> {
        let mut info = Der(self.public_key).inside(der::SEQUENCE).ok()?;
        let _algorithm = info.next().ok()?;
        info.take(der::BITS).ok()?.strip_prefix(&[0])
    }
}

/// Java writes keys on elliptic curves without their public half, and ring takes none without it: the certificate has it.
pub(super) fn complete(key: &mut Key) {
    let certificate = key.chain.first().and_then(|certificate| Certificate::read(certificate));
    if let (PrivateKeyDer::Pkcs8(secret), Some(point)) = (&key.secret, certificate.and_then(|it| it.point()))
        && let Some(whole) = with_point(secret.secret_pkcs8_der(), point)
    {
        key.secret = PrivateKeyDer::Pkcs8(whole.into());
    }
}

/// `PrivateKeyInfo` (RFC 5208) with the point in its `ECPrivateKey` (RFC 5915); none where it is there already, or has no
/// place there.
fn with_point(secret: &[u8], point: &[u8]) -> Option<Vec<u8>> {
    let mut info = Der(secret).inside(der::SEQUENCE).ok()?;
    let version = info.whole().ok()?;
    let algorithm = info.whole().ok()?;
    if Der(algorithm).inside(der::SEQUENCE).ok()?.take(der::OBJECT_IDENTIFIER).ok()? != ELLIPTIC_CURVE {
        return None;
    }
    let mut key = Der(info.take(der::OCTETS).ok()?).inside(der::SEQUENCE).ok()?;
    let (one, number) = (key.whole().ok()?, key.take(der::OCTETS).ok()?);
    while !key.is_empty() {
        if key.next().ok()?.0 == der::EXPLICIT_1 {
            return None;
        }
    }
    // As long as either coordinate of the point.
    let number = number.iter().position(|byte| *byte != 0).and_then(|first| number.get(first..))?;
    let length = point.len() / 2;
    let number = [&vec![0; length.checked_sub(number.len())?], number].concat();
    let point = der::element(der::EXPLICIT_1, &der::element(der::BITS, &[&[0], point].concat()));
    let key = der::element(der::SEQUENCE, &[one, &der::element(der::OCTETS, &number), &point].concat());
    Some(der::element(der::SEQUENCE, &[version, algorithm, &der::element(der::OCTETS, &key)].concat()))
}
