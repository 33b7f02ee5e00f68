//! `run`: one start of Cassandra, from what was typed to its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::unistd::geteuid;

use crate::cassandra::heap::HeapSize;
use crate::cassandra::patience::Patience;
use crate::cassandra::stamp::{Stage, Stamp};
use crate::cli::{self, InputArguments};
use crate::commands::evidence::Evidence;
use crate::commands::explain::Explained;
use crate::commands::hook::Hook;
use crate::commands::interrupt::Interrupt;
use crate::commands::node::{self, Node};
use crate::commands::run_folder::RunFolder;
use crate::commands::situation::{Ready, Situation};
use crate::commands::stopwatch::Stopwatch;
use crate::commands::{Assignment, environment, launch, ownership, passthrough, preflight, reception, run_folder};
use crate::config::documents::{BaseFile, Layer};
use crate::exit::{Exit, Failure};
use crate::host::limits::{self, Limit};
use crate::host::{self, memory, privileges, process, tasks};
use crate::report::Report;
use crate::settings::contract::Given;
use crate::settings::value::{FromText as _, LogFormat, Words};
use crate::supervisor::{self, Desk, Facts, Policy, Reception};

/// Configures and runs Cassandra; returns when it and everything after it is gone.
pub(super) fn run(
    arguments: &[OsString],
    called_as: Option<&str>,
    environment: &[Assignment],
) -> Result<Exit, Failure> {
    let mut boot = Stopwatch::start();
    let interrupt = Interrupt::new()?;
    let arguments = cli::jvm_options(arguments).map_err(|message| Failure::message(Exit::Usage, message))?;
    crate::log::start(log_format(environment));
    launch::adopt_orphans();
    let mut situation = Situation::read(environment, called_as, &InputArguments::default())?;
    situation.arguments.clone_from(&arguments);
    introduce(&situation);
    interrupt.check()?;
    let _taken = RunFolder::take(&situation.run_dir)?;
    let early = reception::open(&situation, &boot)?;
    boot.done("settings");
    run_hook(&mut situation, environment, &interrupt)?;
    boot.done("hook");
    let ready = situation.plan()?;
    tell(&situation, &ready);
    interrupt.check()?;
    boot.done("plan");
    preflight::look(&situation, &ready, &arguments, environment, raise_limits())?;
    let command = launch::command(&situation, &ready.plan, &arguments, environment)?;
    write_files(&mut situation, &ready, &interrupt)?;
    record(&situation, &ready);
    interrupt.check()?;
    boot.done("files");
    let walked = ownership::settle(&situation, &ready.plan, &interrupt)?;
    boot.done("ownership");
    let stamp = stamp(&situation, &ready);
    // Data from before our first start is adopted once the node is seen to serve.
    if !situation.bootstrapped || situation.stamp.is_some() {
        node::write_stamp(&situation.data_root, &stamp, situation.identity.as_ref())?;
    }
    if let Some(identity) = &situation.identity {
        privileges::fix_standard_streams_owner(identity)?;
    }
    interrupt.check()?;
    let policy = policy(&situation, &ready);
    let mut node = Node {
        run_dir: situation.run_dir.clone(),
        data_root: situation.data_root.clone(),
        identity: situation.identity.clone(),
        environment: environment.to_vec(),
        endpoint: ready.plan.endpoint.clone(),
        conf: situation.folder.live().to_owned(),
        jmx_port: ready.plan.jmx_port,
        stamp,
        child: 0,
        started: Instant::now(),
        oom_kills: memory::oom_kills(Path::new("/")),
        tasks_refused: tasks::refused(Path::new("/")),
        evidence: evidence(&situation),
        served: false,
        facts: facts(&situation, &ready, &arguments, boot.started(), walked),
    };
    // Supervision has one thread, and a fork copies only one.
    let reception = early.end().unwrap_or_else(|| {
        Reception::new(Desk::new(Patience::default(), reception::facts(&situation, boot.started())), boot.started())
    });
    boot.done("launch");
    node.facts.boot = boot.phases();
    let child = command.spawn().map_err(|error| passthrough::failure(&error))?;
    node.child = child.pid();
    // What configuring took is not needed any more: PID 1 stays small.
    drop((situation, ready, command));
    Ok(supervisor::supervise(&child, interrupt.signals(), policy, reception, &mut node))
}

