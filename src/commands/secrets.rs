//! How the node's own key and passwords come to who asks the node something: from where its configuration says that they lie, if
//! whoever asks may read them. They are read when they are needed, and kept nowhere.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cassandra::jmx::{self, Access, Purpose};
use crate::client::jmx::{Credentials, Login};
use crate::client::keystore::{self, Key, Keystore};
use crate::client::tls::Tls;
use crate::config::documents::YAML;
use crate::config::encryption::{Encryption, Password, Place, Store};
use crate::config::yaml::YamlDocument;
use crate::host::{files, privileges};
use crate::supervisor::{Clients, Published};

const CLIENTS: &str = "client_encryption_options";
/// JMX in cassandra.yaml (6.0).
const JMX: &str = "jmx_server_options";

/// TLS as it is spoken with the node's clients, or why it cannot be spoken as it should; none where it is not.
pub(super) fn tls(published: &Published, clients: &Clients) -> Result<Option<Tls>, String> {
    if !clients.tls {
        return Ok(None);
    }
    let node = Node::of(published);
    let trusted = match &clients.authorities {
        None => None,
        Some(path) => {
            let trusted = node.authorities(path)?;
            if trusted.is_empty() {
                return Err(format!("{} holds no certificate", path.display()));
            }
            Some(trusted)
        }
    };
    let identity = Box::new(move || node.key(CLIENTS));
    Tls::new(identity, trusted).map(Some).map_err(|error| error.to_string())
}

/// How the node's JMX server is spoken to. Nothing of it need be there: a local one asks for nothing.
pub(super) fn jmx_login(published: &Published, purpose: Purpose) -> Login {
    let node = Node::of(published);
    let access = Access::of(&node.arguments());
    if !access.is_set_up {
        return node.login_of_yaml(purpose).unwrap_or_default();
    }
    let credentials = access.password_file.and_then(|file| node.user(&file, access.access_file.as_deref(), purpose));
    let identity = move || {
        let (path, password) = access.keystore.clone().ok_or("its JVM has no keystore")?;
        let place = Place::File(path);
        node.open(&Store { place, password: Password::Text(password) })?
            .key
            .ok_or("its keystore holds no key".to_owned())
    };
    let tls = if access.tls { Tls::new(Box::new(identity), None).ok() } else { None };
    Login { credentials, tls }
}

/// What is known of a running node.
#[derive(Clone)]
struct Node {
    conf: Option<PathBuf>,
    child: Option<i32>,
}

impl Node {
    fn of(published: &Published) -> Self {
        Self { conf: published.conf.clone(), child: published.child }
    }

    fn proc(&self, name: &str) -> Option<PathBuf> {
        Some(Path::new("/proc").join(self.child?.to_string()).join(name))
    }

    /// The arguments that its JVM was started with.
    fn arguments(&self) -> Vec<String> {
        let line = self.proc("cmdline").and_then(|path| fs::read(path).ok()).unwrap_or_default();
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    fn yaml(&self) -> Result<YamlDocument, String> {
        let conf = self.conf.as_ref().ok_or("its conf folder is unknown")?;
        let text = files::read_trusted_text(&conf.join(YAML)).map_err(|error| error.to_string())?;
        YamlDocument::parse(YAML, &text).map_err(|_| format!("its {YAML} cannot be read"))
    }

    /// The key that the node itself shows there.
    fn key(&self, options: &str) -> Result<Key, String> {
        let store = Encryption::of(&self.yaml()?, options).keystore.ok_or("only a class of its own knows its keys")?;
        self.open(&store)?.key.ok_or("its keystore holds no key".to_owned())
    }

    /// The certificates of a file; a keystore has the truststore's password.
    fn authorities(&self, path: &Path) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, String> {
        let truststore = self.yaml().ok().and_then(|yaml| Encryption::of(&yaml, CLIENTS).truststore);
        let password = truststore.map_or_else(|| Password::Text(String::new()), |store| store.password);
        Ok(self.open(&Store { place: Place::File(path.to_owned()), password })?.trusted)
    }

    fn open(&self, store: &Store) -> Result<Keystore, String> {
        let read = |path: &Path| files::read_trusted(path).map_err(|error| error.to_string());
        let password = match &store.password {
            Password::Text(text) => text.clone(),
            Password::File(path) => {
                let bytes = read(&self.absolute(path)?)?;
                String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned()
            }
        };
        match &store.place {
            Place::Text(pem) => keystore::read(pem.as_bytes(), &password).map_err(|error| error.to_string()),
            Place::File(path) => {
                let path = self.absolute(path)?;
                keystore::read(&read(&path)?, &password).map_err(|error| format!("{}: {error}", path.display()))
            }
        }
    }

    /// A path as the node sees it: a relative one counts from its working directory.
    fn absolute(&self, path: &Path) -> Result<PathBuf, String> {
        if path.is_absolute() {
            return Ok(path.to_owned());
        }
        let folder = self.proc("cwd").and_then(|link| fs::read_link(link).ok());
        Ok(folder.ok_or("its working directory is not ours to see")?.join(path))
    }

    fn login_of_yaml(&self, purpose: Purpose) -> Option<Login> {
        let yaml = self.yaml().ok()?;
        let at = |name: &str| yaml.text_at(&format!("{JMX}.{name}").parse().ok()?);
        let credentials = at("password_file")
            .filter(|_| at("authenticate") == Some("true"))
            .and_then(|file| self.user(Path::new(file), at("access_file").map(Path::new), purpose));
        let options = format!("{JMX}.jmx_encryption_options");
        let speaks_tls = at("jmx_encryption_options.enabled") == Some("true");
        let node = self.clone();
        let tls = speaks_tls.then(|| Tls::new(Box::new(move || node.key(&options)), None));
        Some(Login { credentials, tls: tls.and_then(Result::ok) })
    }

    /// Who may do it, by the files of users and of their rights.
    fn user(&self, passwords: &Path, access: Option<&Path>, purpose: Purpose) -> Option<Credentials> {
        let passwords = self.own_text(passwords)?;
        let access = access.map(|path| self.own_text(path).unwrap_or_default());
        let (user, password) = jmx::user(&passwords, access.as_deref(), purpose)?;
        Some(Credentials { user, password })
    }

    /// A file that the node's user could read, too: what it holds is sent to the node, which may have named any file that root
    /// can read (its command line is its own to change).
    fn own_text(&self, path: &Path) -> Option<String> {
        let path = self.absolute(path).ok()?;
        if privileges::is_root() {
            return files::read_owned_text(&path, self.user_id()?).ok();
        }
        files::read_trusted_text(&path).ok()
    }

    /// The user that the node runs as. Not the owner of its folder in /proc, which is root as soon as a process says so of
    /// itself (PR_SET_DUMPABLE).
    fn user_id(&self) -> Option<u32> {
        let status = fs::read_to_string(self.proc("status")?).ok()?;
        status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
    }
}
