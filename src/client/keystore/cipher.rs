//! What encrypts keystores with a password: the schemes of PKCS#5 (RFC 8018) and of PKCS#12 (RFC 7292, appendix B).
//!
//! Java 8 encrypts keys with triple DES and certificates with RC2 of 40 bits; later ones both with AES-256.

use std::num::NonZeroU32;

use aes::cipher::{BlockDecrypt as _, KeyInit as _, generic_array::GenericArray};
use ring::digest::{self, Digest};
use ring::{hmac, pbkdf2};

use super::Unreadable;
use super::der::{self, Der};

/// How often keys may be hashed for one keystore altogether: some ten times as often as any of Java's, and still within a
/// probe's time limit.
const MOST_ROUNDS: u32 = 3_000_000;

/// Object identifiers, as they stand in DER.
mod id {
    pub(super) const SHA1: &[u8] = &[0x2B, 0x0E, 0x03, 0x02, 0x1A];
    pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    pub(super) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
    pub(super) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
    /// `pkcs-12PbeIds`, without their last number.
    pub(super) const PKCS12: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01];
    pub(super) const PBES2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D];
    pub(super) const PBKDF2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
    /// `hmacWith…`, without their last number.
    pub(super) const HMAC: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02];
    /// `aes…`, without their last number.
    pub(super) const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
    pub(super) const TRIPLE_DES: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x03, 0x07];
}

/// A password, and how much may still be hashed with it.
pub(super) struct Password<'a> {
    text: &'a str,
    rounds_left: u32,
}

