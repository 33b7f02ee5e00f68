//! JKS, the format of Java's own keystores up to 8.
//!
//! Source: `sun.security.provider.JavaKeyStore` and `KeyProtector`, as documented by their behaviour: SHA-1 over the password,
//! a salt and what came before is the stream that a key is mixed with.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::cipher::Password;
use super::der::{self, Der};
use super::{Key, Keystore, Unreadable};

/// The length of SHA-1's hashes, and of salts.
const HASH: usize = 20;
/// What is hashed between the password and the file.
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// Sun's own way to protect a key, 1.3.6.1.4.1.42.2.17.1.1.
const KEY_PROTECTOR: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01];

const SHORT: Unreadable = Unreadable::Strange("it ends too early");

pub(super) fn read(bytes: &[u8], password: &str) -> Result<Keystore, Unreadable> {
    const KEY: u32 = 1;
    const TRUSTED: u32 = 2;
    let password = Password::new(password).wide();
    let (content, hash) = bytes.split_last_chunk::<HASH>().ok_or(SHORT)?;
    let mut file = File(content);
    let _magic = file.number()?;
    let version = file.number()?;
    let mut keystore = Keystore::default();
    for _ in 0..file.number()? {
        let kind = file.number()?;
        let _alias = file.text()?;
        let _date = file.bytes(8)?;
        match kind {
            KEY => {
                let protected = file.sized()?;
                let chain = (0..file.number()?).map(|_| file.certificate(version)).collect::<Result<Vec<_>, _>>()?;
                if keystore.key.is_none() {
                    keystore.key = Some(Key { secret: unprotected(protected, &password)?, chain });
                }
            }
            TRUSTED => keystore.trusted.push(file.certificate(version)?),
            _ => return Err(Unreadable::Strange("an entry that is neither key nor certificate")),
        }
    }
    if sha1(&[&password, WHITENER, content]) != *hash {
        return Err(Unreadable::Password);
    }
    Ok(keystore)
}

fn sha1(parts: &[&[u8]]) -> [u8; HASH] {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().first_chunk().copied().unwrap_or_default()
}

/// The PKCS#8 key in an `EncryptedPrivateKeyInfo`: salt, mixed bytes, and a hash by which a wrong password is noticed.
fn unprotected(protected: &[u8], password: &[u8]) -> Result<PrivateKeyDer<'static>, Unreadable> {
    let mut info = Der(protected).inside(der::SEQUENCE)?;
    let identifier = info.inside(der::SEQUENCE)?.take(der::OBJECT_IDENTIFIER)?;
    if identifier != KEY_PROTECTOR {
        return Err(Unreadable::Unknown(format!("a key protected by {}", der::dotted(identifier))));
    }
    let (salt, rest) = info.take(der::OCTETS)?.split_first_chunk::<HASH>().ok_or(SHORT)?;
    let (mixed, hash) = rest.split_last_chunk::<HASH>().ok_or(SHORT)?;
    let mut key = mixed.to_vec();
    let mut stream = *salt;
    for chunk in key.chunks_mut(HASH) {
        stream = sha1(&[password, &stream]);
        chunk.iter_mut().zip(stream).for_each(|(byte, other)| *byte ^= other);
    }
    if sha1(&[password, &key]) != *hash {
        return Err(Unreadable::Password);
    }
    Ok(PrivateKeyDer::Pkcs8(key.into()))
}

/// What has not been read yet, as `java.io.DataOutputStream` writes it.
struct File<'a>(&'a [u8]);

impl<'a> File<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u32, Unreadable> {
        let (number, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn sized(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(self.number()?).map_err(|_| SHORT)?;
        self.bytes(length)
    }

    fn text(&mut self) -> Result<&'a [u8], Unreadable> {
        let (length, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        self.bytes(usize::from(u16::from_be_bytes(*length)))
    }

    fn certificate(&mut self, version: u32) -> Result<CertificateDer<'static>, Unreadable> {
        // Version 1 had X.509 only.
        if version != 1 && self.text()? != b"X.509" {
            return Err(Unreadable::Strange("a certificate that is not X.509"));
        }
        Ok(self.sized()?.to_vec().into())
    }
}