/// Read before everything else, so that problems of everything else can be told; a wrong value is told with them.
fn log_format(environment: &[Assignment]) -> LogFormat {
    let env = environment::of_process(environment, &mut Report::default());
    let text = env.text("CASSANDRA_INIT_LOG_FORMAT");
    text.and_then(|text| LogFormat::from_text(text).ok()).unwrap_or(LogFormat::Text)
}

fn introduce(situation: &Situation) {
    let as_what = if process::is_pid1() { "as PID 1" } else { "as an ordinary process" };
    tracing::info!(
        "cassandra-init {} {as_what}: Cassandra {} in {}, Java {}, profile {}",
        env!("CARGO_PKG_VERSION"),
        situation.distribution.version,
        situation.distribution.home.display(),
        situation.distribution.java.major,
        situation.profile.name
    );
}

/// Layers 1 to 3 go to the live folder, the hook runs and may edit them there, and what it left is the base of the rest.
fn run_hook(situation: &mut Situation, environment: &[Assignment], interrupt: &Interrupt) -> Result<(), Failure> {
    let Some(path) = situation.hook.clone() else { return Ok(()) };
    // What is wrong already would be wrong after the hook, too: nothing is written then.
    situation.plan()?;
    let before: BTreeMap<String, String> =
        situation.base.iter().map(|(name, file)| (name.clone(), file.text.clone())).collect();
    let written = situation.folder.write(&before, &situation.pristine, true, &|| interrupt.go_on());
    interrupt.check()?;
    written?;
    if let Some(identity) = &situation.identity {
        situation.folder.lend(identity.uid)?;
    }
    let mut findings = Report::default();
    let exported = Hook {
        path: &path,
        settings: &situation.settings,
        env: &situation.env,
        environment,
        identity: situation.identity.as_ref(),
        conf: situation.folder.live(),
        run_dir: &situation.run_dir,
    }
    .run(interrupt, &mut findings);
    situation.folder.take_back()?;
    let exported = exported?;
    let base = read_after_hook(situation)?;
    situation.absorb(&exported, base);
    situation.report.absorb(findings);
    Ok(())
}