impl<'a> Password<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, rounds_left: MOST_ROUNDS }
    }

    /// UTF-16, the highest byte first: how Java's own formats take it.
    pub(super) fn wide(&self) -> Vec<u8> {
        self.text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    /// Pays for hashing so often.
    fn spend(&mut self, rounds: u32, blocks: usize) -> Result<NonZeroU32, Unreadable> {
        let cost = u32::try_from(blocks).ok().and_then(|blocks| blocks.checked_mul(rounds));
        let left = cost.and_then(|cost| self.rounds_left.checked_sub(cost));
        self.rounds_left = left.ok_or_else(|| Unreadable::Unknown("a key that is hashed for seconds".to_owned()))?;
        NonZeroU32::new(rounds).ok_or(Unreadable::Strange("a key that is hashed zero times"))
    }

    /// Decrypts what an `AlgorithmIdentifier` says how it is encrypted.
    pub(super) fn decrypt(&mut self, mut algorithm: Der, encrypted: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let identifier = algorithm.take(der::OBJECT_IDENTIFIER)?;
        if identifier == id::PBES2 {
            return self.decrypt_pbes2(algorithm.inside(der::SEQUENCE)?, encrypted);
        }
        let (kind, key, iv) = match identifier.strip_prefix(id::PKCS12) {
            Some([3]) => (Cipher::TripleDes, 24, 8),
            Some([6]) => (Cipher::Rc2, 5, 8),
            _ => return Err(unknown("encrypted by", identifier)),
        };
        let mut parameters = algorithm.inside(der::SEQUENCE)?;
        let (salt, rounds) = (parameters.take(der::OCTETS)?, parameters.number()?);
        let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        let key = self.derive(sha1, Purpose::Key, salt, rounds, key)?;
        let iv = self.derive(sha1, Purpose::Start, salt, rounds, iv)?;
        kind.decrypt(&key, &iv, encrypted)
    }

    fn decrypt_pbes2(&mut self, mut scheme: Der, encrypted: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let mut function = scheme.inside(der::SEQUENCE)?;
        let identifier = function.take(der::OBJECT_IDENTIFIER)?;
        if identifier != id::PBKDF2 {
            return Err(unknown("a key derived by", identifier));
        }
        let mut parameters = function.inside(der::SEQUENCE)?;
        let (salt, rounds) = (parameters.take(der::OCTETS)?, parameters.number()?);
        if parameters.tag() == Some(der::INTEGER) {
            // The key's length, which the cipher says.
            parameters.number()?;
        }
        let hash = if parameters.is_empty() {
            pbkdf2::PBKDF2_HMAC_SHA1
        } else {
            let identifier = parameters.inside(der::SEQUENCE)?.take(der::OBJECT_IDENTIFIER)?;
            match identifier.strip_prefix(id::HMAC) {
                Some([7]) => pbkdf2::PBKDF2_HMAC_SHA1,
                Some([9]) => pbkdf2::PBKDF2_HMAC_SHA256,
                Some([10]) => pbkdf2::PBKDF2_HMAC_SHA384,
                Some([11]) => pbkdf2::PBKDF2_HMAC_SHA512,
                _ => return Err(unknown("a key derived with", identifier)),
            }
        };
        let mut cipher = scheme.inside(der::SEQUENCE)?;
        let identifier = cipher.take(der::OBJECT_IDENTIFIER)?;
        let (kind, length) = match identifier.strip_prefix(id::AES) {
            Some([2]) => (Cipher::Aes128, 16),
            Some([42]) => (Cipher::Aes256, 32),
            _ if identifier == id::TRIPLE_DES => (Cipher::TripleDes, 24),
            _ => return Err(unknown("encrypted by", identifier)),
        };
        let iv = cipher.take(der::OCTETS)?;
        let mut key = vec![0; length];
        // Two compressions a round, and at most two blocks.
        let rounds = self.spend(rounds, 2)?;
        pbkdf2::derive(hash, rounds, salt, self.text.as_bytes(), &mut key);
        kind.decrypt(&key, iv, encrypted)
    }

    /// Whether `data` is what a `MacData` was made of.
    pub(super) fn is_authentic(&mut self, mut mac: Der, data: &[u8]) -> Result<bool, Unreadable> {
        let mut info = mac.inside(der::SEQUENCE)?;
        let identifier = info.inside(der::SEQUENCE)?.take(der::OBJECT_IDENTIFIER)?;
        let (digest, hmac) = match identifier {
            id::SHA1 => (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            id::SHA256 => (&digest::SHA256, hmac::HMAC_SHA256),
            id::SHA384 => (&digest::SHA384, hmac::HMAC_SHA384),
            id::SHA512 => (&digest::SHA512, hmac::HMAC_SHA512),
            other => return Err(unknown("authenticated by", other)),
        };
        let tag = info.take(der::OCTETS)?;
        let salt = mac.take(der::OCTETS)?;
        let rounds = if mac.is_empty() { 1 } else { mac.number()? };
        let key = self.derive(digest, Purpose::Authenticity, salt, rounds, digest.output_len())?;
        Ok(hmac::verify(&hmac::Key::new(hmac, &key), data, tag).is_ok())
    }

    /// The key derivation of PKCS#12 (RFC 7292, appendix B.2).
    fn derive(
        &mut self,
        digest: &'static digest::Algorithm,
        purpose: Purpose,
        salt: &[u8],
        rounds: u32,
        length: usize,
    ) -> Result<Vec<u8>, Unreadable> {
        let block = digest.block_len();
        let fill = |bytes: &[u8]| -> Vec<u8> {
            bytes.iter().copied().cycle().take(bytes.len().div_ceil(block) * block).collect()
        };
        // With a zero at the end, as BMPString has it.
        let password = [self.wide(), vec![0; 2]].concat();
        let mut input = [fill(salt), fill(&password)].concat();
        let rounds = self.spend(rounds, length.div_ceil(digest.output_len()))?;
        let mut key = Vec::new();
        while key.len() < length {
            let start = [vec![purpose as u8; block], input.clone()].concat();
            let first = digest::digest(digest, &start);
            let hashed = (1..rounds.get()).fold(first, |hash: Digest, _| digest::digest(digest, hash.as_ref()));
            key.extend(hashed.as_ref());
            let addend: Vec<u8> = hashed.as_ref().iter().copied().cycle().take(block).collect();
            input.chunks_mut(block).for_each(|chunk| add_and_one(chunk, &addend));
        }
        key.truncate(length);
        Ok(key)
    }
}

/// What a key is for (the diversifier of RFC 7292, appendix B.3).
#[derive(Clone, Copy)]
enum Purpose {
    Key = 1,
    Start = 2,
    Authenticity = 3,
}

/// `number + addend + 1`, the highest byte first, without what does not fit.
fn add_and_one(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (byte, other) in number.iter_mut().zip(addend).rev() {
        let sum = u16::from(*byte) + u16::from(*other) + carry;
        [_, *byte] = sum.to_be_bytes();
        carry = sum >> 8;
    }
}

/// A block cipher, chained (CBC).
#[derive(Clone, Copy)]
enum Cipher {
    TripleDes,
    Rc2,
    Aes128,
    Aes256,
}

impl Cipher {
    fn decrypt(self, key: &[u8], iv: &[u8], encrypted: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let bad = |_| Unreadable::Strange("a key of another length");
        match self {
            Self::TripleDes => {
                let cipher = des::TdesEde3::new_from_slice(key).map_err(bad)?;
                chained(8, iv, encrypted, &|block| cipher.decrypt_block(GenericArray::from_mut_slice(block)))
            }
            Self::Rc2 => {
                let cipher = rc2::Rc2::new_with_eff_key_len(key, key.len() * 8);
                chained(8, iv, encrypted, &|block| cipher.decrypt_block(GenericArray::from_mut_slice(block)))
            }
            Self::Aes128 => {
                let cipher = aes::Aes128Dec::new_from_slice(key).map_err(bad)?;
                chained(16, iv, encrypted, &|block| cipher.decrypt_block(GenericArray::from_mut_slice(block)))
            }
            Self::Aes256 => {
                let cipher = aes::Aes256Dec::new_from_slice(key).map_err(bad)?;
                chained(16, iv, encrypted, &|block| cipher.decrypt_block(GenericArray::from_mut_slice(block)))
            }
        }
    }
}

/// Blocks of `size` bytes, each mixed with the encrypted one before it; the last ends with its padding.
fn chained(size: usize, iv: &[u8], encrypted: &[u8], decrypt: &dyn Fn(&mut [u8])) -> Result<Vec<u8>, Unreadable> {
    if iv.len() != size || encrypted.is_empty() || !encrypted.len().is_multiple_of(size) {
        return Err(Unreadable::Strange("encrypted bytes of an odd length"));
    }
    let mut plain = encrypted.to_vec();
    let before = iv.iter().chain(encrypted);
    plain.chunks_exact_mut(size).for_each(decrypt);
    plain.iter_mut().zip(before).for_each(|(byte, other)| *byte ^= other);
    let padding = plain.last().copied().unwrap_or_default();
    let length = plain.len().saturating_sub(usize::from(padding));
    let padded = plain.get(length..).unwrap_or_default();
    if padding == 0 || usize::from(padding) > size || padded.iter().any(|byte| *byte != padding) {
        return Err(Unreadable::Password);
    }
    plain.truncate(length);
    Ok(plain)
}

fn unknown(what: &str, identifier: &[u8]) -> Unreadable {
    Unreadable::Unknown(format!("{what} {}", der::dotted(identifier)))
}
