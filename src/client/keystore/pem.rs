//! PEM files and texts: a key, which may be encrypted as PKCS#8 has it, and certificates (`PEMBasedSslContextFactory`).

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::cipher::Password;
use super::{Key, Keystore, Unreadable, pkcs12};

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY-----";

pub(super) fn read(bytes: &[u8], password: &str) -> Result<Keystore, Unreadable> {
    let no_text = |_| Unreadable::Strange("neither PEM, PKCS#12 nor JKS");
    let text = std::str::from_utf8(bytes).map_err(no_text)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(bytes).collect::<Result<_, _>>().map_err(|_| BROKEN)?;
    let secret = if text.contains(ENCRYPTED) {
        // The reader knows no encrypted keys, and takes the bytes of any for what the label says.
        let text = text.replace(ENCRYPTED, "PRIVATE KEY-----");
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| BROKEN)?;
        Some(pkcs12::decrypted_key(key.secret_der(), &mut Password::new(password))?)
    } else {
        PrivateKeyDer::from_pem_slice(bytes).ok()
    };
    Ok(match secret {
        Some(secret) if !certificates.is_empty() => {
            // Nothing tells the owner's certificates from those of others.
            Keystore { trusted: certificates.clone(), key: Some(Key { secret, chain: certificates }) }
        }
        Some(_) => Keystore::default(),
        None if certificates.is_empty() => return Err(Unreadable::Strange("neither PEM, PKCS#12 nor JKS")),
        None => Keystore { key: None, trusted: certificates },
    })
}

const BROKEN: Unreadable = Unreadable::Strange("a PEM block that cannot be decoded");
