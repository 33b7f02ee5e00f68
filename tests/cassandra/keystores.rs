//! Keystores made here and now by the tools that people make them with.

use std::fs;
use std::path::Path;
use std::process::Command;

use cassandra_init::client::keystore::{self, Key, Keystore, Unreadable};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use tempfile::TempDir;

use crate::jdk::{self, Jdk};

const PASSWORD: &str = "a password: 17 %";

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// Runs keytool on a keystore with the words of `line`.
#[track_caller]
fn keytool(jdk: &Jdk, folder: &Path, keystore: &str, kind: &str, line: &str) {
    let mut command = jdk.program("keytool", &[folder]);
    command.arg("-keystore").arg(folder.join(keystore));
    command.args(["-storetype", kind, "-storepass", PASSWORD]);
    let here = |word: &str| word.replace('@', folder.to_str().unwrap());
    run(command.args(line.split_whitespace().map(here)));
}

fn read(folder: &Path, name: &str, password: &str) -> Result<Keystore, Unreadable> {
    keystore::read(&fs::read(folder.join(name)).unwrap(), password)
}

/// The key, which must be that of the first certificate.
#[track_caller]
fn key(folder: &Path, name: &str) -> Key {
    let key = read(folder, name, PASSWORD).unwrap_or_else(|error| panic!("{name}: {error}")).key.expect("a key");
    let certified = CertifiedKey::new(key.chain.clone(), any_supported_type(&key.secret).unwrap());
    certified.keys_match().unwrap_or_else(|error| panic!("{name}: {error}"));
    key
}

/// A key whose certificate an authority has signed, and the authority's certificate in `ca.pem`.
fn signed(jdk: &Jdk, folder: &Path, keystore: &str, kind: &str) {
    let authority = "authority.store";
    keytool(jdk, folder, authority, kind, "-genkeypair -alias ca -keyalg RSA -keysize 2048 -dname CN=ca -ext bc:c");
    keytool(jdk, folder, authority, kind, "-exportcert -rfc -alias ca -file @/ca.pem");
    keytool(jdk, folder, keystore, kind, "-genkeypair -alias node -keyalg RSA -keysize 2048 -dname CN=node");
    keytool(jdk, folder, keystore, kind, "-certreq -alias node -file @/request.pem");
    keytool(jdk, folder, authority, kind, "-gencert -rfc -alias ca -infile @/request.pem -outfile @/node.pem");
    keytool(jdk, folder, keystore, kind, "-importcert -noprompt -alias ca -file @/ca.pem");
    keytool(jdk, folder, keystore, kind, "-importcert -noprompt -alias node -file @/node.pem");
    fs::remove_file(folder.join(authority)).unwrap();
}

#[test]
fn keystores_of_every_javas_keytool_open_with_their_password_alone() {
    for jdk in jdk::all() {
        let dir = TempDir::new().unwrap();
        let folder = dir.path();
        signed(&jdk, folder, "node.p12", "PKCS12");
        keytool(&jdk, folder, "curve.p12", "PKCS12", "-genkeypair -alias n -keyalg EC -keysize 384 -dname CN=n");
        keytool(&jdk, folder, "trust.p12", "PKCS12", "-importcert -noprompt -alias ca -file @/ca.pem");
        let authority = read(folder, "ca.pem", "").unwrap().trusted;
        assert_eq!(authority.len(), 1, "Java {}", jdk.major);
        let chain = key(folder, "node.p12").chain;
        assert_eq!(chain.len(), 2, "Java {}", jdk.major);
        assert_eq!(chain[1..], authority[..], "Java {}", jdk.major);
        assert_eq!(key(folder, "curve.p12").chain.len(), 1, "Java {}", jdk.major);
        assert_eq!(read(folder, "trust.p12", PASSWORD), Ok(Keystore { key: None, trusted: authority }));
        for name in ["node.p12", "curve.p12", "trust.p12"] {
            assert_eq!(read(folder, name, "another"), Err(Unreadable::Password), "{name} of Java {}", jdk.major);
        }
    }
}

#[test]
fn keystores_in_javas_own_format_open_too() {
    for jdk in jdk::all() {
        let dir = TempDir::new().unwrap();
        let folder = dir.path();
        keytool(&jdk, folder, "node.jks", "JKS", "-genkeypair -alias n -keyalg EC -keysize 256 -dname CN=n");
        keytool(&jdk, folder, "node.jks", "JKS", "-exportcert -rfc -alias n -file @/n.pem");
        keytool(&jdk, folder, "trust.jks", "JKS", "-importcert -noprompt -alias n -file @/n.pem");
        let chain = key(folder, "node.jks").chain;
        assert_eq!(read(folder, "trust.jks", PASSWORD), Ok(Keystore { key: None, trusted: chain }));
        assert_eq!(read(folder, "node.jks", "another"), Err(Unreadable::Password), "Java {}", jdk.major);
        keytool(&jdk, folder, "node.jceks", "JCEKS", "-genkeypair -alias n -keyalg EC -keysize 256 -dname CN=n");
        let refused = read(folder, "node.jceks", PASSWORD).unwrap_err();
        assert_eq!(refused.to_string(), "a JCEKS keystore, which is not read here");
    }
}

#[test]
fn what_openssl_makes_opens_in_its_new_and_its_old_ciphers() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path();
    let openssl = |line: &str| {
        let here = |word: &str| word.replace('@', folder.to_str().unwrap()).replace("PASSWORD", PASSWORD);
        run(Command::new("openssl").args(line.split_whitespace().map(here)));
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=n -keyout @/key.pem -out @/certificate.pem");
    openssl("pkcs12 -export -inkey @/key.pem -in @/certificate.pem -passout pass:PASSWORD -out @/new.p12");
    openssl("pkcs12 -export -legacy -inkey @/key.pem -in @/certificate.pem -passout pass:PASSWORD -out @/old.p12");
    openssl("pkcs12 -export -nomac -inkey @/key.pem -in @/certificate.pem -passout pass:PASSWORD -out @/nomac.p12");
    let certificate = read(folder, "certificate.pem", "").unwrap().trusted;
    for name in ["new.p12", "old.p12", "nomac.p12"] {
        assert_eq!(key(folder, name).chain, certificate, "{name}");
        assert_eq!(read(folder, name, "another"), Err(Unreadable::Password), "{name}");
    }
    for (name, how) in [
        ("aes", "-v2 aes-256-cbc -v2prf hmacWithSHA256"),
        ("sha1", "-v2 aes-128-cbc -v2prf hmacWithSHA1"),
        ("des", "-v2 des3"),
        ("pkcs12", "-v1 PBE-SHA1-3DES"),
    ] {
        openssl(&format!("pkcs8 -topk8 {how} -passout pass:PASSWORD -in @/key.pem -out @/{name}.key"));
        let mut pem = fs::read(folder.join(format!("{name}.key"))).unwrap();
        pem.extend(fs::read(folder.join("certificate.pem")).unwrap());
        fs::write(folder.join(name), pem).unwrap();
        assert_eq!(key(folder, name).chain, certificate, "{name}");
        assert_eq!(read(folder, name, "another"), Err(Unreadable::Password), "{name}");
    }
}