/// The files as the hook left them, and those that it added.
fn read_after_hook(situation: &Situation) -> Result<BTreeMap<String, BaseFile>, Failure> {
    let mut base = BTreeMap::new();
    let read = |name: &str| host::files::read_trusted(&situation.folder.live().join(name));
    for (name, before) in &situation.base {
        match read(name).map(String::from_utf8) {
            Ok(Ok(text)) => {
                base.insert(name.clone(), BaseFile::after_hook(before, text));
            }
            Ok(Err(_)) => {
                let message = format!("{name}: what the pre-run hook made of it is not UTF-8 text");
                return Err(Failure::message(Exit::Configuration, message));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    for name in situation.folder.names() {
        if let (false, Ok(text)) = (situation.base.contains_key(&name), read(&name).map(String::from_utf8))
            && let Ok(text) = text
        {
            base.insert(name, BaseFile::new(text, Layer::Hook));
        }
    }
    Ok(base)
}

/// Who set what, a line each; warnings come first.
fn tell(situation: &Situation, ready: &Ready) {
    for note in situation.folder.notes() {
        tracing::info!("{note}");
    }
    crate::log::report(&situation.report);
    for decision in &ready.plan.decisions {
        tracing::info!("{decision}");
    }
    if ready.founds {
        tracing::info!("empty data and no other seed: this node makes a cluster of its own and waits for nobody");
    }
}

fn write_files(situation: &mut Situation, ready: &Ready, interrupt: &Interrupt) -> Result<(), Failure> {
    let files = situation.files(&ready.plan);
    let pristine = std::mem::take(&mut situation.pristine);
    let told = situation.folder.notes().len();
    let changed = situation.folder.write(&files, &pristine, false, &|| interrupt.go_on());
    interrupt.check()?;
    let changed = changed?;
    situation.folder.take_back()?;
    for note in situation.folder.notes().iter().skip(told) {
        tracing::info!("{note}");
    }
    if !changed.is_empty() {
        tracing::info!("{}: wrote {}", situation.folder.live().display(), changed.join(", "));
    }
    Ok(())
}

/// For `explain`. A node runs without it, too.
fn record(situation: &Situation, ready: &Ready) {
    let json = Explained::of(situation, ready).json();
    if let Err(error) = run_folder::record_plan(&situation.run_dir, &json) {
        tracing::warn!("{error}: explain cannot show what this start was made of");
    }
}

fn stamp(situation: &Situation, ready: &Ready) -> Stamp {
    let stage = match (situation.bootstrapped, ready.founds) {
        (true, _) => Stage::Normal,
        (false, true) => Stage::Founding,
        (false, false) => Stage::Joining,
    };
    Stamp {
        stage,
        cluster_name: ready.plan.cluster_name.clone(),
        version: situation.distribution.version.to_string(),
        snitch: ready.plan.snitch.clone(),
    }
}

/// What those who ask are told of this start.
fn facts(
    situation: &Situation,
    ready: &Ready,
    arguments: &[String],
    started: Instant,
    walked: Option<(u64, u64)>,
) -> Facts {
    let words = |given: &Option<Given<Words>>| given.iter().flat_map(|given| given.value.as_slice().to_vec()).collect();
    let (before, after): (Vec<String>, Vec<String>) =
        (words(&situation.settings.jvm_opts), words(&situation.settings.jvm_extra_opts));
    // A JVM takes the last one.
    let options = before.iter().chain(&ready.plan.options).chain(&after).chain(&ready.plan.unwritten).chain(arguments);
    let heap = options.filter_map(|option| HeapSize::from_option(option.strip_prefix("-Xmx")?)).next_back();
    Facts { heap: heap.map(HeapSize::bytes), walked, ..reception::facts(situation, started) }
}

/// The JVM writes to its log folder, to where its options say, and else to its working folder or /tmp.
fn evidence(situation: &Situation) -> Evidence {
    let heap_dumps = situation.settings.heap_dump_dir.as_ref().map(|given| given.value.as_path().to_owned());
    let others = [situation.distribution.home.clone(), situation.data_root.clone(), PathBuf::from("/tmp")];
    let owner = situation.identity.as_ref().map_or_else(|| geteuid().as_raw(), |identity| identity.uid);
    Evidence::before(&situation.logs, others.into_iter().chain(heap_dumps), owner)
}

fn policy(situation: &Situation, ready: &Ready) -> Policy {
    let settings = &situation.settings;
    Policy {
        stop_delay: settings.stop_delay.as_ref().map_or_else(Default::default, |given| given.value.get()),
        stop_grace: settings.stop_grace.as_ref().map(|given| given.value.get()),
        observe: ready.plan.endpoint.is_some(),
        served_before: situation.bootstrapped,
        term_is_success: true,
        pass_all: false,
    }
}

/// Limits go as high as they may: Cassandra wants many files and much locked memory.
fn raise_limits() -> Vec<Limit> {
    match limits::raise() {
        Ok(limits) => {
            for limit in limits.iter().filter(|limit| limit.now != limit.before) {
                tracing::info!("limit {} raised from {} to {}", limit.name, shown(limit.before), shown(limit.now));
            }
            limits
        }
        Err(error) => {
            tracing::warn!("{error}");
            Vec::new()
        }
    }
}

fn shown(limit: u64) -> String {
    if limit == Limit::UNLIMITED { "unlimited".into() } else { limit.to_string() }
}
