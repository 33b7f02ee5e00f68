//! Keystores as Cassandra's TLS reads them: PEM files, PKCS#12 and JKS; what is in them, with the password that opens them.
//!
//! A keystore is told by its first bytes and not by `store_type`, as Java does, too (`keystore.type.compat`).

mod cipher;
mod der;
mod jks;
mod pem;
mod pkcs12;
mod x509;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What is in a keystore.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Keystore {
    /// Its first key, which a server or a client shows its certificate for.
    pub key: Option<Key>,
    /// The certificates that stand for themselves: whom its owner trusts.
    pub trusted: Vec<CertificateDer<'static>>,
}

/// A private key and who it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub secret: PrivateKeyDer<'static>,
    /// Its certificate first, then those of the authorities above it, as far as they are there.
    pub chain: Vec<CertificateDer<'static>>,
}

/// Why a keystore cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// What is decrypted is not what was encrypted.
    #[error("it has another password, or was changed since")]
    Password,
    /// The bytes are no keystore, or end too early.
    #[error("not a keystore: {0}")]
    Strange(&'static str),
    /// It is a keystore, and of a kind that we do not know.
    #[error("{0}, which is not read here")]
    Unknown(String),
}

/// Reads a keystore whose store and key have the one password that Cassandra knows for both.
pub fn read(bytes: &[u8], password: &str) -> Result<Keystore, Unreadable> {
    const JKS: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
    const JCEKS: [u8; 4] = [0xCE, 0xCE, 0xCE, 0xCE];
    let mut keystore = match bytes {
        _ if bytes.starts_with(&JKS) => jks::read(bytes, password)?,
        _ if bytes.starts_with(&JCEKS) => return Err(Unreadable::Unknown("a JCEKS keystore".to_owned())),
        [der::SEQUENCE, ..] => pkcs12::read(bytes, password)?,
        _ => pem::read(bytes, password)?,
    };
    if let Some(key) = &mut keystore.key {
        x509::complete(key);
    }
    Ok(keystore)
}

#[cfg(test)]
mod tests;
