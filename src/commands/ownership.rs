//! Whose the folders are that Cassandra writes to.

use std::path::{Path, PathBuf};

use crate::commands::interrupt::Interrupt;
use crate::commands::situation::Situation;
use crate::config::documents::{Layer, YAML};
use crate::config::plan::Plan;
use crate::exit::{self, Exit, Failure};
use crate::host::ownership::{Summary, Walk};
use crate::host::{files, folders};
use crate::settings::raw::Source;
use crate::settings::value::Chown;

/// Makes the folders and, as root, gives them to the Cassandra user; as another user only checks that it can write.
/// How many entries were looked at and how many were given away, where a walk was made.
pub(super) fn settle(situation: &Situation, plan: &Plan, interrupt: &Interrupt) -> Result<Option<(u64, u64)>, Failure> {
    let folders = folders(situation, plan);
    let owner = situation.identity.as_ref().map(|identity| (identity.uid, identity.gid));
    for folder in &folders {
        folders::create_folders(folder, 0o750, owner)?;
    }
    let roots = outermost(&folders);
    let mode = situation.settings.chown.as_ref().map_or_else(Chown::default, |given| given.value);
    match &situation.identity {
        Some(_) if mode == Chown::Off => Ok(None),
        Some(identity) => {
            let walk = Walk::new(identity.uid, identity.gid);
            let (mut entries, mut changed) = (0, 0);
            for root in &roots {
                if mode == Chown::Full || !walk.root_is_right(root)? {
                    let summary = give(root, &walk, interrupt)?;
                    (entries, changed) = (entries + summary.entries, changed + summary.changed);
                }
            }
            Ok(Some((entries, changed)))
        }
        None => match first_unwritable(&roots, interrupt)? {
            Some(path) => {
                let uid = nix::unistd::geteuid();
                let message = format!("{} is not writable for user id {uid}", path.display());
                Err(Failure::message(Exit::NoPermission, message).hint(format!(
                    "start as root, or give the volume to {uid} (in Kubernetes: securityContext.fsGroup)"
                )))
            }
            None => Ok(None),
        },
    }
}

/// The first path that we cannot write, unless a stop is asked for while we look.
fn first_unwritable(roots: &[PathBuf], interrupt: &Interrupt) -> Result<Option<PathBuf>, Failure> {
    let found = files::first_unwritable(roots, || interrupt.asked().is_some())?;
    interrupt.check().map(|()| found)
}

/// The data root, the log folder, and folders outside of them that the configuration names. What a hook said was said by the
/// Cassandra user, who may also own a file that a variable names: neither gives anything away.
fn folders(situation: &Situation, plan: &Plan) -> Vec<PathBuf> {
    let mut roots = vec![situation.data_root.clone(), situation.logs.clone()];
    let by_hook = situation.base.get(YAML).is_some_and(|file| file.layer == Layer::Hook);
    let is_folder = |key: &str| key.contains("director") || key.starts_with("cdc");
    let is_others = |source: &Source| matches!(source, Source::Hook(_) | Source::EnvironmentFile { .. });
    let by_others = by_hook
        || plan.decisions.iter().any(|said| said.file == YAML && is_folder(&said.key) && is_others(&said.source));
    let heap_dumps = situation.settings.heap_dump_dir.as_ref().map(|given| given.value.as_path().to_owned());
    for folder in plan.data_directories.iter().chain(&heap_dumps) {
        let inside = roots.iter().any(|root| folder.starts_with(root));
        if inside {
            continue;
        }
        if by_others {
            tracing::warn!(
                "{} is outside of the data root and may be named by a hook or a variable's file: its owner is left alone",
                folder.display()
            );
        } else if folder.is_absolute() {
            roots.push(folder.clone());
        }
    }
    roots
}

/// Those that lie below no other: one walk is enough for what is inside.
fn outermost(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut roots = folders.to_vec();
    roots.retain(|root| !folders.iter().any(|other| other != root && root.starts_with(other)));
    roots.dedup();
    roots
}

fn give(root: &Path, walk: &Walk, interrupt: &Interrupt) -> Result<Summary, Failure> {
    let stop = || interrupt.asked().is_some();
    let progress = |progress: crate::host::ownership::Progress| {
        tracing::info!(
            "ownership of {}: {} entries, {} changed after {:.0?}",
            root.display(),
            progress.entries,
            progress.changed,
            progress.elapsed
        );
    };
    let summary = walk.run(root, stop, progress)?;
    interrupt.check()?;
    if summary.changed > 0 {
        tracing::info!(
            "ownership of {}: {} of {} entries given to {}:{} in {:.1?}",
            root.display(),
            summary.changed,
            summary.entries,
            walk.uid,
            walk.gid,
            summary.elapsed
        );
    }
    for (what, skipped) in
        [("could not be given away", &summary.denied), ("hard links were left alone", &summary.hard_links)]
    {
        if let Some((path, errno)) = &skipped.first {
            let hint = exit::hint_of_refusal(*errno);
            tracing::warn!(
                "ownership of {}: {} {what}, the first is {}{hint}",
                root.display(),
                skipped.count,
                path.display()
            );
        }
    }
    Ok(summary)
}
