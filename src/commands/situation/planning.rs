//! The plan made from a situation, with every problem that it has.

use std::net::IpAddr;

use crate::cassandra::overrides::{ALLOWING_VARIABLE, SETTING_VARIABLE};
use crate::commands::launchable;
use crate::commands::situation::{Ready, Situation};
use crate::config::documents::{Documents, Layer};
use crate::config::generic;
use crate::config::plan::{self, Inputs, OtherOptions, Plan};
use crate::exit::{Exit, Failure};
use crate::host::files;
use crate::report::{Finding, Report};
use crate::seeds::{self, Provider, Question};
use crate::settings::Settings;
use crate::settings::address::{Host, OwnAddress, Seed};
use crate::settings::contract::Given;
use crate::settings::raw::Source;
use crate::settings::value::{Label, LaunchMode};

impl Situation {
    /// Makes the plan; every problem is told at once.
    pub(in crate::commands) fn plan(&mut self) -> Result<Ready, Failure> {
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
            other_options: &self.other_options(),
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

    /// What java reads of its own variables, around its command line, what ours says, and what Cassandra reads of its own.
    fn other_options(&self) -> OtherOptions {
        let words = |(name, text): (String, String)| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.into_iter().map(move |word| (name.clone(), word))
        };
        let set = |name: &str| Some((name.to_owned(), self.env.text(name)?.to_owned()));
        // The launcher of Java 8 adds nothing to what the JVM itself reads.
        let names: &[&str] = if self.distribution.java.major < 9 {
            &["JAVA_TOOL_OPTIONS"]
        } else {
            &["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"]
        };
        let arguments = self.arguments.iter().map(|option| ("the command line".to_owned(), option.clone()));
        let is_cassandras = |name: &&str| *name == ALLOWING_VARIABLE || name.starts_with(SETTING_VARIABLE);
        OtherOptions {
            before: names.iter().copied().filter_map(set).flat_map(words).collect(),
            after: arguments.chain(set("_JAVA_OPTIONS").into_iter().flat_map(words)).collect(),
            variables: self.env.names().filter(is_cassandras).filter_map(set).collect(),
        }
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

/// The pod's name within its cluster, where the downward API told its parts.
fn own_pod(settings: &Settings) -> Option<String> {
    let part = |given: &Option<Given<Label>>| given.as_ref().map(|given| given.value.to_string());
    let (pod, service) = (part(&settings.pod_name)?, part(&settings.service_name)?);
    Some(format!("{pod}.{service}.{}", part(&settings.pod_namespace)?))
}
