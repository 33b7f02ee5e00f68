//! The mounted files of a container that is not here, in a private folder laid out like the container's root.
//!
//! So that everything which reads files of a start reads these, by the same code.

use std::fs;
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use crate::exit::{Exit, Failure};
use crate::host::atomic::{self, Attributes};
use crate::host::{files, folders};
use crate::manifest::mounts::Mounts;
use crate::report::{Finding, Place};

/// The folder; gone when this is dropped.
pub(super) struct Shadow {
    root: TempDir,
    /// The paths that are mounted, files or folders.
    mounted: Vec<String>,
}

impl Shadow {
    /// Puts every file of the mounts into a new folder that only we can read.
    pub(super) fn of(mounts: &Mounts) -> Result<Self, Failure> {
        let root = tempfile::Builder::new().prefix("cassandra-init-check-").tempdir().map_err(|error| {
            Failure::new(Exit::CannotCreate, error).hint("TMPDIR names a folder that can be written")
        })?;
        let mut shadow = Self { root, mounted: mounts.paths.clone() };
        for file in &mounts.files {
            let path = shadow.path(&file.path);
            if let Some(folder) = path.parent() {
                folders::create_folders(folder, 0o700, None)?;
            }
            atomic::write_atomic(&path, &file.bytes, Attributes { mode: Some(0o600), ..Attributes::default() })?;
            shadow.mounted.push(file.path.clone());
        }
        Ok(shadow)
    }

    /// Where a path of the container is in the shadow: never above it, as `..` leads no further than to the root. A manifest
    /// can come from anybody, and is not to show what lies on this machine.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        let mut inside = PathBuf::new();
        for component in Path::new(path).components() {
            match component {
                Component::Normal(name) => inside.push(name),
                Component::ParentDir => {
                    inside.pop();
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        self.root.path().join(inside)
    }

    /// Whether a path is mounted, or lies below or above something that is.
    pub(super) fn knows(&self, path: &str) -> bool {
        let path = Path::new(path);
        self.mounted.iter().map(Path::new).any(|known| known.starts_with(path) || path.starts_with(known))
    }

    /// The path in the shadow of a folder, which is made if nothing is mounted there.
    pub(super) fn folder(&self, path: &str) -> Result<PathBuf, Failure> {
        let folder = self.path(path);
        folders::create_folders(&folder, 0o700, None)?;
        Ok(folder)
    }

    /// A conf folder: the mounted files in front of those of `below`.
    pub(super) fn conf(&self, path: &str, below: Option<&Path>) -> Result<PathBuf, Failure> {
        let folder = self.folder(path)?;
        let listing = below.and_then(|below| fs::read_dir(below).ok()).into_iter().flatten().flatten();
        for entry in listing.filter(|entry| entry.path().is_file()) {
            let copy = folder.join(entry.file_name());
            if !copy.exists() {
                atomic::write_atomic(&copy, &files::read_trusted(&entry.path())?, Attributes::default())?;
            }
        }
        Ok(folder)
    }

    /// A finding with the paths that the container has.
    pub(super) fn unveil(&self, finding: &Finding) -> Finding {
        let root = self.root.path().display().to_string();
        let clean = |text: &str| text.replace(&root, "");
        Finding {
            severity: finding.severity,
            place: match &finding.place {
                Place::Variable(name) => Place::Variable(name.clone()),
                Place::File { name, line, column } => Place::file(clean(name), *line, *column),
                Place::Other(text) => Place::Other(clean(text)),
            },
            message: clean(&finding.message),
            hint: finding.hint.as_deref().map(clean),
        }
    }
}
