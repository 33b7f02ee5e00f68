//! The preflight: what of this machine Cassandra will complain about, be slow on or die of, told before it starts.

mod rules;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::unistd::geteuid;

use crate::cassandra::{Line, overrides};
use crate::commands::Assignment;
use crate::commands::situation::{Ready, Situation};
use crate::exit::{Exit, Failure};
use crate::host::limits::Limit;
use crate::host::mounts::{Mount, Mounts};
use crate::host::users::Passwd;
use crate::host::{files, kernel, memory, privileges, processors, tasks};
use crate::settings::contract::Given;
use crate::settings::value::{Chown, LaunchMode, Words};
use rules::{Facts, Library, Obstacle};

/// Variables from which every JVM takes options, whoever starts it.
const OPTIONS_OF_EVERY_JVM: [&str; 2] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];

/// Tells what was found; an error only where Cassandra would refuse to start. A few small files are read, nothing is written.
///
/// `arguments` are JVM options of our command line, `limits` are those that Cassandra will have.
pub(super) fn look(
    situation: &Situation,
    ready: &Ready,
    arguments: &[String],
    environment: &[Assignment],
    limits: Vec<Limit>,
) -> Result<(), Failure> {
    let root = Path::new("/");
    let options = options(situation, ready, arguments, environment);
    let facts = Facts {
        limits,
        locks_memory: privileges::ipc_lock_available(),
        lacking: if situation.identity.is_some() { privileges::lacking() } else { Vec::new() },
        kernel: kernel::settings(root),
        swap: memory::swap(root),
        cpu_quota: processors::quota(root),
        tasks: tasks::left(root),
        clock: SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs()),
        library: library(situation, &options, environment),
    };
    let report = rules::findings(&facts);
    crate::log::report(&report);
    if report.has_errors() {
        let message = "Cassandra cannot start on this machine as it is, nothing was written or started";
        return Err(Failure::message(Exit::Configuration, message));
    }
    Ok(())
}

/// The JVM options that we know of, in the order in which they win.
fn options(situation: &Situation, ready: &Ready, arguments: &[String], environment: &[Assignment]) -> Vec<String> {
    let of_every_jvm = environment.iter().filter(|(name, _)| OPTIONS_OF_EVERY_JVM.iter().any(|known| name == known));
    let mut options: Vec<String> =
        of_every_jvm.flat_map(|(_, value)| words(&value.to_string_lossy()).collect::<Vec<_>>()).collect();
    let given =
        |given: &Option<Given<Words>>| given.as_ref().map_or(Vec::new(), |given| given.value.as_slice().to_vec());
    options.extend(given(&situation.settings.jvm_opts));
    options.extend(ready.plan.options.iter().cloned());
    options.extend(given(&situation.settings.jvm_extra_opts));
    options.extend(ready.plan.unwritten.iter().chain(arguments).cloned());
    options
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_ascii_whitespace().map(str::to_owned)
}

/// The value of the last `-Dname=value`.
fn property<'a>(options: &'a [String], name: &str) -> Option<&'a str> {
    options.iter().rev().find_map(|option| overrides::value_of(option, name))
}

/// The folders into which JNA would unpack its library, in its order (`com.sun.jna.Native`, where it looks for a temporary
/// folder). None if it unpacks nothing.
fn library(situation: &Situation, options: &[String], environment: &[Assignment]) -> Option<Library> {
    let brought = property(options, "jna.boot.library.path").is_some()
        || property(options, "jna.nosys") == Some("false")
        || property(options, "jna.nounpack") == Some("true");
    if brought {
        return None;
    }
    let mut folders = Vec::new();
    if let Some(chosen) = property(options, "jna.tmpdir") {
        folders.push(PathBuf::from(chosen));
    } else {
        // The JNA of 3.11 knows no cache folder.
        if situation.distribution.version.line() != Line::V3_11 {
            folders.extend(cache(situation, options, environment).map(|cache| cache.join("JNA/temp")));
        }
        folders.push(property(options, "java.io.tmpdir").unwrap_or("/tmp").into());
    }
    let mounts = Mounts::read().unwrap_or_default();
    let uid = situation.identity.as_ref().map_or_else(|| geteuid().as_raw(), |identity| identity.uid);
    let last = folders.len().saturating_sub(1);
    let candidates = folders.into_iter().enumerate().map(|(number, folder)| {
        let user = if will_be_given(situation, &folder) { None } else { Some(uid) };
        // A cache folder is made where it is missing; a temporary one is not.
        let obstacle = obstacle(&folder, user, number != last, &mounts);
        (folder, obstacle)
    });
    Some(Library { candidates: candidates.collect(), is_certain: !script_may_choose(situation) })
}

