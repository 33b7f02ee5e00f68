//! Where things are: the distribution, Java, the conf folder, the data root, the log and run folders.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::cassandra::Version;
use crate::cassandra::distribution::{self, Distribution, Java};
use crate::config::documents::BaseFile;
use crate::config::overlay::{self, Fragment};
use crate::config::plan::{AGENT_CONFIGURATIONS, AGENT_FOLDERS, Agents, DATA_ROOTS, is_agent};
use crate::exit::{self, Exit, Failure};
use crate::host::mounts::Mounts;
use crate::host::{files, program};
use crate::report::{Finding, Place, Report};
use crate::settings::{RawEnv, Settings};

/// Where programs are looked for when PATH is not set.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Where a distribution is looked for when CASSANDRA_HOME is not set.
const HOMES: &[&str] = &["/opt/cassandra", "/usr/share/cassandra", "/usr/local/cassandra", "/opt/bitnami/cassandra"];
const DEFAULT_DATA_ROOT: &str = "/var/lib/cassandra";
/// Where images mount configuration files.
pub(super) const OVERLAYS: &[&str] =
    &["/configmap", "/tmp/cassandra/configmap", "/etc/cassandra-overlay", "/bitnami/cassandra/conf"];
/// The hook's name in the overlay, as the CassKop image has it.
pub(super) const HOOK: &str = "pre_run.sh";
/// The name of a second one that the CassKop image runs after all else: here nothing may change the files after the plan.
pub(super) const LATE_HOOK: &str = "post_run.sh";
/// By which variables the scripts of 6.0 and 5.0 take a Java that Cassandra is not made for.
const ANY_JAVA: [&str; 2] = ["CASSANDRA_JDK_UNSUPPORTED", "CASSANDRA_USE_ALL_JDK"];
/// Where java is looked for when it is not on the PATH.
const JAVA_HOMES: &[&str] = &["/opt/java/openjdk", "/usr/lib/jvm/default-java", "/usr/lib/jvm/default"];

/// Finds the installed Cassandra and the Java that runs it.
pub(super) fn distribution(settings: &Settings, env: &RawEnv) -> Result<Distribution, Failure> {
    let home = home(settings)?;
    let lib = home.join("lib");
    let is_jar = |path: &PathBuf| path.extension() == Some(OsStr::new("jar"));
    let mut jars: Vec<PathBuf> = listing(&lib).filter(is_jar).collect();
    let names: Vec<String> = jars.iter().filter_map(|jar| Some(jar.file_name()?.to_str()?.to_owned())).collect();
    let version = distribution::recognise(&lib, &names).map_err(|error| {
        Failure::new(Exit::Configuration, error).hint("CASSANDRA_HOME names the folder that holds lib/")
    })?;
    // Scripting engines of 3.11, and what is built for one processor, as `bin/cassandra.in.sh` takes them.
    jars.extend(listing(&lib.join("jsr223")).flat_map(|engine| listing(&engine).filter(is_jar).collect::<Vec<_>>()));
    jars.extend(listing(&lib.join(std::env::consts::ARCH)).filter(is_jar));
    let script = home.join("bin/cassandra");
    let java = java(settings, env, version)?;
    Ok(Distribution { home, version, jars, script: script.is_file().then_some(script), java })
}

fn home(settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(given) = &settings.home {
        return Ok(given.value.as_path().to_owned());
    }
    HOMES.iter().map(PathBuf::from).find(|home| home.join("lib").is_dir()).ok_or_else(|| {
        let looked = HOMES.join(", ");
        Failure::message(Exit::Configuration, format!("no Cassandra here: none of {looked} has a lib folder"))
            .hint("set CASSANDRA_HOME to the folder that holds Cassandra's lib/")
    })
}

