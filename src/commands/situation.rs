//! The situation of a start: everything that is read before anything is done.

mod planning;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::cassandra::Distribution;
use crate::cassandra::distribution::Java;
use crate::cassandra::stamp::{self, Stage, Stamp};
use crate::cli::InputArguments;
use crate::commands::elsewhere::Elsewhere;
use crate::commands::{Assignment, environment, places};
use crate::config::apply::ConfFolder;
use crate::config::defaults;
use crate::config::documents::{BaseFile, Layer, RACKDC, YAML};
use crate::config::overlay::{self, Fragment};
use crate::config::plan::{Agents, HostFacts, Plan};
use crate::exit::{Exit, Failure};
use crate::host::mounts::Mounts;
use crate::host::privileges::{self, Identity};
use crate::host::users::{Group, Passwd};
use crate::host::{addresses, files, memory, processors};
use crate::report::{Finding, Report};
use crate::settings::raw::Source;
use crate::settings::value::LaunchMode;
use crate::settings::{Profile, RawEnv, Settings};

/// The user that images make for Cassandra.
const USER: &str = "cassandra";
/// The folder of a host's own files; tests of the readers use another.
const ROOT: &str = "/";
/// A conf folder that does not exist.
const NOWHERE: &str = "/nonexistent";

/// What was read.
pub(super) struct Situation {
    pub(super) env: RawEnv,
    pub(super) settings: Settings,
    pub(super) profile: Profile,
    pub(super) report: Report,
    /// The findings that no hook changes: about the environment's bytes and the mounted files.
    lasting: Report,
    pub(super) distribution: Distribution,
    pub(super) data_root: PathBuf,
    pub(super) data_is_empty: bool,
    /// What an earlier start left beside the data.
    pub(super) stamp: Option<Stamp>,
    /// Whether the node has served from its data; what an interrupted first start left does not count.
    pub(super) bootstrapped: bool,
    pub(super) logs: PathBuf,
    pub(super) run_dir: PathBuf,
    /// Whom to become; none where we are not root.
    pub(super) identity: Option<Identity>,
    pub(super) launch: LaunchMode,
    pub(super) folder: ConfFolder,
    /// The distribution's own files.
    pub(super) pristine: BTreeMap<String, BaseFile>,
    /// The files as the layers below the environment left them.
    pub(super) base: BTreeMap<String, BaseFile>,
    /// What was merged into them.
    pub(super) fragments: Vec<Fragment>,
    pub(super) hook: Option<PathBuf>,
    /// JVM options of our own command line.
    pub(super) arguments: Vec<String>,
    /// Java agents at hand.
    agents: Agents,
    host: HostFacts,
    /// The names that mean this host.
    names: Vec<String>,
}

/// A plan, and what the boot has to know beside it.
pub(super) struct Ready {
    pub(super) plan: Plan,
    pub(super) founds: bool,
}

impl Situation {
    /// Reads everything; nothing is written and nothing waited for.
    pub(super) fn read(
        environment: &[Assignment],
        called_as: Option<&str>,
        input: &InputArguments,
    ) -> Result<Self, Failure> {
        Self::look(environment, called_as, input, None).map_err(|(failure, report)| {
            // What was found before something turned out to be missing altogether is told, too.
            crate::log::report(&report);
            failure
        })
    }

    /// [`Self::read`], of this host or of `elsewhere`; what was found before a failure comes with it.
    pub(super) fn look(
        environment: &[Assignment],
        called_as: Option<&str>,
        input: &InputArguments,
        elsewhere: Option<&Elsewhere>,
    ) -> Result<Self, (Failure, Report)> {
        let (mut lasting, mut of_settings) = (Report::default(), Report::default());
        let result = Self::read_all(environment, called_as, input, elsewhere, &mut lasting, &mut of_settings);
        let mut report = lasting.clone();
        report.absorb(of_settings);
        match result {
            Ok(situation) => Ok(Self { report, lasting, ..situation }),
            Err(failure) => Err((failure, report)),
        }
    }

