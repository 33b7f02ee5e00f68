//! The conf folder: reading the pristine layer and writing what a plan says, atomically and over any number of restarts.
//!
//! Each start begins from the pristine files. They are kept before the first write, with the fingerprints of everything
//! that we write, recorded durably before the first rename: a start that is killed at any point leaves files that are each
//! known to be pristine or ours. They are kept beside the conf folder; in it, where it is a volume that outlives what is
//! beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::documents::{BaseFile, Layer};
use crate::config::masked;
use crate::config::pristine::{Record, Verdict};
use crate::host::atomic::{self, Attributes};
use crate::host::files;
use crate::host::folders;
use crate::host::mounts::Mounts;
use crate::host::{Error, privileges};

/// The record's name in the folder of kept files.
const RECORD: &str = ".record";
/// The folder of kept files in a conf folder that is a volume.
const INSIDE: &str = ".cassandra-init";
/// Files of more bytes than this in a conf folder are not configuration.
const LARGEST: u64 = 4 << 20;

/// A conf folder, and where its rendered files go.
#[derive(Debug)]
pub struct ConfFolder {
    /// The folder that the user named.
    conf: PathBuf,
    /// The folder that Cassandra reads: the same, or one in the run folder where that one cannot be written.
    live: PathBuf,
    /// The kept pristine files and the record, where we write in place.
    kept: Option<PathBuf>,
    /// Group that may read the files; only root gives them away.
    group: Option<u32>,
    record: Record,
    /// Files that we or the hook added and nobody has asked for in this start.
    unwanted: BTreeSet<String>,
    /// Whether the folder's other files were copied in this start, where the files are rendered elsewhere.
    copied: bool,
    notes: Vec<String>,
}

impl ConfFolder {
    /// Looks at the folder without changing anything.
    ///
    /// `run_dir` is where the files are rendered if `conf` cannot be written. `group` is the Cassandra user's group, which may
    /// read the files.
    pub fn look(conf: &Path, run_dir: &Path, group: Option<u32>, mounts: &Mounts) -> Result<Self, Error> {
        let kept = kept_folder(conf, mounts);
        let in_place = is_replaceable(conf, mounts) && files::can_be_written(&kept) && files::can_be_written(conf);
        let record = if in_place { read_record(&kept)? } else { Record::default() };
        Ok(Self {
            conf: conf.to_owned(),
            live: if in_place { conf.to_owned() } else { run_dir.join("conf") },
            kept: in_place.then_some(kept),
            group,
            record,
            unwanted: BTreeSet::new(),
            copied: false,
            notes: Vec::new(),
        })
    }

    /// The folder that the user named.
    pub fn conf(&self) -> &Path {
        &self.conf
    }

    /// The folder that Cassandra reads.
    pub fn live(&self) -> &Path {
        &self.live
    }

