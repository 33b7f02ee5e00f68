//! How Cassandra is started: the command of both launch modes and the environment that it gets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::cassandra::{Line, java};
use crate::commands::situation::Situation;
use crate::commands::{Assignment, launchable, places};
use crate::config::plan::Plan;
use crate::exit::{Exit, Failure};
use crate::host::command::Command;
use crate::host::privileges::Identity;
use crate::host::program::find_program;
use crate::host::{memory, process};
use crate::settings::contract::Given;
use crate::settings::value::{AnyText, LaunchMode, Words};

/// What switches the preloading of jemalloc off, for us and for Cassandra's own script.
const SWITCHED_OFF: &str = "-";
/// How `bin/cassandra` places memory unasked.
const INTERLEAVED: &str = "--interleave=all";
/// Variables of ours that the child has no use for.
const OURS: &str = "CASSANDRA_INIT_";

/// The environment of a child: ours, with HOME, USER and LOGNAME of the user that it becomes.
pub(super) fn environment(environment: &[Assignment], identity: Option<&Identity>) -> Vec<Assignment> {
    let mut list: Vec<Assignment> =
        environment.iter().filter(|(name, _)| !name.as_encoded_bytes().starts_with(OURS.as_bytes())).cloned().collect();
    if let Some(identity) = identity {
        set(&mut list, "HOME", identity.home.as_os_str());
        if let Some(name) = &identity.name {
            set(&mut list, "USER", OsStr::new(name));
            set(&mut list, "LOGNAME", OsStr::new(name));
        }
    }
    list
}

/// Sets a variable in place of whatever it was.
pub(super) fn set(list: &mut Vec<Assignment>, name: &str, value: impl AsRef<OsStr>) {
    list.retain(|(known, _)| known != name);
    list.push((name.into(), value.as_ref().to_owned()));
}

/// The command that starts Cassandra. `arguments` are JVM options of our own command line.
pub(super) fn command(
    situation: &Situation,
    plan: &Plan,
    arguments: &[String],
    own: &[Assignment],
) -> Result<Command, Failure> {
    let distribution = &situation.distribution;
    let mut environment = environment(own, situation.identity.as_ref());
    let (program, words) = match situation.launch {
        LaunchMode::Direct => {
            if let Some(library) = places::jemalloc(&situation.settings).filter(|library| library != SWITCHED_OFF) {
                set(&mut environment, "LD_PRELOAD", library);
            }
            // glibc's arenas cost address space by the thread (bin/cassandra sets it too).
            if !environment.iter().any(|(name, value)| name == "MALLOC_ARENA_MAX" && !value.is_empty()) {
                set(&mut environment, "MALLOC_ARENA_MAX", "4");
            }
            direct(situation, plan, arguments)?
        }
        LaunchMode::Script => {
            let (given, variables) = plan.for_script(arguments);
            script_environment(situation, variables, &mut environment);
            let mut words = vec![OsString::from("-f")];
            words.extend(given.into_iter().map(Into::into));
            if distribution.version.line() == Line::V3_11 {
                // Its script knows no CASSANDRA_LOG_DIR and logs below CASSANDRA_HOME, where the user may not write.
                words.push(format!("-Dcassandra.logdir={}", situation.logs.display()).into());
            }
            let script = distribution.script.clone();
            (script.ok_or_else(|| Failure::message(Exit::Internal, "script mode without a script"))?, words)
        }
    };
    Ok(Command {
        program,
        arguments: words,
        environment,
        // Relative names in cassandra.yaml (conf/.keystore) count from here.
        directory: Some(distribution.home.clone()),
        identity: situation.identity.clone(),
        keep_ipc_lock: true,
        ..Command::default()
    })
}

/// The program of a direct launch and its arguments: java, behind numactl where it places the memory.
pub(super) fn direct(
    situation: &Situation,
    plan: &Plan,
    arguments: &[String],
) -> Result<(PathBuf, Vec<OsString>), Failure> {
    let java = situation.distribution.java.program.clone();
    let words = server(situation, plan, arguments);
    let Some((numactl, policy)) = numactl(situation)? else { return Ok((java, words)) };
    let mut line: Vec<OsString> = policy.into_iter().map(Into::into).collect();
    line.push(java.into());
    line.extend(words);
    Ok((numactl, line))
}