    /// `lasting` takes findings that a hook cannot change, `of_settings` those about variables.
    fn read_all(
        environment: &[Assignment],
        called_as: Option<&str>,
        input: &InputArguments,
        elsewhere: Option<&Elsewhere>,
        lasting: &mut Report,
        of_settings: &mut Report,
    ) -> Result<Self, Failure> {
        let env = match &input.env_file {
            Some(path) => environment::from_file(path, lasting)?,
            None if elsewhere.is_some() => environment::of_elsewhere(environment, lasting),
            None => environment::of_process(environment, lasting),
        };
        let profile = profile(&env, called_as)?;
        let settings = Settings::read(&env, &profile, of_settings);
        let distribution = match input.cassandra_version {
            Some(version) => {
                let major = version.line().java_majors().first().copied().unwrap_or(17);
                let java = Java { program: "java".into(), major };
                let home = PathBuf::from("/opt/cassandra");
                // Nothing is there to be looked at, so a script that is asked for is believed.
                let asked = settings.launch.as_ref().is_some_and(|given| given.value == LaunchMode::Script);
                let script = asked.then(|| home.join("bin/cassandra"));
                Distribution { home, version, jars: Vec::new(), script, java }
            }
            None => places::distribution(&settings, &env)?,
        };
        let mounts = Mounts::read()?;
        let data_root = match elsewhere {
            Some(elsewhere) => elsewhere.data_root(&settings),
            None => places::data_root(&settings, &mounts)?,
        };
        // A release that is only named is not started here, so its user need not exist.
        let identity = if input.cassandra_version.is_some() { None } else { identity(&settings)? };
        let run_dir = places::run_dir(&env);
        if let Some(missing) = input.conf.as_ref().filter(|conf| !conf.is_dir()) {
            return Err(Failure::message(Exit::Usage, format!("--conf: there is no folder {}", missing.display())));
        }
        let conf = input.conf.clone().unwrap_or_else(|| match input.cassandra_version {
            // What this host has installed says nothing of a release that is only named: the files that we bring are taken.
            Some(_) if settings.conf.is_none() => PathBuf::from(NOWHERE),
            _ => places::conf(&settings, &distribution.home),
        });
        let group = identity.as_ref().map(|identity| identity.gid);
        let mut folder = ConfFolder::look(&conf, &run_dir, group, &mounts)?;
        let overlay = places::overlay_folder(&settings)?;
        let hook = places::hook(&settings, overlay.as_deref())?;
        if overlay.as_ref().is_some_and(|overlay| overlay.join(places::LATE_HOOK).is_file()) {
            let finding =
                Finding::warning(places::LATE_HOOK, "is not run: the files are checked as a whole and written once");
            lasting.add(finding.hint("what it does belongs in pre_run.sh, whose edits count and are kept"));
        }
        let overlay_files = match &overlay {
            Some(overlay) => places::overlay_files(overlay, hook.as_deref())?,
            None => Vec::new(),
        };
        let wanted = wanted(&distribution, &overlay_files);
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let pristine =
            folder.pristine(&wanted, defaults::files(distribution.version.line()), hook.is_some(), &mounts)?;
        let mut base = with_overlay(&pristine, overlay_files, lasting);
        let fragments = match &overlay {
            Some(overlay) => places::overlay_fragments(overlay, lasting)?,
            None => Vec::new(),
        };
        overlay::merge(&mut base, &fragments, distribution.version, &distribution.option_files(), lasting);
        let holds_data = elsewhere.is_none() && places::holds_data(&data_root);
        let stamp = if elsewhere.is_none() { stamp_on_disk(&data_root) } else { None };
        let host = elsewhere.map_or_else(host_facts, |elsewhere| Ok(elsewhere.facts(&settings)))?;
        let names = elsewhere.map_or_else(|| own_names(&host), |elsewhere| Ok(elsewhere.names.clone()))?;
        Ok(Self {
            launch: launch_mode(&settings, &distribution)?,
            logs: match elsewhere {
                Some(_) => Elsewhere::logs(&settings),
                None => places::logs(&settings, &data_root, lasting),
            },
            data_is_empty: !holds_data,
            bootstrapped: holds_data && stamp.as_ref().is_none_or(|stamp| stamp.stage == Stage::Normal),
            stamp,
            agents: places::agents(
                &settings,
                &distribution,
                folder.conf(),
                &base,
                elsewhere.is_none() && input.cassandra_version.is_none(),
            ),
            host,
            names,
            env,
            settings,
            profile,
            report: Report::default(),
            lasting: Report::default(),
            distribution,
            data_root,
            run_dir,
            identity,
            folder,
            pristine,
            base,
            fragments,
            hook,
            arguments: elsewhere.map(|elsewhere| elsewhere.options.clone()).unwrap_or_default(),
        })
    }

    /// Takes over what the hook exported and what it did to the files.
    pub(super) fn absorb(&mut self, exported: &[(String, String)], base: BTreeMap<String, BaseFile>) {
        for (name, text) in exported {
            self.env.insert(name, text, Source::Hook(name.clone()));
        }
        self.base = base;
        // Findings about the settings are made anew with what the hook added.
        self.report = self.lasting.clone();
        self.settings = Settings::read(&self.env, &self.profile, &mut self.report);
    }