fn java(settings: &Settings, env: &RawEnv, version: Version) -> Result<Java, Failure> {
    let wanted = version.line().java_majors();
    let hint = || format!("Cassandra {} runs on Java {}", version.line(), list(wanted));
    let program = if let Some(given) = &settings.java_home {
        let program = given.value.as_path().join("bin/java");
        if !program.is_file() {
            let message =
                format!("no JRE: JAVA_HOME is {}, and there is no bin/java in it", given.value.as_path().display());
            return Err(Failure::message(Exit::Configuration, message).hint(hint()));
        }
        program
    } else {
        let path = env.text("PATH").unwrap_or(PATH);
        let known = || JAVA_HOMES.iter().map(|home| Path::new(home).join("bin/java")).find(|java| java.is_file());
        program::find_program(OsStr::new("java"), OsStr::new(path)).ok().or_else(known).ok_or_else(|| {
            let message = "no JRE: java is not on the PATH and JAVA_HOME is not set";
            Failure::message(Exit::Configuration, message).hint(hint())
        })?
    };
    let major = java_major(&program).ok_or_else(|| {
        let message =
            format!("{} does not say which version it is: no `release` file in its installation", program.display());
        Failure::message(Exit::Configuration, message).hint(hint())
    })?;
    if !wanted.contains(&major) && !ANY_JAVA.iter().any(|name| env.text(name).is_some_and(|text| !text.is_empty())) {
        let message = format!("{} is Java {major}", program.display());
        let hint = format!("{}; CASSANDRA_JDK_UNSUPPORTED=true tries it all the same", hint());
        return Err(Failure::message(Exit::Configuration, message).hint(hint));
    }
    Ok(Java { program, major })
}

fn list(majors: &[u16]) -> String {
    majors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// The major from the installation's `release` file, or from its folder's name, so that no JVM is started for it.
fn java_major(program: &Path) -> Option<u16> {
    let real = fs::canonicalize(program).ok()?;
    let home = real.parent()?.parent()?;
    // JDK 8 keeps its JRE one level down.
    let release = [home.join("release"), home.parent()?.join("release")];
    let text = release.iter().find_map(|path| fs::read_to_string(path).ok());
    let from_file = text.as_deref().and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=")).and_then(distribution::java_major)
    });
    from_file.or_else(|| major_in_name(home).or_else(|| major_in_name(home.parent()?)))
}

/// `java-17-openjdk-amd64`, `jdk-11.0.2`, `java-1.8.0-openjdk`.
fn major_in_name(home: &Path) -> Option<u16> {
    let name = home.file_name()?.to_str()?;
    name.split('-').find_map(distribution::java_major)
}

/// The conf folder: CASSANDRA_CONF, else /etc/cassandra where it exists, else the distribution's own.
pub(super) fn conf(settings: &Settings, home: &Path) -> PathBuf {
    let own = home.join("conf");
    match &settings.conf {
        Some(given) => given.value.as_path().to_owned(),
        None if Path::new("/etc/cassandra").is_dir() || !own.is_dir() => PathBuf::from("/etc/cassandra"),
        None => own,
    }
}

/// The data root: CASSANDRA_DATA; else the known root that holds data; else the one that is a mount point; else the default.
///
/// Two that hold data, or two mounts where none does, are an error: a guess could hide the node's data.
pub(super) fn data_root(settings: &Settings, mounts: &Mounts) -> Result<PathBuf, Failure> {
    let root = if let Some(given) = &settings.data {
        given.value.as_path().to_owned()
    } else {
        let candidates: Vec<&Path> = DATA_ROOTS.iter().map(Path::new).collect();
        choose_root(&candidates, &|root| holds_data(root), &|root| is_volume(root, mounts))?
    };
    refuse(&root)?;
    Ok(root)
}

/// Whether a folder is a volume or lies on one: the chart of one image mounts its root's parent.
fn is_volume(root: &Path, mounts: &Mounts) -> bool {
    mounts.covering(root).is_some_and(|mount| mount.mount_point != Path::new("/"))
}

fn choose_root(
    candidates: &[&Path],
    holds_data: &dyn Fn(&Path) -> bool,
    is_mount: &dyn Fn(&Path) -> bool,
) -> Result<PathBuf, Failure> {
    for (rule, what) in [(holds_data, "hold data"), (is_mount, "are volumes")] {
        let fitting: Vec<&&Path> = candidates.iter().filter(|root| rule(root)).collect();
        match fitting.as_slice() {
            [] => {}
            [one] => return Ok((**one).to_owned()),
            several => {
                let names: Vec<String> = several.iter().map(|root| root.display().to_string()).collect();
                let message = format!("more than one data root: {} {what}", names.join(" and "));
                return Err(Failure::message(Exit::Configuration, message).hint("set CASSANDRA_DATA to the right one"));
            }
        }
    }
    Ok(PathBuf::from(DEFAULT_DATA_ROOT))
}

/// Whether Cassandra has written there: lost+found of a fresh volume does not count.
pub(super) fn holds_data(root: &Path) -> bool {
    let real = |path: &PathBuf| path.file_name() != Some(OsStr::new("lost+found"));
    ["data", "commitlog"].iter().any(|name| listing(&root.join(name)).any(|path| real(&path)))
}

