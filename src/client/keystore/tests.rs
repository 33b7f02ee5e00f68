//! Keystores as Java and OpenSSL made them, with keys that open nothing; tests/cassandra/keystores.rs makes fresh ones.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::CertifiedKey;

use super::cipher::Password;
use super::der::Der;
use super::*;

const PASSWORD: &str = "cassandra";

macro_rules! corpus {
    ($($name:literal),*) => { [$(($name, include_bytes!(concat!("../../../fuzz/corpus/keystore/", $name)).as_slice())),*] };
}

/// Of Java 8: triple DES, RC2 and SHA-1, a hundred thousand times.
const JAVA_8: &[u8] = include_bytes!("test-java8.p12");
/// Of Java 17: AES-256 and SHA-256.
const JAVA_17: &[u8] = include_bytes!("test-java17.p12");

fn with_keys() -> Vec<(&'static str, &'static [u8])> {
    let mut keystores = vec![("java8.p12", JAVA_8), ("java17.p12", JAVA_17)];
    keystores.extend(corpus!(
        "small.p12",
        "old.p12",
        "aes.p12",
        "openssl.p12",
        "legacy.p12",
        "java8.jks",
        "plain.pem",
        "encrypted.pem"
    ));
    keystores
}

#[test]
fn the_key_of_every_kind_of_keystore_is_that_of_its_certificate() {
    for (name, bytes) in with_keys() {
        let key = read(bytes, PASSWORD).unwrap_or_else(|error| panic!("{name}: {error}")).key.unwrap();
        assert_eq!(key.chain.len(), 1, "{name}");
        let certified = CertifiedKey::new(key.chain, any_supported_type(&key.secret).unwrap());
        certified.keys_match().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_wrong_password_is_told_from_a_damaged_file() {
    for (name, bytes) in with_keys().into_iter().filter(|(name, _)| *name != "plain.pem") {
        assert_eq!(read(bytes, "cassandrA"), Err(Unreadable::Password), "{name}");
    }
    let mut changed = JAVA_17.to_vec();
    changed[100] ^= 1;
    assert_eq!(read(&changed, PASSWORD), Err(Unreadable::Password));
}

#[test]
fn a_truststore_has_certificates_and_no_key() {
    let [(_, pkcs12), (_, jks)] = corpus!("trust.p12", "trust.jks");
    let own = read(JAVA_17, PASSWORD).unwrap().key.unwrap().chain;
    for bytes in [pkcs12, jks] {
        assert_eq!(read(bytes, PASSWORD), Ok(Keystore { key: None, trusted: own.clone() }));
    }
    let [(_, pem)] = corpus!("plain.pem");
    assert_eq!(read(pem, "").unwrap().trusted, own);
    let (key, certificate) = pem.split_at(pem.windows(16).position(|window| window == b"-----BEGIN CERTI").unwrap());
    assert_eq!(read(certificate, ""), Ok(Keystore { key: None, trusted: own }));
    assert_eq!(read(key, ""), Ok(Keystore::default()));
}

#[test]
fn what_is_not_read_says_what_it_is() {
    let told = |bytes: &[u8]| read(bytes, PASSWORD).unwrap_err().to_string();
    let [(_, jceks)] = corpus!("java17.jceks");
    assert_eq!(told(jceks), "a JCEKS keystore, which is not read here");
    assert_eq!(told(b""), "not a keystore: neither PEM, PKCS#12 nor JKS");
    assert_eq!(told(b"\xff\xd8\xff\xe0"), "not a keystore: neither PEM, PKCS#12 nor JKS");
    assert_eq!(told(&[0x30, 0x80, 0, 0]), "an element without a length (BER), which is not read here");
    // RC4, which nobody makes any more.
    let algorithm = [6, 10, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 1, 1];
    let unknown = Password::new(PASSWORD).decrypt(Der(&algorithm), &[0; 8]).unwrap_err().to_string();
    assert_eq!(unknown, "encrypted by 1.2.840.113549.1.12.1.1, which is not read here");
}

#[test]
fn a_keystore_that_is_cut_off_is_no_keystore() {
    for (name, bytes) in corpus!("small.p12", "java8.jks", "trust.jks") {
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], PASSWORD).is_err(), "{length} bytes of {name}");
        }
    }
}

#[test]
fn a_key_that_would_be_hashed_for_ever_is_refused() {
    // pbeWithSHA1And3-KeyTripleDES-CBC, hashed 2^31-1 times.
    let identifier = [6, 10, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 1, 3];
    let parameters = |rounds: [u8; 4]| [&identifier[..], &[0x30, 10, 4, 2, 1, 2, 2, 4], &rounds].concat();
    let decrypt = |rounds| Password::new(PASSWORD).decrypt(Der(&parameters(rounds)), &[0; 8]).unwrap_err();
    assert_eq!(decrypt([0x7F, 0xFF, 0xFF, 0xFF]), Unreadable::Unknown("a key that is hashed for seconds".into()));
    assert_eq!(decrypt([0; 4]), Unreadable::Strange("a key that is hashed zero times"));
    assert_eq!(decrypt([0x80, 0, 0, 0]), Unreadable::Strange("a number out of range"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_end_in_a_keystore_or_an_error(bytes: Vec<u8>, magic in 0_usize..4) {
        let begin: [&[u8]; 4] = [b"", b"\x30\x60", b"\xfe\xed\xfe\xed\0\0\0\x02", b"-----BEGIN CERTIFICATE-----\n"];
        let _ = read(&[begin[magic], &bytes].concat(), PASSWORD);
    }
}
