//! The run folder: where PID 1 publishes what probes read, and the lock that tells that it lives.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::commands::places;
use crate::exit::{Exit, Failure};
use crate::host::atomic::{self, Attributes};
use crate::host::{Error, files, folders, privileges};
use crate::settings::RawEnv;
use crate::supervisor::{Phase, Published};

/// The lock's name; PID 1 holds it as long as it lives.
const LOCK: &str = "lock";

/// The folder, taken for this process: whoever starts a second node here is refused.
pub(super) struct RunFolder {
    _lock: Flock<File>,
}

impl RunFolder {
    /// Makes the folder ours alone, takes the lock, and publishes that the node is being prepared.
    pub(super) fn take(path: &Path) -> Result<Self, Failure> {
        folders::create_folders(path, 0o755, None)?;
        if privileges::is_root() {
            close(path).map_err(|error| Error::at("take", path, error))?;
        }
        let lock = path.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(|error| Error::at("open", &lock, error))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
            let message = format!("another cassandra-init runs a node here, it holds {}", lock.display());
            Failure::message(Exit::TryAgain, message).hint("one node for each run folder: see CASSANDRA_INIT_RUN_DIR")
        })?;
        // That of an earlier start says nothing of this one.
        match fs::remove_file(path.join(PLAN)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::at("remove", path.join(PLAN), error).into());
            }
            _ => {}
        }
        Published { phase: Phase::Preparing, child: None, endpoint: None, conf: None, jmx: None }.write(path)?;
        Ok(Self { _lock: lock })
    }
}

/// An image may leave the folder open, so that any user can start there. Started as root, it is root's alone, and what others
/// put there before is gone: a root `nodetool` or the next start must not follow it.
fn close(path: &Path) -> std::io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    if metadata.uid() == 0 && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    chown(path, Some(0), Some(0))?;
    fs::set_permissions(path, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(path)?.flatten() {
        if entry.metadata()?.uid() == 0 {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Where PID 1 records its plan: for root or us alone, although secrets are left out of it.
const PLAN: &str = "plan.json";

/// Records the plan of this start, as `explain` shows it.
pub(super) fn record_plan(run_dir: &Path, json: &str) -> Result<(), Error> {
    let attributes = Attributes { mode: Some(0o600), owner: None };
    atomic::write_atomic(&run_dir.join(PLAN), json.as_bytes(), attributes)
}

/// The plan that a living PID 1 recorded, or why it cannot be read; none where none lives or it has not come that far.
pub(super) fn recorded_plan(env: &RawEnv) -> Option<Result<String, Error>> {
    let place = held(env)?;
    match files::read_trusted_text(&place.join(PLAN)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        result => Some(result),
    }
}

/// What a living PID 1 publishes here; none where none lives. A file that a killed one left does not count.
pub(super) fn published(env: &RawEnv) -> Result<Option<Published>, Failure> {
    for place in places::run_dirs(env) {
        if is_held(&place.join(LOCK))
            && let Some(published) = Published::read(&place)?
        {
            return Ok(Some(published));
        }
    }
    Ok(None)
}

/// What is told where [`published`] finds none.
pub(super) fn nobody() -> Failure {
    let message = "no node runs under cassandra-init here (nobody holds the lock of the run folder)";
    Failure::message(Exit::Unavailable, message).hint("CASSANDRA_INIT_RUN_DIR must be the same here and for the node")
}

/// [`published`], where a node is needed.
pub(super) fn of_a_node(env: &RawEnv) -> Result<Published, Failure> {
    published(env)?.ok_or_else(nobody)
}

/// The run folder of a living PID 1; none where none lives.
pub(super) fn held(env: &RawEnv) -> Option<PathBuf> {
    places::run_dirs(env).into_iter().find(|place| is_held(&place.join(LOCK)))
}

/// Whether somebody holds the lock.
fn is_held(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else { return false };
    Flock::lock(file, FlockArg::LockSharedNonblock).is_err()
}

/// The conf folder that a living PID 1 rendered to, if it is somebody whom we may trust with our command line: root or
/// ourselves.
pub(super) fn trusted_conf(env: &RawEnv) -> Option<PathBuf> {
    let place = held(env)?;
    let trusted =
        |path: &Path| files::owner(path).is_some_and(|uid| uid == 0 || uid == nix::unistd::geteuid().as_raw());
    let published = Published::read(&place).ok()??;
    let conf = published.conf.filter(|conf| trusted(conf))?;
    (trusted(&place) && trusted(&Published::path(&place))).then_some(conf)
}
