//! The situation of a start: everything that is read before anything is done, and the plan made from it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::cassandra::Distribution;
use crate::cassandra::distribution::Java;
use crate::cassandra::stamp::{self, Stage, Stamp};
use crate::cli::InputArguments;
use crate::commands::elsewhere::Elsewhere;
use crate::commands::{Assignment, environment, launchable, places};
use crate::config::apply::ConfFolder;
use crate::config::documents::{BaseFile, Documents, Layer, RACKDC, YAML};
use crate::config::overlay::{self, Fragment};
use crate::config::plan::{self, Agents, HostFacts, Inputs, Plan};
use crate::config::{defaults, generic};
use crate::exit::{Exit, Failure};
use crate::host::mounts::Mounts;
use crate::host::privileges::{self, Identity};
use crate::host::users::{Group, Passwd};
use crate::host::{addresses, files, memory, processors};
use crate::report::{Finding, Report};
use crate::seeds::{self, Provider, Question};
use crate::settings::address::{Host, OwnAddress, Seed};
use crate::settings::contract::Given;
use crate::settings::raw::Source;
use crate::settings::value::{Label, LaunchMode};
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

    /// Makes the plan; every problem is told at once.
    pub(super) fn plan(&mut self) -> Result<Ready, Failure> {
        let mut report = std::mem::take(&mut self.report);
        let ready = self.make_plan(&mut report);
        if self.settings.strict.as_ref().is_some_and(|given| given.value) {
            report.make_strict();
        }
        let has_errors = report.has_errors();
        self.report = report;
        match ready? {
            Some(ready) if !has_errors => Ok(ready),
            _ => {
                crate::log::report(&self.report);
                Err(Failure::message(
                    Exit::Configuration,
                    "the configuration has errors, nothing was written or started",
                ))
            }
        }
    }

    fn make_plan(&self, report: &mut Report) -> Result<Option<Ready>, Failure> {
        let option_files = self.distribution.option_files();
        self.find_unread_script(report);
        let Some(documents) = Documents::parse(&self.base, &option_files, report) else { return Ok(None) };
        let version = self.distribution.version;
        let (settings, documents) = generic::apply(&self.settings, &documents, version, report);
        generic::find_passed_through(&self.env, version, report);
        let addresses = plan::choose_addresses(&settings, &self.profile, &self.host, &documents, report);
        let in_file = plan::seeds_in_file(&documents);
        let decision = seeds::decide(&Question {
            given: given_seeds(&settings, &in_file),
            provider: self.provider(&settings, &documents),
            in_file: &in_file,
            own_address: &addresses.own,
            own_addresses: &self.host.addresses.iter().map(|(_, address)| *address).collect::<Vec<IpAddr>>(),
            own_names: &self.own_names(),
            own_pod: own_pod(&settings).as_deref(),
            own_seed: self.profile.own_seed,
            empty: !self.bootstrapped,
            replacing: settings.replace_node.is_some(),
        })
        .map_err(|error| {
            Failure::new(Exit::Unavailable, error).hint("set CASSANDRA_SEEDS to the names of the first pods")
        })?;
        let inputs = Inputs {
            settings: &settings,
            profile: &self.profile,
            distribution: &self.distribution,
            host: &self.host,
            addresses: &addresses,
            seeds: decision.seeds.as_ref(),
            founds: decision.founds,
            alone: decision.alone,
            launch: self.launch,
            data_root: &self.data_root,
            logs: &self.logs,
            conf: self.folder.live(),
            agents: &self.agents,
            data_is_empty: self.data_is_empty,
            snitch_of_data: self.stamp.as_ref().map(|stamp| stamp.snitch.as_str()),
        };
        let plan = plan::make(&inputs, &documents, report);
        // Of a release that is only named nobody knows how, and beside which files, it will be launched.
        if let Some(plan) = plan.as_ref().filter(|_| !self.distribution.jars.is_empty()) {
            launchable::find(self.launch, &self.env, &settings, plan, self.folder.live(), report);
        }
        // Where nothing tells that the node serves, data alone says that it is not new.
        let observable = |plan: &Plan| self.data_is_empty || plan.endpoint.is_some();
        Ok(plan.map(|plan| Ready { founds: decision.founds && observable(&plan), plan }))
    }

    /// A direct launch runs no shell, so a cassandra-env.sh that the user brought would silently not count: refused, never
    /// ignored. Beside `bin/cassandra` the distribution's own lies in the conf folder, which says nothing of the user; of a
    /// release that is only named (`--cassandra-version`) nobody knows how it will be launched.
    fn find_unread_script(&self, report: &mut Report) {
        const NAME: &str = "cassandra-env.sh";
        if self.launch == LaunchMode::Script {
            return;
        }
        let mounted = self.base.get(NAME).filter(|file| file.layer == Layer::Overlay).map(|file| file.text.clone());
        let in_folder = || files::read_trusted_text(&self.folder.conf().join(NAME)).ok();
        let only_named = self.distribution.jars.is_empty();
        let in_folder_counts = self.distribution.script.is_none() && !only_named;
        let brought = mounted.or_else(|| if in_folder_counts { in_folder() } else { None });
        let does_something =
            |text: String| text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'));
        if brought.is_some_and(does_something) {
            let finding = Finding::error(NAME, "has no effect: this start runs java directly, without a shell");
            report.add(finding.hint(
                "put its options in jvm-server.options or JVM_EXTRA_OPTS, or install Cassandra with bin/cassandra",
            ));
        }
    }

    /// The names that mean this host, with the one that CASSANDRA_HOST says.
    fn own_names(&self) -> Vec<String> {
        let mut names = self.names.clone();
        if let Some(OwnAddress::Host(Host::Name(name))) = self.settings.host.as_ref().map(|given| &given.value) {
            names.push(name.clone());
        }
        names
    }

    fn provider(&self, settings: &Settings, documents: &Documents) -> Provider {
        let chosen = settings.seed_provider.as_ref().map(|given| given.value.to_string());
        let class = chosen.or_else(|| plan::seed_provider_in_file(documents));
        if class.as_deref() == Some(seeds::decide::KUBERNETES_PROVIDER) {
            Provider::Kubernetes { here: self.env.text("KUBERNETES_SERVICE_HOST").is_some() }
        } else {
            Provider::Listed
        }
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

/// The seeds of the variable; a profile's default stands back for seeds in the file, but not for a stock loopback one.
fn given_seeds<'a>(settings: &'a Settings, in_file: &[Seed]) -> Option<(&'a [Seed], Source)> {
    let given = settings.seeds.as_ref()?;
    match &given.source {
        Source::Profile(_) if !in_file.is_empty() => None,
        Source::Profile(name) => {
            Some((given.value.seeds(), Source::Computed(format!("the defaults of the profile {name}"))))
        }
        source => Some((given.value.seeds(), source.clone())),
    }
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

/// The pod's name within its cluster, where the downward API told its parts.
fn own_pod(settings: &Settings) -> Option<String> {
    let part = |given: &Option<Given<Label>>| given.as_ref().map(|given| given.value.to_string());
    let (pod, service) = (part(&settings.pod_name)?, part(&settings.service_name)?);
    Some(format!("{pod}.{service}.{}", part(&settings.pod_namespace)?))
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
