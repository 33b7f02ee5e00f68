//! Java agents that a variable switches on: Jolokia and an exporter for Prometheus, each once, with its secrets in a file.

use std::path::{Path, PathBuf};

use crate::config::plan::draft::Draft;
use crate::config::plan::jvm::sources;
use crate::config::plan::{Inputs, PrivateFile};
use crate::config::properties::Properties;
use crate::report::Finding;
use crate::settings::contract::Given;
use crate::settings::raw::Source;
use crate::settings::value::AbsolutePath;

/// The folders where images keep agents; `lib` of the distribution counts, too.
pub const FOLDERS: &[&str] = &["/extra-lib", "/usr/local/share", "/opt/lib", "/opt/jolokia", "/opt/agents", "/opt"];

/// The names of exporters' configuration in the conf folder.
pub const CONFIGURATIONS: &[&str] = &[EXPORTER, "jmx_exporter.yaml", "jmx_exporter.yml", "prometheus.yaml"];

/// What the exporter of Instaclustr reads.
const EXPORTER: &str = "exporter.conf";
/// Where Jolokia is told its user and password.
const JOLOKIA_FILE: &str = "jolokia.properties";
/// The port of the exporter of Instaclustr, which the other one gets, too.
const EXPORTER_PORT: u16 = 9500;

/// Agents that are at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agents {
    /// The jars that were found, those that a variable names first; nothing where nobody could look, since the
    /// configuration is for another machine.
    pub jars: Option<Vec<PathBuf>>,
    /// Which of [`CONFIGURATIONS`] are in the conf folder.
    pub configurations: Vec<String>,
}

/// A kind of agent.
struct Kind {
    /// Its name for people.
    name: &'static str,
    /// What the names of its jars hold.
    marks: &'static [&'static str],
    /// Where the image that it comes from keeps it.
    usual: &'static str,
    /// The variable that names the jar.
    variable: &'static str,
}

const JOLOKIA: Kind = Kind {
    name: "Jolokia",
    marks: &["jolokia"],
    usual: "/extra-lib/jolokia-agent.jar",
    variable: "CASSANDRA_JOLOKIA_JAR",
};
const PROMETHEUS: Kind = Kind {
    name: "an exporter for Prometheus",
    marks: &["cassandra-exporter", "jmx_prometheus"],
    usual: "/extra-lib/cassandra-exporter-agent.jar",
    variable: "CASSANDRA_EXPORTER_JAR",
};

/// Whether a file name is that of an agent that we know.
pub fn is_agent(name: &str) -> bool {
    let jar = Path::new(name).extension().is_some_and(|extension| extension == "jar");
    jar && [JOLOKIA, PROMETHEUS].iter().any(|kind| kind.is(name))
}

impl Kind {
    fn is(&self, name: &str) -> bool {
        self.marks.iter().any(|mark| name.contains(mark))
    }

    /// The jar of a `-javaagent:` option of this kind.
    fn jar_of<'a>(&self, option: &'a str) -> Option<&'a str> {
        let path = option.strip_prefix("-javaagent:")?.split('=').next()?;
        self.is(path.rsplit('/').next()?).then_some(path)
    }
}

/// Writes the options of the agents that are switched on; returns the files that hold their secrets.
pub(super) fn plan(inputs: &Inputs, draft: &mut Draft) -> Vec<PrivateFile> {
    exporter(inputs, draft);
    jolokia(inputs, draft).into_iter().collect()
}