    /// What the user should hear about the folder.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The pristine files: those of the folder as the user left them, completed by `defaults`.
    ///
    /// `wanted` names the files to read. What an earlier start recorded is read too, and `for_hook`, which says that a hook
    /// may edit what it likes, every configuration file of the folder.
    pub fn pristine(
        &mut self,
        wanted: &[&str],
        defaults: &[(&str, &str)],
        for_hook: bool,
        mounts: &Mounts,
    ) -> Result<BTreeMap<String, BaseFile>, Error> {
        let mut base = BTreeMap::new();
        for name in wanted {
            let default = || defaults.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_bytes().to_vec());
            let found = self.pristine_bytes(name, mounts)?.map(|bytes| (bytes, Layer::Pristine));
            if let Some((bytes, layer)) = found.or_else(|| default().map(|bytes| (bytes, Layer::Default))) {
                let text = String::from_utf8(bytes)
                    .map_err(|_| Error::refused("read", self.conf.join(name), "the file is not valid UTF-8"))?;
                base.insert((*name).to_owned(), BaseFile::new(text, layer));
            }
        }
        let mut others: BTreeSet<String> = self.record.names().map(str::to_owned).collect();
        if for_hook {
            others.extend(self.configuration_in(&self.conf));
        }
        for name in others.iter().filter(|name| !wanted.contains(&name.as_str())) {
            match self.pristine_bytes(name, mounts).map(|bytes| bytes.map(String::from_utf8)) {
                Ok(Some(Ok(text))) => {
                    base.insert(name.clone(), BaseFile::new(text, Layer::Pristine));
                }
                // Not text, so no configuration of ours.
                Ok(Some(Err(_))) => self.record.forget(name),
                Ok(None) => {}
                Err(error) => self.notes.push(format!("{error}; the file is left as it is")),
            }
        }
        Ok(base)
    }

    /// The names of the configuration files in the live folder, after a hook may have added some.
    pub fn names(&self) -> Vec<String> {
        self.configuration_in(&self.live)
    }

    /// Files that are small and, as far as one can see without reading them, meant to be shared with Cassandra.
    fn configuration_in(&self, folder: &Path) -> Vec<String> {
        use std::os::unix::fs::PermissionsExt;
        let in_place = self.kept.is_some();
        let is_configuration = |(name, path): &(String, PathBuf)| {
            // In place a link would be replaced by a file.
            let metadata = if in_place { fs::symlink_metadata(path) } else { fs::metadata(path) };
            !name.contains(char::is_control)
                && metadata
                    .is_ok_and(|metadata| metadata.is_file() && !files::is_private(metadata.permissions().mode()))
        };
        listing(folder).into_iter().filter(is_configuration).map(|(name, _)| name).collect()
    }

    fn pristine_bytes(&mut self, name: &str, mounts: &Mounts) -> Result<Option<Vec<u8>>, Error> {
        let path = self.conf.join(name);
        let kept = || match &self.kept {
            Some(kept) if self.record.is_kept(name) => files::read_trusted(&kept.join(name)).map(Some),
            _ => Ok(None),
        };
        let current = match files::read_trusted(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return kept(),
            Err(error) => return Err(error),
        };
        // A start that was killed before the first rename has left it so.
        let is_kept = kept().is_ok_and(|kept| kept.as_ref() == Some(&current));
        if self.kept.is_none() || is_kept {
            return Ok(Some(current));
        }
        match self.record.judge(name, &current, self.is_trusted(&path, mounts)) {
            Verdict::Untouched => Ok(Some(current)),
            Verdict::Replaced => {
                self.notes.push(format!("{} was replaced since the last start and is the new base", path.display()));
                Ok(Some(current))
            }
            Verdict::Ours => kept(),
            Verdict::Added => {
                if std::str::from_utf8(&current).is_ok() {
                    self.unwanted.insert(name.to_owned());
                }
                Ok(None)
            }
            Verdict::Tampered => {
                let by = if self.record.is_lent() { "a hook that did not end" } else { "a user who may not" };
                let note = format!("{} was changed by {by}, it is written anew", path.display());
                let kept = kept();
                self.notes.push(note);
                kept
            }
        }
    }

    /// Whether only the user can have put the file there. Without root there is no border between us and Cassandra.
    fn is_trusted(&self, path: &Path, mounts: &Mounts) -> bool {
        use std::os::unix::fs::MetadataExt;
        let by_root = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.uid() == 0);
        by_root || !privileges::is_root() || mounts.is_mount_point(path) || mounts.is_mount_point(&self.conf)
    }

    /// Writes `files` to the live folder; what is there already is left alone. `base` is what [`Self::pristine`] returned.
    ///
    /// `for_hook` says that the hook gets the folder next; `go_on` is asked before each file. Returns the names of the files that changed.
    pub fn write(
        &mut self,
        files: &BTreeMap<String, String>,
        base: &BTreeMap<String, BaseFile>,
        for_hook: bool,
        go_on: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<String>, Error> {
        // Until every file is ours again, a start that is killed must not leave the hook's edits as the user's.
        let was_lent = self.record.is_lent();
        self.record.set_lent(was_lent || for_hook);
        folders::create_folders(&self.live, 0o755, None)?;
        atomic::remove_leftovers(&self.live)?;
        if self.kept.is_some() {
            self.keep(files, base, go_on)?;
        } else {
            self.copy_others(files, go_on)?;
        }
        let mut changed = Vec::new();
        for (name, text) in files {
            go_on()?;
            let path = self.live.join(name);
            let attributes = self.attributes(&path, masked::holds_secret(name, text));
            let same = files::read_trusted(&path).is_ok_and(|current| current == text.as_bytes());
            if !same {
                changed.push(name.clone());
            }
            if same && !was_lent {
                files::set_attributes(&path, attributes)?;
            } else {
                // The hook may have handed on a descriptor of the file that is there: it does not reach the new one.
                atomic::write_atomic(&path, text.as_bytes(), attributes)?;
            }
        }
        for name in self.unwanted.iter().filter(|name| !files.contains_key(*name)) {
            remove(&self.live.join(name))?;
        }
        if !for_hook {
            self.settle(files)?;
        }
        Ok(changed)
    }

    /// The live folder holds what was recorded and nothing of the hook's: the record says so.
    fn settle(&mut self, files: &BTreeMap<String, String>) -> Result<(), Error> {
        self.record.set_lent(false);
        for name in std::mem::take(&mut self.unwanted) {
            if !files.contains_key(&name) {
                self.record.forget(&name);
            }
        }
        match &self.kept {
            Some(kept) => self.write_record(kept),
            None => Ok(()),
        }
    }

    /// Keeps pristine files that are not kept yet, then records what is about to be written; both reach the disk before the
    /// first file changes.
    fn keep(
        &mut self,
        files: &BTreeMap<String, String>,
        base: &BTreeMap<String, BaseFile>,
        go_on: &dyn Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(kept) = self.kept.clone() else { return Ok(()) };
        let owner = privileges::is_root().then_some((0, 0));
        folders::create_folders(&kept, if kept.starts_with(&self.conf) { 0o700 } else { 0o755 }, owner)?;
        atomic::remove_leftovers(&kept)?;
        for (name, text) in files {
            go_on()?;
            let pristine = base.get(name).filter(|file| file.layer == Layer::Pristine);
            let was_kept = self.record.is_kept(name);
            if let Some(pristine) = pristine {
                write_private(&kept.join(name), pristine.text.as_bytes())?;
            }
            self.record.remember(name, pristine.is_some() || was_kept, text.as_bytes());
        }
        self.write_record(&kept)
    }

    fn write_record(&self, kept: &Path) -> Result<(), Error> {
        write_private(&kept.join(RECORD), self.record.to_string().as_bytes())
    }

    /// Rendering elsewhere: Cassandra must find the folder's other files there too, and none that have gone. Once a start:
    /// what the hook made of them stays.
    fn copy_others(
        &mut self,
        files: &BTreeMap<String, String>,
        go_on: &dyn Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if std::mem::replace(&mut self.copied, true) {
            return Ok(());
        }
        let mut others = listing(&self.conf);
        others.retain(|(name, path)| {
            !files.contains_key(name) && fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
        });
        for (name, path) in &others {
            go_on()?;
            match files::read_trusted(path) {
                Ok(bytes) => atomic::write_atomic(&self.live.join(name), &bytes, self.attributes_of_copy(path))?,
                // Nothing that we need: Cassandra will say if it does.
                Err(error) => self.notes.push(format!("{error}; Cassandra does not find the file")),
            }
        }
        for (name, path) in listing(&self.live) {
            if !files.contains_key(&name) && !others.iter().any(|(other, _)| *other == name) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Those of the original, but nobody's to write; a private file stays its owner's.
    fn attributes_of_copy(&self, original: &Path) -> Attributes {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let Ok(metadata) = fs::metadata(original) else { return Attributes::default() };
        let mode = metadata.permissions().mode() & 0o7777;
        match self.group {
            Some(group) if privileges::is_root() => {
                let private = files::is_private(mode);
                let owner = if private { (metadata.uid(), metadata.gid()) } else { (0, group) };
                Attributes { mode: Some(mode & !0o7022), owner: Some(owner) }
            }
            _ => Attributes { mode: Some(mode), owner: None },
        }
    }

    /// root:cassandra and not writable for others: a compromised JVM must not steer the next start. A file that holds a
    /// `secret` is nobody else's to read; without root Cassandra is ourselves.
    fn attributes(&self, path: &Path, secret: bool) -> Attributes {
        use std::os::unix::fs::PermissionsExt;
        let existing = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
        let mode = existing.map_or(0o640, |metadata| metadata.permissions().mode() & 0o7777);
        match self.group {
            Some(group) if privileges::is_root() => {
                let closed = if secret { 0o7027 } else { 0o7022 };
                Attributes { mode: Some((mode | 0o640) & !closed), owner: Some((0, group)) }
            }
            _ => Attributes { mode: Some(if secret { mode & !0o077 } else { mode }), owner: None },
        }
    }

    /// Takes the live folder and the files in it away from everybody but root, after the hook could write there.
    pub fn take_back(&self) -> Result<(), Error> {
        let Some(group) = self.lent_to() else { return Ok(()) };
        let ours = |mode| Attributes { mode: Some(mode & !0o7022), owner: Some((0, group)) };
        files::own_folder(&self.live, ours, ours)
    }

    /// Gives the files of the live folder to `uid`, for the hook, which may also add files and remove its own. What is root's
    /// in it, the kept files above all, it cannot exchange: that is what the sticky bit says.
    pub fn lend(&self, uid: u32) -> Result<(), Error> {
        let Some(group) = self.lent_to() else { return Ok(()) };
        let folder = |mode| Attributes { mode: Some(mode | 0o1070), owner: Some((0, group)) };
        let file = |mode| Attributes { mode: Some(mode | 0o200), owner: Some((uid, group)) };
        files::own_folder(&self.live, folder, file)
    }

    fn lent_to(&self) -> Option<u32> {
        self.group.filter(|_| privileges::is_root())
    }
}

/// Where the pristine files are kept: beside the conf folder, or in it where it is a volume. The files that we rendered
/// outlive a container there, and what says that they are ours must do so too.
fn kept_folder(conf: &Path, mounts: &Mounts) -> PathBuf {
    let real = fs::canonicalize(conf).unwrap_or_else(|_| conf.to_owned());
    if mounts.is_mount_point(&real) { conf.join(INSIDE) } else { beside(conf) }
}

fn read_record(kept: &Path) -> Result<Record, Error> {
    match files::read_trusted(&kept.join(RECORD)) {
        Ok(bytes) => Ok(Record::parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Record::default()),
        Err(error) => Err(error),
    }
}

/// For root, or us, alone; what is there already is not written again.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if files::read_trusted(path).is_ok_and(|current| current == bytes) {
        return Ok(());
    }
    let owner = privileges::is_root().then_some((0, 0));
    atomic::write_atomic(path, bytes, Attributes { mode: Some(0o600), owner })
}

/// The small files of a folder, links among them: neither our temporary files nor the `..data` of a ConfigMap mount.
fn listing(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    let small = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
    named
        .filter(|(name, path)| !name.starts_with("..") && !atomic::is_temporary(OsStr::new(name)) && small(path))
        .collect()
}

/// Removes a file, which may be gone.
fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::at("remove", path, error)),
        _ => Ok(()),
    }
}

/// `/etc/cassandra` → `/etc/cassandra.pristine`.
fn beside(conf: &Path) -> PathBuf {
    let mut name = conf.file_name().map_or_else(|| OsString::from("conf"), OsString::from);
    name.push(".pristine");
    conf.with_file_name(name)
}

/// A file that is a mount point itself (a ConfigMap key mounted by subPath, a bind mount) cannot be replaced by a rename.
fn is_replaceable(conf: &Path, mounts: &Mounts) -> bool {
    let Ok(listing) = fs::read_dir(conf) else { return true };
    !listing.flatten().any(|entry| mounts.is_mount_point(&entry.path()))
}