/// A root that is a link, or a folder of the system, is refused before anything is written.
fn refuse(root: &Path) -> Result<(), Failure> {
    let link = fs::symlink_metadata(root).is_ok_and(|metadata| metadata.is_symlink());
    if link {
        let message = format!("the data root {} is a symbolic link", root.display());
        return Err(Failure::message(Exit::Configuration, message).hint("set CASSANDRA_DATA to the folder itself"));
    }
    if crate::host::ownership::is_refused(root) {
        let message = format!("{} is a folder of the system, it cannot be the data root", root.display());
        return Err(Failure::message(Exit::Configuration, message).hint("set CASSANDRA_DATA to a folder of its own"));
    }
    Ok(())
}

/// The log folder: CASSANDRA_LOG_DIR, else /var/log/cassandra, or below the data where that cannot be written (a read-only
/// root file system, another user).
pub(super) fn logs(settings: &Settings, data_root: &Path, report: &mut Report) -> PathBuf {
    let default = Path::new("/var/log/cassandra");
    match &settings.log_dir {
        Some(given) => {
            let folder = given.value.as_path().to_owned();
            if !files::can_be_written(&folder) {
                let message =
                    format!("{} cannot be written, and the JVM does not start without its log", folder.display());
                let finding = Finding::error(given.source.to_string(), message);
                report.add(Finding { hint: exit::of_refusal(files::refusal(&folder)), ..finding });
            }
            folder
        }
        None if files::can_be_written(default) => default.to_owned(),
        None => data_root.join("logs"),
    }
}

/// The run folder: CASSANDRA_INIT_RUN_DIR, else the first usual place that can be written.
pub(super) fn run_dir(env: &RawEnv) -> PathBuf {
    let places = run_dirs(env);
    let usable = places.iter().find(|place| files::can_be_written(place));
    // Where none can be written, the attempt to write says why.
    usable.or(places.first()).cloned().unwrap_or_default()
}

/// Where the run folder may be; a probe looks at all of them.
pub(super) fn run_dirs(env: &RawEnv) -> Vec<PathBuf> {
    if let Some(given) = env.text("CASSANDRA_INIT_RUN_DIR").filter(|text| text.starts_with('/')) {
        vec![PathBuf::from(given)]
    } else {
        let own = PathBuf::from(format!("/tmp/cassandra-init-{}", nix::unistd::geteuid()));
        vec![PathBuf::from("/run/cassandra-init"), own, PathBuf::from("/tmp/cassandra-init-0")]
    }
}

/// The overlay: CASSANDRA_CONFIG_OVERLAY, else the first known folder that exists.
pub(super) fn overlay_folder(settings: &Settings) -> Result<Option<PathBuf>, Failure> {
    match &settings.overlay {
        Some(given) if given.value.as_path().is_dir() => Ok(Some(given.value.as_path().to_owned())),
        Some(given) => {
            let message = format!("CASSANDRA_CONFIG_OVERLAY: there is no folder {}", given.value.as_path().display());
            Err(Failure::message(Exit::Configuration, message))
        }
        None => Ok(OVERLAYS.iter().map(PathBuf::from).find(|folder| folder.is_dir())),
    }
}

/// The hook to run: CASSANDRA_PRE_RUN, which must exist, else `pre_run.sh` of the overlay.
pub(super) fn hook(settings: &Settings, overlay: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    match &settings.pre_run {
        Some(given) if given.value.as_path().is_file() => Ok(Some(given.value.as_path().to_owned())),
        Some(given) => {
            let message = format!("CASSANDRA_PRE_RUN: there is no file {}", given.value.as_path().display());
            Err(Failure::message(Exit::Configuration, message))
        }
        None => Ok(overlay.map(|overlay| overlay.join(HOOK)).filter(|path| path.is_file())),
    }
}

/// libjemalloc: what CASSANDRA_LIBJEMALLOC says, `-` included, else the first in the folders of `bin/cassandra`.
pub(super) fn jemalloc(settings: &Settings) -> Option<OsString> {
    const FOLDERS: &[&str] =
        &["/lib64", "/lib", "/usr/lib64", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    if let Some(given) = settings.libjemalloc.as_ref().filter(|given| !given.value.as_str().is_empty()) {
        return Some(given.value.as_str().into());
    }
    let is_jemalloc = |path: &PathBuf| {
        path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("libjemalloc.so"))
    };
    FOLDERS.iter().find_map(|folder| listing(Path::new(folder)).find(is_jemalloc)).map(PathBuf::into_os_string)
}