/// An agent that runs already.
enum Present {
    No,
    /// By an option of a file, which can be replaced.
    InFile(String),
    /// By a variable or a script, which cannot.
    Elsewhere(&'static str),
}

fn present(kind: &Kind, inputs: &Inputs, draft: &Draft) -> Present {
    if let Some((_, option)) = draft.options.live().find(|(_, option)| kind.jar_of(option).is_some()) {
        return Present::InFile(option);
    }
    if sources::of_environment(inputs).iter().any(|(_, option)| kind.jar_of(option).is_some()) {
        return Present::Elsewhere("JVM_OPTS or JVM_EXTRA_OPTS");
    }
    let script = draft.documents.base_text("cassandra-env.sh");
    let adds = |line: &str| !line.trim_start().starts_with('#') && line.contains("-javaagent:") && kind.is(line);
    if script.lines().any(adds) { Present::Elsewhere("cassandra-env.sh") } else { Present::No }
}

/// The jar to load; what is missing is an error where somebody asked for it and a warning where a profile does.
fn jar(
    kind: &Kind,
    switch: &Source,
    chosen: Option<&Given<AbsolutePath>>,
    inputs: &Inputs,
    draft: &mut Draft,
) -> Option<PathBuf> {
    let chosen = chosen.map(|given| given.value.as_path().to_owned());
    let Some(jars) = &inputs.agents.jars else {
        return Some(chosen.unwrap_or_else(|| kind.usual.into()));
    };
    let fits = |jar: &&PathBuf| match &chosen {
        Some(chosen) => *jar == chosen,
        None => jar.file_name().and_then(|name| name.to_str()).is_some_and(|name| kind.is(name)),
    };
    if let Some(jar) = jars.iter().find(fits) {
        return Some(jar.clone());
    }
    let message = match &chosen {
        Some(chosen) => format!("{} is to run in the JVM, and there is no {}", kind.name, chosen.display()),
        None => format!("{} is to run in the JVM, and its jar is in none of {}", kind.name, FOLDERS.join(", ")),
    };
    let finding = if switch.is_given() || chosen.is_some() {
        Finding::error(switch.to_string(), message)
    } else {
        Finding::warning(switch.to_string(), format!("{message}: it does not run"))
    };
    draft.report(finding.hint(format!("{} names the jar", kind.variable)));
    None
}

/// A profile's default for an agent says nothing that a mounted option file could have said: it is added there, too.
fn source_of(switch: &Source) -> Source {
    match switch {
        Source::Profile(name) => Source::Computed(format!("the profile {name}")),
        other => other.clone(),
    }
}

fn jolokia(inputs: &Inputs, draft: &mut Draft) -> Option<PrivateFile> {
    let settings = inputs.settings;
    let auth = settings.jolokia_auth.as_ref().filter(|given| given.value);
    let Some(switch) = settings.jolokia.as_ref().filter(|given| given.value) else {
        if let Some(auth) = auth.filter(|auth| auth.source.is_given()) {
            let message = "has no effect, CASSANDRA_ENABLE_JOLOKIA does not switch Jolokia on";
            draft.report(Finding::warning(auth.source.to_string(), message));
        }
        return None;
    };
    let source = source_of(&switch.source);
    let jar = match (present(&JOLOKIA, inputs, draft), auth) {
        (Present::No, _) => jar(&JOLOKIA, &switch.source, settings.jolokia_jar.as_ref(), inputs, draft)?,
        (Present::InFile(_) | Present::Elsewhere(_), None) => return None,
        (Present::InFile(option), Some(_)) => PathBuf::from(JOLOKIA.jar_of(&option)?),
        (Present::Elsewhere(place), Some(auth)) => {
            let message = format!("Jolokia runs without it, by {place}");
            draft.report(Finding::error(auth.source.to_string(), message).hint("take the agent out there"));
            return None;
        }
    };
    let Some(auth) = auth else {
        draft.option(&format!("-javaagent:{}=host=0.0.0.0,executor=fixed", jar.display()), &source);
        return None;
    };
    let (Some(user), Some(password)) = (&settings.jolokia_user, &settings.jolokia_password) else {
        let message =
            "Jolokia is to ask for a user and a password, and JOLOKIA_USER and JOLOKIA_PASSWORD are not both set";
        draft.report(Finding::error(auth.source.to_string(), message));
        return None;
    };
    let file = inputs.conf.join(JOLOKIA_FILE);
    draft.option(&format!("-javaagent:{}=config={}", jar.display(), file.display()), &source);
    let mut text = Properties::parse(JOLOKIA_FILE, "").ok()?;
    for (key, value) in [
        ("host", "0.0.0.0"),
        ("executor", "fixed"),
        ("authMode", "basic"),
        ("user", user.value.as_str()),
        ("password", password.value.reveal()),
    ] {
        text.set(key, value);
    }
    Some(PrivateFile { name: JOLOKIA_FILE.to_owned(), text: text.text().to_owned() })
}

fn exporter(inputs: &Inputs, draft: &mut Draft) {
    let settings = inputs.settings;
    let Some(switch) = settings.exporter.as_ref().filter(|given| given.value) else { return };
    if !matches!(present(&PROMETHEUS, inputs, draft), Present::No) {
        return;
    }
    let Some(jar) = jar(&PROMETHEUS, &switch.source, settings.exporter_jar.as_ref(), inputs, draft) else { return };
    let there = |name: &str| inputs.agents.configurations.iter().any(|known| known == name);
    let conf = |name: &str| inputs.conf.join(name).display().to_string();
    let is_jmx_exporter = jar.to_string_lossy().contains("jmx_prometheus");
    let arguments = if is_jmx_exporter {
        let configuration = CONFIGURATIONS.iter().filter(|name| **name != EXPORTER).find(|name| there(name));
        let Some(name) = configuration else {
            let message =
                format!("{} needs its configuration, {} in the conf folder", jar.display(), "jmx_exporter.yaml");
            draft.report(Finding::error(switch.source.to_string(), message).hint("mount it in the overlay"));
            return;
        };
        format!("={EXPORTER_PORT}:{}", conf(name))
    } else if there(EXPORTER) {
        format!("=@{}", conf(EXPORTER))
    } else {
        String::new()
    };
    draft.option(&format!("-javaagent:{}{arguments}", jar.display()), &source_of(&switch.source));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jars_are_known_by_their_names() {
        for name in ["jolokia-jvm-1.7.2.jar", "jolokia-agent.jar", "cassandra-exporter-agent.jar"] {
            assert!(is_agent(name), "{name}");
        }
        for name in ["jamm-0.4.0.jar", "jolokia.conf", "jmx_prometheus_javaagent.txt"] {
            assert!(!is_agent(name), "{name}");
        }
        assert_eq!(JOLOKIA.jar_of("-javaagent:/x/jolokia-agent.jar=host=0"), Some("/x/jolokia-agent.jar"));
        assert_eq!(JOLOKIA.jar_of("-javaagent:/jolokia/jamm.jar"), None);
    }
}