/// numactl and its policy: what somebody chose, which must be possible, else what `bin/cassandra` tries where it is possible.
fn numactl(situation: &Situation) -> Result<Option<(PathBuf, Vec<String>)>, Failure> {
    let path = situation.env.text("PATH").unwrap_or(places::PATH);
    let found = find_program(OsStr::new("numactl"), OsStr::new(path));
    let chosen = situation.settings.numactl_args.as_ref().map(|given| given.value.as_slice().to_vec());
    let Some(chosen) = chosen.filter(|words| !words.is_empty()) else {
        let program = found.ok().filter(|_| memory::can_be_placed());
        return Ok(program.map(|program| (program, vec![INTERLEAVED.to_owned()])));
    };
    let failure = |why: String| Failure::message(Exit::Configuration, format!("NUMACTL_ARGS: {why}"));
    let program =
        found.map_err(|error| failure(error.to_string()).hint("install numactl, or leave the variable out"))?;
    if !memory::can_be_placed() {
        let why = "memory cannot be placed here, the kernel refuses it".to_owned();
        return Err(failure(why).hint("docker run --cap-add SYS_NICE, or leave the variable out"));
    }
    Ok(Some((program, chosen)))
}

/// The arguments of java in a direct launch.
fn server(situation: &Situation, plan: &Plan, arguments: &[String]) -> Vec<OsString> {
    let settings = &situation.settings;
    let words = |given: &Option<Given<Words>>| -> Vec<String> {
        given.as_ref().map_or(Vec::new(), |given| given.value.as_slice().to_vec())
    };
    let heap_dumps = settings.heap_dump_dir.as_ref().map(|given| given.value.as_path());
    let unwritten: Vec<String> = plan.unwritten.iter().chain(arguments).cloned().collect();
    let conf = situation.folder.live();
    java::Server {
        distribution: &situation.distribution,
        conf,
        storage: &situation.data_root,
        logs: &situation.logs,
        heap_dumps,
        before: &words(&settings.jvm_opts),
        options: &plan.options,
        after: &words(&settings.jvm_extra_opts),
        unwritten: &unwritten,
        jmx: &plan.jmx,
        jemalloc: places::jemalloc(settings).as_deref(),
        compile_commands: launchable::compile_commands(conf).as_deref(),
        native_libraries: launchable::native_libraries(&situation.distribution).as_deref(),
        on_out_of_memory: text(settings.on_out_of_memory.as_ref()),
        extra_class_path: text(settings.extra_class_path.as_ref()),
    }
    .arguments()
}

/// What a variable says, if it says anything.
fn text(given: Option<&Given<AnyText>>) -> Option<&str> {
    given.map(|given| given.value.as_str()).filter(|text| !text.is_empty())
}

fn script_environment(situation: &Situation, variables: BTreeMap<String, String>, environment: &mut Vec<Assignment>) {
    set(environment, "CASSANDRA_HOME", &situation.distribution.home);
    set(environment, "CASSANDRA_CONF", situation.folder.live());
    set(environment, "CASSANDRA_LOG_DIR", &situation.logs);
    if let Some(home) = java_home(&situation.distribution.java.program) {
        set(environment, "JAVA_HOME", home);
    }
    for (name, value) in variables {
        set(environment, &name, value);
    }
}

/// The installation that a `java` program belongs to.
fn java_home(program: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(program).ok()?;
    Some(real.parent()?.parent()?.to_owned())
}

/// As an ordinary process, takes in what the child's descendants leave behind, as PID 1 does by being it. Where the kernel
/// refuses, orphans go to somebody else, which stops nothing.
pub(super) fn adopt_orphans() {
    if !process::is_pid1()
        && let Err(error) = process::become_subreaper()
    {
        tracing::warn!("{error}");
    }
}