/// The Java agents that lie where images keep them, behind those that a variable names; nobody looks where the
/// configuration is for another machine (`here` is false).
pub(super) fn agents(
    settings: &Settings,
    distribution: &Distribution,
    conf: &Path,
    base: &BTreeMap<String, BaseFile>,
    here: bool,
) -> Agents {
    let named = [&settings.jolokia_jar, &settings.exporter_jar].into_iter().flatten();
    let named = named.map(|given| given.value.as_path().to_owned()).filter(|path| path.is_file());
    let lib = distribution.home.join("lib");
    let folders = AGENT_FOLDERS.iter().map(Path::new).chain([lib.as_path()]);
    let is_jar = |path: &PathBuf| path.file_name().and_then(OsStr::to_str).is_some_and(is_agent);
    let found = folders.flat_map(listing).filter(is_jar);
    let there = |name: &&&str| base.contains_key(**name) || conf.join(name).is_file();
    Agents {
        jars: here.then(|| named.chain(found).collect()),
        configurations: AGENT_CONFIGURATIONS.iter().filter(there).map(|name| (*name).to_owned()).collect(),
    }
}

/// The paths in a folder, sorted; nothing where it cannot be read.
fn listing(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter()
}

/// The regular files of the overlay by name, hook and hidden files apart.
pub(super) fn overlay_files(folder: &Path, hook: Option<&Path>) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    for path in listing(folder) {
        let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
        let hidden = name.starts_with('.');
        if hidden || hook == Some(path.as_path()) || name == HOOK || name == LATE_HOOK || !path.is_file() {
            continue;
        }
        found.push((name.to_owned(), files::read_trusted(&path)?));
    }
    Ok(found)
}

/// The fragments in the overlay's folders, as [`overlay::is_fragment_folder`] knows them. What lies there and is not read is a
/// finding: a misspelled name must not go unnoticed.
pub(super) fn overlay_fragments(folder: &Path, report: &mut Report) -> Result<Vec<Fragment>, Failure> {
    let mut found = Vec::new();
    let named = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), path));
    let shown = |path: &Path| !path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    for (name, path) in listing(folder).filter(|path| shown(path) && path.is_dir()).filter_map(named) {
        if !overlay::is_fragment_folder(&name) {
            if name.ends_with(overlay::SUFFIX) {
                let message = "is not read, fragments are in cassandra.yaml.d, cassandra-rackdc.properties.d and \
                               jvm-server.options.d";
                report.add(Finding::warning(Place::file(path.display().to_string(), None, None), message));
            }
            continue;
        }
        for (file, path) in listing(&path).filter(|path| shown(path)).filter_map(named) {
            if !path.is_file() || !overlay::is_fragment(&name, &file) {
                let message = "is not read, expected a file whose name ends like that of what it is merged into";
                report.add(Finding::warning(Place::file(format!("{name}/{file}"), None, None), message));
                continue;
            }
            match String::from_utf8(files::read_trusted(&path)?) {
                Ok(text) => found.push(Fragment { folder: name.clone(), name: file, text }),
                Err(_) => report.add(Finding::error(
                    Place::file(format!("{name}/{file}"), None, None),
                    "the mounted file is not valid UTF-8",
                )),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(data: &[&str], mounts: &[&str]) -> Result<PathBuf, String> {
        let roots = ["/a", "/b", "/c"].map(Path::new);
        let holds = |root: &Path| data.iter().any(|known| Path::new(known) == root);
        let mount = |root: &Path| mounts.iter().any(|known| Path::new(known) == root);
        choose_root(&roots, &holds, &mount).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_data_root_is_where_the_data_or_the_volume_is() {
        assert_eq!(chosen(&["/b"], &["/c"]), Ok("/b".into()));
        assert_eq!(chosen(&[], &["/c"]), Ok("/c".into()));
        assert_eq!(chosen(&[], &[]), Ok(DEFAULT_DATA_ROOT.into()));
        let error = chosen(&["/a", "/c"], &[]).unwrap_err();
        assert!(error.contains("/a and /c hold data"), "{error}");
    }

    #[test]
    fn the_name_of_a_java_folder_tells_its_major() {
        assert_eq!(major_in_name(Path::new("/usr/lib/jvm/java-17-openjdk-amd64")), Some(17));
        assert_eq!(major_in_name(Path::new("/opt/jdk-11.0.2")), Some(11));
        assert_eq!(major_in_name(Path::new("/usr/lib/jvm/java-1.8.0-openjdk")), Some(8));
    }
}
