//! PKCS#12 (RFC 7292), the format of Java's own keystores since 9.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::cipher::Password;
use super::der::{self, Der};
use super::x509::Certificate;
use super::{Key, Keystore, Unreadable};

/// Object identifiers, as they stand in DER.
mod id {
    pub(super) const DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];
    pub(super) const ENCRYPTED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x06];
    /// `bagtypes`, without their last number.
    pub(super) const BAG: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01];
    pub(super) const LOCAL_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x15];
}

/// How many certificates may stand above one another.
const LONGEST_CHAIN: usize = 10;

/// What the bags hold, before it is known which certificate is whose.
#[derive(Default)]
struct Bags {
    /// The first key, and the number that its certificate has, too.
    key: Option<(PrivateKeyDer<'static>, Option<Vec<u8>>)>,
    certificates: Vec<(CertificateDer<'static>, Option<Vec<u8>>)>,
}

pub(super) fn read(bytes: &[u8], password: &str) -> Result<Keystore, Unreadable> {
    let mut password = Password::new(password);
    let mut file = Der(bytes).inside(der::SEQUENCE)?;
    let _version = file.number()?;
    let mut content = file.inside(der::SEQUENCE)?;
    if content.take(der::OBJECT_IDENTIFIER)? != id::DATA {
        return Err(Unreadable::Unknown("a PKCS#12 file that is signed".to_owned()));
    }
    let safes = content.inside(der::EXPLICIT_0)?.take(der::OCTETS)?;
    if !file.is_empty() && !password.is_authentic(file.inside(der::SEQUENCE)?, safes)? {
        return Err(Unreadable::Password);
    }
    let mut bags = Bags::default();
    let mut safes = Der(safes).inside(der::SEQUENCE)?;
    while !safes.is_empty() {
        let mut safe = safes.inside(der::SEQUENCE)?;
        match safe.take(der::OBJECT_IDENTIFIER)? {
            id::DATA => bags.read(safe.inside(der::EXPLICIT_0)?.take(der::OCTETS)?, &mut password)?,
            id::ENCRYPTED_DATA => bags.read(&decrypted(safe, &mut password)?, &mut password)?,
            // For somebody's public key, which no keystore of Java's is.
            _ => {}
        }
    }
    Ok(bags.sorted())
}

fn decrypted(mut safe: Der, password: &mut Password) -> Result<Vec<u8>, Unreadable> {
    let mut encrypted = safe.inside(der::EXPLICIT_0)?.inside(der::SEQUENCE)?;
    let _version = encrypted.number()?;
    let mut content = encrypted.inside(der::SEQUENCE)?;
    let _kind = content.take(der::OBJECT_IDENTIFIER)?;
    let algorithm = content.inside(der::SEQUENCE)?;
    password.decrypt(algorithm, content.take(der::IMPLICIT_0)?)
}

/// The PKCS#8 key in an `EncryptedPrivateKeyInfo`.
pub(super) fn decrypted_key(bytes: &[u8], password: &mut Password) -> Result<PrivateKeyDer<'static>, Unreadable> {
    let mut info = Der(bytes).inside(der::SEQUENCE)?;
    let algorithm = info.inside(der::SEQUENCE)?;
    let key = password.decrypt(algorithm, info.take(der::OCTETS)?)?;
    Ok(PrivateKeyDer::Pkcs8(key.into()))
}

impl Bags {
    fn read(&mut self, contents: &[u8], password: &mut Password) -> Result<(), Unreadable> {
        let mut contents = Der(contents).inside(der::SEQUENCE)?;
        while !contents.is_empty() {
            let mut bag = contents.inside(der::SEQUENCE)?;
            let identifier = bag.take(der::OBJECT_IDENTIFIER)?;
            let value = bag.inside(der::EXPLICIT_0)?;
            let number = if bag.is_empty() { None } else { local_key(bag.inside(der::SET)?)? };
            match identifier.strip_prefix(id::BAG) {
                Some([1]) if self.key.is_none() => {
                    self.key = Some((PrivateKeyDer::Pkcs8(value.0.to_vec().into()), number));
                }
                Some([2]) if self.key.is_none() => self.key = Some((decrypted_key(value.0, password)?, number)),
                Some([3]) => self.certificates.push((certificate(value)?, number)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The key's certificate and those above it; every other one is trusted for itself.
    fn sorted(mut self) -> Keystore {
        let Some((secret, number)) = self.key.take() else { return Keystore { key: None, trusted: self.rest() } };
        let own = self.certificates.iter().position(|(_, other)| other.is_some() && *other == number);
        let mut chain = Vec::new();
        let mut next = own.or((!self.certificates.is_empty()).then_some(0));
        while let Some(at) = next {
            let (certificate, _) = self.certificates.remove(at);
            let names = Certificate::read(&certificate);
            // The topmost has issued itself.
            let issuer = names.filter(|names| names.issuer != names.subject).map(|names| names.issuer.to_vec());
            chain.push(certificate);
            let is_issuer =
                |other: &[u8]| Certificate::read(other).is_some_and(|other| Some(other.subject) == issuer.as_deref());
            next = self.certificates.iter().position(|(other, _)| chain.len() < LONGEST_CHAIN && is_issuer(other));
        }
        Keystore { key: Some(Key { secret, chain }), trusted: self.rest() }
    }

    fn rest(self) -> Vec<CertificateDer<'static>> {
        self.certificates.into_iter().map(|(certificate, _)| certificate).collect()
    }
}

/// The number that a key and its certificate have in common.
fn local_key(mut attributes: Der) -> Result<Option<Vec<u8>>, Unreadable> {
    while !attributes.is_empty() {
        let mut attribute = attributes.inside(der::SEQUENCE)?;
        if attribute.take(der::OBJECT_IDENTIFIER)? == id::LOCAL_KEY {
            return Ok(Some(attribute.inside(der::SET)?.take(der::OCTETS)?.to_vec()));
        }
    }
    Ok(None)
}

fn certificate(mut bag: Der) -> Result<CertificateDer<'static>, Unreadable> {
    let mut bag = bag.inside(der::SEQUENCE)?;
    let _kind = bag.take(der::OBJECT_IDENTIFIER)?;
    Ok(bag.inside(der::EXPLICIT_0)?.take(der::OCTETS)?.to_vec().into())
}