/// Whether this start gives a folder to the user, whoever owns it now.
fn will_be_given(situation: &Situation, folder: &Path) -> bool {
    let is_off = situation.settings.chown.as_ref().is_some_and(|given| given.value == Chown::Off);
    let roots = [&situation.data_root, &situation.logs];
    situation.identity.is_some() && !is_off && roots.iter().any(|root| folder.starts_with(root))
}

/// The cache folder of the user that the JVM runs as; Java takes his home from the passwd file.
fn cache(situation: &Situation, options: &[String], environment: &[Assignment]) -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = environment.iter().find(|(known, _)| known == name).map(|(_, value)| PathBuf::from(value));
        value.filter(|path| path.is_absolute())
    };
    let by_id = || Some(Passwd::read_from(Path::new("/")).ok()?.by_uid(geteuid().as_raw())?.home.clone());
    let home = || match &situation.identity {
        Some(identity) => Some(identity.home.clone()),
        None => by_id().or_else(|| variable("HOME")),
    };
    let cache_of_home =
        || property(options, "user.home").map(PathBuf::from).or_else(home).map(|home| home.join(".cache"));
    variable("XDG_CACHE_HOME").or_else(cache_of_home)
}

/// Whether a shell script that we do not run says where temporary files go.
fn script_may_choose(situation: &Situation) -> bool {
    let script = situation.folder.conf().join("cassandra-env.sh");
    situation.launch == LaunchMode::Script
        && files::read_trusted_text(&script)
            .is_ok_and(|text| text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("tmpdir")))
}

/// What keeps `user` from loading a library that it has written to `folder`; none is the owner whom this start makes.
fn obstacle(folder: &Path, user: Option<u32>, may_be_made: bool, mounts: &Mounts) -> Option<Obstacle> {
    let nearest = folder.ancestors().find(|path| path.is_dir())?;
    if nearest != folder && !may_be_made {
        return Some(Obstacle::Missing);
    }
    let nearest = nearest.canonicalize().ok()?;
    let mount = mounts.covering(&nearest);
    if mount.is_some_and(Mount::read_only) {
        return Some(Obstacle::ReadOnly);
    }
    let state = nearest.metadata().ok()?;
    // Where an access control list lets somebody in, the bits of the group say so, too (acl(5)).
    let lets_in = |uid| state.mode() & 0o022 != 0 || (state.uid() == uid && state.mode() & 0o200 != 0);
    if !user.is_none_or(lets_in) {
        return Some(Obstacle::NotWritable);
    }
    mount.is_some_and(Mount::noexec).then_some(Obstacle::NoExec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_properties_counts() {
        let options = ["-Djna.tmpdir=/a", "-Djna.tmpdir=/b", "-Djna.tmpdirectory=/c", "-Xmx1G"].map(str::to_owned);
        assert_eq!(property(&options, "jna.tmpdir"), Some("/b"));
        assert_eq!(property(&options, "java.io.tmpdir"), None);
    }

    #[test]
    fn a_folder_is_judged_by_its_mount_its_owner_and_whether_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let own = path.metadata().unwrap().uid();
        let mounted = |options: &str| {
            let line = format!("30 22 0:26 / {} {options} - tmpfs tmpfs rw\n", path.display());
            Mounts::parse(format!("22 1 0:1 / / rw - ext4 disk rw\n{line}").as_bytes())
        };
        let judged = |name: &str, uid: u32, may_be_made: bool, options: &str| {
            obstacle(&path.join(name), Some(uid), may_be_made, &mounted(options))
        };
        assert_eq!(judged("", own, false, "rw,nosuid"), None);
        assert_eq!(judged("", own, false, "rw,noexec"), Some(Obstacle::NoExec));
        assert_eq!(judged("", own, false, "ro,noexec"), Some(Obstacle::ReadOnly));
        assert_eq!(judged("missing", own, false, "rw"), Some(Obstacle::Missing));
        assert_eq!(judged("missing/deep", own, true, "rw"), None);
        assert_eq!(judged("missing", own, true, "rw,noexec"), Some(Obstacle::NoExec));
        assert_eq!(judged("", own + 1, false, "rw"), Some(Obstacle::NotWritable));
        assert_eq!(obstacle(&path, None, false, &mounted("rw")), None, "it will be given");
        assert_eq!(obstacle(&path, None, false, &mounted("rw,noexec")), Some(Obstacle::NoExec));
    }
}