    /// The finished files, with those of the overlay that no plan edits, and the private ones.
    pub(super) fn files(&self, plan: &Plan) -> BTreeMap<String, String> {
        let mut files: BTreeMap<String, String> =
            self.base.iter().map(|(name, file)| (name.clone(), file.text.clone())).collect();
        files.extend(plan.files.iter().map(|file| (file.name.clone(), file.after.clone())));
        files.extend(plan.private_files.iter().map(|file| (file.name.clone(), file.text.clone())));
        files
    }
}

fn profile(env: &RawEnv, called_as: Option<&str>) -> Result<Profile, Failure> {
    let name = env.text("CASSANDRA_INIT_PROFILE").or(called_as).unwrap_or("native");
    Profile::named(name)
        .map_err(|error| Failure::message(Exit::Configuration, format!("CASSANDRA_INIT_PROFILE: {error}")))
}

/// Whom Cassandra runs as: as root, the user of CASSANDRA_INIT_USER or `cassandra`; else ourselves.
fn identity(settings: &Settings) -> Result<Option<Identity>, Failure> {
    if !privileges::is_root() {
        return Ok(None);
    }
    let root = Path::new(ROOT);
    let spec = settings.user.as_ref().map_or(USER, |given| given.value.as_str());
    let failure = |message: String| Failure::message(Exit::Configuration, message);
    let identity = privileges::resolve(spec, &Passwd::read_from(root)?, &Group::read_from(root)?).map_err(|error| {
        failure(format!("CASSANDRA_INIT_USER: {error}")).hint("name a user of /etc/passwd or uid:gid, such as 999:999")
    })?;
    if identity.uid == 0 || identity.gid == 0 {
        let what = if identity.uid == 0 { "user" } else { "group" };
        return Err(failure(format!(
            "CASSANDRA_INIT_USER: '{spec}' has the {what} id 0, and Cassandra does not run as root"
        )));
    }
    Ok(Some(identity))
}

fn launch_mode(settings: &Settings, distribution: &Distribution) -> Result<LaunchMode, Failure> {
    match settings.launch.as_ref().map(|given| given.value) {
        Some(LaunchMode::Script) if distribution.script.is_none() => {
            let message = format!("CASSANDRA_LAUNCH=script: there is no {}/bin/cassandra", distribution.home.display());
            Err(Failure::message(Exit::Configuration, message).hint("CASSANDRA_LAUNCH=direct needs no script"))
        }
        Some(mode) => Ok(mode),
        None if distribution.script.is_some() => Ok(LaunchMode::Script),
        None => Ok(LaunchMode::Direct),
    }
}

fn host_facts() -> Result<HostFacts, Failure> {
    let addresses = addresses::own()?;
    let root = Path::new(ROOT);
    Ok(HostFacts {
        preferred_address: addresses::preferred(&addresses),
        addresses,
        memory_limit: memory::limit(root),
        memory: memory::total_ram(root).unwrap_or(0),
        cores: processors::usable(),
    })
}

/// The names that mean this host: its host name, and what /etc/hosts calls its addresses.
fn own_names(host: &HostFacts) -> Result<Vec<String>, Failure> {
    let outside: Vec<IpAddr> =
        host.addresses.iter().map(|(_, address)| *address).filter(|address| !address.is_loopback()).collect();
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut names = addresses::names_of(&outside, &hosts);
    names.push(addresses::hostname()?);
    Ok(names)
}

/// The stamp that an earlier start left beside the data.
fn stamp_on_disk(data_root: &Path) -> Option<Stamp> {
    Stamp::parse(&files::read_trusted_text(&data_root.join(stamp::FILE_NAME)).ok()?)
}

/// The files that a start reads and may write.
fn wanted(distribution: &Distribution, overlay: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut names: Vec<String> = [YAML, RACKDC].into_iter().map(str::to_owned).collect();
    names.extend(distribution.option_files().into_iter().map(str::to_owned));
    names.extend(defaults::files(distribution.version.line()).iter().map(|(name, _)| (*name).to_owned()));
    names.extend(overlay.iter().map(|(name, _)| name.clone()));
    names.sort();
    names.dedup();
    names
}

/// Mounted files replace the distribution's whole.
fn with_overlay(
    pristine: &BTreeMap<String, BaseFile>,
    overlay: Vec<(String, Vec<u8>)>,
    report: &mut Report,
) -> BTreeMap<String, BaseFile> {
    let mut base = pristine.clone();
    for (name, bytes) in overlay {
        match String::from_utf8(bytes) {
            Ok(text) => {
                base.insert(name, BaseFile::new(text, Layer::Overlay));
            }
            Err(_) => report.add(Finding::error(name, "the mounted file is not valid UTF-8")),
        }
    }
    base
}
